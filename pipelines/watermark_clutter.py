"""Photographs composed of two: more shapes than a dozen photographs hold, and thin clutter that is no mark.

One photograph blended with another, or seen through a mask of shapes: polygons, the outlines of a third, poles, wheels,
grass, branches, fences, towers, skylines. Without them the watermark detector learns the few photographs by heart, and
takes what is thin and bright in others (a far town, a mast of bars) for strokes of a mark. Figures, with and without:
`train_watermark`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Draw = Callable[[np.random.Generator, int], Image.Image]
"""From a random generator and a side in pixels to a square picture."""
Points = list[tuple[float, float]]
Floats = NDArray[np.floating[Any]]
BLENDED = 0.3
"""The share that is blended; the others are cut out."""


def composed(rng: np.random.Generator, size: int, draw: Draw) -> Image.Image:
    """Two pictures of `draw` made one, (size, size)."""
    under, over = draw(rng, size), draw(rng, size)
    if rng.random() < BLENDED:
        return Image.blend(under, over, float(rng.uniform(0.25, 0.75)))
    shapes = MASKS[rng.integers(len(MASKS))](rng, size, draw)
    if rng.random() < 0.4:  # of one tone, lighter or darker than what it covers
        over = Image.blend(over, Image.new("RGB", over.size, tone(rng)), float(rng.uniform(0.5, 1)))
    return Image.composite(over, under, shapes)


def tone(rng: np.random.Generator) -> tuple[int, int, int]:
    """A random colour near gray."""
    r, g, b = np.clip(rng.uniform(0, 255) + rng.normal(0, 15, 3), 0, 255).astype(int)
    return int(r), int(g), int(b)


def _drawn(size: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A mask of twice the size, for smooth edges once reduced."""
    mask = Image.new("L", (2 * size, 2 * size))
    return mask, ImageDraw.Draw(mask)


def _reduced(mask: Image.Image) -> Image.Image:
    return mask.reduce(2)


def _polygons(rng: np.random.Generator, size: int, _: Draw) -> Image.Image:
    mask, draw = _drawn(size)
    for _k in range(int(rng.integers(1, 9))):
        centre, reach = rng.uniform(0, 2 * size, 2), size * rng.uniform(0.1, 0.9)
        turns = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
        draw.polygon(around(centre, reach * rng.uniform(0.3, 1, len(turns)), turns), fill=255)
    return _reduced(mask)


def around(centre: Floats, reach: Floats | float, turns: Floats) -> Points:
    """Corners of a polygon: a reach in pixels from `centre` at each of `turns` (radians)."""
    x, y = centre[0] + reach * np.cos(turns), centre[1] + reach * np.sin(turns)
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]


def _outlines(rng: np.random.Generator, size: int, picture: Draw) -> Image.Image:
    """Where another picture changes most, a twentieth to a quarter of it."""
    gray = picture(rng, size).convert("L").filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2))))
    dy, dx = np.gradient(np.asarray(gray, dtype=np.float32))
    steep = np.hypot(dx, dy)
    return Image.fromarray(np.where(steep > np.quantile(steep, rng.uniform(0.75, 0.95)), 255, 0).astype(np.uint8))


def _poles(rng: np.random.Generator, size: int, _: Draw) -> Image.Image:
    """Straight bars from anywhere to anywhere, some from one joint, as a tripod's."""
    mask, draw = _drawn(size)
    for _k in range(int(rng.integers(1, 5))):
        joint = rng.uniform(0, 2 * size, 2)
        ends = joint + rng.normal(0, size, (int(rng.integers(1, 5)), 2))
        for x, y in ends:
            draw.line([(float(joint[0]), float(joint[1])), (float(x), float(y))], 255, int(rng.integers(2, 22)))
    return _reduced(mask)


def _wheels(rng: np.random.Generator, size: int, _: Draw) -> Image.Image:
    """Rims with spokes, hoops, gears of a machine, seen a little from the side."""
    mask, draw = _drawn(size)
    for _k in range(int(rng.integers(1, 7))):
        centre, reach = rng.uniform(0, 2 * size, 2), size * rng.uniform(0.08, 0.8)
        box = [*(centre - reach).tolist(), *(centre + reach).tolist()]
        draw.ellipse(box, outline=255, width=int(rng.integers(2, 18)))
        if rng.random() < 0.6:
            turns = np.arange(int(rng.integers(3, 30))) * 2 * np.pi / rng.uniform(3, 30)
            pen = int(rng.integers(1, 6))
            for end in around(centre, reach, turns):
                draw.line([(float(centre[0]), float(centre[1])), end], 255, pen)
    flat = int(2 * size * rng.uniform(0.5, 1))
    squeezed = mask.resize((flat, 2 * size)).resize(mask.size, box=(0, 0, flat, 2 * size))
    seen = squeezed if rng.random() < 0.3 else mask.rotate(float(rng.uniform(-90, 90)))
    return _reduced(seen)


def _grass(rng: np.random.Generator, size: int, _: Draw) -> Image.Image:
    """Tapering, bending blades or hairs, hundreds of them, mostly one way."""
    mask, draw = _drawn(size)
    way, long, pen = rng.uniform(-np.pi, np.pi), size * rng.uniform(0.1, 0.8), int(rng.integers(1, 6))
    low = rng.uniform(0, 2 * size)
    for _k in range(int(rng.integers(60, 500))):
        x, y = rng.uniform(-0.1, 2.1) * size, low + abs(rng.normal(0, 0.7 * size))
        lean, bend = way + rng.normal(0, 0.35), rng.normal(0, 0.3)
        for part in range(4):
            dx, dy = np.cos(lean) * long / 4, np.sin(lean) * long / 4
            draw.line([(x, y), (x + dx, y + dy)], 255, max(1, pen - part))
            x, y, lean = x + dx, y + dy, lean + bend
    return _reduced(mask)


def _branches(rng: np.random.Generator, size: int, _: Draw) -> Image.Image:
    """Limbs that fork and thin out."""
    mask, draw = _drawn(size)
    for _k in range(int(rng.integers(1, 4))):
        tips = [(*rng.uniform(0, 2 * size, 2), rng.uniform(-np.pi, np.pi), float(rng.integers(4, 24)))]
        while tips:
            x, y, way, pen = tips.pop()
            reach = size * rng.uniform(0.05, 0.4)
            end = (x + reach * np.cos(way), y + reach * np.sin(way))
            draw.line([(float(x), float(y)), (float(end[0]), float(end[1]))], 255, max(1, round(pen)))
            if pen > 1.5:
                tips += [(*end, way + rng.normal(0, 0.6), pen * rng.uniform(0.4, 0.8)) for _fork in range(2)]
    return _reduced(mask)


def _fence(rng: np.random.Generator, size: int, _: Draw) -> Image.Image:
    """One or two families of bars, evenly apart, in perspective: fences, blinds, scaffolds, brick joints."""
    mask, draw = _drawn(size)
    for _k in range(int(rng.integers(1, 3))):
        step, pen, slant = rng.uniform(10, 90), int(rng.integers(1, 14)), rng.normal(0, 0.3) * 2 * size
        along = bool(rng.random() < 0.5)
        for at in np.arange(-size, 3 * size, max(step, 2.5 * pen)):
            ends = [(float(at), 0.0), (float(at + slant), 2.0 * size)]
            draw.line(ends if along else [(b, a) for a, b in ends], 255, pen)
    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) + rng.uniform(-0.2, 0.2, (4, 2))
    quad = [float(v) for v in (corners * 2 * size).ravel()]
    return _reduced(mask.transform(mask.size, Image.Transform.QUAD, quad, Image.Resampling.BILINEAR))


def _towers(rng: np.random.Generator, size: int, _: Draw) -> Image.Image:
    """Masts, cranes and bridges of thin bars: pairs of lines that narrow, braced crosswise."""
    mask, draw = _drawn(size)
    for _k in range(int(rng.integers(1, 5))):
        foot, way = rng.uniform(0, 2 * size, 2), rng.normal(-np.pi / 2, 0.1 if rng.random() < 0.7 else 1.5)
        long, wide, narrow = size * rng.uniform(0.4, 2), size * rng.uniform(0.03, 0.25), rng.uniform(0.1, 1)
        along, across = np.array([np.cos(way), np.sin(way)]), np.array([-np.sin(way), np.cos(way)])
        storeys, pen = int(rng.integers(4, 22)), int(rng.integers(1, 6))
        joints = [
            [
                foot + along * long * k / storeys + side * across * wide * (1 - (1 - narrow) * k / storeys)
                for side in (-1, 1)
            ]
            for k in range(storeys + 1)
        ]
        for (a, b), (c, d) in pairwise(joints):
            for start, end in ((a, c), (b, d), (a, d), (b, c)):
                draw.line([*start.tolist(), *end.tolist()], 255, pen)
    return _reduced(mask)


def _skyline(rng: np.random.Generator, size: int, _: Draw) -> Image.Image:
    """A row of far houses, domes and arches with windows, mostly paler than what is near."""
    mask, draw = _drawn(size)
    ground = size * rng.uniform(0.3, 1.9)
    for _k in range(int(rng.integers(4, 30))):
        x, wide, high = (rng.uniform(low, top) * size for low, top in ((-0.1, 2), (0.02, 0.4), (0.03, 0.5)))
        high, box = high * (2.5 if rng.random() < 0.15 else 1), (x, ground - high, x + wide, ground + 2)
        pick = rng.random()
        if pick < 0.65:
            draw.rectangle(box, fill=255)
        elif pick < 0.85:
            draw.pieslice((x, ground - high, x + wide, ground + high), 180, 360, fill=255)
        else:
            draw.arc((x, ground - high, x + wide, ground + high), 180, 360, 255, int(rng.integers(2, 8)))
        if pick < 0.5:
            step, pane = rng.uniform(4, 16, 2), rng.uniform(0.3, 0.7)
            for top in np.arange(ground - high + 3, ground, step[1]):
                for left in np.arange(x + 2, x + wide - 2, step[0]):
                    draw.rectangle(
                        (left, top, left + pane * step[0], top + pane * step[1]), fill=int(rng.integers(200))
                    )
    pale = float(rng.uniform(0.5, 1))
    return _reduced(mask).point(lambda v: v * pale)


MASKS = (
    *(_polygons, _polygons, _outlines, _outlines, _poles, _wheels, _grass, _branches, _fence),
    *(_towers, _towers, _skyline, _skyline),
)
