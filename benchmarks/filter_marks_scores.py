"""Scores of pictures, the limits that ship, and shares with their intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
