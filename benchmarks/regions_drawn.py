"""Drawn portraits whose vector art says where eyes, nose and mouth are, and what the boxes made of them.

DiceBear's SVG keeps each part in a group (`<g id="eyes-…">`): the picture without the group differs from the picture
exactly where the part shows. A part that hides behind hair or glasses has no box.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
import resvg_py
from dicebear import Avatar, Style
from PIL import Image

from benchmarks.results import Figure
from pipelines.region_faces import iou
from scgan_data import crop
from scgan_data.faces.face import Face
from scgan_data.records import ATTENTIVE, Region
from scgan_data.regions import boxes
from scgan_data.regions.head import Real
from scgan_data.sample.portraits import OPTIONS

STYLES = ("avataaars", "notionists", "micah", "toon-head")
"""The sample's style, and three that nothing is trained on."""
SIDE_PX, VISIBLE = 264, 24
BACKGROUND = (150, 165, 180, 255)
Drawn = tuple[Image.Image, dict[Region, Real]]
ET.register_namespace("", "http://www.w3.org/2000/svg")


def figures(count: int = 60) -> list[Figure]:
    """A style each: faces found by the default detector, and mean IoU of boxes from its points and of its own."""
    return [figure for style in STYLES for figure in _of_style(style, count)]


def _of_style(style: str, count: int) -> list[Figure]:
    drawn = [draw(style, f"regions {style} {n}") for n in range(count)]
    found = crop.find_faces([picture for picture, _ in drawn], style, crop.CropConfig())
    faces = [_largest(some) for some in found]
    hits = sum(face is not None for face in faces)
    rows = [Figure(f"{style}: face found", hits / count, f"of 1 ({hits}/{count})")]
    for region in ATTENTIVE:
        rows += _of_region(style, region, faces, [truth for _, truth in drawn])
    return rows


def _of_region(style: str, region: Region, faces: list[Face | None], truths: list[dict[Region, Real]]) -> list[Figure]:
    there = [(face, truth[region]) for face, truth in zip(faces, truths, strict=True) if face and region in truth]
    if not there:
        return []
    truth = np.stack([box for _, box in there])
    fitted = boxes.boxes(np.stack([face.landmarks for face, _ in there]))[region]
    unit = f"mean IoU of {len(there)} faces"
    rows = [Figure(f"{style}: {region} from five points", float(iou(fitted, truth).mean()), unit)]
    if any(face.regions for face, _ in there):
        own = np.stack([np.array(face.regions.get(region, (0.0,) * 4)) for face, _ in there])
        rows.append(Figure(f"{style}: {region} by the detector", float(iou(own, truth).mean()), unit, 0.6))
    return rows


def _largest(faces: list[Face]) -> Face | None:
    return max(faces, key=lambda face: face.xyxy[2] - face.xyxy[0], default=None)


def draw(style: str, seed: str) -> Drawn:
    """A portrait on grey, and the box (4,) of each region that shows."""
    options: Mapping[str, Any] = OPTIONS if style == "avataaars" else {}
    svg = Avatar(_style(style), {**options, "seed": seed}).to_string()
    picture = _render(svg)
    truth = {}
    for region in ATTENTIVE:
        away = np.abs(np.asarray(picture, int) - np.asarray(_render(_without(svg, region)), int)).max(2) > VISIBLE
        if away.any():
            y, x = np.flatnonzero(away.any(1)), np.flatnonzero(away.any(0))
            truth[region] = np.array([x[0], y[0], x[-1] + 1, y[-1] + 1], float)
    return picture, truth


@cache
def _style(name: str) -> Style:
    return Style(json.loads(files("dicebear_styles").joinpath(f"{name}.json").read_text("utf-8")))


def _without(svg: str, region: Region) -> str:
    """The drawing with the region's groups emptied."""
    root = ET.fromstring(svg)
    for group in root.iter():
        if group.get("id", "").startswith(f"{region}-"):
            for part in list(group):
                group.remove(part)
    return ET.tostring(root, encoding="unicode")


def _render(svg: str) -> Image.Image:
    drawn = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIDE_PX, height=SIDE_PX, skip_system_fonts=True))
    with Image.open(BytesIO(drawn)) as figure:
        canvas = Image.new("RGBA", figure.size, BACKGROUND)
        canvas.alpha_composite(figure.convert("RGBA"))
    return canvas.convert("RGB")
