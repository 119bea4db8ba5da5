"""Noses of a drawn head, of many kinds, from a dot to an L that begins between the brows."""

from __future__ import annotations

import math

import numpy as np

from pipelines.drawn_parts import Look
from pipelines.drawn_pen import Pen, Points, arc, mixed, ring, scaled


def draw_nose(pen: Pen, look: Look) -> Points:
    """The nose; where its tip is, or would be."""
    x, y, _ = look.pose.put(0.0, look.nose_y, look.width)
    lean = math.sin(look.pose.yaw)
    n = look.nose_size
    tip = np.array([x + lean * n * 0.5, y])
    shade = mixed(look.skin, pen.ink, 0.35) if not pen.chance(0.2) else mixed(look.skin, (200, 60, 50), 0.4)
    direction = 1 if lean > 0 or (lean == 0 and pen.chance(0.5)) else -1
    match look.nose_kind:
        case "dot":
            pen.fill(ring(tip[0], tip[1], n * 0.3, n * 0.25), shade, outline=False, part="nose")
        case "line":
            knots = [(x, y - n), (x + direction * n * 0.55, y), (x - direction * n * 0.1, y + n * 0.1)]
            pen.line(np.array(knots), width=pen.between(0.02, 0.05), part="nose")
        case "long":
            top = min(look.eye_y + pen.between(-0.05, 0.12), y - 0.5 * n)
            reach = pen.between(0.0, 0.7) * n
            knots = [(x, top), (x + direction * pen.between(0.0, 1.1) * n, y), (x + direction * reach, y + 0.1 * n)]
            pen.line(np.array(knots[: 2 + pen.chance(0.8)]), width=pen.between(0.02, 0.07), part="nose")
        case "hook":
            pen.line(_hook(pen, look, (x, y), direction), width=pen.between(0.02, 0.07), part="nose")
        case "curve":
            pen.line(
                arc(tip[0], tip[1], n * 0.6, pen.between(-0.5, 0.5) * n), width=pen.between(0.02, 0.06), part="nose"
            )
        case "triangle":
            shape = np.array(
                [(x, y - n), (x + lean * n - n * 0.45, y + 0.1 * n), (x + lean * n + n * 0.45, y + 0.1 * n)]
            )
            pen.fill(shape, shade, part="nose")
        case "button":
            pen.fill(ring(tip[0], tip[1], n * 0.6, n * 0.5), mixed(look.skin, shade, pen.between(0, 0.7)), part="nose")
        case "sausage":
            long = n * (0.4 + abs(lean))
            pen.fill(ring(x + lean * n * 0.7, y - 0.05, long, n * 0.42, power=2.6), look.skin, part="nose")
        case "nostrils":
            for side in (-1, 1):
                at = (tip[0] + side * n * 0.35, y)
                pen.fill(ring(*at, n * 0.16, n * 0.12), mixed(look.skin, pen.ink, 0.6), outline=False, part="nose")
            if pen.chance(0.5):
                ridge = np.array([(x + direction * 0.2 * n, y - 1.6 * n), (tip[0] + direction * n * 0.4, y - 0.4 * n)])
                pen.line(ridge, width=0.02, colour=mixed(look.skin, pen.ink, 0.4), part="nose")
        case "shaded":
            _shaded_nose(pen, look, (x, y), lean)
    return tip


def _hook(pen: Pen, look: Look, at: tuple[float, float], direction: int) -> Points:
    """A bridge from between the brows that runs round the tip and ends below or behind it."""
    x, y = at
    n = look.nose_size
    r = n * pen.between(0.2, 0.55)
    top = min(look.eye_y + pen.between(-0.15, 0.1), y - 2 * r)
    middle = x + direction * pen.between(-0.1, 0.5) * n
    bridge = [(x + direction * pen.between(-0.3, 0.3) * n, top), (middle, (top + y - r) / 2)]
    angles = np.linspace(0, np.pi * pen.between(0.5, 1.2), 12)
    tip = np.stack([middle - direction * r * 0.3 + direction * r * np.cos(angles), y - r + r * np.sin(angles)], 1)
    return np.concatenate([np.array(bridge), tip])


def _shaded_nose(pen: Pen, look: Look, at: tuple[float, float], lean: float) -> None:
    """A ridge and a tip, light on one side and dark below."""
    x, y = at
    n = look.nose_size
    ridge = np.array([(x - 0.16 * n, y - 1.5 * n), (x + 0.16 * n, y - 1.5 * n), (x + lean * n * 0.6 + 0.3 * n, y),
                      (x + lean * n * 0.6 - 0.3 * n, y)])  # fmt: skip
    pen.fill(ridge, scaled(look.skin, 1.06), outline=False, part="nose")
    tip = x + lean * n * 0.6
    pen.fill(ring(tip, y, n * 0.6, n * 0.42), scaled(look.skin, 0.9), outline=False, part="nose")
    pen.fill(ring(tip - 0.05 * n, y - 0.12 * n, n * 0.45, n * 0.32), scaled(look.skin, 1.08), outline=False)
    for side in (-1, 1):
        pen.fill(ring(tip + side * 0.28 * n, y + 0.2 * n, n * 0.12, n * 0.08), scaled(look.skin, 0.5), outline=False)
