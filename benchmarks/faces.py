"""Detection on real faces, as `crop` asks for it: found, doubled, missed and false, and how far the points are off.

    python -m benchmarks.faces [CASES] [--sheets FOLDER]

CASES is a folder with `faces/…` as described in its own README; without it (a public checkout) there is nothing to
measure and the script says so. Every set is asked for as it is, then turned by quarters and by 45 degrees (every
fourth picture of landmarks68). Points are
measured against landmarks68 (eyes: the mean of six points each; nose tip; mouth corners) and landmarks5, as the mean
distance of the five over the distance of the eyes. Groups: average precision at an overlap of .5 against every box.
`--sheets` writes contact sheets of every miss and false face, which show people and must not be published.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from benchmarks.faces_scores import average_precision, five_points, point_errors
from benchmarks.faces_sheets import Wrong, write_sheets
from benchmarks.results import Figure, share_of, write
from scgan_data import crop, images
from scgan_data.crop import CropConfig
from scgan_data.faces import retinaface, views
from scgan_data.faces.face import Face
from scgan_data.images import UndecodableError
from scgan_data.records import SELFIE

SHARED = Path(__file__).parents[2] / "shared" / "cases"
LEAST_FOUND = {"landmarks68": 0.99, "landmarks5": 36 / 37, "portraits256": 48 / 49, "full_frames": 29 / 30}
POINT_ERROR = {"landmarks68": 0.07}
FACELESS = ("chelsea", "gravel", "text", "page", "coffee", "brick", "grass", "coins", "clock", "rocket")
TURNS = (0, 45, -45, 90, 180, 270)
BATCH, MOST_TURNED = 64, 100


@dataclass(frozen=True)
class Named:
    """A picture with its file's name."""

    name: str
    image: Image.Image


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="?", type=Path, default=SHARED)
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets of every miss and false face")
    given = parser.parse_args()
    folder = given.cases / "faces"
    if not folder.is_dir():
        sys.exit(f"{given.cases} has no faces/: nothing to measure")
    wrong: list[Wrong] = []
    figures = [f for name in LEAST_FOUND for f in _portraits(folder / name, wrong)]
    figures += [*_groups(folder / "groups", wrong), *_faceless(folder / "not_faces", wrong)]
    write("faces", figures)
    for miss in wrong:
        print(f"{miss.sort}: {miss.name}")
    if given.sheets:
        write_sheets(wrong, given.sheets)


def find(pictures: list[Named]) -> list[list[Face]]:
    """The faces of each picture, by the default detection of photographs."""
    config, found = CropConfig(), []
    for start in range(0, len(pictures), BATCH):
        found += crop.find_faces([p.image for p in pictures[start : start + BATCH]], SELFIE, config)
    return found


def load(folder: Path) -> list[Named]:
    """The pictures of a folder."""
    opened = []
    for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"}):
        try:
            opened.append(Named(file.name, images.load(file)))
        except UndecodableError as error:
            print(f"{file.name}: {error.reason}")
    return opened


def _portraits(folder: Path, wrong: list[Wrong]) -> list[Figure]:
    """Found, the picture as it is and turned; the points' error where the truth is known."""
    pictures, figures = load(folder), []
    faces = find(pictures)
    figures.append(_found(folder.name, 0, pictures, faces, wrong))
    for turn in TURNS[1:]:
        seen = [replace(p, image=_turned(p.image, turn)) for p in pictures[:: 1 + len(pictures) // MOST_TURNED]]
        figures.append(_found(folder.name, turn, seen, find(seen), wrong))
    truth = folder / "landmarks.csv"
    return [*figures, *(_points(truth, pictures, faces, wrong) if truth.is_file() else ())]


def _found(name: str, turn: int, pictures: list[Named], faces: list[list[Face]], wrong: list[Wrong]) -> Figure:
    right = [_any_at(f, turn) for f in faces]
    turned = f", turned {turn}" if turn else ""
    missed = f"{name}: missed{turned}"
    wrong += [Wrong(missed, p.name, p.image, f) for p, f, ok in zip(pictures, faces, right, strict=True) if not ok]
    return share_of(f"{name}: face found{turned}", sum(right), len(right), None if turn else LEAST_FOUND[name])


def _turned(image: Image.Image, degrees: int) -> Image.Image:
    """The whole picture turned clockwise, at its own size."""
    return views.turned(image, degrees, max(image.size)).image


def _any_at(faces: list[Face], turn: int) -> bool:
    """Whether a face was found that stands as the picture was turned, within 45 degrees."""
    return any(abs((face.roll_deg - turn + 180) % 360 - 180) < 45 for face in faces)


def _points(file: Path, pictures: list[Named], faces: list[list[Face]], wrong: list[Wrong]) -> list[Figure]:
    """The five points' error as crop gets them, and of a first look alone."""
    name, table = file.parent.name, pd.read_csv(file)
    places = {p.name: k for k, p in enumerate(pictures)}
    order = [places[str(file)] for file in table["file"]]
    truth = five_points(table.drop(columns="file").to_numpy(float))
    errors = point_errors([faces[k] for k in order], truth)
    alone = point_errors(retinaface.detect([pictures[k].image for k in order], min_score=0.5), truth)
    sort = f"{name}: points off by more than .2"
    off = [k for k, e in zip(order, errors, strict=True) if e > 0.2]
    wrong += [Wrong(sort, pictures[k].name, pictures[k].image, faces[k]) for k in off]
    return [
        _quantiles(f"{name}: five-point error", errors, POINT_ERROR.get(name)),
        _quantiles(f"{name}: five-point error of the first look alone", alone, None),
    ]


def _quantiles(name: str, errors: NDArray[np.float64], at_most: float | None) -> Figure:
    """The median, with its interval by the binomial of ranks, and the 90th percentile."""
    known = np.sort(errors[np.isfinite(errors)])
    ranks = 1.96 * np.sqrt(len(known)) / 2
    low, high = (known[int(np.clip(len(known) / 2 + s * ranks, 0, len(known) - 1))] for s in (-1, 1))
    spread = f"95 %: {low:.3f} to {high:.3f}; 90th percentile {np.quantile(known, 0.9):.3f}"
    unit = f"of the eye distance, median of {len(known)} ({spread})"
    return Figure(name, round(float(np.median(known)), 4), unit, at_most, at_most=True)


def _groups(folder: Path, wrong: list[Wrong]) -> list[Figure]:
    boxes = pd.read_csv(folder / "boxes.csv")
    pictures = load(folder)
    truth = [boxes.loc[boxes["file"] == p.name, ["x1", "y1", "x2", "y2"]].to_numpy(float) for p in pictures]
    every = CropConfig(min_score=0.02, first_look_px=None, turned_min_score=None)
    faces = crop.find_faces([p.image for p in pictures], SELFIE, every)
    precision, hits = average_precision(faces, truth, overlap=0.5)
    n, found = sum(map(len, truth)), sum(hits)
    usual = find(pictures)
    _, sure = average_precision(usual, truth, overlap=0.5)
    wrong += [
        Wrong("groups: not all found", p.name, p.image, f)
        for p, f, t, k in zip(pictures, usual, truth, sure, strict=True)
        if k < len(t)
    ]
    return [
        Figure(
            "groups: average precision",
            round(precision, 4),
            f"at an overlap of .5, {n} faces in {len(pictures)} pictures",
        ),
        share_of("groups: faces found at any score", found, n),
        share_of("groups: faces found as crop asks", sum(sure), n),
        Figure(
            "groups: false faces as crop asks", float(sum(map(len, usual)) - sum(sure)), "faces that no box agrees with"
        ),
    ]


def _faceless(folder: Path, wrong: list[Wrong]) -> list[Figure]:
    """Pictures without a face, as they are and turned: how many show one."""
    figures = []
    others = [Named(name, _rgb(getattr(data, name)())) for name in FACELESS]
    for name, pictures in ((folder.name, load(folder)), ("scikit-image, no face", others)):
        for label, turns in (("", TURNS[:1]), (", turned", TURNS[1:])):
            seen = [replace(p, image=_turned(p.image, turn)) for p in pictures for turn in turns]
            faces = find(seen)
            sort = f"{name}: false face{label}"
            wrong += [Wrong(sort, p.name, p.image, f) for p, f in zip(seen, faces, strict=True) if f]
            target = None if label else 0.0
            figures.append(
                share_of(f"{name}: a face seen{label}", sum(map(bool, faces)), len(faces), target, at_most=True)
            )
    return figures


def _rgb(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels).convert("RGB")


if __name__ == "__main__":
    main()
