"""Region boxes from five points, by proportions that were fitted on real faces.

A region is a handful of outline points; each is a linear function of the head's few numbers (`head`), placed in the
head's frame, turned back into the picture, and the box is their hull: so a tilted head's boxes are those of its tilted
parts, and not of a tilted box. Points come in pairs, a left one and its mirror image, or lie on the face's axis; a
mirrored picture therefore gives mirrored boxes. The numbers (`proportions.json`, some 300) are those that give the best
mean IoU with the hulls of 68-point truth, from the points as the detector places them: pipelines/fit_regions.py says
how, benchmarks/regions.py how well. In five folds by person the mean IoU for eyes, nose and mouth is

    fixed proportions, the medians         .56  .68  .59        with true points      .60  .74  .65
    ridge from the points to the edges     .62  .74  .65                              .74  .82  .78
    this                                   .65  .71  .64                              .80  .83  .80

The ridge is ahead for the nose where points are noisy, and not used: its boxes are those of upright heads, and neither
turn with the head nor mirror with the picture. The detector's face box as four more numbers changed nothing (.003).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from scgan_data.records import Region
from scgan_data.regions.head import EVEN, ODD, Heads, Real, heads, hull

FILE_NAME = "proportions.json"


@dataclass(frozen=True)
class Outline:
    """A region's points, linear in the head's numbers."""

    pairs: Real
    """(P, 2 EVEN + 2 ODD): x by even, x by odd, y by even, y by odd of the left point of each pair."""
    axis: Real
    """(A, ODD + EVEN): x by odd, y by even of each point on the axis."""

    def left(self, some: Heads, *, mirrored: bool = False) -> Real:
        """(N, P, 2) the pairs' left points, or their mirror images, in the heads' frames."""
        x_even, x_odd, y_even, y_odd = np.split(self.pairs.T, np.cumsum([EVEN, ODD, EVEN]))
        sign = -1.0 if mirrored else 1.0
        x = sign * (some.even @ x_even) + some.odd @ x_odd
        y = some.even @ y_even + sign * (some.odd @ y_odd)
        return np.stack([x, y], -1)

    def points(self, some: Heads) -> Real:
        """(N, 2 P + A, 2) all points in the heads' frames."""
        middle = np.stack([some.odd @ self.axis[:, :ODD].T, some.even @ self.axis[:, ODD:].T], -1)
        return np.concatenate([self.left(some), self.left(some, mirrored=True), middle], 1)


def table_id() -> str:
    """The hash of the fitted numbers: part of the stage's version."""
    return hashlib.sha256(files(__package__).joinpath(FILE_NAME).read_bytes()).hexdigest()


@cache
def fitted() -> Mapping[Region, Outline]:
    """The outlines that were fitted; the right eye has none of its own."""
    table = json.loads(files(__package__).joinpath(FILE_NAME).read_text("utf-8"))["outlines"]
    return {
        Region(name): Outline(
            np.array(entry["pairs"], float).reshape(-1, 2 * (EVEN + ODD)),
            np.array(entry["axis"], float).reshape(-1, EVEN + ODD),
        )
        for name, entry in table.items()
    }


def boxes(points: Real, outlines: Mapping[Region, Outline] | None = None) -> dict[Region, Real]:
    """{region: (N, 4) x0, y0, x1, y1} of (N, 5, 2) points, all in pixels; boxes may reach outside the picture.

    Every region that the outlines know (default: `fitted`), the eyes also one by one.
    """
    some, known = heads(points), fitted() if outlines is None else outlines
    found = {region: hull(some.to_picture(_points(region, outline, some))) for region, outline in known.items()}
    if Region.LEFT_EYE in known:
        found[Region.RIGHT_EYE] = hull(some.to_picture(known[Region.LEFT_EYE].left(some, mirrored=True)))
    return found


def _points(region: Region, outline: Outline, some: Heads) -> Real:
    return outline.left(some) if region is Region.LEFT_EYE else outline.points(some)
