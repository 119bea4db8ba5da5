"""scGAN: networks, losses, training, baselines, evaluation, translation of pictures, and the report."""
