"""Rendered cartoon stills without a mark: flat colours in hard outlines, eyes, windows, shelves, fences, signs.

The detector took such contours for marks: of 104 film stills it rejected 47, most of them for eyes, collars, grids and
books rather than for the captions that some carry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipelines.watermark_marks import draw_printed

Colour = tuple[int, int, int]


@dataclass
class _Stage:
    """A canvas with the pen that the whole still is drawn with."""

    rng: np.random.Generator
    image: Image.Image
    draw: ImageDraw.ImageDraw
    ink: Colour
    pen: int

    @property
    def side(self) -> int:
        return self.image.width

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high) * self.side)


def draw_toon(rng: np.random.Generator, size: int) -> Image.Image:
    """A square still: a ground, things of a few kinds, mostly some figures; drawn at twice its size."""
    image = Image.new("RGB", (2 * size, 2 * size), _colour(rng))
    pen = int(rng.integers(2, 9)) if rng.random() < 0.85 else 0
    ink = (0, 0, 0) if rng.random() < 0.6 else _colour(rng, 0, 90)
    stage = _Stage(rng, image, ImageDraw.Draw(image), ink, pen)
    _ground(stage)
    for _ in range(int(rng.integers(0, 5))):
        _THINGS[rng.integers(len(_THINGS))](stage)
    for _ in range(int(rng.choice([0, 1, 1, 2, 3, 5]))):
        _figure(stage)
    if rng.random() < 0.3:
        _THINGS[rng.integers(len(_THINGS))](stage)
    if rng.random() < 0.35:
        image = _lit(rng, image)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _colour(rng: np.random.Generator, low: int = 0, high: int = 256) -> Colour:
    r, g, b = (int(v) for v in rng.integers(low, high, 3))
    return r, g, b


def _ground(stage: _Stage) -> None:
    """A horizon or a wall with a floor, sometimes hills."""
    side, rng = stage.side, stage.rng
    top = stage.between(0.3, 0.95)
    stage.draw.rectangle((-9, top, side + 9, side + 9), fill=_colour(rng), outline=stage.ink, width=stage.pen)
    if rng.random() < 0.3:
        for _ in range(3):
            x, r = stage.between(0, 1), stage.between(0.1, 0.6)
            stage.draw.ellipse((x - r, top - r / 2, x + r, top + r), _colour(rng), stage.ink, stage.pen)


def _window(stage: _Stage) -> None:
    """A frame with panes, a picture on the wall, or tiles."""
    rng, (x, y) = stage.rng, (stage.between(-0.1, 0.9), stage.between(-0.1, 0.8))
    wide, high = stage.between(0.08, 0.5), stage.between(0.08, 0.5)
    stage.draw.rectangle((x, y, x + wide, y + high), _colour(rng), stage.ink, 2 * stage.pen)
    columns, rows = int(rng.integers(1, 7)), int(rng.integers(1, 7))
    width = max(1, stage.pen)
    for k in range(1, columns):
        stage.draw.line((x + k * wide / columns, y, x + k * wide / columns, y + high), fill=stage.ink, width=width)
    for k in range(1, rows):
        stage.draw.line((x, y + k * high / rows, x + wide, y + k * high / rows), fill=stage.ink, width=width)


def _shelf(stage: _Stage) -> None:
    """Books, a fence or a blind: a row of upright bars."""
    rng, x, y = stage.rng, stage.between(-0.1, 0.7), stage.between(0, 0.8)
    high, end = stage.between(0.06, 0.3), x + stage.between(0.2, 1)
    alike = _colour(rng) if rng.random() < 0.5 else None
    while x < end:
        wide = stage.between(0.012, 0.05)
        top = y + (0 if alike else stage.between(0, 0.04))
        stage.draw.rectangle((x, top, x + wide, y + high), alike or _colour(rng), stage.ink, stage.pen)
        x += wide + (wide if alike and rng.random() < 0.7 else 0)


def _foliage(stage: _Stage) -> None:
    """A bush, a cloud or a tree: a heap of discs, or spikes."""
    rng, fill = stage.rng, _colour(stage.rng)
    x, y, r = stage.between(0, 1), stage.between(0.1, 0.9), stage.between(0.04, 0.15)
    if rng.random() < 0.4:
        points = [(x + r * (k - 6) * 0.5, y - (r * rng.uniform(1, 3) if k % 2 else 0)) for k in range(13)]
        stage.draw.polygon(points, fill, stage.ink, stage.pen)
        return
    discs = [(x + rng.normal(0, r), y + rng.normal(0, r / 2), r * rng.uniform(0.5, 1.2)) for _ in range(8)]
    for grow, colour in ((stage.pen, stage.ink), (0, fill)):
        for cx, cy, rr in discs:
            stage.draw.ellipse((cx - rr - grow, cy - rr - grow, cx + rr + grow, cy + rr + grow), fill=colour)


def _sign(stage: _Stage) -> None:
    """A board, a shop's sign or a blackboard with writing on it: part of the scene."""
    rng, (wide, high) = stage.rng, (int(stage.between(0.2, 0.7)), int(stage.between(0.1, 0.4)))
    board = Image.new("RGB", (wide, high), _colour(rng))
    board.paste(_colour(rng), (0, 0, wide, high), draw_printed(rng, max(wide, high)).crop((0, 0, wide, high)))
    ImageDraw.Draw(board).rectangle((0, 0, wide - 1, high - 1), outline=stage.ink, width=stage.pen)
    if rng.random() < 0.4:
        board = board.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 3))))
    stage.image.paste(board, (int(stage.between(-0.2, 0.9)), int(stage.between(0, 0.7))))


_THINGS = (_window, _shelf, _foliage, _foliage, _sign)


def _figure(stage: _Stage) -> None:
    """A body, hair and a head with large eyes, any place and size."""
    rng, ink, pen = stage.rng, stage.ink, stage.pen
    x, y, r = stage.between(0, 1), stage.between(0.2, 0.8), stage.between(0.06, 0.3)
    tall, clothes, skin = rng.uniform(0.8, 1.5), _colour(rng), _colour(rng, 60)
    body = [(x - r * 0.5, y), (x - r * 1.6, y + 5 * r), (x + r * 1.6, y + 5 * r), (x + r * 0.5, y)]
    stage.draw.polygon(body, clothes, ink, pen)
    for k in range(int(rng.integers(0, 5))):
        by = y + r * (1.6 + 0.5 * k)
        stage.draw.ellipse((x - r * 0.07, by, x + r * 0.07, by + r * 0.14), _colour(rng), ink, pen // 2)
    collar = [(x - r * 0.6, y + tall * r), (x, y + r * (tall + 0.7)), (x + r * 0.6, y + tall * r)]
    stage.draw.polygon(collar, _colour(rng, 120), ink, pen)
    _hair(stage, x, y - 0.2 * r, r * 1.15)
    stage.draw.ellipse((x - r, y - r * tall, x + r, y + r * tall), skin, ink, pen)
    _face(stage, x, y, r)


def _hair(stage: _Stage, x: float, y: float, r: float) -> None:
    rng, count = stage.rng, int(stage.rng.integers(7, 40))
    angle = np.linspace(np.pi * 0.95, np.pi * 2.05, count)
    radius = r * (1.1 + rng.uniform(0, 0.7) * (np.arange(count) % 2) + rng.uniform(0, 0.1, count))
    points = [(x + float(q * np.cos(a)), y + float(q * np.sin(a))) for a, q in zip(angle, radius, strict=True)]
    stage.draw.polygon(points, _colour(rng), stage.ink, stage.pen)


def _face(stage: _Stage, x: float, y: float, r: float) -> None:
    rng, ink, pen = stage.rng, stage.ink, max(1, stage.pen)
    eye, gap = r * rng.uniform(0.15, 0.45), r * rng.uniform(0.25, 0.5)
    look = rng.uniform(-0.5, 0.5, 2) * eye
    for cx in (x - gap, x + gap):
        stage.draw.ellipse((cx - eye, y - eye, cx + eye, y + eye), (255, 255, 255), ink, pen)
        px, py, dot = cx + look[0], y + look[1], eye * rng.uniform(0.1, 0.5)
        stage.draw.ellipse((px - dot, py - dot, px + dot, py + dot), fill=(0, 0, 0))
        if rng.random() < 0.3:
            stage.draw.line((cx - eye, y - 1.5 * eye, cx + eye, y - 1.3 * eye), fill=ink, width=2 * pen)
        if rng.random() < 0.15:
            stage.draw.ellipse((cx - 1.3 * eye, y - 1.3 * eye, cx + 1.3 * eye, y + 1.3 * eye), outline=ink, width=pen)
    mouth = (x - 0.5 * r, y + 0.2 * r, x + 0.5 * r, y + 0.7 * r)
    if rng.random() < 0.6:
        stage.draw.arc(mouth, 10, 170, fill=ink, width=pen)
    else:
        stage.draw.chord(mouth, 0, 180, (255, 255, 255), ink, pen)


def _lit(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Soft light over everything, as 3-D films have it."""
    field = Image.fromarray(rng.uniform(90, 255, (4, 4)).astype(np.uint8)).resize(image.size, Image.Resampling.BICUBIC)
    shade = np.asarray(field, dtype=np.float32)[..., None] / 200
    return Image.fromarray(np.clip(np.asarray(image) * shade, 0, 255).astype(np.uint8))
