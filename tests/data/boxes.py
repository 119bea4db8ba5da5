"""Boxes in the tests of drawn faces: around points, and how much two share."""

from collections.abc import Sequence

import numpy as np


def bounds(points: np.ndarray) -> tuple[float, ...]:
    return (*points.min(0), *points.max(0))


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0, wide) * max(0, high)
    return both / (sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)) - both)
