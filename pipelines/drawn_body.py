"""What a drawn head stands on: chin, neck, shoulders, clothes; now and then hands, which are easily taken for faces."""

from __future__ import annotations

import numpy as np

from pipelines.drawn_parts import Look
from pipelines.drawn_pen import Colour, Pen, arc, hue, ring, scaled, smooth


def draw_body(pen: Pen, look: Look) -> None:
    """Neck, shoulders and clothes; sometimes nothing."""
    if pen.chance(0.15):
        return
    cloth = hue(pen.rng, (0.0, 0.9), (0.15, 1.0))
    neck, wide = pen.between(0.15, 0.5) * look.width, pen.between(0.8, 2.2) * look.width
    top = 1.0 + pen.between(-0.1, 0.35)
    knots = [
        (-wide, 2.6),
        (-wide * 0.95, top + 0.45),
        (-neck, top),
        (neck, top),
        (wide * 0.95, top + 0.45),
        (wide, 2.6),
    ]
    body = np.array(knots) if pen.chance(0.3) else smooth([*knots, (0.0, 3.2)])
    pen.fill(np.array([(-neck, 0.5), (neck, 0.5), (neck * 1.1, top + 0.3), (-neck * 1.1, top + 0.3)]), look.skin)
    if pen.chance(0.3):
        _shade_neck(pen, look, neck)
    pen.fill(body, cloth)
    if pen.chance(0.5):
        v = np.array([(-neck * 1.1, top), (neck * 1.1, top), (0.0, top + pen.between(0.2, 0.8))])
        pen.fill(v, look.skin if pen.chance(0.5) else hue(pen.rng, (0, 1), (0.2, 1)))
    for k in range(int(pen.rng.integers(0, 5)) if pen.chance(0.4) else 0):
        pen.fill(ring(0.0, top + 0.35 + 0.25 * k, 0.05, 0.05), hue(pen.rng, (0, 1), (0.1, 1)))
    for side in (-1, 1):
        if pen.chance(0.25):
            _arm(pen, look, side, (wide, top), scaled(cloth, pen.between(0.8, 1.1)))


def _shade_neck(pen: Pen, look: Look, neck: float) -> None:
    """What the head's shade leaves on the neck: a crescent below the chin, black in ink drawings."""
    tone = pen.ink if pen.chance(0.4) else scaled(look.skin, pen.between(0.5, 0.9))
    left, right = (1.0 + pen.between(0.0, 0.25) for _ in range(2))
    pen.fill(np.array([(-neck, 0.5), (neck, 0.5), (neck, right), (-neck, left)]), tone, outline=False)


def draw_chin(pen: Pen, look: Look) -> None:
    """A crease between mouth and chin, or a jaw that runs into the neck with no line but the chin's."""
    x, y, _ = look.pose.put(0.0, (look.mouth_y + 1.0) / 2 + pen.between(-0.05, 0.1), look.width)
    if pen.chance(0.5):
        pen.line(arc(x, y, pen.between(0.04, 0.2), pen.between(-0.06, 0.06)), width=pen.between(0.02, 0.06))
        return
    half = pen.between(0.15, 0.5) * look.width
    pen.fill(ring(x, 1.02, half, 0.14), look.skin, outline=False)
    pen.line(arc(x, 0.96, half * pen.between(0.3, 1.0), -pen.between(0.02, 0.12)), width=pen.between(0.02, 0.06))


def _arm(pen: Pen, look: Look, side: int, shoulder: tuple[float, float], cloth: Colour) -> None:
    """A sleeve, and a hand or fist of the head's colour before the chest or beside the body."""
    wide, top = shoulder
    x, y = side * pen.between(0.2, 1.3), top + pen.between(0.3, 0.7)
    start = np.array([side * wide * 0.85, top + 0.7])
    turn = float(np.arctan2(y - start[1], x - start[0]))
    pen.line(np.array([start, (x, y)]), width=pen.between(0.15, 0.35), colour=cloth)
    draw_hand(pen, look.skin, (x, y, pen.between(0.14, 0.3)), turn)


def draw_hand(pen: Pen, skin: Colour, spot: tuple[float, float, float], turn: float) -> None:
    """An open hand or a fist about a point, of some radius, its fingers pointing along `turn`."""
    x, y, r = spot
    count, fist = int(pen.rng.integers(3, 5)), pen.chance(0.5)
    reach, long = (0.55, 0.45) if fist else (0.95, pen.between(0.5, 0.8))
    spread = pen.between(0.25, 0.5)
    for k in range(count):
        a = turn + (k - (count - 1) / 2) * spread
        at = (x + reach * r * float(np.cos(a)), y + reach * r * float(np.sin(a)))
        pen.fill(ring(*at, long * r, 0.22 * r, turn=a, power=2.6), skin)
    pen.fill(ring(x, y, 0.65 * r, 0.6 * r), skin, outline=not fist)
    if pen.chance(0.6):
        a = turn + 1.5 * (1 if pen.chance(0.5) else -1)
        pen.fill(ring(x + 0.6 * r * float(np.cos(a)), y + 0.6 * r * float(np.sin(a)), 0.45 * r, 0.2 * r, turn=a), skin)
