"""What the detector of drawn faces looks at: a picture in several sizes, and candidates closely, each on a canvas.

Every look knows how to come back to the source. Pixels are (h, w, 3) in -1..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from scgan_data.faces.face import Box

SHRINK, LOOKS = 0.7, 6
"""Each look is so much smaller than the one before; at most so many looks."""
LEAST_SIDE_PX = 80
"""The smallest look's longer side, unless the picture is smaller still."""
MARGIN_PX = 16
CLOSE_PX, AROUND = 96.0, 2.8
"""A candidate's size when looked at closely, and the side of what is shown of it, in its sizes."""
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Look:
    """A picture or a part of it on a canvas: pixels (h, w, 3) in -1..1, and how to come back to the source."""

    pixels: NDArray[np.float32]
    canvas: tuple[int, int]
    scale_xy: tuple[float, float]
    corner_xy: tuple[float, float] = (0.0, 0.0)
    """Where the pixels begin in the source."""
    mirrored: bool = False


def looks(image: Image.Image, max_side_px: int) -> list[Look]:
    """The whole picture in falling sizes; `max_side_px` is the longer side of the largest look at larger pictures,
    smaller ones are enlarged, but at most twice and to at most a quarter of it."""
    longer = max(image.size)
    side = min(max_side_px, max(longer, min(2 * longer, max_side_px // 4)))
    sides = [side]
    while len(sides) < LOOKS and round(sides[-1] * SHRINK) >= LEAST_SIDE_PX:
        sides.append(round(sides[-1] * SHRINK))
    return [_sized(image, side) for side in sides]


def _sized(image: Image.Image, side: int) -> Look:
    from scgan_data.faces.drawn_net import DEEPEST

    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    method = Image.Resampling.BILINEAR if scale <= 1 else Image.Resampling.BICUBIC
    rgb = image.convert("RGB")
    small = rgb if size == image.size else rgb.resize(size, method, reducing_gap=3.0)
    height, width = (-(-(n + 2 * MARGIN_PX) // DEEPEST) * DEEPEST for n in (size[1], size[0]))
    return Look(levels(small), (height, width), (size[0] / image.width, size[1] / image.height))


def close_look(image: Image.Image, box: F64, mirrored: bool) -> Look:
    """A candidate and what is around it, as far as the picture reaches."""
    from scgan_data.faces.drawn_net import DEEPEST

    size = size_of(box)
    shown, corner = window(image, box, AROUND, CLOSE_PX / size)
    if mirrored:
        shown = ImageOps.mirror(shown)
    side = -(-(round(AROUND * CLOSE_PX) + 2 * MARGIN_PX) // DEEPEST) * DEEPEST
    return Look(levels(shown), (side, side), (CLOSE_PX / size, CLOSE_PX / size), corner, mirrored)


def window(image: Image.Image, box: F64, around: float, scale: float) -> tuple[Image.Image, tuple[float, float]]:
    """A square about a box as far as the picture reaches, `around` sizes of the box wide, scaled; where it begins."""
    centre, reach = (box[:2] + box[2:]) / 2, around * size_of(box) / 2
    x0, y0 = (float(v) for v in np.clip(centre - reach, 0, np.array(image.size) - 1))
    x1, y1 = (float(v) for v in np.minimum(np.maximum(centre + reach, (x0 + 1, y0 + 1)), image.size))
    shape = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    method = Image.Resampling.BILINEAR if scale <= 1 else Image.Resampling.BICUBIC
    part = image.convert("RGB").resize(shape, method, (x0, y0, x1, y1), reducing_gap=3.0)
    return part, (x0, y0)


def size_of(box: F64) -> float:
    """The root of a box's area, at least a pixel."""
    return max(1.0, float(np.sqrt(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]))))


def levels(image: Image.Image) -> NDArray[np.float32]:
    """A picture's (h, w, 3) levels in -1..1."""
    return np.asarray(image, np.float32) / np.float32(127.5) - np.float32(1)


def as_box(values: F64) -> Box:
    """Four numbers as a box of at least nothing."""
    x0, y0, x1, y1 = (float(v) for v in values)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
