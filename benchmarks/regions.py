"""Region boxes measured: mean IoU with the hulls of 68-point truth, beside simpler guesses and a dense landmark model.

    python -m benchmarks.regions [CASES] [--sheets FOLDER]

CASES is a folder with faces/landmarks68 (376 faces of 173 people; its README); without it there is nothing to measure
and the script says so. Everything fitted is fitted on other people than it is measured on, five folds by person
(pipelines/fit_regions.py); the intervals are bootstraps over people. The points are those of `crop`'s detector. The
boxes are tight; one line a region says what `padding` costs. Drawn portraits have exact truth (regions_drawn.py).
`--sheets` draws the worst 20 faces of each region, true boxes beside ours: real people's faces, not to be committed.
Writes results/regions.json and results/regions.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks import regions_dense_peer, regions_drawn, regions_guesses
from benchmarks.results import Figure, share, write
from pipelines.fit_regions import held_out
from pipelines.region_faces import Faces, found_faces, iou, largest, overlaps
from scgan_data import contact_sheet, files, images
from scgan_data.annotate import AnnotateConfig
from scgan_data.landmarks import head_scale
from scgan_data.records import ATTENTIVE, Region
from scgan_data.regions import boxes, plausible
from scgan_data.regions.head import Real

TARGETS = {Region.EYES: 0.63, Region.NOSE: 0.72, Region.MOUTH: 0.67}
LARGER_PX, WORST, REPLICATES = 384, 20, 2000
MIRRORED = [1, 0, 2, 4, 3]


def main(cases: Path, sheets: Path | None) -> None:
    """Measure and write."""
    folder = cases / "faces" / "landmarks68"
    if not folder.is_dir():
        sys.exit(f"{cases} has no faces/landmarks68: nothing to measure")
    faces, missing = found_faces(folder)
    pictures = [images.load(folder / name) for name in faces.names]
    held = held_out(faces)
    ours = overlaps(held, faces)
    rows = [Figure("faces found", len(faces.names), f"of {len(faces.names) + missing}")]
    rows += [_mean(f"{region}: ours", ours[region], faces, TARGETS.get(region)) for region in ours]
    rows += [_half(f"{region}: ours, IoU of .5 or more", ours[region]) for region in ATTENTIVE]
    rows += _padding(faces, held)
    rows += _other_points(faces, pictures)
    rows += _guesses(faces, "the detector's points")
    rows += _guesses(true_points(faces), "true points")
    rows += _dense(faces, pictures)
    rows += _judged(faces)
    write("regions", [*rows, *regions_drawn.figures()])
    if sheets:
        _sheets(faces, held, folder, sheets)


def true_points(faces: Faces) -> Faces:
    """The same faces with the five points that the 68 say: means of the eyes, nose tip, mouth corners."""
    t = faces.truth
    five = np.stack([t[:, 36:42].mean(1), t[:, 42:48].mean(1), t[:, 30], t[:, 48], t[:, 54]], 1)
    return dataclasses.replace(faces, points=five)


def _mean(name: str, values: Real, faces: Faces, target: float | None = None) -> Figure:
    """The mean with its 95 % interval, people drawn with replacement."""
    people, which = np.unique(faces.people, return_inverse=True)
    sums, counts = np.bincount(which, values), np.bincount(which)
    drawn = np.random.default_rng(0).integers(0, len(people), (REPLICATES, len(people)))
    low, high = np.percentile(sums[drawn].sum(1) / counts[drawn].sum(1), [2.5, 97.5])
    unit = f"mean IoU of {len(values)} faces, {len(people)} people ({low:.3f} to {high:.3f})"
    return Figure(name, float(values.mean()), unit, target)


def _half(name: str, values: Real) -> Figure:
    return share(name, values >= 0.5)


def _padding(faces: Faces, held: dict[Region, Real]) -> list[Figure]:
    """What `padding` costs."""
    pad = AnnotateConfig().padding * np.array([head_scale(five) for five in faces.points])[:, None] * [-1, -1, 1, 1]
    name = f"with the padding of {AnnotateConfig().padding:g} s"
    return [_mean(f"{r}: ours {name}", iou(held[r] + pad, faces.boxes(r)), faces) for r in ATTENTIVE]


def _other_points(faces: Faces, pictures: list[Image.Image]) -> list[Figure]:
    """The same fit on other points of the same detector: of enlarged pictures, of both mirror images, the true ones."""
    scales = [LARGER_PX / max(picture.size) for picture in pictures]
    large = [
        p.resize((round(p.width * s), round(p.height * s)), Image.Resampling.BICUBIC)
        for p, s in zip(pictures, scales, strict=True)
    ]
    one, two = _points(large), _points([ImageOps.mirror(picture) for picture in large])
    widths = np.array([picture.width for picture in large])
    back = two[:, MIRRORED] * [-1, 1] + np.stack([widths, np.zeros(len(large))], 1)[:, None]
    shrunk = np.array(scales)[:, None, None]
    looks = {
        f"pictures enlarged to {LARGER_PX} px": dataclasses.replace(faces, points=one / shrunk),
        "these and their mirror images": dataclasses.replace(faces, points=(one + back) / 2 / shrunk),
        "true points": true_points(faces),
    }
    return [
        _mean(f"{region}: ours, {name}", values, faces)
        for name, others in looks.items()
        for region, values in overlaps(held_out(others, ATTENTIVE), others).items()
    ]


def _points(pictures: list[Image.Image]) -> Real:
    found = largest(pictures)
    assert all(one is not None for one in found)
    return np.stack([one for one in found if one is not None])


def _guesses(faces: Faces, name: str) -> list[Figure]:
    return [
        _mean(f"{region}: {guess.__name__}, {name}", guess(faces, region), faces)
        for guess in (regions_guesses.fixed, regions_guesses.ridge)
        for region in ATTENTIVE
    ]


def _dense(faces: Faces, pictures: list[Image.Image]) -> list[Figure]:
    """The shifts that the mesh's boxes are moved by are four numbers a region, medians over these faces."""
    found = regions_dense_peer.boxes(pictures, faces.points)
    return [_mean(f"{r}: dense landmarks", iou(found[r], faces.boxes(r)), faces) for r in found]


def _judged(faces: Faces) -> list[Figure]:
    """How many faces the plausibility check hides a region of or doubts: found, true, and with two points exchanged."""
    exact, moved = true_points(faces), faces.points[:, [0, 1, 3, 2, 4]]
    found = boxes.boxes(faces.points)
    cases = {
        "boxes of the detector's points": (faces.points, {r: found[r] for r in ATTENTIVE}),
        "true boxes": (exact.points, {r: faces.boxes(r) for r in ATTENTIVE}),
        "points of nose and mouth exchanged": (moved, {r: boxes.boxes(moved)[r] for r in ATTENTIVE}),
    }
    rows = []
    for name, (points, parts) in cases.items():
        margins = np.array(
            [
                min(plausible.margins({r: b[i] for r, b in parts.items()}, points[i], drawn=False).values())
                for i in range(len(points))
            ]
        )
        for word, hits in (("hidden", margins <= 0), ("doubtful", abs(margins) < AnnotateConfig().doubt_zone)):
            rows.append(Figure(f"{word}: {name}", float(hits.mean()), f"of 1 ({hits.sum()}/{len(hits)})"))
    return rows


def _sheets(faces: Faces, held: dict[Region, Real], folder: Path, into: Path) -> None:
    """The worst of each region: the true box in red, the held-out one in blue."""
    for region, ours in overlaps(held, faces).items():
        worst = np.argsort(ours)[:WORST]
        tiles = [
            contact_sheet.Tile(
                folder / faces.names[i],
                f"{ours[i]:.2f}",
                (faces.boxes(region)[i].tolist(), held[region][i].tolist()),
            )
            for i in worst
        ]
        files.write_bytes(into / f"regions_{region}_worst.jpg", contact_sheet.encode(contact_sheet.draw(tiles, region)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path, nargs="?", default=Path(__file__).parents[2] / "shared" / "cases")
    parser.add_argument("--sheets", type=Path, help="Folder for contact sheets of the worst; never commit them.")
    given = parser.parse_args()
    main(given.cases, given.sheets)
