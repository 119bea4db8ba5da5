"""The matrices of `hashes`: from a row of pixels to the low frequencies of a picture's parts, Lanczos' kernel within.

One a side of a picture, kept by its length: made anew it takes .25 ms for 113 pixels, twice that for 277.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

MATRICES = 1024
"""How many are kept, 40 to 140 kB each: folders of scraped pictures have hundreds of widths and heights."""
LOW, WIDE = 8, 16
"""Frequencies along a side of a 64-bit and of a 256-bit hash."""


@lru_cache(MATRICES)
def frequencies(side: int, extent: float, spans: tuple[tuple[float, float], ...]) -> NDArray[np.float32]:
    """(8 spans + 16, side): from a row of pixels, `extent` of them the picture, to lowest frequencies.

    `spans` are fractions of the picture, the whole first. Eight frequencies of each, for `phash` and the views, then
    sixteen of the whole, for `phash256`; a span is reduced to four times as many samples as it has frequencies.
    """
    places = extent * np.array(spans)
    small = _cosines(LOW) @ _lanczos(side, places, 4 * LOW)
    wide = _cosines(WIDE) @ _lanczos(side, places[:1], 4 * WIDE)
    return np.concatenate([small.reshape(-1, side), wide[0]]).astype(np.float32)


def forget() -> None:
    """As if no picture had been hashed: for measuring."""
    frequencies.cache_clear()


@cache
def _cosines(low: int) -> NDArray[np.float64]:
    """(low, 4 low): the lowest rows of a DCT-II."""
    rows: NDArray[np.float64] = np.cos(np.pi / (4 * low) * np.outer(np.arange(low), np.arange(4 * low) + 0.5))
    return rows


def _lanczos(side: int, spans: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    """(spans, samples, side): the reduction of pixels begin to end, `spans` (n, 2), as Pillow's LANCZOS weighs them.

    The kernel sinc(x) sinc(x / 3) is sinc(x / 3)^2 (1 - 4/3 sin(pi x / 3)^2): one sine a pixel near a sample.
    """
    begin, end = spans[:, :1], spans[:, 1:]
    step = (end - begin) / samples
    width = np.maximum(step, 1.0)
    centres = begin + (np.arange(samples) + 0.5) * step
    taps = np.arange(int(6 * width.max()) + 2)
    pixels = np.floor(centres - 3 * width).astype(np.int64)[..., None] + taps
    away = (pixels + 0.5 - centres[..., None]) / width[..., None]
    inside = (pixels >= np.floor(begin)[..., None]) & (pixels < np.ceil(end)[..., None])
    third = np.sinc(away / 3)
    kernel = third**2 * (1 - 4 / 3 * (third * np.pi / 3 * away) ** 2)
    weights = np.where(inside & (np.abs(away) < 3), kernel, 0.0)
    margin = len(taps)
    placed = np.zeros((len(spans), samples, side + 2 * margin))
    np.put_along_axis(placed, pixels + margin, weights / weights.sum(-1, keepdims=True), -1)
    return placed[..., margin : margin + side]
