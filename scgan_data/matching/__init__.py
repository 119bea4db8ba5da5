"""What tells selfies from a style's portraits before any style does: measured, judged by stated limits, and mended."""
