"""Faces with 68 true points, to fit region boxes on and to judge them by: their folds, their true boxes, overlaps.

The points are iBUG's, counted from 0; a region's true box is the hull of some of them. Folds go by person, because
another picture of a face is half the answer. What was tried with them is in `fit_regions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from scgan_data import crop, images
from scgan_data.faces.face import Face
from scgan_data.records import SELFIE, Region
from scgan_data.regions.head import Real, hull

FOLDS = 5
HULLS = {
    Region.EYES: range(36, 48),
    Region.NOSE: range(27, 36),
    Region.MOUTH: range(48, 68),
    Region.LEFT_EYE: range(36, 42),
    Region.RIGHT_EYE: range(42, 48),
    Region.EYEBROWS: range(17, 27),
}
"""The points that a region's true box holds."""


@dataclass(frozen=True)
class Faces:
    """N faces: the file, the person, five points (N, 5, 2) and the true 68 (N, 68, 2), in pixels."""

    names: list[str]
    points: Real
    truth: Real

    @property
    def people(self) -> list[str]:
        """Who it is, by the file's name: `Wes_Craven_31.png` shows Wes_Craven."""
        return [name.rsplit("_", 1)[0] for name in self.names]

    def __getitem__(self, where: Real) -> Faces:
        chosen = np.flatnonzero(where)
        return Faces([self.names[i] for i in chosen], self.points[chosen], self.truth[chosen])

    def boxes(self, region: Region) -> Real:
        """(N, 4) the true hulls."""
        return hull(self.truth[:, list(HULLS[region])])


def found_faces(folder: Path) -> tuple[Faces, int]:
    """The faces of `folder` whose picture's largest face the default detector finds, and how many it does not."""
    truth = pd.read_csv(folder / "landmarks.csv").sort_values("file", ignore_index=True)
    pictures = [images.load(folder / name) for name in truth["file"]]
    points = largest(pictures)
    there = np.array([one is not None for one in points])
    known = [one for one in points if one is not None]
    numbers = truth.drop(columns="file").to_numpy(float).reshape(-1, 68, 2)
    return Faces(truth["file"][there].tolist(), np.stack(known), numbers[there]), int((~there).sum())


def largest(pictures: Sequence[Image.Image]) -> list[Real | None]:
    """The five points of each picture's largest face, None where none is found."""

    def area(face: Face) -> float:
        return (face.xyxy[2] - face.xyxy[0]) * (face.xyxy[3] - face.xyxy[1])

    found = crop.find_faces(list(pictures), SELFIE, crop.CropConfig())
    return [max(faces, key=area).landmarks if faces else None for faces in found]


def folds(people: Sequence[str], seed: int = 0) -> Real:
    """(N,) the fold of each face; a person is in one."""
    names = sorted(set(people))
    np.random.default_rng(seed).shuffle(names)
    fold = {name: i % FOLDS for i, name in enumerate(names)}
    return np.array([fold[name] for name in people])


def overlaps(found: Mapping[Region, Real], faces: Faces) -> dict[Region, Real]:
    """{region: (N,)} the IoU of found boxes with the true ones."""
    return {region: iou(some, faces.boxes(region)) for region, some in found.items()}


def iou(one: Real, other: Real) -> Real:
    """(N,) intersection over union of (N, 4) boxes."""
    return overlap(torch.from_numpy(one), torch.from_numpy(other)).numpy()


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """The same for tensors, with a gradient."""
    low, high = torch.maximum(one[:, :2], other[:, :2]), torch.minimum(one[:, 2:], other[:, 2:])
    inter = (high - low).clamp(min=0).prod(1)
    areas = [(box[:, 2:] - box[:, :2]).prod(1) for box in (one, other)]
    return inter / (areas[0] + areas[1] - inter)
