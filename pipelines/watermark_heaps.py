"""Heaps of small things cut from photographs: a far town, a machine's parts, a crowd, a full shelf.

Fine clutter that is no mark. The watermark detector took such bands and heaps in photographs it had never seen for
rows of letters; a dozen photographs hold hardly any, but reduced and cut up they are made of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from pipelines.watermark_clutter import Draw, around, tone


@dataclass(frozen=True)
class _Place:
    """Where a heap lies: its centre and spread on either axis, in pixels."""

    centre: tuple[float, float]
    spread: tuple[float, float]
    flat: bool
    """Whether all stand on one line, as houses do, or lie about."""


def heaped(rng: np.random.Generator, size: int, draw: Draw) -> Image.Image:
    """A picture of `draw`, half of the time a plain gradient, under a heap or two of parts of others, (size, size)."""
    image = _plain(rng, size) if rng.random() < 0.5 else draw(rng, size)
    sources = [draw(rng, size) for _ in range(int(rng.integers(1, 4)))]
    for _ in range(1 if rng.random() < 0.7 else 2):
        _pile(rng, image, sources, _place(rng, size))
    return image


def _plain(rng: np.random.Generator, size: int) -> Image.Image:
    """Sky over ground, or one ramp."""
    image, edge = Image.new("RGB", (size, size)), int(size * rng.uniform(0.2, 1.2))
    for top, end in ((0, edge), (edge, size)):
        if end > top:
            ramp = np.linspace(tone(rng), tone(rng), 8).astype(np.uint8)[:, None]
            image.paste(Image.fromarray(ramp).resize((size, end - top), Image.Resampling.BICUBIC), (0, top))
    return image


def _place(rng: np.random.Generator, size: int) -> _Place:
    pick, x, y = rng.random(), *(rng.uniform(0, size, 2))
    if pick < 0.45:  # a band
        return _Place((size / 2, y), (size, size * rng.uniform(0.01, 0.08)), flat=bool(rng.random() < 0.6))
    if pick < 0.85:
        wide, high = size * rng.uniform(0.05, 0.3, 2)
        return _Place((x, y), (wide, high), flat=False)
    return _Place((size / 2, size / 2), (size, size), flat=False)


def _pile(rng: np.random.Generator, image: Image.Image, sources: list[Image.Image], place: _Place) -> None:
    large, haze = rng.uniform(0.04, 0.25), tone(rng)
    pale = float(rng.uniform(0, 0.7)) if rng.random() < 0.5 else 0.0
    for _ in range(int(rng.integers(30, 260))):
        wide, high = (max(3, int(v)) for v in image.width * large * rng.uniform(0.15, 1, 2) ** 1.5)
        part = _part(rng, sources[rng.integers(len(sources))], wide, high)
        if pale:
            part = Image.blend(part, Image.new("RGB", part.size, haze), pale)
        x = place.centre[0] + rng.normal(0, place.spread[0]) - wide / 2
        y = place.centre[1] + rng.normal(0, place.spread[1]) * (0.2 if place.flat else 1)
        image.paste(part, (int(x), int(y) - (high if place.flat else high // 2)), _cut(rng, wide, high))


def _part(rng: np.random.Generator, source: Image.Image, wide: int, high: int) -> Image.Image:
    """A window of a picture, reduced up to sixfold, sometimes of one tone."""
    if rng.random() < 0.2:
        return Image.new("RGB", (wide, high), tone(rng))
    reach = rng.uniform(1, 6)
    w, h = (min(source.width, int(side * reach)) for side in (wide, high))
    x, y = int(rng.integers(0, source.width - w + 1)), int(rng.integers(0, source.height - h + 1))
    return source.resize((wide, high), Image.Resampling.BOX, (x, y, x + w, y + h))


def _cut(rng: np.random.Generator, wide: int, high: int) -> Image.Image:
    """Its outline: a box, a dome, a disc, a ring, a polygon or a bar; drawn at thrice the size."""
    mask = Image.new("L", (3 * wide, 3 * high))
    draw, box, pick = ImageDraw.Draw(mask), (0, 0, 3 * wide - 1, 3 * high - 1), rng.random()
    if pick < 0.35:
        draw.rectangle(box, fill=255)
    elif pick < 0.5:
        draw.pieslice((0, 0, box[2], 2 * box[3]), 180, 360, fill=255)
    elif pick < 0.65:
        draw.ellipse(box, fill=255)
    elif pick < 0.75:
        draw.ellipse(box, outline=255, width=int(rng.integers(3, 10)))
    elif pick < 0.9:
        turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
        reach = 1.5 * np.hypot(wide, high) * rng.uniform(0.3, 0.8, len(turns))
        draw.polygon(around(np.array([1.5 * wide, 1.5 * high]), reach, turns), fill=255)
    else:
        draw.line(
            (0, 0, box[2], box[3]) if rng.random() < 0.5 else (0, box[3], box[2], 0), 255, int(rng.integers(3, 12))
        )
    return mask.reduce(3)
