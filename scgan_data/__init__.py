"""The dataset toolkit: from pictures on the web or on disk to a versioned dataset of selfies and cartoon portraits.

Each stage is one module, one command of `scgan-data`, one section of params.yaml and one folder of data/, in this
order: collect, dedup, filter, crop, annotate, dataset. Importing this package never imports torch.
"""
