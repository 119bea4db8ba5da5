"""Detection and region boxes on real faces: found of all, a folder each, and mean IoU with the tight hulls.

    python benchmarks/faces.py [CASES]

CASES is a folder with `faces/…` as described in its own README; without it (a public checkout) there is nothing to
measure and the script says so. Writes results/faces.json and results/faces.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.results import Figure, write
from scgan_data import crop, images
from scgan_data.annotate import AnnotateConfig, region_boxes
from scgan_data.faces import retinaface
from scgan_data.faces.face import Face
from scgan_data.images import UndecodableError
from scgan_data.records import SELFIE, Region

FOLDERS = ("landmarks68", "landmarks5", "portraits256", "full_frames", "groups", "not_faces")
TARGET_FOUND = {"landmarks68": 0.99, "landmarks5": 36 / 37, "portraits256": 48 / 49, "full_frames": 29 / 30}


def main(cases: Path) -> None:
    """Measure and write."""
    if not (cases / "faces").is_dir():
        sys.exit(f"{cases} has no faces/: nothing to measure")
    figures = [f for name in FOLDERS for f in _folder(cases / "faces" / name)]
    write("faces", [*figures, *_regions(cases / "faces" / "landmarks68")])


def _pictures(folder: Path) -> list[Image.Image]:
    opened = []
    for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"}):
        try:
            opened.append(images.load(file))
        except UndecodableError as error:
            print(f"{file.name}: {error.reason}")
    return opened


def _folder(folder: Path) -> list[Figure]:
    config = crop.CropConfig()
    pictures = _pictures(folder)
    faces = crop.find_faces(pictures, SELFIE, config)
    cuts = [crop.cut(p, f, SELFIE, config) for p, f in zip(pictures, faces, strict=True)]
    reasons = pd.Series([c.reason.value for c in cuts if isinstance(c, crop.Decision)]).value_counts().to_dict()
    found, cropped = sum(bool(f) for f in faces), sum(isinstance(c, crop.Crop) for c in cuts)
    name, n = folder.name, len(pictures)
    return [
        Figure(f"{name}: face found", found / n, f"of {n} pictures ({found})", TARGET_FOUND.get(name)),
        Figure(f"{name}: shoulder crop", cropped / n, f"of {n} pictures ({cropped}; else {_words(reasons)})"),
    ]


def _words(reasons: dict[Any, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items()) or "none"


def _regions(folder: Path) -> list[Figure]:
    """Mean IoU of the boxes with regions.csv, for the box without padding and with the default one."""
    truth = pd.read_csv(folder / "regions.csv")
    names = sorted(truth["file"].unique())
    found = retinaface.detect([images.load(next(folder.rglob(name))) for name in names])
    figures = []
    for padding in (0.0, AnnotateConfig().padding):
        overlaps: dict[str, list[float]] = {region: [] for region in Region}
        for name, faces in zip(names, found, strict=True):
            boxes = _largest(faces, padding)
            for row in truth[truth["file"] == name].itertuples():
                tight = np.array([row.x1, row.y1, row.x2, row.y2], float)
                overlaps[str(row.region)].append(_iou(boxes[Region(str(row.region))], tight))
        unit = f"mean IoU over {len(names)} faces, padding {padding:g} of the head's scale"
        figures += [Figure(f"{region} boxes", float(np.mean(v)), unit) for region, v in overlaps.items()]
    return figures


def _largest(faces: list[Face], padding: float) -> dict[Region, list[float] | None]:
    if not faces:
        return dict.fromkeys(Region)
    face = max(faces, key=lambda f: f.xyxy[2] - f.xyxy[0])
    return region_boxes(face.landmarks, (10_000, 10_000), AnnotateConfig(padding=padding))


def _iou(box: list[float] | None, truth: np.ndarray[Any, Any]) -> float:
    if box is None:
        return 0.0
    low, high = np.maximum(box[:2], truth[:2]), np.minimum(box[2:], truth[2:])
    inter = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float((b[2] - b[0]) * (b[3] - b[1])) for b in (np.asarray(box), truth)]
    return inter / (sum(areas) - inter)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "cases")
