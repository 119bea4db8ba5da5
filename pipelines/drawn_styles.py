"""Portraits of DiceBear's styles as sprites with exact truth: a part left out and the picture drawn again is its mask.

What ships is trained on `STYLES` only, all CC0 but avataaars (free for personal and commercial use). `HELD_OUT` was
named before anything was trained: benchmarks measure on it, and no sample shows it. Eyes behind dark glasses are not
visible: leaving them out changes less than a quarter of what it changes without the glasses. The head's place is the
same in every picture of a style, so its box is one constant a style, measured by `drawn_heads`'s rule; cutouts has
heads of many shapes, its hair included.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import resvg_py
from dicebear import Avatar, Style
from numpy.typing import NDArray
from PIL import Image

from pipelines.drawn_heads import REGIONS, Sprite
from pipelines.drawn_pen import SPRITE_PX, Points, changed, edge, ring

STYLES = ("avataaars", "lorelei", "open-peeps", "cutouts", "pixel-art", "voxel-art", "moods")
"""To train on."""
HELD_OUT = ("notionists", "micah", "toon-head", "personas")
"""To measure on."""
_FACES: dict[str, tuple[float, float, float, float] | None] = {
    "avataaars": (0.30, 0.14, 0.70, 0.67),
    "lorelei": (0.33, 0.29, 0.75, 0.75),
    "open-peeps": (0.38, 0.28, 0.84, 0.79),
    "cutouts": None,
    "pixel-art": (0.19, 0.22, 0.81, 0.75),
    "voxel-art": (0.23, 0.24, 0.70, 0.68),
    "moods": (0.14, 0.14, 0.86, 0.88),
    "notionists": (0.36, 0.27, 0.64, 0.61),
    "micah": (0.28, 0.14, 0.73, 0.73),
    "toon-head": (0.27, 0.30, 0.73, 0.77),
    "personas": (0.285, 0.2, 0.715, 0.73),
}
"""Faces' boxes as fractions of the picture; None: the part "head" itself."""
LEAST_SEEN = 0.25
_PLAIN = {"open-peeps"}
"""Styles whose features are one part: their regions are unknown."""


@cache
def _style(name: str) -> Style:
    return Style(json.loads((files("dicebear_styles") / f"{name}.json").read_text(encoding="utf-8")))


def draw_style(rng: np.random.Generator, name: str, size: int = SPRITE_PX) -> Sprite:
    """A portrait of a style, `size` pixels wide."""
    options = {"seed": str(rng.integers(2**40)), "backgroundColor": ["#00000000"]}
    svg = Avatar(_style(name), options).to_string()
    whole = _render(svg, size)
    known = name not in _PLAIN
    bare = _without(_without(svg, "glasses")[0], "accessories")[0]
    found: list[Points | None] = [edge(_mask(bare, region, size)) if known else None for region in REGIONS]
    if known and ('id="eyes-sunglasses' in svg or _behind(svg, bare, size)):
        found[0] = None
    box = _FACES[name]
    face = _corners(box, size) if box is not None else edge(_mask(svg, "head", size))
    if face is None:
        face = _corners((0.1, 0.1, 0.9, 0.9), size)
    eyes, nose, mouth = found
    return Sprite(
        Image.fromarray(whole), face, _five(face, eyes, nose, mouth), (eyes, nose, mouth), known=(known, known, known)
    )


@lru_cache(maxsize=8)
def _render(svg: str, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True))
    return np.asarray(Image.open(BytesIO(png)).convert("RGBA"))


def _behind(svg: str, bare: str, size: int) -> bool:
    """Whether dark glasses hide the eyes."""
    return bare != svg and bool(_mask(svg, "eyes", size).sum() < LEAST_SEEN * _mask(bare, "eyes", size).sum())


def _without(svg: str, name: str) -> tuple[str, int]:
    """A picture without a part, and how often it was there."""
    return re.subn(rf'<g id="{name}-', f'<g display="none" id="{name}-', svg)


def _mask(svg: str, name: str, size: int) -> NDArray[np.bool_]:
    """Where a picture changes if a part is left out."""
    without, count = _without(svg, name)
    if not count:
        return np.zeros((size, size), bool)
    return changed(_render(without, size), _render(svg, size))


def _corners(box: tuple[float, float, float, float], size: int) -> Points:
    """A face's outline, squarish, within its box."""
    x0, y0, x1, y1 = (v * size for v in box)
    return ring((x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2, power=3.0)


def _five(face: Points, eyes: Points | None, nose: Points | None, mouth: Points | None) -> Points:
    """The five points: from the parts, else where a face has them."""
    low, high = face.min(0), face.max(0)

    def at(x: float, y: float) -> Points:
        return np.asarray(low + (high - low) * (x, y))

    left, right = at(0.3, 0.42), at(0.7, 0.42)
    if eyes is not None:
        (x0, y0), (x1, y1) = eyes.min(0), eyes.max(0)
        left, right = (np.array([x0 + (x1 - x0) * share, (y0 + y1) / 2]) for share in (0.2, 0.8))
    lips = (at(0.35, 0.8), at(0.65, 0.8))
    if mouth is not None:
        (x0, y0), (x1, y1) = mouth.min(0), mouth.max(0)
        lips = (np.array([x0, (y0 + y1) / 2]), np.array([x1, (y0 + y1) / 2]))
    tip = (left + right + lips[0] + lips[1]) / 4
    if nose is not None:
        tip = (nose.min(0) + nose.max(0)) / 2
    return np.stack([left, right, tip, *lips])
