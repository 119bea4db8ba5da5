"""Measurements, each written to `results/` with its target, machine, date and command."""
