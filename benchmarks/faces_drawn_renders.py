"""Rendered pictures to measure the detector of drawn faces on: styles held out of training, pictures without a face.

Portraits of DiceBear's notionists, micah, toon-head and personas, their truth taken as training's is (a part left out
and drawn again), before flat, textured and drawn grounds. Half of the pictures without a face are by the training's own
code under other seeds, half by other hands: DiceBear's patterns and landscapes, of which training saw none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import resvg_py
from dicebear import Avatar, Style
from PIL import Image

from pipelines.drawn_heads import Sprite, draw_head
from pipelines.drawn_scenes import draw_faceless
from pipelines.drawn_styles import draw_style

SEED = 77
PATTERNS = (
    "landscape",
    "planets",
    "shapes",
    "rings",
    "identicon",
    "glass",
    "patchwork",
    "weave",
    "waves",
    "loops",
    "stripes",
    "triangles",
    "squircles",
    "stack",
    "disco",
    "constellation",
    "shape-grid",
    "slice",
)
"""DiceBear styles without a face, all CC0."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Rendered:
    """A picture with one face; boxes in its pixels."""

    image: Image.Image
    face: Box
    regions: tuple[Box | None, Box | None, Box | None]
    """Of eyes, nose and mouth; None where there is none."""


@cache
def portraits(style: str, count: int, size: int = 256) -> list[Rendered]:
    """That many portraits of a style."""
    made = []
    for k in range(count):
        rng = np.random.default_rng([SEED, *style.encode(), k])
        made.append(_before(rng, draw_style(rng, style, size), size))
    return made


def own_heads(count: int) -> list[Rendered]:
    """Heads by the training's code under other seeds: to choose the score's limit on."""
    made = []
    for k in range(count):
        rng = np.random.default_rng([SEED, 1, k])
        sprite = draw_head(rng)
        made.append(_before(rng, sprite, sprite.rgba.width))
    return made


def _before(rng: np.random.Generator, sprite: Sprite, size: int) -> Rendered:
    ground = draw_faceless(rng, size)
    ground.paste(sprite.rgba, (0, 0), sprite.rgba)
    eyes, nose, mouth = (None if part is None else _box(part) for part in sprite.regions)
    return Rendered(ground, _box(sprite.face), (eyes, nose, mouth))


def _box(points: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Box:
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    return float(x0), float(y0), float(x1), float(y1)


@cache
def own_faceless(count: int, seed: int = 2) -> list[Image.Image]:
    """Pictures without a face by the training's code, under other seeds."""
    return [draw_faceless(np.random.default_rng([SEED, seed, k]), 256) for k in range(count)]


@cache
def patterns(count: int) -> list[Image.Image]:
    """Patterns and landscapes by other hands."""
    made = []
    for k in range(count):
        svg = Avatar(_style(PATTERNS[k % len(PATTERNS)]), {"seed": f"faceless {k}"}).to_string()
        png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=256, height=256, skip_system_fonts=True))
        figure = Image.open(BytesIO(png)).convert("RGBA")
        ground = Image.new("RGB", figure.size, "white")
        ground.paste(figure, (0, 0), figure)
        made.append(ground)
    return made


@cache
def _style(name: str) -> Style:
    return Style(json.loads((files("dicebear_styles") / f"{name}.json").read_text(encoding="utf-8")))


def iou(one: Box, other: Box) -> float:
    """Shared area over that of the union."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return both / max(1e-9, sum(areas) - both)
