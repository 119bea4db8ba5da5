"""What grows or lives and has no face, for `drawn_things`: bushes, firs, fruit, hands, hair, heads from behind."""

from __future__ import annotations

import numpy as np
from PIL import ImageDraw

from pipelines.drawn_anime import bent, draw_lock, draw_strands_behind
from pipelines.drawn_body import draw_hand
from pipelines.drawn_looks import SKINS, draw_look
from pipelines.drawn_pen import Colour, Pen, Points, hue, ring, scaled, smooth

Ink = tuple[Colour, int]
"""Colour and width of outlines."""


def any_colour(rng: np.random.Generator) -> Colour:
    """White, or any."""
    return (255, 255, 255) if rng.random() < 0.35 else hue(rng, (0.0, 0.9), (0.05, 1.0))


def shape(draw: ImageDraw.ImageDraw, points: Points, fill: Colour | None, ink: Ink) -> None:
    """A polygon, filled, outlined or both."""
    flat = [float(v) for v in points.ravel()]
    if fill is not None:
        draw.polygon(flat, fill=fill)
    if ink[1]:
        draw.line([*flat, *flat[:2]], fill=ink[0], width=ink[1], joint="curve")


def spot(rng: np.random.Generator, wide: int) -> tuple[float, float, float]:
    """Where a thing is, and how large."""
    r = wide * float(np.exp(rng.uniform(np.log(0.03), np.log(0.45))))
    return float(rng.uniform(0, wide)), float(rng.uniform(0, wide)), r


def bush(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A smooth outline with lobes: a bush, cloud, hair, garment."""
    x, y, r = spot(rng, wide)
    angles = np.linspace(0, 2 * np.pi, int(rng.integers(5, 14)), endpoint=False)
    reach = r * rng.uniform(0.6, 1.3, len(angles))
    knots = [(x + d * np.cos(a), y + 0.7 * d * np.sin(a)) for a, d in zip(angles, reach, strict=True)]
    shape(draw, smooth(knots), any_colour(rng), ink)


def limbs(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A body without a head, arms or legs: clothes, hands, an animal's trunk."""
    x, y, r = spot(rng, wide)
    skin, cloth = hue(rng, (0.2, 0.7), (0.5, 1.0)), any_colour(rng)
    for side in (-1, 1):
        dx, dy = side * r * rng.uniform(0.6, 1.4), r * rng.uniform(-0.8, 1.2)
        draw.line((x + side * r * 0.4, y, x + dx, y + dy), fill=scaled(cloth, 0.8), width=int(r * 0.35) + 1)
        shape(draw, ring(x + dx, y + dy, r * 0.22, r * 0.2), skin, ink)
    shape(draw, ring(x, y + 0.3 * r, r * 0.6, r * rng.uniform(0.7, 1.2), power=3), cloth, ink)
    if rng.random() < 0.6:
        for k in range(int(rng.integers(1, 5))):
            shape(draw, ring(x, y + r * 0.25 * k, r * 0.06, r * 0.06), any_colour(rng), ink)


def fruit(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """An apple with a stalk and a gleam."""
    x, y, r = spot(rng, wide)
    colour = hue(rng, (0.5, 1.0), (0.5, 1.0))
    shape(draw, ring(x, y, r, r * rng.uniform(0.8, 1.2)), colour, ink)
    shape(draw, ring(x - r * 0.35, y - r * 0.4, r * 0.15, r * 0.25, turn=0.5), scaled(colour, 1.4), (ink[0], 0))
    draw.line((x, y - r * 0.9, x + r * 0.1, y - r * 1.3), fill=ink[0], width=max(3, ink[1]))


def flower(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Petals about a disc."""
    x, y, r = spot(rng, wide)
    r *= 0.6
    petal, count = any_colour(rng), int(rng.integers(4, 12))
    for turn in rng.uniform(0, 7) + np.arange(count) * 2 * np.pi / count:
        at = (x + 0.7 * r * float(np.cos(turn)), y + 0.7 * r * float(np.sin(turn)))
        shape(draw, ring(*at, 0.45 * r, 0.22 * r, turn=float(turn)), petal, ink)
    shape(draw, ring(x, y, 0.4 * r, 0.4 * r), any_colour(rng), ink)


def head_from_behind(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Hair, ears, neck and shoulders, and no face."""
    x, y, r = spot(rng, wide)
    skin, hair, cloth = hue(rng, (0.2, 0.6), (0.4, 1.0)), any_colour(rng), any_colour(rng)
    w = r * rng.uniform(0.6, 1.0)
    shape(draw, ring(x, y + 2.2 * r, 1.6 * r, 1.3 * r, power=3), cloth, ink)
    shape(draw, ring(x, y + 0.9 * r, 0.4 * w, 0.5 * r, power=4), skin, ink)
    for side in (-1, 1):
        shape(draw, ring(x + side * w, y + 0.2 * r, 0.15 * r, 0.22 * r), skin, ink)
    shape(draw, ring(x, y, w, r * rng.uniform(0.9, 1.2), power=rng.uniform(1.8, 3)), hair, ink)
    for _ in range(int(rng.integers(0, 9))):
        dx = rng.uniform(-0.8, 0.8) * w
        draw.line((x + dx * 0.5, y - 0.8 * r, x + dx, y + 0.7 * r), fill=scaled(hair, rng.uniform(0.6, 1.4)), width=3)


def hair(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Locks and strands all round, and no face among them."""
    x, y, r = spot(rng, wide)
    pen, look = Pen(rng, r, (x, y), *ink, image=draw._image), draw_look(rng)[0]
    draw_strands_behind(pen, look)
    lines, gleam = pen.chance(0.5), pen.between(-0.8, 0.3)
    for _ in range(int(rng.integers(3, 16))):
        u = pen.between(-0.9, 0.9) * look.width
        spine = bent((u * 0.8, -0.9), (u, pen.between(-0.1, 1.6)), pen.between(-0.2, 0.2))
        draw_lock(pen, look, (spine, pen.between(0.05, 0.4)), lines, gleam)


def hand(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A hand or fist at a sleeve's end, of any skin."""
    x, y, r = spot(rng, wide)
    r *= 0.7
    turn = float(rng.uniform(0, 2 * np.pi))
    skin = SKINS[rng.integers(len(SKINS))] if rng.random() < 0.5 else hue(rng, (0.2, 0.8), (0.5, 1.0))
    if rng.random() < 0.3:
        skin = (250, int(rng.integers(190, 230)), int(rng.integers(20, 90)))
    end = (x - 2 * r * float(np.cos(turn)), y - 2 * r * float(np.sin(turn)))
    draw.line((x, y, *end), fill=any_colour(rng), width=int(0.8 * r) + 2)
    pen = Pen(rng, 1.0, (0.0, 0.0), *ink, image=draw._image)
    draw_hand(pen, skin, (x, y, r), turn)


def foliage(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A bush or fir: a plain outline, its edge and inside marked by scribbles and snow."""
    x, y, r = spot(rng, wide)
    green = hue(rng, (0.2, 0.8), (0.2, 0.8))
    if rng.random() < 0.5:
        bush(rng, draw, wide, ink)
    count = int(rng.integers(2, 6))
    for k in range(count):
        half, top, low = r * (0.3 + 0.7 * k / count), y + r * (0.5 * k - 0.7), y + r * 0.5 * k
        jag = np.linspace(-half, half, 2 * int(rng.integers(3, 8)) + 1)
        edge = np.stack([x + jag[::-1], low + r * 0.15 * (np.arange(len(jag)) % 2)], 1)
        shape(draw, np.concatenate([[(x, top)], edge]), green if k % 2 else scaled(green, rng.uniform(0.8, 2.0)), ink)
    for _ in range(int(rng.integers(0, 7))):
        cx, cy, w = x + rng.normal(0, 0.5) * r, y + rng.normal(0, 0.5) * r, r * rng.uniform(0.05, 0.2)
        for k in range(int(rng.integers(1, 5))):
            box = (cx + k * w * 1.6, cy + k * w * 0.4, cx + k * w * 1.6 + 2 * w, cy + k * w * 0.4 + 3 * w)
            draw.arc(box, 180, 360, fill=ink[0], width=max(2, ink[1]))


def ear(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A piece of a body with a fold: an ear on a plain ground, a knee, an elbow, a belly."""
    x, y, r = spot(rng, wide)
    skin = SKINS[rng.integers(len(SKINS))] if rng.random() < 0.6 else any_colour(rng)
    shape(draw, ring(x + r, y, 1.8 * r, 1.4 * r, power=3), skin, (ink[0], 0))
    shape(draw, ring(x, y, 0.4 * r, 0.5 * r), skin, ink)
    draw.arc((x - 0.2 * r, y - 0.25 * r, x + 0.2 * r, y + 0.25 * r), 120, 330, fill=ink[0], width=max(2, ink[1]))


LIVING = (bush, limbs, fruit, flower, head_from_behind, hair, hair, hand, hand, hand, foliage, foliage, ear)
