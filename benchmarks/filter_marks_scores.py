"""Scores of pictures, the limits that ship, and shares with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest

from benchmarks.results import Figure
from scgan_data import watermark
from scgan_data.config import limit_for
from scgan_data.filter import FilterConfig

Pictures = list[Image.Image]
Scores = NDArray[np.float64]


def scores(pictures: Pictures) -> Scores:
    """The detector's score of each picture, every mark counted."""
    return np.array([watermark.find(picture).score for picture in pictures])


def limit(domain: str) -> float:
    """The limit that ships for a domain."""
    found = limit_for(FilterConfig().max_watermark_score, domain)
    return 1.0 if found is None else found


def share(
    name: str, hits: Sequence[bool] | NDArray[np.bool_], least: float | None = None, *, at_most: bool = False
) -> Figure:
    """k of n with its interval."""
    k, n = int(np.sum(hits)), len(hits)
    low, high = binomtest(k, n).proportion_ci(0.95, method="exact") if n else (0.0, 1.0)
    return Figure(name, round(k / max(1, n), 4), f"of 1 ({k}/{n}; {low:.3f} to {high:.3f})", least, at_most=at_most)
