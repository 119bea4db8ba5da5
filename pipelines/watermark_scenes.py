"""Rendered scenes without a mark, full of what a detector might take for one: dead leaves, banners, hair, patterns.

Shapes of a long-tailed choice of sizes hide one another (dead leaves have the edge and size statistics of photographs),
over walls that carry opaque text, mostly out of focus and partly hidden: what is printed in a scene is no mark.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from pipelines.watermark_marks import draw_printed

Draw = Callable[[np.random.Generator, int], Image.Image]
"""From a random generator and a side in pixels to a square picture."""


def colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """A random colour, mostly muted."""
    base = rng.uniform(0, 255)
    r, g, b = np.clip(base + rng.normal(0, rng.choice([8, 60]), 3), 0, 255).astype(int)
    return int(r), int(g), int(b)


@cache
def _noise(exponent_tenths: int, seed: int, size: int) -> NDArray[np.float32]:
    """Noise with power spectrum 1/f^exponent, zero mean, unit deviation."""
    rng = np.random.default_rng(seed)
    f = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    f[0, 0] = 1
    spectrum = np.fft.rfft2(rng.normal(size=(size, size))) / f ** (exponent_tenths / 20)
    spectrum[0, 0] = 0
    noise = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray(noise / noise.std(), dtype=np.float32)


def texture(rng: np.random.Generator, size: int) -> Image.Image:
    """One of the prepared textures, turned or mirrored; the caller's own, to draw on."""
    sheet = _textures(int(rng.integers(160)), size)
    return sheet.transpose(Image.Transpose(int(rng.integers(7)))) if rng.random() < 0.8 else sheet.copy()


@cache
def _textures(seed: int, size: int) -> Image.Image:
    """A square of cloth, wall or skin: noise, gradient, stripes, checks or dots over a colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    turn = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    value = rng.uniform(-40, 40) * along + rng.uniform(1, 14) * _noise(
        int(rng.choice([10, 20, 30, 40])), int(rng.integers(24)), size
    )
    pick = rng.random()
    waves = rng.uniform(4, 40)
    if pick < 0.25:
        value += rng.uniform(10, 90) * np.sign(np.sin(2 * np.pi * waves * along) + rng.uniform(-0.8, 0.8))
    elif pick < 0.4:
        value += rng.uniform(10, 60) * np.sign(np.sin(2 * np.pi * waves * along) * np.sin(2 * np.pi * waves * across))
    elif pick < 0.5:
        dots = np.cos(2 * np.pi * waves * along) + np.cos(2 * np.pi * waves * across)
        value += rng.uniform(20, 90) * (dots > rng.uniform(0.8, 1.6))
    elif pick < 0.6:
        value += rng.uniform(10, 50) * np.sin(2 * np.pi * waves * along)
    tint = rng.uniform(0.5, 1.2, 3)
    pixels = np.asarray(colour(rng)) + value[..., None] * tint
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _leaf(rng: np.random.Generator, size: int) -> Image.Image:
    """The mask of one shape: ellipse, polygon, bar or ring."""
    mask = Image.new("L", (size, size))
    draw = ImageDraw.Draw(mask)
    radius = size * float(np.clip(rng.pareto(1.6) * 0.06 + 0.02, 0.02, 0.45))
    cx, cy = rng.uniform(0, size, 2)
    pick = rng.random()
    if pick < 0.45:
        ry = radius * rng.uniform(0.3, 1.6)
        draw.ellipse((cx - radius, cy - ry, cx + radius, cy + ry), fill=255)
    elif pick < 0.75:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
        reach = radius * rng.uniform(0.5, 1.4, len(angles))
        draw.polygon([(cx + r * np.cos(a), cy + r * np.sin(a)) for a, r in zip(angles, reach, strict=True)], fill=255)
    elif pick < 0.9:
        dx, dy = rng.normal(0, size / 2, 2)
        draw.line((cx, cy, cx + dx, cy + dy), fill=255, width=int(rng.integers(2, 30)))
    else:
        draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), outline=255, width=int(rng.integers(2, 12)))
    return mask.filter(ImageFilter.GaussianBlur(float(rng.exponential(1.5)))) if rng.random() < 0.4 else mask


def _strands(rng: np.random.Generator, image: Image.Image) -> None:
    """Hair or grass: many curved lines of nearly one colour, from one place in one direction."""
    size = image.width
    draw = ImageDraw.Draw(image, "RGBA")
    tone = np.asarray(colour(rng))
    start, reach = rng.uniform(0, size, 2), rng.normal(0, size / 2, 2)
    bend, spread = rng.normal(0, size / 5, 2), rng.uniform(0.05, 0.4) * size
    t = np.linspace(0, 1, 9)[:, None]
    for _ in range(int(rng.integers(15, 100))):
        a = start + rng.normal(0, spread, 2)
        b, c = a + reach / 2 + bend + rng.normal(0, spread / 3, 2), a + reach + rng.normal(0, spread / 3, 2)
        curve = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c
        shade = np.clip(tone + rng.normal(0, 25), 0, 255).astype(int)
        fill = (int(shade[0]), int(shade[1]), int(shade[2]), int(rng.integers(60, 256)))
        draw.line([(float(px), float(py)) for px, py in curve], fill=fill, width=int(rng.integers(1, 4)))


def draw_scene(rng: np.random.Generator, size: int, photograph: Draw) -> Image.Image:
    """Dead leaves at twice the size: a wall, perhaps printed with text and blurred, and things before it."""
    wide = 2 * size
    image = texture(rng, wide)
    leaves = int(rng.integers(1, 7)) if rng.random() < 0.6 else int(rng.integers(7, 35))
    printed = int(rng.integers(0, leaves)) if rng.random() < 0.65 else None
    for k in range(leaves):
        pick = rng.random()
        fill = photograph(rng, wide) if pick < 0.12 else texture(rng, wide) if pick < 0.35 else colour(rng)
        image.paste(fill, (0, 0, wide, wide), _leaf(rng, wide))
        if k == printed:
            _print_on(rng, image)
        if rng.random() < 0.02:
            _strands(rng, image)
    if rng.random() < 0.6:
        person = photograph(rng, wide) if rng.random() < 0.6 else texture(rng, wide)
        image.paste(person, (0, 0), bust(rng, wide))
        for _ in range(int(rng.integers(0, 3))):
            _strands(rng, image)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def bust(rng: np.random.Generator, size: int) -> Image.Image:
    """The mask of a head on shoulders."""
    mask = Image.new("L", (size, size))
    draw = ImageDraw.Draw(mask)
    cx, cy, r = size * rng.uniform(0.35, 0.65), size * rng.uniform(0.35, 0.55), size * rng.uniform(0.15, 0.3)
    draw.ellipse((cx - r, cy - 1.3 * r, cx + r, cy + 1.3 * r), fill=255)
    draw.ellipse((cx - 2.3 * r, cy + 1.1 * r, cx + 2.3 * r, cy + 5 * r), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(1.5))


def _print_on(rng: np.random.Generator, image: Image.Image) -> None:
    """Opaque text or signs that belong to the scene (banner, poster, shirt): no mark. Mostly out of focus."""
    layer = draw_printed(rng, image.width)
    image.paste(colour(rng), (0, 0, *image.size), layer)
    if rng.random() < 0.65:
        image.paste(image.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 6)))))
