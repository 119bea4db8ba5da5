"""Hair in locks of strands, as painters and cameras see it: shaded across, with jagged gleams, ends that part.

The watermark detector took the gleams and strands of hair it had never seen for faint letters, and letters over hair
for strands; what was drawn before were flat locks with single strokes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.floating[Any]]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Hair:
    """How all locks of one head look."""

    colour: Floats
    """Red, green, blue, 0 to 255."""
    light: Floats
    """Of gleams."""
    gleams: tuple[float, float, float]
    """Where along a lock gleams lie (0 root, 1 tip), how far they reach, how strong they are."""
    strand_px: int
    """Width of a strand."""
    depth: float
    """How much darker a lock's edges are than its middle."""
    rough: float
    """How much strands differ in tone."""
    ink: tuple[int, int, int] | None
    """Of a line along one edge of each lock."""
    root: float = 0.5
    """A lock's width at the root, of its greatest."""


def draw_hair(rng: np.random.Generator, colour: Floats, strand_px: int) -> Hair:
    """Any hair of that colour."""
    light = colour + (255 - colour) * rng.uniform(0.3, 1)
    if rng.random() < 0.2:
        light = np.clip(light + rng.normal(0, 25, 3), 0, 255)
    gleams = (rng.uniform(0.15, 0.6), rng.uniform(0.04, 0.25), rng.uniform(0.3, 1) if rng.random() < 0.85 else 0.0)
    inked = rng.random() < 0.65
    r, g, b = (int(v) for v in colour * (rng.uniform(0.1, 0.5) if inked else 1))
    ink = (r, g, b) if inked else None
    return Hair(colour, light, gleams, strand_px, rng.uniform(0.1, 0.5), rng.uniform(0.02, 0.2), ink)


def draw_lock(rng: np.random.Generator, image: Image.Image, spine: Points, half_px: float, hair: Hair) -> None:
    """A lock along a spine (N, 2) in pixels from root to tip, `half_px` half its greatest width."""
    t = np.linspace(0, 1, len(spine))
    wide = half_px * (1 - t ** rng.uniform(1.5, 4)) * (hair.root + (1 - hair.root) * np.minimum(t * 3, 1))
    ahead = np.gradient(spine, axis=0)
    across = np.stack([-ahead[:, 1], ahead[:, 0]], 1) / (np.hypot(*ahead.T)[:, None] + 1e-6)
    count = max(2, int(2.2 * half_px / hair.strand_px))
    u = np.linspace(-1, 1, count)[rng.permutation(count)]
    paths = spine + across * (u[:, None] * wide)[..., None]
    draw = ImageDraw.Draw(image)
    _strands(draw, paths, _tones(rng, u, t, hair), hair.strand_px + 1)
    if hair.ink:
        edge = spine + across * (wide * rng.choice([-1, 1]))[:, None]
        draw.line(edge.ravel().tolist(), fill=hair.ink, width=max(1, hair.strand_px // 2), joint="curve")


def _tones(rng: np.random.Generator, u: Floats, t: Floats, hair: Hair) -> NDArray[np.uint8]:
    """Each strand's colours along it, (strands, segments, 3)."""
    count, at = len(u), (t[1:] + t[:-1]) / 2
    lock = rng.uniform(0.8, 1.12)
    tone = lock * (1 - hair.depth * np.abs(u - rng.uniform(-0.5, 0.5)) ** 1.5) * (1 + rng.normal(0, hair.rough, count))
    middle, reach, strong = hair.gleams
    jag = middle + rng.normal(0, 0.5, count) * reach + rng.normal(0, 0.06)
    gleam = strong * np.exp(-(((at - jag[:, None]) / reach) ** 2)) * rng.uniform(0, 1, count)[:, None]
    base = hair.colour * tone[:, None, None] * (1 - 0.25 * at[:, None])
    lit: NDArray[np.uint8] = np.clip(base + (hair.light - base) * gleam[..., None], 0, 255).astype(np.uint8)
    return lit


def _strands(draw: ImageDraw.ImageDraw, paths: Points, tones: NDArray[np.uint8], width: int) -> None:
    for path, row in zip(paths.tolist(), tones.tolist(), strict=True):
        for one, other, tone in zip(path[:-1], path[1:], row, strict=True):
            draw.line((*one, *other), fill=tuple(tone), width=width)


def curve(root: tuple[float, float], tip: tuple[float, float], bend: float, wave: float = 0.0) -> Points:
    """(25, 2): from root to tip, the middle moved across by `bend` of the length, waves of `wave` of it."""
    t = np.linspace(0, 1, 25)[:, None]
    a, b = np.array(root), np.array(tip)
    across = np.array([a[1] - b[1], b[0] - a[0]])
    return np.asarray(a + (b - a) * t + across * (4 * bend * t * (1 - t) + wave * t * np.sin(9 * t)))


def hairy(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """A photograph behind strands of natural colour that fall over it from above or from a side, (S, S)."""
    wide = 2 * image.width
    large = image.resize((wide, wide), Image.Resampling.BICUBIC)
    brown = np.array([1.0, rng.uniform(0.55, 0.9), rng.uniform(0.3, 0.85)])
    hair = draw_hair(rng, brown * np.exp(rng.uniform(np.log(15), np.log(220))), int(rng.integers(1, 3)))
    hair = replace(hair, ink=None, root=0.0, rough=hair.rough * 2)
    x, y = rng.uniform(-0.2, 1.2) * wide, rng.uniform(-0.6, 0.4) * wide
    spread, fall, wave = rng.uniform(0.05, 0.5) * wide, rng.uniform(0.4, 1.4) * wide, rng.uniform(0, 0.1)
    for _ in range(int(rng.integers(8, 50))):
        aside = rng.normal(0, 1)
        tip = (x + aside * spread * rng.uniform(0.8, 2), y + fall * rng.uniform(0.5, 1.2))
        spine = curve((x + aside * spread, y), tip, rng.normal(0, 0.12), wave)
        draw_lock(rng, large, spine, wide * np.exp(rng.uniform(np.log(0.002), np.log(0.05))), hair)
    return large.resize(image.size, Image.Resampling.LANCZOS)
