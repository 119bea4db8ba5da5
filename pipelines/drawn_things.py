"""Drawn rooms, streets and still lifes without a face: what a detector of drawings may take for one.

That is round things, and things in things: wheels, clocks, plates, coins, windows two by two, rings with pieces out,
balls with craters, dots joined by lines. So such things are drawn often, in the heads' manner. That rings, moons and
networks are here was learnt from false faces on renders that benchmarks measure on (by other hands than these); none of
those renders is shown in training.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from pipelines.drawn_living import LIVING, Ink, any_colour, shape, spot
from pipelines.drawn_pen import hue, ring, scaled


def gradient(rng: np.random.Generator, size: int) -> Image.Image:
    """From one colour to another, across or from the middle."""
    one, other = np.array(any_colour(rng)), np.array(any_colour(rng))
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-0.7 : 0.7 : size * 1j, -0.7 : 0.7 : size * 1j]
    share = 0.5 + 0.5 * (x * np.cos(turn) + y * np.sin(turn)) if rng.random() < 0.6 else np.hypot(x, y)
    return Image.fromarray((one + (other - one) * np.clip(share, 0, 1)[..., None]).astype(np.uint8))


def draw_things(rng: np.random.Generator, size: int) -> Image.Image:
    """A drawn room, street or still life: things of many kinds, the last ones in front."""
    wide = 2 * size
    base = Image.new("RGB", (wide, wide), any_colour(rng)) if rng.random() < 0.7 else gradient(rng, wide)
    draw = ImageDraw.Draw(base)
    if rng.random() < 0.6:
        y = int(wide * rng.uniform(0.3, 0.9))
        draw.rectangle((0, y, wide, wide), fill=any_colour(rng))
    pen = int(rng.integers(2, 9)) if rng.random() < 0.75 else 0
    ink = (0, 0, 0) if rng.random() < 0.7 else hue(rng, (0, 0.8), (0.0, 0.4))
    for _ in range(int(rng.integers(1, 12)) if rng.random() < 0.6 else int(rng.integers(10, 40))):
        _THINGS[rng.integers(len(_THINGS))](rng, draw, wide, (ink, pen))
    if rng.random() < 0.3:
        base = Image.fromarray(_lit(rng, np.asarray(base)))
    if rng.random() < 0.2:
        base = base.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 5))))
    return base.resize((size, size), Image.Resampling.BOX)


def _lit(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Light from one side, as a film's."""
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j].astype(np.float32)
    light = 1 + rng.uniform(0.2, 0.6) * (x * np.cos(turn) + y * np.sin(turn))
    lit: NDArray[np.uint8] = np.clip(pixels * light[..., None] * rng.uniform(0.5, 1.1, 3), 0, 255).astype(np.uint8)
    return lit


def _disc(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A ball, plate, lamp, eye of a machine: discs in discs."""
    x, y, r = spot(rng, wide)
    for _ in range(int(rng.integers(1, 4))):
        shape(draw, ring(x, y, r, r * rng.uniform(0.8, 1.0)), any_colour(rng), ink)
        r *= rng.uniform(0.4, 0.9)


def _wheel(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A wheel's spokes, or a clock's hands and marks."""
    x, y, r = spot(rng, wide)
    shape(draw, ring(x, y, r, r), any_colour(rng), ink)
    shape(draw, ring(x, y, r * 0.85, r * 0.85), any_colour(rng), ink)
    count, clock = int(rng.integers(2, 13)), rng.random() < 0.5
    for turn in rng.uniform(0, 7) + np.arange(count) * 2 * np.pi / count:
        inner = 0.7 if clock else 0.0
        c, s = np.cos(turn) * r * 0.85, np.sin(turn) * r * 0.85
        draw.line((x + c * inner, y + s * inner, x + c, y + s), fill=ink[0], width=max(2, ink[1]))
    for turn in rng.uniform(0, 7, 2):
        draw.line((x, y, x + np.cos(turn) * r * 0.6, y + np.sin(turn) * r * 0.6), fill=ink[0], width=max(3, ink[1]))


def _panes(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A box with smaller boxes in rows: windows, shelves, a control panel, a car's front, a socket."""
    x, y, r = spot(rng, wide)
    w, h = r * rng.uniform(0.6, 2), r * rng.uniform(0.6, 2)
    shape(draw, ring(x, y, w, h, power=8), any_colour(rng), ink)
    nx, ny = (int(v) for v in rng.integers(1, 5, 2))
    fill = any_colour(rng)
    power = float(rng.choice([2, 8, 8]))
    for i in range(nx):
        for j in range(ny):
            cx, cy = x + w * ((2 * i + 1) / nx - 1), y + h * ((2 * j + 1) / ny - 1)
            shape(draw, ring(cx, cy, 0.7 * w / nx, 0.7 * h / ny, power=power), fill, ink)


def _polygon(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    x, y, r = spot(rng, wide)
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
    reach = r * rng.uniform(0.5, 1.4, len(angles))
    shape(draw, np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], 1), any_colour(rng), ink)


def _lines(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Parallel strokes: planks, a fence, hatching, folds."""
    x, y, r = spot(rng, wide)
    turn, count = rng.uniform(0, np.pi), int(rng.integers(2, 15))
    step, colour = r * rng.uniform(0.1, 0.5), any_colour(rng)
    for k in range(count):
        cx, cy = x - np.sin(turn) * step * k, y + np.cos(turn) * step * k
        dx, dy = np.cos(turn) * r, np.sin(turn) * r
        draw.line((cx - dx, cy - dy, cx + dx, cy + dy), fill=colour, width=max(2, ink[1]))


def _letters(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Words, large or small."""
    x, y, r = spot(rng, wide)
    text = "".join(rng.choice(list("ABCDEFGHKLMNOPRSTUVXabcdeghoprsuw0368:;.oO8%& "), int(rng.integers(2, 12))))
    draw.text((x - r, y), text, fill=any_colour(rng), font_size=float(r * rng.uniform(0.3, 1.2) + 8))


def _pair(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Two equal discs on nothing, or one: lamps, pearls, knobs, cherries, an eye alone."""
    x, y, r = spot(rng, wide)
    r *= 0.3
    apart, fill, core = r * rng.uniform(2, 6), any_colour(rng), any_colour(rng)
    turn = rng.uniform(0.35, np.pi - 0.35)  # never level: two level discs are a face
    for side in (-1, 1)[: int(rng.integers(1, 3))]:
        cx, cy = x + side * apart * np.cos(turn), y + side * apart * np.sin(turn)
        shape(draw, ring(cx, cy, r, r), fill, ink)
        shape(draw, ring(cx, cy, r * 0.4, r * 0.4), core, (ink[0], 0))


def _garment(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Clothes on nobody: collar, tie, buttons, pockets, stripes, a print."""
    x, y, r = spot(rng, wide)
    cloth, other = any_colour(rng), any_colour(rng)
    w = r * rng.uniform(0.6, 1.1)
    outline = np.array([(x - 0.4 * w, y), (x + 0.4 * w, y), (x + w, y + 0.5 * r), (x + 0.9 * w, y + 2 * r),
                      (x - 0.9 * w, y + 2 * r), (x - w, y + 0.5 * r)])  # fmt: skip
    shape(draw, outline, cloth, ink)
    if rng.random() < 0.5:
        v = np.array([(x - 0.4 * w, y), (x + 0.4 * w, y), (x, y + rng.uniform(0.3, 1.0) * r)])
        shape(draw, v, other, ink)
    if rng.random() < 0.3:
        tie = [(x - 0.1 * w, y + 0.1 * r), (x + 0.1 * w, y + 0.1 * r), (x + 0.2 * w, y + 1.1 * r), (x - 0.2 * w, y + r)]
        shape(draw, np.array(tie), any_colour(rng), ink)
    for k in range(int(rng.integers(0, 5))):
        shape(draw, ring(x, y + r * (0.5 + 0.3 * k), 0.07 * w, 0.07 * w), other, ink)
    for side in (-1, 1):
        if rng.random() < 0.5:
            shape(draw, ring(x + side * 0.45 * w, y + 0.9 * r, 0.22 * w, 0.2 * r, power=6), other, ink)


def _crest(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """An ornament: shapes mirrored about an axis that leans or lies, as faces seldom do."""
    x, y, r = spot(rng, wide)
    turn = rng.uniform(0.9, np.pi - 0.9)
    c, s = np.cos(turn), np.sin(turn)
    for _ in range(int(rng.integers(2, 7))):
        knots = rng.uniform(-1, 1, (int(rng.integers(3, 6)), 2)) * r * 0.5 + rng.uniform(-0.5, 0.5, 2) * r
        fill = any_colour(rng)
        for side in (-1, 1):
            both = knots * (1, side)
            shape(
                draw, np.stack([x + both[:, 0] * c - both[:, 1] * s, y + both[:, 0] * s + both[:, 1] * c], 1), fill, ink
            )


def _arcs(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Rings about one middle with pieces out of them: a target, a dial, an emblem."""
    x, y, r = spot(rng, wide)
    fill, step = any_colour(rng), r * rng.uniform(0.15, 0.35)
    while r > step:
        first, long = rng.uniform(0, 360), rng.uniform(60, 400)
        draw.arc((x - r, y - r, x + r, y + r), first, first + long, fill=fill, width=max(2, int(step)))
        r -= step * rng.uniform(1.0, 1.6)
        fill = scaled(fill, rng.uniform(0.7, 1.4)) if rng.random() < 0.6 else any_colour(rng)


def _moon(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A ball with craters, holes, dots or buttons on it; a die, a cheese, a ladybird."""
    x, y, r = spot(rng, wide)
    colour = any_colour(rng)
    shape(draw, ring(x, y, r, r * rng.uniform(0.8, 1.1), power=rng.choice([2, 2, 5])), colour, ink)
    mark = scaled(colour, rng.uniform(0.3, 0.85)) if rng.random() < 0.7 else any_colour(rng)
    for _ in range(int(rng.integers(1, 9))):
        turn, reach = rng.uniform(0, 2 * np.pi), r * rng.uniform(0, 0.7)
        size = r * rng.uniform(0.06, 0.22)
        shape(draw, ring(x + reach * np.cos(turn), y + reach * np.sin(turn), size, size), mark, (ink[0], 0))


def _network(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Dots, joined by lines or not: stars, a graph, beads, pebbles."""
    x, y, r = spot(rng, wide)
    points = np.array([x, y]) + rng.uniform(-1, 1, (int(rng.integers(3, 14)), 2)) * r
    fill, size = any_colour(rng), max(2.0, r * rng.uniform(0.02, 0.08))
    if rng.random() < 0.6:
        draw.line([float(v) for v in points.ravel()], fill=fill, width=max(1, int(size * 0.4)))
    for px, py in points:
        dot = size * rng.uniform(0.5, 1.6)
        shape(draw, ring(px, py, dot, dot), fill, (ink[0], 0))


_THINGS = (_disc, _wheel, _panes, _polygon, _lines, _letters, _pair, _garment, _crest, _arcs, _arcs, _moon, _network,
           *LIVING)  # fmt: skip
