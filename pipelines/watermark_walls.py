"""Walls that sponsors' names are printed on in rows, as at premieres: the nearest that a clean picture comes to tiling.

Of the clean selfies over the limit of 1 % nearly all showed such walls. They are drawn with the same glyphs, signs and
rows as tiled marks are, so that only what tells both apart in life is left to learn from: heads hide the wall and not
the mark, a wall is seen aslant, lit and out of focus, and its print is opaque. Whoever uses one
puts somebody before it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from pipelines.watermark_glyphs import label, logo, text_line
from pipelines.watermark_marks import tiled
from pipelines.watermark_scenes import colour, texture

Colour = tuple[int, int, int]
Corners = NDArray[np.float64]
"""(4, 2): upper left, upper right, lower right, lower left, in pixels."""


def draw_wall(rng: np.random.Generator, size: int) -> Image.Image:
    """A wall that fills a square picture: rows of names, in perspective, lit, mostly out of focus."""
    wide = int(1.3 * size)
    image = _rows(rng, wide) if rng.random() < 0.7 else _as_marks(rng, wide)
    low, high = (wide - size) / 2, (wide + size) / 2
    window = np.array([(low, low), (high, low), (high, high), (low, high)])
    window += rng.normal(0, 0.05 if rng.random() < 0.6 else 0.1, (4, 2)) * size
    image = image.transform((size, size), Image.Transform.PERSPECTIVE, homography(square(size), window),
                            Image.Resampling.BICUBIC)  # fmt: skip
    if rng.random() < 0.7:
        image = lit(rng, image)
    blur = float(rng.exponential(0.006 * size)) if rng.random() < 0.75 else 0.0
    return image.filter(ImageFilter.GaussianBlur(blur)) if blur > 0.3 else image


def _rows(rng: np.random.Generator, wide: int) -> Image.Image:
    """One to three names by turns, row after row, over one colour, stripes or a checkerboard."""
    ground, ink = two_tones(rng)
    image = Image.new("RGB", (wide, wide), ground)
    high = int(wide * rng.uniform(0.03, 0.13))
    names = [_name(rng, high) for _ in range(int(rng.integers(1, 4)))]
    inks = [ink if rng.random() < 0.7 else colour(rng) for _ in names]
    step_x = int(max(name.width for name in names) * rng.uniform(1.08, 1.7))
    step_y = int(max(name.height for name in names) * rng.uniform(1.15, 2.2))
    other = two_tones(rng)[0] if rng.random() < 0.25 else None
    striped, shift = rng.random() < 0.3, float(rng.choice([0, 0.5, 0.5, 0.33]))
    x0, y0 = -int(rng.integers(step_x)), -int(rng.integers(step_y))
    for row in range(wide // step_y + 2):
        for column in range(-1, wide // step_x + 2):
            x, y = x0 + int((column + shift * (row % 2)) * step_x), y0 + row * step_y
            if other and (row if striped else row + column) % 2:
                image.paste(other, (x, y, x + step_x, y + step_y))
            k = (row + column) % len(names)
            at = (x + (step_x - names[k].width) // 2, y + (step_y - names[k].height) // 2)
            image.paste(inks[k], at, names[k])
    return image


def _as_marks(rng: np.random.Generator, wide: int) -> Image.Image:
    """The very rows of a tiled mark, as print on a wall."""
    ground, ink = two_tones(rng)
    image = texture(rng, wide) if rng.random() < 0.3 else Image.new("RGB", (wide, wide), ground)
    if rng.random() < 0.5:
        half = wide // 2  # printed twice as large
        rows = tiled(rng, half).resize((wide, wide), Image.Resampling.BICUBIC)
    else:
        rows = tiled(rng, wide)
    image.paste(ink, (0, 0), rows)
    return image


def _name(rng: np.random.Generator, high: int) -> Image.Image:
    pick = rng.random()
    if pick < 0.5:
        return text_line(rng, high)
    return logo(rng, int(1.6 * high)) if pick < 0.62 else label(rng, high)


def two_tones(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """A ground and an ink that can be read on it, as often light on dark as dark on light."""
    pick = rng.random()
    if pick < 0.25:
        ground: Colour = (int(rng.integers(225, 256)),) * 3
    elif pick < 0.5:
        ground = (int(rng.integers(0, 40)),) * 3
    else:
        ground = colour(rng)
    for _ in range(6):
        shade = int(rng.integers(256))
        ink = (shade, shade, shade) if rng.random() < 0.6 else colour(rng)
        if abs(sum(ink) - sum(ground)) > 110:
            return ground, ink
    return ground, (255, 255, 255) if sum(ground) < 382 else (0, 0, 0)


def lit(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Lamps and shade over a whole picture: a smooth field of factors."""
    knots = Image.fromarray(rng.uniform(70, 255, (3, 3)).astype(np.uint8))
    field = np.asarray(knots.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float32)[..., None]
    shade = 1 + (field / 190 - 1) * float(rng.uniform(0.3, 1))
    return Image.fromarray(np.clip(np.asarray(image) * shade, 0, 255).astype(np.uint8))


def square(wide: float, high: float | None = None) -> Corners:
    """The corners of a rectangle at the origin."""
    low = wide if high is None else high
    return np.array([(0, 0), (wide, 0), (wide, low), (0, low)], dtype=np.float64)


def homography(seen: Corners, source: Corners) -> list[float]:
    """Pillow's eight coefficients that show the source's quadrilateral within the corners `seen`."""
    rows, values = [], []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(v) for v in np.linalg.solve(np.array(rows), np.array(values))]
