"""The thin entry points that DVC's model stages and `make demo` run."""
