"""How answers about faces are scored: Wilson intervals, point errors, average precision. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scgan_data.faces.face import Face

IBUG_NOSE_TIP, IBUG_MOUTH = 30, (48, 54)
"""Of iBUG's 68 points, from 0."""


def five_points(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 5, 2) from (N, 136), iBUG's 68 points, or (N, 10)."""
    points = flat.reshape(len(flat), -1, 2)
    if points.shape[1] == 5:
        return points
    eyes = [points[:, 36:42].mean(1), points[:, 42:48].mean(1)]
    return np.stack([*eyes, points[:, IBUG_NOSE_TIP], *(points[:, k] for k in IBUG_MOUTH)], 1)


def point_errors(found: list[list[Face]], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) mean distance of the five points over the eyes' distance, of the face nearest the truth; inf where none."""
    errors = np.full(len(truth), np.inf)
    for i, (faces, points) in enumerate(zip(found, truth, strict=True)):
        eyes = np.hypot(*(points[1] - points[0]))
        errors[i] = min((np.hypot(*(f.landmarks - points).T).mean() / eyes for f in faces), default=np.inf)
    return errors


def average_precision(
    found: list[list[Face]], truth: list[NDArray[np.float64]], *, overlap: float
) -> tuple[float, list[int]]:
    """The area under the precision-recall curve (precision made monotone), and how many boxes of each picture were hit.

    A face hits a box of its picture that no surer face has hit, at an intersection over union of at least `overlap`.
    """
    ranked = sorted(((f.score, i, f) for i, faces in enumerate(found) for f in faces), key=lambda t: -t[0])
    free = [list(range(len(boxes))) for boxes in truth]
    right = np.zeros(len(ranked), bool)
    for k, (_, i, face) in enumerate(ranked):
        best = max(free[i], key=lambda b: iou(face.xyxy, truth[i][b]), default=None)
        if best is not None and iou(face.xyxy, truth[i][best]) >= overlap:
            free[i].remove(best)
            right[k] = True
    hits = [len(boxes) - len(left) for boxes, left in zip(truth, free, strict=True)]
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    monotone = np.maximum.accumulate(precision[::-1])[::-1]
    return float((monotone * right).sum() / max(1, sum(map(len, truth)))), hits


def iou(a: tuple[float, ...], b: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float((c[2] - c[0]) * (c[3] - c[1])) for c in (a, b)]
    return both / max(sum(areas) - both, 1e-9)
