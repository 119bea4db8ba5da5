"""Draws the README's picture, `pipelines/readme.png`, from a finished demo in this folder.

What it shows may be shown: a public-domain photograph (NASA, bundled with scikit-image) with its shoulder crop and
region boxes, rendered portraits, and the demo's counts. No research-only photograph and nothing learned from one.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from PIL import Image
from skimage import data

from scgan_data import crop, files, manifest
from scgan_data.annotate import AnnotateConfig, region_boxes
from scgan_data.cropped import Crop
from scgan_data.records import SELFIE
from scgan_data.sample.portraits import portraits

OUT = Path("pipelines/readme.png")
COLOURS = ("#d1495b", "#2e86ab", "#3c9d5b")
STAGES = ("collect", "dedup", "filter", "crop", "dataset")


def main() -> int:
    """Draw and write."""
    mpl.use("Agg")
    figure = Figure(figsize=(12, 3.6), dpi=110, facecolor="#fbfaf7")
    grid = figure.add_gridspec(1, 4, width_ratios=(1, 1, 1.55, 1.45), wspace=0.08)
    _photograph(figure.add_subplot(grid[0]), figure.add_subplot(grid[1]))
    _portraits(figure.add_subplot(grid[2]))
    _funnel(figure.add_subplot(grid[3]))
    buffer = BytesIO()
    figure.savefig(buffer, bbox_inches="tight", pad_inches=0.15)
    files.write_bytes(OUT, buffer.getvalue())
    return 0


def _photograph(left: Axes, right: Axes) -> None:
    picture = Image.fromarray(data.astronaut())
    config = crop.CropConfig(size_px=256)
    answer = crop.cut(picture, crop.find_faces([picture], SELFIE, config)[0], SELFIE, config)
    assert isinstance(answer, Crop) and answer.face is not None
    left.imshow(np.asarray(picture))
    left.add_patch(Polygon(answer.quad, fill=False, edgecolor="white", linewidth=2.2))
    _plain(left, "any photograph")
    right.imshow(np.asarray(answer.image))
    boxes = region_boxes(answer.to_crop(answer.face.landmarks), answer.image.size, AnnotateConfig())
    for box, colour in zip(boxes.values(), COLOURS, strict=True):
        if box is not None:
            right.add_patch(
                Rectangle((box[0], box[1]), box[2] - box[0], box[3] - box[1], fill=False, edgecolor=colour, linewidth=2)
            )
    _plain(right, "head and shoulders, regions")


def _portraits(axes: Axes) -> None:
    tiles = [np.asarray(p.resize((120, 120))) for p in portraits(12, seed=5)]
    axes.imshow(np.vstack([np.hstack(tiles[row : row + 4]) for row in (0, 4, 8)]))
    _plain(axes, "portraits of one style")


def _funnel(axes: Axes) -> None:
    """Kept pictures after each stage, of the demo."""
    kept = []
    for name in STAGES:
        (folder,) = Path("data").glob(f"0?_{name}")
        kept.append(len(manifest.kept(manifest.read(folder))))
    places = np.arange(len(STAGES))[::-1]
    axes.barh(places, kept, color="#2e86ab", height=0.62)
    for place, name, count in zip(places, STAGES, kept, strict=True):
        axes.text(12, place, f"{name}  {count}", va="center", color="white", fontsize=11, fontweight="bold")
    _plain(axes, "kept, stage by stage; every reject has a reason")


def _plain(axes: Axes, title: str) -> None:
    axes.set_axis_off()
    axes.set_title(title, fontsize=10.5, color="#26241f")


if __name__ == "__main__":
    sys.exit(main())
