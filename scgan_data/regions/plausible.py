"""Whether to believe a region's box: order, symmetry, size and place in the head's own frame, and the picture's edge.

Each check has four numbers, `least`, `low`, `high` and `most`: what is usual lies between the inner two, what no head
has lies beyond the outer ones. A box's margin is 1 where everything about it is usual, falls to 0 at the nearest limit,
and is negative beyond: then the region is called not visible, since Eq. 4 had better weigh it 0 than learn from a
guess. Everything is measured in units of the head's frame and along its axes (`head`), so a tilted head is judged as an
upright one. The boxes are those without padding.

The usual of photographs is what about 98 of 100 of 376 faces with 68-point truth have, each quantity for itself, and
the limits lie about half as far again outside; drawings, measured on 238 portraits of seven styles whose vector art
gives the exact boxes, vary so much more (a nose is a dot or a third of the face) that only what is out of place counts.
`MISFIT` judges the five points as a whole: of the 376 faces .07 in the median and .23 at most, of the drawings .2 at
most, with two points exchanged .48 or more in the median.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scgan_data.records import ATTENTIVE, Region
from scgan_data.regions.head import Heads, Real, heads


@dataclass(frozen=True)
class Range:
    """What is usual, and the limits."""

    least: float
    low: float
    high: float
    most: float

    def margin(self, value: float) -> float:
        """1 from `low` to `high`, 0 at `least` and `most`, negative beyond."""
        below = (value - self.least) / (self.low - self.least)
        above = (self.most - value) / (self.most - self.high)
        return min(1.0, below, above)


def _even(usual: float, most: float) -> Range:
    return Range(-most, -usual, usual, most)


@dataclass(frozen=True)
class Limits:
    """A region's ranges, in units of the head's frame."""

    width: Range
    height: Range
    across: Range
    """Where its middle is, to the right of the face's axis: the symmetry."""
    down: Range
    """Where its middle is, below the five points' centre."""


_EYES_DOWN = Range(-0.95, -0.67, -0.4, -0.2)
_DRAWN_EYES_DOWN = Range(-1.1, -0.8, -0.2, 0.2)
PHOTOGRAPHED = {
    Region.EYES: Limits(Range(0.7, 1.1, 1.7, 2.1), Range(0.02, 0.06, 0.5, 0.8), _even(0.2, 0.45), _EYES_DOWN),
    Region.NOSE: Limits(
        Range(0.15, 0.26, 0.52, 0.75), Range(0.4, 0.58, 1.0, 1.3), _even(0.2, 0.45), Range(-0.45, -0.25, 0.06, 0.3)
    ),
    Region.MOUTH: Limits(
        Range(0.3, 0.52, 1.15, 1.5), Range(0.06, 0.17, 0.65, 1.0), _even(0.17, 0.4), Range(0.3, 0.45, 0.86, 1.15)
    ),
    Region.LEFT_EYE: Limits(
        Range(0.1, 0.22, 0.55, 0.8), Range(0.0, 0.04, 0.23, 0.5), Range(-0.95, -0.7, -0.22, -0.05), _EYES_DOWN
    ),
    Region.RIGHT_EYE: Limits(
        Range(0.1, 0.22, 0.55, 0.8), Range(0.0, 0.04, 0.23, 0.5), Range(0.05, 0.22, 0.7, 0.95), _EYES_DOWN
    ),
    Region.EYEBROWS: Limits(
        Range(0.9, 1.4, 2.25, 2.8), Range(0.02, 0.07, 0.65, 1.0), _even(0.26, 0.5), Range(-1.35, -1.05, -0.65, -0.4)
    ),
}
DRAWN = {
    Region.EYES: Limits(Range(0.4, 1.0, 2.4, 3.2), Range(0.02, 0.1, 1.0, 1.5), _even(0.25, 0.6), _DRAWN_EYES_DOWN),
    Region.NOSE: Limits(
        Range(0.02, 0.1, 1.0, 1.5), Range(0.02, 0.05, 1.0, 1.5), _even(0.25, 0.5), Range(-0.65, -0.3, 0.2, 0.45)
    ),
    Region.MOUTH: Limits(
        Range(0.05, 0.25, 1.4, 2.0), Range(0.02, 0.1, 0.8, 1.2), _even(0.3, 0.5), Range(0.1, 0.3, 0.86, 1.2)
    ),
    Region.LEFT_EYE: Limits(
        Range(0.02, 0.15, 1.2, 1.6), Range(0.02, 0.08, 1.0, 1.5), Range(-1.4, -1.0, -0.2, 0.0), _DRAWN_EYES_DOWN
    ),
    Region.RIGHT_EYE: Limits(
        Range(0.02, 0.15, 1.2, 1.6), Range(0.02, 0.08, 1.0, 1.5), Range(0.0, 0.2, 1.0, 1.4), _DRAWN_EYES_DOWN
    ),
    Region.EYEBROWS: Limits(
        Range(0.4, 1.0, 2.6, 3.4), Range(0.0, 0.05, 0.8, 1.2), _even(0.3, 0.6), Range(-1.6, -1.2, -0.5, 0.0)
    ),
}
MISFIT = Range(-1.0, 0.0, 0.2, 0.35)
"""Of the five points with the mean face (`Heads.misfit`)."""
GAP = Range(0.0, 0.2, 1.2, 2.0)
"""From the eyes' middle down to the nose's, and from there to the mouth's: the order."""


def margins(found: Mapping[Region, Real], points: Real, *, drawn: bool) -> dict[Region, float]:
    """The margin of each box (4,), in the pixels of the (5, 2) points: 1 usual, 0 at a limit, at most 0 beyond.

    Of hair and glasses, which may be anywhere, the face alone is judged.
    """
    head = heads(points[None])
    face = MISFIT.margin(float(head.misfit[0]))
    limits = DRAWN if drawn else PHOTOGRAPHED
    middles = {region: _middle(box, head) for region, box in found.items()}
    margin = {
        region: min(face, _shape(box, head, limits[region]), _place(middles[region], limits[region]))
        if region in limits
        else face
        for region, box in found.items()
    }
    ranked = [region for region in ATTENTIVE if region in found]
    for upper, lower in pairwise(ranked):
        gap = GAP.margin(float(middles[lower][1] - middles[upper][1]))
        margin[upper], margin[lower] = min(margin[upper], gap), min(margin[lower], gap)
    return margin


def inside_margin(box: Real, size: tuple[int, int], least: float) -> float:
    """1 for a box (x0, y0, x1, y1) inside a picture of (width, height), 0 for a fraction of `least` inside."""
    low, high = np.maximum(box[:2], 0), np.minimum(box[2:], size)
    inside = float(np.prod(np.clip(high - low, 0, None)) / max(float(np.prod(box[2:] - box[:2])), 1e-9))
    return (inside - least) / (1 - least) if least < 1 else min(0.0, inside - 1)


def _middle(box: Real, head: Heads) -> Real:
    """(2,) the box's middle in the head's frame."""
    centre: Real = head.to_head((box[:2] + box[2:]).reshape(1, 1, 2) / 2)[0, 0]
    return centre


def _place(middle: Real, limits: Limits) -> float:
    return min(limits.across.margin(float(middle[0])), limits.down.margin(float(middle[1])))


def _shape(box: Real, head: Heads, limits: Limits) -> float:
    """The size's margin. The box is upright and the head is not: a tilted part's hull is as wide as its width and its
    height together make it, so the ranges are turned as the head is."""
    unit = abs(head.turn[0])
    across, along = abs(head.turn[0].real) / unit, abs(head.turn[0].imag) / unit
    wide, high = (
        _turned(limits.width, limits.height, across, along),
        _turned(limits.height, limits.width, across, along),
    )
    width, height = (box[2:] - box[:2]) / unit
    return min(wide.margin(float(width)), high.margin(float(height)))


def _turned(one: Range, other: Range, cosine: float, sine: float) -> Range:
    return Range(
        *(
            cosine * a + sine * b
            for a, b in zip(
                (one.least, one.low, one.high, one.most), (other.least, other.low, other.high, other.most), strict=True
            )
        )
    )
