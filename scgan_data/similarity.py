"""How different two pictures are once crop, rotation and gain are taken out: the confirmation of a near-copy.

Portraits share their composition, and drawings of one style share most of their strokes: neither a hash nor a mean
difference tells a near-copy from another person's portrait. What does is where they differ: a copy differs hardly
anywhere, save under a mark or a caption; another portrait differs in many places. The two thumbnails are aligned by
Gauss-Newton on eight parameters (an affine map, gain and offset of the brightness, clipped to white as cameras and
editors do), coarse to fine over 16, 32 and 64 px, the darker predicting the brighter. Pixels far off weigh little
(Cauchy), so that a caption pulls nothing. The difference is the root mean square residual of a 5 x 5 patch that 80 % of
the patches stay below, over the picture's own standard deviation: a mark or a caption covers less than the rest. To it
comes what the 8 x 8 colours lack of full correlation, in which two drawings that share most strokes still differ.

Where a part of one picture resembles the other (`hashes.VIEWS`), the alignment starts there.

Measured on 60 pictures of each kind with five edits each (marked, captioned, turned by 2 degrees, brighter, cut by 10 %
a side) and on all distinct pairs among them and their copies that hashes within 12 and 14 bits propose; the limits were
chosen on the same pictures (benchmarks/dedup_edits.py has others):

                   limit   marked   others        distinct, least
    photographs    .40     .95      1.00          .43    (of 359)
    avataaars      .28     .64      .95 to .98    .30    (of 3,911)
    anime faces    .45     .95      .98 to 1.00   .81    (of 5,151)

That does not tell avataaars apart that differ in hair or mouth alone (in the sample's gallery from .15): such a style,
whose portraits share most of their strokes, also limits the worst patch (`dedup.max_spot`). There a mark over flat
colours is as large as another mouth (.42 of the marked copies found), so where a translucent mark of one ink explains
it, it is taken out first (`overlay`): .68 found in benchmarks/dedup_edits.py, and none of 276,120 unrelated pairs.
About 4 ms a pair, where numpy alone took 17, on a busy core.

Tried and left (share of marked copies found where no distinct pair is, mean of the kinds): the worst patch alone .64,
the 90 % patch with 40 % of the worst .64, the 90 % patch .77, the 70 % patch .84 (.82 of brightened avataaars),
the median .84 (.63), the 80 % patch .81, with the colours .86. Earlier: four parameters (copies turned by 2 degrees
to .89), mean residual (copies to .25, distinct from .10), 32 px (avataaars distinct from .23), no clipping
(brightened drawings to 1.14), stopping after 32 px where the error is large (saves nothing, loses a copy).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from scgan_data import overlay

SIDE = 64
LEVELS = {16: 6, 32: 6, 64: 3}
"""Steps of Gauss-Newton at each size."""
WHITE = 0.985
QUANTILE = 0.8
MARK_SPOT, MARKED = 0.2, 0.8
"""A mark (`overlay`) is taken out where it explains the worst spot to so much; none is looked for beyond that much."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
FARTHEST = np.array([0.25, 0.12, 0.25, 0.12, 0.25, 0.25])
"""How far the map may leave identity: (y by y, y by x, shift y, x by y, x by x, shift x), shifts as fractions."""
WHOLE = (0.0, 0.0, 1.0, 1.0)
Xyxy = tuple[float, float, float, float]
"""A part of a picture, as fractions of its sides."""
Thumbnail = NDArray[Any]
"""(64, 64, 3) uint8."""
Real = NDArray[np.float64]


def thumbnail(picture: Image.Image) -> Thumbnail:
    """A picture squeezed to the comparison's size."""
    kind = Image.Resampling.BOX if min(picture.size) >= SIDE else Image.Resampling.BILINEAR
    return np.asarray(picture.convert("RGB").resize((SIDE, SIDE), kind), np.uint8)


def coarse(thumb: Thumbnail, part: Xyxy = WHOLE) -> NDArray[np.float32]:
    """(192,) unit vector of the 8 x 8 colours of a part: the dot product of two is their correlation, 1 for copies."""
    x0, y0, x1, y1 = (round(SIDE * side) for side in part)
    rows, columns = (np.linspace(a, b, 9).astype(np.intp) for a, b in ((y0, y1), (x0, x1)))
    sums = np.add.reduceat(np.add.reduceat(thumb[:y1, :x1].astype(np.float32), rows[:-1], 0), columns[:-1], 1)
    cells = sums / (np.diff(rows)[:, None, None] * np.diff(columns)[None, :, None])
    cells -= cells.mean()
    vector: NDArray[np.float32] = (cells / (float(np.sqrt((cells**2).sum())) or 1.0)).ravel()
    return vector


@dataclass(frozen=True)
class Fit:
    """Two thumbnails brought together."""

    predicted: Real
    """(64, 64, 3), 0 to 1: the darker one aligned to the brighter one, in its light."""
    target: Real
    """The brighter one."""
    inside: NDArray[np.bool_]
    """(64, 64): where both have pixels."""
    contrast: float
    """Standard deviation of the target."""


class Difference(NamedTuple):
    """How different two pictures are, 0 for equal ones."""

    over_all: float
    """Of the better 80 % of the patches, and in colours: most of a near-copy is small."""
    in_a_spot: float
    """Of the worst patch: another mouth, or a mark."""


def difference(one: Thumbnail, two: Thumbnail, part_one: Xyxy = WHOLE, part_two: Xyxy = WHOLE) -> Difference:
    """The differences after alignment, relative to the picture's contrast; symmetric.

    `part_one` of the first is expected to show what `part_two` of the second does.
    """
    fit = align(one, two, part_one, part_two)
    found = _of_residual(fit.target - fit.predicted, fit)
    if found.in_a_spot > MARK_SPOT and found.over_all < MARKED:
        for under, over in ((fit.predicted, fit.target), (fit.target, fit.predicted)):
            left = overlay.unexplained(under, over, fit.inside)
            if left is not None and (unmarked := _of_residual(left, fit)).in_a_spot <= MARK_SPOT:
                found = min(found, unmarked)
    colours = 1 - float(coarse(one, part_one) @ coarse(two, part_two))
    return Difference(found.over_all + colours, found.in_a_spot)


def _of_residual(residual: Real, fit: Fit) -> Difference:
    """Differences without those in colours; infinite where the two hardly overlap."""
    squares = np.where(fit.inside, (residual**2).mean(2), 0)
    whole_patches = ndimage.uniform_filter(fit.inside.astype(np.float64), 5) > 0.99
    patches = ndimage.uniform_filter(squares, 5)[whole_patches]
    if not patches.size:
        return Difference(float("inf"), float("inf"))
    most, worst = np.sqrt(np.maximum(0, [np.quantile(patches, QUANTILE), patches.max()])) / (fit.contrast + 1e-3)
    return Difference(float(most), float(worst))


def align(one: Thumbnail, two: Thumbnail, part_one: Xyxy = WHOLE, part_two: Xyxy = WHOLE) -> Fit:
    """The darker thumbnail mapped onto the brighter one, whichever of the two came first."""
    from scgan_data import similarity_kernels as kernels  # numba takes half a second to import

    (dark, from_part), (bright, to_part) = sorted([(one, part_one), (two, part_two)], key=_order)
    dark, bright = dark.astype(np.float32) / 255, bright.astype(np.float32) / 255
    geometry, light = _start(from_part, to_part), np.array([1.0, 0.0])
    grey, grey_target = dark @ LUMA, bright @ LUMA
    for side, steps in LEVELS.items():
        source, target = (ndimage.gaussian_filter(_shrink(t, side), 0.7) for t in (grey, grey_target))
        usable = _inner(side, to_part) & (target < WHITE)
        given = source[:, :, None].astype(np.float64), target.astype(np.float64), usable, steps, FARTHEST
        geometry, light = kernels.steps(*given, (geometry, light))
    source, target = (ndimage.gaussian_filter(t, (0.7, 0.7, 0)) for t in (dark, bright))
    warped, inside = kernels.warp(source.astype(np.float64), geometry)
    inside &= _inner(SIDE, to_part)
    contrast = float(target[inside].std()) if inside.any() else 0.0
    return Fit(np.clip(light[0] * warped + light[1], 0, 1), target.astype(np.float64), inside, contrast)


def _order(item: tuple[Thumbnail, Xyxy]) -> tuple[float, bytes]:
    return float(item[0].mean()), item[0].tobytes()


def _start(source: Xyxy, target: Xyxy) -> Real:
    """The map that lays a part of the source over a part of the target, as a difference from identity."""
    scale_y, scale_x = ((source[i + 2] - source[i]) / (target[i + 2] - target[i]) for i in (1, 0))
    shift_y, shift_x = (source[i] - 0.5 + s * (0.5 - target[i]) for i, s in ((1, scale_y), (0, scale_x)))
    return np.array([scale_y - 1, 0, shift_y, 0, scale_x - 1, shift_x])


def _inner(side: int, part: Xyxy) -> NDArray[np.bool_]:
    """(side, side): the pixels of a part that are not at the picture's edge."""
    edge = max(1, round(side * 0.06))
    x0, y0, x1, y1 = (round(side * fraction) for fraction in part)
    inner = np.zeros((side, side), bool)
    inner[max(edge, y0) : min(side - edge, y1), max(edge, x0) : min(side - edge, x1)] = True
    return inner


def _shrink(grey: Real, side: int) -> Real:
    factor = grey.shape[0] // side
    shrunk: Real = grey.reshape(side, factor, side, factor).mean((1, 3))
    return shrunk
