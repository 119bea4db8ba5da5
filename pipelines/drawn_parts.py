"""A head's look, and its mouth and brows, of many kinds, each put where the head's turn puts it.

The kinds are those of newspaper strips, animated series, comics and computer-drawn films, in proportions that vary far
more widely than any one of them: a detector that has seen only one hand's faces finds only those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipelines.drawn_pen import Colour, Pen, Points, Pose, arc, hue, mixed, ring, scaled


@dataclass
class Look:
    """What a head looks like: lengths in half head heights."""

    pose: Pose
    skin: Colour
    hair: Colour
    width: float
    """Half the head's width."""
    eye_y: float
    eye_gap: float
    """From the middle to an eye's centre."""
    eye_rx: float
    eye_ry: float
    eye_kind: str
    iris: Colour
    nose_y: float
    nose_size: float
    nose_kind: str
    mouth_y: float
    mouth_rx: float
    mouth_kind: str
    power: float = 2.0
    """Of the head's shape: 2 an ellipse, more is squarer."""
    taper: float = 0.0
    """How much narrower the chin is than the crown; negative: wider."""
    point: float = 0.0
    """How pointed the chin is, 0 to 1."""
    gaze: tuple[float, float] = (0.0, 0.0)
    brow_kind: str = "line"
    muzzle: float = 0.0
    """How far the mouth stands out of a head that is turned."""
    shaded: float = 0.0
    """Strength of round shading, 0 to 1."""
    stroke: float = 0.1
    """How thick strokes are, 0 to about .5."""
    detail: tuple[float, ...] = (0.5,) * 8
    """What else may vary and is alike on both sides, 0 to 1 each."""


def draw_brows(pen: Pen, look: Look) -> None:
    """Brows above the eyes; "lid" and "none" have none."""
    if look.brow_kind in ("lid", "none"):
        return
    angry = pen.between(-0.08, 0.08)
    up = look.eye_ry * pen.between(1.2, 1.7) + 0.04
    width = pen.between(0.02, 0.09) if look.brow_kind == "line" else pen.between(0.09, 0.15)
    for side in (-1, 1):
        x, y, left = look.pose.put(side * look.eye_gap * 1.05, look.eye_y - up, look.width)
        if left > 0.25:
            rx = (look.eye_rx * 0.9 + 0.04) * left
            colour = mixed(look.hair, pen.ink, 0.4)
            pen.line(arc(x, y, rx, pen.between(-0.01, 0.06), tilt=-side * angry), width=width, colour=colour)


def draw_mouth(pen: Pen, look: Look) -> list[Points]:
    """The mouth; its corners, left of the picture first."""
    x, y, left = look.pose.put(0.0, look.mouth_y, look.width)
    x += look.muzzle * math.sin(look.pose.yaw) * 0.6
    rx = look.mouth_rx * max(0.5, left)
    bend = pen.between(0.25, 0.7) * rx
    ends = [np.array([x - rx, y]), np.array([x + rx, y])]
    dark = mixed((90, 20, 30), pen.ink, pen.between(0, 1))
    wide = pen.between(0.025, 0.06) + 0.12 * look.stroke
    match look.mouth_kind:
        case "line":
            pen.line(arc(x, y, rx, 0.0, tilt=pen.between(-0.04, 0.04)), width=wide, part="mouth")
        case "smile":
            pen.line(arc(x, y, rx, -bend), width=wide, part="mouth")
        case "frown":
            pen.line(arc(x, y, rx, bend), width=wide, part="mouth")
        case "wave":
            t = np.linspace(-1, 1, 18)
            pen.line(np.stack([x + rx * t, y + 0.05 * np.sin(t * 7)], 1), width=wide, part="mouth")
        case "open":
            ry = rx * pen.between(0.35, 1.2)
            _open(pen, look, ring(x, y, rx, ry, power=pen.between(1.7, 3)), dark, ry)
        case "grin":
            deep = rx * pen.between(0.5, 1.1)
            shape = np.concatenate([arc(x, y, rx, pen.between(-0.15, 0.1) * rx), arc(x, y, rx, -deep)[::-1]])
            _open(pen, look, shape, dark, deep / 2)
        case "teeth":
            ry = rx * pen.between(0.2, 0.5)
            shape = ring(x, y, rx, ry, power=3)
            pen.fill(shape, (250, 250, 245), part="mouth")
            pen.line(arc(x, y, rx, 0.0), width=0.015)
            for k in np.linspace(-0.6, 0.6, int(pen.rng.integers(2, 6))):
                pen.line(np.array([(x + k * rx, y - ry * 0.9), (x + k * rx, y + ry * 0.9)]), width=0.01)
        case "lips":
            red = mixed(look.skin, hue(pen.rng, (0.5, 0.9), (0.4, 0.8)) if pen.chance(0.2) else (190, 60, 70),
                        pen.between(0.3, 0.9))  # fmt: skip
            fat = rx * pen.between(0.25, 0.5)
            shape = np.concatenate([arc(x, y, rx, fat), arc(x, y, rx, -fat)[::-1]])
            pen.fill(shape, red, outline=pen.chance(0.3), part="mouth")
            pen.line(arc(x, y, rx, pen.between(-0.2, 0.05) * rx), width=0.02, colour=scaled(red, 0.5))
    return ends


def _open(pen: Pen, look: Look, shape: Points, dark: Colour, ry: float) -> None:
    low, high = shape.min(0), shape.max(0)
    x = float((low[0] + high[0]) / 2)
    rx = float(high[0] - low[0]) / 2
    pen.fill(shape, dark, part="mouth")
    parts = []
    if pen.chance(0.6):
        parts.append((ring(x, float(high[1]), rx * 0.6, ry * 0.8), (215, 90, 95)))
    if pen.chance(0.6):
        parts.append((ring(x, float(low[1]), rx * 0.85, ry * 0.6, power=4), (250, 250, 245)))
    pen.inside(shape, parts)
