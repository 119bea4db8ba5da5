"""Anime's hair of a drawn head: many locks and strands with gleams, over the face, on which they cast their shade.

In other drawings hair ends above the face. In these it ends within it, over brows, an eye and both cheeks, and what is
left of the face between the locks is what a detector has to know it by.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from pipelines.drawn_parts import Look
from pipelines.drawn_pen import Colour, Pen, Points, arc, hue, mixed, ring, scaled

WARM_SHADE: Colour = (150, 80, 90)


def draw_locks(pen: Pen, look: Look, y: float) -> float:
    """Hair from a whorl over brow and eyes and along the cheeks; how low it reaches in the middle (y)."""
    wide, up = look.width * pen.between(1.04, 1.25), pen.between(1.04, 1.3)
    lines = pen.chance(0.6)
    whorl = (pen.between(-0.5, 0.5) * look.width, -up)
    spines = _fringe(pen, look, wide, y)
    sides = [spine for side in (-1, 1) if pen.chance(0.85) for spine in _side_locks(pen, wide, side)]
    if pen.chance(0.7):
        _cast(pen, look, [_lock(spine, width) for spine, width in (*spines, *sides)])
    _scalp(pen, look, (wide, up), lines)
    gleam = pen.between(-0.8, -0.35) if pen.chance(0.65) else None
    for k in pen.rng.permutation(len(spines)):
        draw_lock(pen, look, spines[k], lines, gleam)
    for spine in sides:
        draw_lock(pen, look, spine, lines, None)
    _strands(pen, look, whorl, (wide, y), gleam)
    if pen.chance(0.25):
        _ornament(pen, wide, up)
    return y


def _scalp(pen: Pen, look: Look, size: tuple[float, float], lines: bool) -> None:
    """The hair that the locks grow from: down to the temples at the sides, to the hairline in the middle."""
    wide, up = size
    down = pen.between(-0.35, 0.15)
    t = np.linspace(np.pi, 2 * np.pi, 31)
    top = np.stack([wide * np.cos(t), -0.25 + (up - 0.25) * np.sin(t)], 1)
    u = np.linspace(1, -1, 21)
    edge = np.stack([u * wide, -0.62 + (0.62 + down) * np.abs(u) ** pen.between(2.5, 5)], 1)
    pen.fill(np.concatenate([top, edge]), look.hair, outline=False)
    if lines:
        pen.line(top, width=pen.width / pen.unit)


Lock = tuple[Points, float]
"""The (8, 2) points of a lock's middle from root to tip, and half its greatest width."""


def _fringe(pen: Pen, look: Look, wide: float, y: float) -> list[Lock]:
    """Locks side by side, some wide and some thin; with luck one hangs down between the eyes or before one."""
    count = int(pen.rng.integers(4, 13))
    lean, part = pen.between(-0.25, 0.25), pen.between(-0.4, 0.4)
    locks = []
    for k in range(count):
        u = -1 + 2 * (k + pen.between(0.2, 0.8)) / count
        root = (u * 0.75 * wide, -0.62 - 0.25 * (1 - u * u))
        fall = y + pen.between(-0.2, 0.22) + 0.55 * abs(u) ** 2.5
        tip = (u * wide * 0.97 + (u - part) * 0.12 + lean, fall)
        locks.append((bent(root, tip, pen.between(-0.15, 0.15)), wide / count * pen.between(0.9, 2.0)))
    for _ in range(int(pen.rng.integers(0, 4))):
        x = pen.between(-0.75, 0.75) * wide
        tip = (x + pen.between(-0.2, 0.2), look.eye_y + pen.between(-0.1, 0.5))
        locks.append((bent((x * 0.6, -0.75), tip, pen.between(-0.2, 0.2)), pen.between(0.02, 0.09)))
    return locks


def _side_locks(pen: Pen, wide: float, side: int) -> list[Lock]:
    """Along a cheek, over part of it."""
    locks = []
    for _ in range(int(pen.rng.integers(1, 4))):
        x = side * wide * pen.between(0.82, 1.02)
        tip = (side * wide * pen.between(0.6, 1.2), pen.between(0.35, 1.9))
        locks.append((bent((x, -0.5), tip, side * pen.between(-0.1, 0.3)), pen.between(0.07, 0.24)))
    return locks


def bent(root: tuple[float, float], tip: tuple[float, float], bend: float) -> Points:
    """A curve from root to tip whose middle is moved by `bend` to the right."""
    t = np.linspace(0, 1, 8)[:, None]
    middle = (np.array(root) + tip) / 2 + (bend, 0)
    return np.asarray((1 - t) ** 2 * np.array(root) + 2 * t * (1 - t) * middle + t**2 * np.array(tip))


def _lock(spine: Points, half: float) -> Points:
    """A lock's outline: it swells from the root to a third of its length, then narrows to a point."""
    t = np.linspace(0, 1, len(spine))
    wide = half * (1 - t**2.2) * (0.5 + 0.5 * np.minimum(t * 3, 1))
    left, right = spine - np.stack([wide, 0 * wide], 1), spine + np.stack([wide, 0 * wide], 1)
    return np.concatenate([left, right[::-1]])


def draw_lock(pen: Pen, look: Look, lock: Lock, lines: bool, gleam: float | None) -> None:
    """The lock, its shaded edge, a gleam where the ring of light crosses it, strands within it."""
    spine, half = lock
    tone = scaled(look.hair, pen.between(0.85, 1.1))
    shape = _lock(spine, half)
    pen.fill(shape, tone, outline=False)
    if lines:
        pen.line(shape[2:-2], width=min(0.03, pen.width / pen.unit))
    away = half * 0.55 * (1 if pen.chance(0.5) else -1)
    dim, lit = scaled(tone, pen.between(0.6, 0.9)), mixed(tone, (255, 255, 255), pen.between(0.15, 0.7))
    if pen.chance(0.7):
        pen.fill(_lock(spine + np.array([away, 0.02]), half * 0.4), dim, outline=False)
    if gleam is not None and pen.chance(0.8):
        bright = spine[(spine[:, 1] > gleam - 0.1) & (spine[:, 1] < gleam + pen.between(0.1, 0.35))]
        if len(bright) > 1:
            pen.fill(_lock(bright - (away * 0.4, 0), half * 0.5), lit, outline=False)
    for _ in range(int(pen.rng.integers(0, 4))):
        shift = (pen.between(-0.6, 0.6) * half, 0.0)
        pen.line(spine[:-1] + shift, width=0.012, colour=dim if pen.chance(0.6) else lit)


def _strands(pen: Pen, look: Look, whorl: tuple[float, float], reach: tuple[float, float], gleam: float | None) -> None:
    """From the whorl over the crown, and the ring of light in short strokes."""
    wide, y = reach
    for _ in range(int(pen.rng.integers(0, 24))):
        u = pen.between(-1, 1)
        end = (u * wide, pen.between(-0.55, max(y, -0.5)) + 0.3 * u * u)
        tone = scaled(look.hair, pen.between(0.55, 0.9)) if pen.chance(0.6) else scaled(look.hair, 1.4)
        start = (whorl[0] + 0.4 * u * wide, whorl[1] + 0.25 * u * u + 0.06)
        pen.line(bent(start, end, 0.25 * u), width=pen.between(0.008, 0.025), colour=tone)
    for _ in range(int(pen.rng.integers(5, 16)) if gleam is not None else 0):
        u = pen.between(-0.8, 0.8)
        at = (u * wide, (gleam or 0.0) + 0.35 * u * u)
        pen.fill(
            ring(*at, pen.between(0.01, 0.05), pen.between(0.03, 0.12)),
            mixed(look.hair, (255,) * 3, 0.6),
            outline=False,
        )


def _cast(pen: Pen, look: Look, locks: Sequence[Points]) -> None:
    """The shade that locks cast on what lies below them."""
    mask = Image.new("L", pen.image.size)
    draw, shift = ImageDraw.Draw(mask), (pen.between(-0.05, 0.05), pen.between(0.03, 0.1))
    strength = int(pen.between(40, 130))
    for lock in locks:
        draw.polygon([float(v) for v in pen.px(lock + shift).ravel()], fill=strength)
    mask = ImageChops.darker(mask, pen.image.getchannel("A"))
    pen.image.paste(mixed(scaled(look.skin, 0.6), WARM_SHADE, 0.4), mask=mask)


def draw_strands_behind(pen: Pen, look: Look) -> None:
    """Hair behind the head in locks, short or to below the shoulders, and tails at the sides now and then."""
    wide, down = look.width * pen.between(1.05, 1.4), pen.between(0.3, 2.4)
    dark = scaled(look.hair, pen.between(0.6, 0.95))
    pen.fill(ring(0, -0.1, wide, pen.between(1.05, 1.3), power=2.4), dark)
    count = int(pen.rng.integers(6, 14))
    for k in range(count):
        u = -1 + 2 * (k + 0.5) / count
        spine = bent((u * wide * 0.85, -0.2), (u * wide * pen.between(0.9, 1.5), down * pen.between(0.7, 1.1)), u * 0.2)
        pen.fill(_lock(spine, wide / count * pen.between(1.2, 2.2)), scaled(dark, pen.between(0.8, 1.15)))
        pen.line(spine[:-1], width=0.015, colour=scaled(dark, pen.between(0.6, 1.4)))
    for side in (-1, 1) if pen.chance(0.25) else ():
        x = side * wide * pen.between(1.0, 1.3)
        for _ in range(4):
            tip = (x + side * pen.between(-0.1, 0.6), pen.between(0.6, 2.2))
            pen.fill(
                _lock(bent((x * 0.9, -0.7), tip, side * 0.4), pen.between(0.12, 0.28)),
                scaled(look.hair, pen.between(0.8, 1.1)),
            )


def _ornament(pen: Pen, wide: float, up: float) -> None:
    """A band, bow or clips."""
    colour = hue(pen.rng, (0.0, 1.0), (0.15, 1.0))
    kind = pen.rng.random()
    if kind < 0.35:
        t = np.linspace(0.95, -0.95, 17)
        at, thick = -pen.between(0.55, 0.8) * up, pen.between(0.05, 0.22)
        band = np.stack([t * wide, at - 0.3 * (1 - t**2)], 1)
        pen.fill(np.concatenate([band, band[::-1] - (0, thick)]), colour)
        return
    x, y, r = pen.between(-0.9, 0.9) * wide, -pen.between(0.4, 0.95) * up, pen.between(0.08, 0.3)
    if kind < 0.65:
        for side in (-1, 1):
            pen.fill(np.array([(x, y), (x + side * r * 1.6, y - r), (x + side * r * 1.6, y + r)]), colour)
        pen.fill(ring(x, y, r * 0.35, r * 0.4), scaled(colour, 0.8))
        return
    for k in range(int(pen.rng.integers(1, 3))):
        pen.line(arc(x, y + 0.12 * k, r * 0.7, 0.0, tilt=r * 0.3), width=pen.between(0.03, 0.07), colour=colour)
