"""Fit the proportions of `scgan_data.regions.boxes` and write them: a minute or two on one core.

    python -m pipelines.fit_regions CASES

CASES is a folder with faces/landmarks68 (376 faces of 173 people, television frames, with 68 points each; its README).
The points are those that `crop`'s detector finds in the pictures, so a better detector is one run of this away. Written
are some 300 numbers and where they come from: no picture, and nothing of one.

Each outline starts from a ridge onto the true outline's points in the head's frame, and then moves, by Adam, towards
more mean IoU of its hull with the true hull; that alone is what the boxes are judged by, and it knows that an error of
a pixel matters more to a closed eye than to a nose. Printed is the mean IoU in five folds by person. Tried and left:
the ridge alone (.60, .65, .63 for eyes, nose, mouth: a hull of means is too small), products of the head's numbers
(+.001), 600 steps (+.002 for the nose), half of them from ten times the ridge (-.003), other outlines of the nose (the
same), points of the mirrored pictures beside the pictures' (the same).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipelines.region_faces import FOLDS, Faces, folds, found_faces, overlap, overlaps
from scgan_data import crop, files
from scgan_data.faces.detectors import detector_for
from scgan_data.records import SELFIE, Region
from scgan_data.regions import boxes as region_boxes
from scgan_data.regions.boxes import Outline
from scgan_data.regions.head import EVEN, ODD, Heads, Real, heads

STEPS, RATE, RIDGE = 300, 0.005, 1.0
DIGITS = 4


@dataclass(frozen=True)
class Shape:
    """Which of the 68 points an outline starts from, counted as iBUG does: each entry is a mean of some."""

    left: tuple[tuple[int, ...], ...] = ()
    """The left ones of pairs, with `right` their mirror images."""
    right: tuple[tuple[int, ...], ...] = ()
    axis: tuple[tuple[int, ...], ...] = ()


SHAPES = {
    Region.EYES: Shape(((36,), (37, 38), (40, 41)), ((45,), (43, 44), (46, 47))),
    Region.NOSE: Shape(((31, 32),), ((35, 34),), ((27,), (30,), (33,))),
    Region.MOUTH: Shape(((48,), (50,), (58,)), ((54,), (52,), (56,)), ((51,), (57,))),
    Region.LEFT_EYE: Shape(((36,), (37, 38), (39,), (40, 41)), ((45,), (43, 44), (42,), (46, 47))),
    Region.EYEBROWS: Shape(((17,), (19,), (21,)), ((26,), (24,), (22,))),
}


def main(cases: Path) -> None:
    """Detect, cross-validate, fit on all, write."""
    folder = cases / "faces" / "landmarks68"
    faces, missing = found_faces(folder)
    means = {region: float(np.mean(values)) for region, values in overlaps(held_out(faces), faces).items()}
    for region, mean in means.items():
        print(f"{region}: mean IoU {mean:.3f} of {len(faces.names)} faces, {FOLDS} folds by person")
    content = {
        "about": {
            "fitted_by": "python -m pipelines.fit_regions",
            "faces": len(faces.names),
            "not_found": missing,
            "truth_sha256": hashlib.sha256((folder / "landmarks.csv").read_bytes()).hexdigest(),
            "points": detector_for(SELFIE, crop.CropConfig()),
            "mean_iou": {region: round(mean, 3) for region, mean in means.items()},
        },
        "outlines": {region: _plain(outline) for region, outline in fit(faces).items()},
    }
    files.write_json(Path(region_boxes.__file__).with_name(region_boxes.FILE_NAME), content)


def held_out(faces: Faces, regions: Collection[Region] = tuple(Region), *, seed: int = 0) -> dict[Region, Real]:
    """{region: (N, 4)} the boxes of each face by outlines that were fitted on other people."""
    fold = folds(faces.people, seed)
    found: dict[Region, Real] = {}
    for held in range(FOLDS):
        out = fold == held
        for region, part in region_boxes.boxes(faces[out].points, fit(faces[~out], regions)).items():
            found.setdefault(region, np.zeros((len(fold), 4)))[out] = part
    return {region: found[region] for region in Region if region in found}


def fit(faces: Faces, regions: Collection[Region] = tuple(Region)) -> dict[Region, Outline]:
    """The outlines of faces, each refined for itself; those of `regions` that have one."""
    some = heads(faces.points)
    wanted = {region: shape for region, shape in SHAPES.items() if region in regions}
    return {region: _refined(start(shape, some, faces), region, some, faces) for region, shape in wanted.items()}


def start(shape: Shape, some: Heads, faces: Faces) -> Outline:
    """The ridge from the heads' numbers to the true outline's points."""
    true = some.to_head(faces.truth)

    def mean(points: tuple[int, ...]) -> Real:
        middle: Real = true[:, list(points)].mean(1)
        return middle

    pairs = []
    for left, right in zip(shape.left, shape.right, strict=True):
        a, b = mean(left), mean(right) * [-1, 1]  # the mirror image of b
        even, odd = (a + b) / 2, (a - b) / 2
        by = [(some.even, even[:, 0]), (some.odd, odd[:, 0]), (some.even, even[:, 1]), (some.odd, odd[:, 1])]
        pairs.append(np.concatenate([_ridge(x, y) for x, y in by]))
    axis = []
    for middle in shape.axis:
        at = mean(middle)
        axis.append(np.concatenate([_ridge(some.odd, at[:, 0]), _ridge(some.even, at[:, 1])]))
    return Outline(np.array(pairs).reshape(-1, 2 * (EVEN + ODD)), np.array(axis).reshape(-1, EVEN + ODD))


def _ridge(x: Real, y: Real) -> Real:
    """Coefficients of y by x; a constant column costs nothing."""
    weights = np.where((x == 1).all(0), 0.0, RIDGE)
    solved: Real = np.linalg.solve(x.T @ x + np.diag(weights), x.T @ y)
    return solved


def _refined(begun: Outline, region: Region, some: Heads, faces: Faces) -> Outline:
    """The outline moved towards the greatest mean IoU; of the left eye, with both eyes by way of the mirror."""
    pairs, axis = (torch.tensor(part).requires_grad_() for part in (begun.pairs, begun.axis))
    placed = _Placed.of(some)
    truth = torch.from_numpy(faces.boxes(region))
    right = torch.from_numpy(faces.boxes(Region.RIGHT_EYE)) if region is Region.LEFT_EYE else None
    optimiser = torch.optim.Adam([pairs, axis], RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        optimiser.zero_grad()
        left, mirror = placed.left(pairs, 1.0), placed.left(pairs, -1.0)
        if right is None:
            loss = -overlap(placed.hull(torch.cat([left, mirror, placed.middle(axis)], 1)), truth).mean()
        else:
            loss = -(overlap(placed.hull(left), truth) + overlap(placed.hull(mirror), right)).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return Outline(*(part.detach().numpy().round(DIGITS) for part in (pairs, axis)))


@dataclass(frozen=True)
class _Placed:
    """`Outline` and `Heads` as tensors, for the gradient; a test compares the two."""

    even: Tensor
    odd: Tensor
    turn: Tensor
    """(N, 2) real and imaginary."""
    origin: Tensor

    @staticmethod
    def of(some: Heads) -> _Placed:
        turn = np.stack([some.turn.real, some.turn.imag], 1)
        return _Placed(*map(torch.from_numpy, (some.even, some.odd, turn, some.origin)))

    def left(self, pairs: Tensor, sign: float) -> Tensor:
        x_even, x_odd, y_even, y_odd = torch.split(pairs.T, [EVEN, ODD, EVEN, ODD])
        x, y = sign * (self.even @ x_even) + self.odd @ x_odd, self.even @ y_even + sign * (self.odd @ y_odd)
        return torch.stack([x, y], -1)

    def middle(self, axis: Tensor) -> Tensor:
        return torch.stack([self.odd @ axis.T[:ODD], self.even @ axis.T[ODD:]], -1)

    def hull(self, points: Tensor) -> Tensor:
        (x, y), (real, imaginary) = points.unbind(-1), self.turn[:, None].unbind(-1)
        xy = torch.stack([x * real - y * imaginary, x * imaginary + y * real], -1) + self.origin[:, None]
        return torch.cat([xy.amin(1), xy.amax(1)], 1)


def _plain(outline: Outline) -> Mapping[str, list[list[float]]]:
    return {"pairs": outline.pairs.tolist(), "axis": outline.axis.tolist()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
