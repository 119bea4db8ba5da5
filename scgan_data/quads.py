"""Boxes through a crop's transform: from the crop's pixels to its parent's, and back.

A crop is a quadrilateral of the parent's pixels, its corners in the order top left, bottom left, bottom right, top
right (`crop_quad`). A box becomes the bounding box of its four moved corners: exact for upright crops, a little larger
for turned ones. What a person drew is kept in both pixels, so that it is exact in the crop that they saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Quad = NDArray[np.float64]
"""(4, 2)."""


def quad_of_row(row: Mapping[str, Any]) -> Quad | None:
    """The quadrilateral of a manifest's row, in its parent's pixels; None for a row that is no crop."""
    corners, box = row.get("crop_quad"), row.get("crop_xyxy")
    if isinstance(corners, (list, tuple, np.ndarray)):
        return np.asarray(corners, float).reshape(4, 2)
    if isinstance(box, (list, tuple, np.ndarray)):
        x0, y0, x1, y1 = (float(v) for v in box)
        return np.array([[x0, y0], [x0, y1], [x1, y1], [x1, y0]])
    return None


def box_to_parent(box: Sequence[float], quad: Quad, size: tuple[float, float]) -> list[float]:
    """A box (x0, y0, x1, y1) of a crop of (width, height) in its parent's pixels."""
    return _bounds(_corners(box) @ _axes(quad, size).T + quad[0])


def box_to_crop(box: Sequence[float], quad: Quad, size: tuple[float, float]) -> list[float]:
    """A box of the parent in the pixels of its crop of (width, height); it may reach outside."""
    return _bounds(np.linalg.solve(_axes(quad, size), (_corners(box) - quad[0]).T).T)


def _axes(quad: Quad, size: tuple[float, float]) -> NDArray[np.float64]:
    """(2, 2): a step of one crop pixel to the right, and one down, as columns."""
    return np.stack([(quad[3] - quad[0]) / size[0], (quad[1] - quad[0]) / size[1]], axis=1)


def _corners(box: Sequence[float]) -> NDArray[np.float64]:
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float)


def _bounds(points: NDArray[np.float64]) -> list[float]:
    return [*points.min(0).round(3).tolist(), *points.max(0).round(3).tolist()]
