"""extract: a quad of a picture as a square of pixels, anti-aliased, and filled where it lies outside.

An upright square of whole pixels is cut out and resized with Lanczos' kernel. A turned one is sampled (bicubic) on a
grid as fine as its source, twice as fine where it is hardly reduced, and that is resized with Lanczos' kernel; where
it is reduced more than eight times the mean of boxes goes first. Sampling it at once at the crop's size, as a plain
affine transform does, turns fine patterns into coarse ones (tests/data/test_extract.py measures that on stripes).

Outside the picture lie its own pixels: `reflect` mirrors them at the border (again and again, where the square leaves
it by more than its size), `edge` repeats the outermost, `soft` mirrors and blurs what lies further out, as FFHQ does,
without FFHQ's fading to the median colour, which a GAN could take for a property of photographs. Never a bar of one
colour. Looked at on 22 portraits of which a quarter is padded: mirrored clothes pass for clothes, a chin or a fringe
near the border for a second one, and of a tilted head cut at the crown an eye comes back above the hair; the repeated
edge is streaks under every neck; blurred it passes for nothing, and a soft edge in one domain only is a difference to
be learned. So `reflect`, and `max_padding` well below a third.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageFilter

from scgan_data import framing

Padding = Literal["reflect", "edge", "soft"]
REDUCED_FROM = 8
"""A turned square at least so many times the crop's side is first reduced by the mean of boxes."""
MAX_SIDE_PX = 8192
"""A larger square is first reduced: no face may ask for a gigabyte."""
BLUR, SOFT_WITHIN = 0.02, 0.06
"""Of the crop's side: the radius of `soft`, and the distance from the picture's border at which it is whole."""


def extract(picture: Image.Image, quad: ArrayLike, size_px: int, padding: Padding = "reflect") -> Image.Image:
    """The quad (4, 2) of an RGB picture as a square of `size_px`."""
    corners = np.asarray(quad, np.float64).reshape(4, 2)
    image = _square(picture, corners, size_px, "edge" if padding == "edge" else "reflect")
    if padding == "soft" and framing.fraction_outside(corners, picture.size) > 0:
        return _softened(image, corners, picture.size)
    return image


def _square(picture: Image.Image, quad: framing.Points, size_px: int, fill: Literal["reflect", "edge"]) -> Image.Image:
    side = framing.side_of(quad)
    if side > MAX_SIDE_PX:
        factor = math.ceil(side / MAX_SIDE_PX)
        picture, quad = picture.reduce(factor), quad / factor
        side /= factor
    box = framing.box_of_quad(quad)
    if box is not None:
        return window(picture, box, fill).resize((size_px, size_px), Image.Resampling.LANCZOS)
    factor = max(1, int(side / size_px / (REDUCED_FROM / 2)))
    low, high = np.floor(quad.min(0)) - 3 * factor, np.ceil(quad.max(0)) + 3 * factor
    around = window(picture, (int(low[0]), int(low[1]), int(high[0]), int(high[1])), fill)
    quad, side = (quad - low) / factor, side / factor
    finer = 2 if side < 2 * size_px else 1
    samples = max(size_px, math.ceil(finer * side))
    sampled = _sampled(around.reduce(factor) if factor > 1 else around, quad, samples)
    return sampled.resize((size_px, size_px), Image.Resampling.LANCZOS) if samples != size_px else sampled


def _sampled(picture: Image.Image, quad: framing.Points, samples: int) -> Image.Image:
    (x, y), across, along = quad[0], (quad[3] - quad[0]) / samples, (quad[1] - quad[0]) / samples
    affine = (across[0], along[0], x, across[1], along[1], y)
    return picture.transform((samples, samples), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)


def window(picture: Image.Image, xyxy: tuple[int, int, int, int], fill: Literal["reflect", "edge"]) -> Image.Image:
    """A half-open box of whole pixels, anywhere; outside the picture filled with its own pixels."""
    x0, y0, x1, y1 = xyxy
    width, height = picture.size
    if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
        return picture.crop(xyxy)
    columns, rows = _indices(x0, x1, width, fill), _indices(y0, y1, height, fill)
    left, top = int(columns.min()), int(rows.min())
    inner = np.asarray(picture.crop((left, top, int(columns.max()) + 1, int(rows.max()) + 1)))
    return Image.fromarray(inner[rows - top][:, columns - left])


def _indices(begin: int, end: int, count: int, fill: Literal["reflect", "edge"]) -> NDArray[np.int64]:
    """The pixels of a line of `count` that stand at begin to end."""
    places = np.arange(begin, end)
    if fill == "edge" or count == 1:
        return np.clip(places, 0, count - 1)
    period = 2 * (count - 1)
    places = places % period
    return np.where(places < count, places, period - places)


def _softened(image: Image.Image, quad: framing.Points, size: tuple[int, int]) -> Image.Image:
    """Blurred the further outside the picture of (width, height) it lies."""
    side = image.width
    centres = np.arange(side) + 0.5
    grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    places = framing.to_parent(grid, quad, image.size)
    away = np.maximum(np.maximum(-places, places - np.array(size)).max(1), 0) / framing.side_of(quad)
    weight = np.clip(away / SOFT_WITHIN, 0, 1).reshape(side, side)
    mask = Image.fromarray((255 * weight).round().astype(np.uint8))
    return Image.composite(image.filter(ImageFilter.GaussianBlur(BLUR * side)), image, mask)
