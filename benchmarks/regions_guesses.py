"""What one would use instead of `scgan_data.regions.boxes`: fixed proportions, and a ridge from the points to the
edges.

Both in the same folds by person. The fixed guess is the medians of each box's edges from the five points' centre, in
units of the head's frame, upright: what a table of proportions in a paper gives. The ridge is linear in the ten
coordinates, upright too, and minimises squared errors of edges.
"""

from __future__ import annotations

import numpy as np

from pipelines.region_faces import FOLDS, Faces, folds, iou
from scgan_data.records import Region
from scgan_data.regions.head import Real, heads


def fixed(faces: Faces, region: Region) -> Real:
    """(N,) the IoU of boxes by the other folds' median proportions."""
    head = heads(faces.points)
    origin, unit = np.tile(head.origin, 2), abs(head.turn)[:, None]
    edges = (faces.boxes(region) - origin) / unit
    guessed = _held_out(faces, lambda train, held: np.median(edges[train], 0) + np.zeros((held.sum(), 1)))
    return iou(guessed * unit + origin, faces.boxes(region))


def ridge(faces: Faces, region: Region, strength: float = 0.1) -> Real:
    """(N,) the IoU of boxes whose edges are linear in the points, fitted on the other folds."""
    head = heads(faces.points)
    origin, unit = np.tile(head.origin, 2), abs(head.turn)[:, None]
    edges = (faces.boxes(region) - origin) / unit
    seen = ((faces.points - head.origin[:, None]) / unit[..., None]).reshape(-1, 10)

    def guess(train: Real, held: Real) -> Real:
        centre, mean = seen[train].mean(0), edges[train].mean(0)
        x, y = seen[train] - centre, edges[train] - mean
        slope = np.linalg.solve(x.T @ x + strength * np.eye(10), x.T @ y)
        guessed: Real = (seen[held] - centre) @ slope + mean
        return guessed

    return iou(_held_out(faces, guess) * unit + origin, faces.boxes(region))


def _held_out(faces: Faces, guess: object) -> Real:
    """(N, 4) each face's edges as `guess(train, held)` of two masks gives them."""
    assert callable(guess)
    fold = folds(faces.people)
    edges = np.zeros((len(fold), 4))
    for k in range(FOLDS):
        edges[fold == k] = guess(fold != k, fold == k)
    return edges
