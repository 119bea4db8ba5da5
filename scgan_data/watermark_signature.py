"""watermark_signature: is what the detector framed an artist's signature rather than a mark? By a stated rule.

Small, near a bottom corner, and written: thin strokes of one colour that run on from letter to letter. Print stands in
letters of equal height with gaps between them, a logo is solid. The rule sees the picture's own pixels inside the box,
enlarged by a margin; the ink is what differs from the local median.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAX_WIDTH, MAX_HEIGHT = 0.5, 0.22
"""Of the picture."""
CORNER = 0.4
"""The box's centre lies in the lowest such part, and in the outer such part of one side."""
MAX_STROKE = 0.16
"""Stroke width over the ink's height."""
MIN_RUN = 0.3
"""The longest piece that hangs together, over the ink's width."""
MAX_COLOUR_SPREAD = 36.0
"""Gray levels: median deviation of the ink from its median colour."""
LEAST_INK = 14.0
"""Gray levels by which ink differs from its surroundings, at least."""

Box = tuple[int, int, int, int]


def is_signature(picture: Image.Image, box: Box) -> bool:
    """Whether what lies in the half-open box of an RGB picture passes for a signature."""
    return _placed(picture.size, box) and _written(picture.crop(_margined(picture.size, box)))


def _placed(size: tuple[int, int], box: Box) -> bool:
    (width, height), (x0, y0, x1, y1) = size, box
    x, y = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height
    small = x1 - x0 <= MAX_WIDTH * width and y1 - y0 <= MAX_HEIGHT * height
    return small and y >= 1 - CORNER and min(x, 1 - x) <= CORNER


def _margined(size: tuple[int, int], box: Box) -> Box:
    margin = (box[3] - box[1]) // 4
    x0, y0, x1, y1 = box
    return max(0, x0 - margin), max(0, y0 - margin), min(size[0], x1 + margin), min(size[1], y1 + margin)


def _written(part: Image.Image) -> bool:
    from scipy import ndimage

    pixels = np.asarray(part, dtype=np.float32)
    ink = _ink(pixels)
    groups, count = ndimage.label(ink, np.ones((3, 3)))
    if not count:
        return False
    sizes = ndimage.sum_labels(ink, groups, range(1, count + 1))
    ink = np.isin(groups, 1 + np.flatnonzero(sizes >= 0.03 * sizes.max()))
    (y,), (x,) = np.nonzero(ink.any(1)), np.nonzero(ink.any(0))
    run = max(s[1].stop - s[1].start for s in ndimage.find_objects(groups)) / (x[-1] + 1 - x[0])
    stroke = 2 * float(np.median(ndimage.distance_transform_edt(ink)[ink])) / (y[-1] + 1 - y[0])
    spread = float(np.median(np.abs(pixels[ink] - np.median(pixels[ink], axis=0)).mean(1)))
    return bool(run >= MIN_RUN and stroke <= MAX_STROKE and spread <= MAX_COLOUR_SPREAD)


def _ink(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where pixels (H, W, 3) are lighter, or darker, than the median around them by .4 of what the inkiest are."""
    reach = max(4, pixels.shape[0] // 4)
    ground = np.stack([_median(pixels[..., c].astype(np.uint8), reach) for c in range(3)], axis=2)
    step = (pixels - ground).mean(2)
    step = step if step[step > LEAST_INK].sum() > -step[step < -LEAST_INK].sum() else -step  # light or dark ink
    ink: NDArray[np.bool_] = step > max(LEAST_INK, 0.4 * float(np.percentile(step, 98)))
    return ink


def _median(plane: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """The median of each pixel's square; by sliding histograms, which take 43 ms where sorting each took 3.9 s."""
    from skimage.filters import rank

    side = 2 * reach + 1
    medians: NDArray[np.uint8] = rank.median(np.pad(plane, reach, mode="edge"), np.ones((side, side), np.uint8))
    return medians[reach:-reach, reach:-reach]
