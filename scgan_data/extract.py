"""extract: a quad of a picture as a square of pixels, anti-aliased, and filled where it lies outside.

An upright square of whole pixels is cut out and resized with Lanczos' kernel. A turned one is sampled (bicubic) on a
grid as fine as its source, twice as fine where it is hardly reduced, and that is resized with Lanczos' kernel; where
it is reduced more than eight times the mean of boxes goes first. Sampling it at once at the crop's size, as a plain
affine transform does, turns fine patterns into coarse ones (tests/data/test_extract.py measures that on stripes).

Outside the picture lie its own pixels, never a bar of one colour. `reflect` mirrors them at the border, no deeper than
down to the face (`framing.whole_face`): there the mirror image turns back towards the border, and again, and is blurred
from then on. `soft` blurs it from the border on, as FFHQ does, without FFHQ's fading to the median colour, which a GAN
could take for a property of photographs. `edge` repeats the outermost pixels.

Looked at on 89 of 118 portraits and television faces that a shoulder crop leaves by a twentieth of its area or more.
Mirrored without a stop, chins come back below chins, with lips and teeth where the picture ends at the neck, a forehead
above a turban, an eye above the hair of a tilted head cut at the crown. `soft` shows the same out of focus: its blur,
2 % of the side, dims an eye and does not hide it. A larger one (FFHQ's ends in the median colour) leaves a halo that
drawings do not have, and the repeated edge streaks under every neck. Stopped at the face, clothes, hair and neck go on
as they do now, and nothing shows twice that a generator could learn to draw. Stopped at the brows instead of the
hairline it still mirrors foreheads; holding the last line instead of turning back draws the chin out downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageFilter

from scgan_data import framing

Padding = Literal["reflect", "edge", "soft"]
Reach = tuple[int, int, int, int]
"""How many pixels beside the outermost one are mirrored at the left, top, right and bottom border."""
EDGE: Reach = (0, 0, 0, 0)
REDUCED_FROM = 8
"""A turned square at least so many times the crop's side is first reduced by the mean of boxes."""
MAX_SIDE_PX = 8192
"""A larger square is first reduced: no face may ask for a gigabyte."""
BLUR, WHOLE_WITHIN = 0.02, 0.03
"""Of the crop's side: the radius of the blur, and the distance from where it begins at which it is whole."""


def extract(
    picture: Image.Image,
    quad: ArrayLike,
    size_px: int,
    padding: Padding = "reflect",
    face_xyxy: Sequence[float] | None = None,
) -> Image.Image:
    """The quad (4, 2) of an RGB picture as a square of `size_px`; of a face's box no pixel shows twice."""
    corners = np.asarray(quad, np.float64).reshape(4, 2)
    reach = EDGE if padding == "edge" else reach_of(face_xyxy, picture.size)
    image = _square(picture, corners, size_px, reach)
    if padding == "edge" or framing.fraction_outside(corners, picture.size) == 0:
        return image
    return _softened(image, corners, picture.size, EDGE if padding == "soft" else reach)


def reach_of(face_xyxy: Sequence[float] | None, size: tuple[int, int]) -> Reach:
    """How deep a picture of (width, height) may be mirrored: to the face, or to its other end where none is known."""
    width, height = size
    if face_xyxy is None:
        return width - 1, height - 1, width - 1, height - 1
    x0, y0, x1, y1 = face_xyxy
    free = zip((x0, y0, width - x1, height - y1), (width, height, width, height), strict=True)
    left, top, right, bottom = (min(most - 1, max(0, math.floor(pixels) - 1)) for pixels, most in free)
    return left, top, right, bottom


def _square(picture: Image.Image, quad: framing.Points, size_px: int, reach: Reach) -> Image.Image:
    side = framing.side_of(quad)
    if side > MAX_SIDE_PX:
        factor = math.ceil(side / MAX_SIDE_PX)
        picture, quad = picture.reduce(factor), quad / factor
        left, top, right, bottom = (depth // factor for depth in reach)
        reach, side = (left, top, right, bottom), side / factor
    box = framing.box_of_quad(quad)
    if box is not None:
        return window(picture, box, reach).resize((size_px, size_px), Image.Resampling.LANCZOS)
    factor = max(1, int(side / size_px / (REDUCED_FROM / 2)))
    low, high = np.floor(quad.min(0)) - 3 * factor, np.ceil(quad.max(0)) + 3 * factor
    around = window(picture, (int(low[0]), int(low[1]), int(high[0]), int(high[1])), reach)
    quad, side = (quad - low) / factor, side / factor
    finer = 2 if side < 2 * size_px else 1
    samples = max(size_px, math.ceil(finer * side))
    sampled = _sampled(around.reduce(factor) if factor > 1 else around, quad, samples)
    return sampled.resize((size_px, size_px), Image.Resampling.LANCZOS) if samples != size_px else sampled


def _sampled(picture: Image.Image, quad: framing.Points, samples: int) -> Image.Image:
    (x, y), across, along = quad[0], (quad[3] - quad[0]) / samples, (quad[1] - quad[0]) / samples
    affine = (across[0], along[0], x, across[1], along[1], y)
    return picture.transform((samples, samples), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)


def window(picture: Image.Image, xyxy: tuple[int, int, int, int], reach: Reach) -> Image.Image:
    """A half-open box of whole pixels, anywhere; outside the picture filled with its own pixels."""
    x0, y0, x1, y1 = xyxy
    width, height = picture.size
    if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
        return picture.crop(xyxy)
    columns, rows = _indices(x0, x1, width, reach[::2]), _indices(y0, y1, height, reach[1::2])
    left, top = int(columns.min()), int(rows.min())
    inner = np.asarray(picture.crop((left, top, int(columns.max()) + 1, int(rows.max()) + 1)))
    return Image.fromarray(inner[rows - top][:, columns - left])


def _indices(begin: int, end: int, count: int, reach: Sequence[int]) -> NDArray[np.int64]:
    """The pixels of a line of `count` that stand at begin to end, mirrored to and fro as deep as `reach` (2) says."""
    places = np.arange(begin, end)
    outside = zip((-places, places - (count - 1)), reach, strict=True)
    low, high = (_folded(np.maximum(away, 0), depth) for away, depth in outside)
    return np.clip(places, 0, count - 1) + low - high


def _folded(away: NDArray[np.int64], depth: int) -> NDArray[np.int64]:
    """Distances from a border, going back at `depth` and again at 0."""
    if depth <= 0:
        return np.zeros_like(away)
    away = away % (2 * depth)
    return np.minimum(away, 2 * depth - away)


def _softened(image: Image.Image, quad: framing.Points, size: tuple[int, int], reach: Reach) -> Image.Image:
    """Blurred the further outside the picture of (width, height), and beyond `reach`, it lies."""
    side = image.width
    centres = np.arange(side) + 0.5
    grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    places = framing.to_parent(grid, quad, image.size)
    away = np.concatenate([-places, places - np.array(size)], axis=1) - np.array(reach)
    weight = np.clip(away.max(1) / framing.side_of(quad) / WHOLE_WITHIN, 0, 1).reshape(side, side)
    if not weight.any():  # mirrored, and not as far as the face
        return image
    mask = Image.fromarray((255 * weight).round().astype(np.uint8))
    return Image.composite(image.filter(ImageFilter.GaussianBlur(BLUR * side)), image, mask)
