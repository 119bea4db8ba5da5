"""The embedded sample: selfies, rendered portraits and planted faults, served as a gallery on 127.0.0.1."""
