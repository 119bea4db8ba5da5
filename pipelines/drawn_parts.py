"""Eyes, mouth and brows of a drawn head, of many kinds, each put where the head's turn puts it.

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


def draw_eyes(pen: Pen, look: Look) -> list[Points]:
    """Both eyes, the far one first; the two centres (2,), left of the picture first, also of an eye out of sight."""
    centres: dict[int, Points] = {}
    order = (-1, 1) if look.pose.yaw < 0 else (1, -1)
    odd = look.eye_kind if not pen.chance(0.05) else "wink"
    for side in order:
        x, y, left = look.pose.put(side * look.eye_gap, look.eye_y, look.width)
        centres[side] = np.array([x, y])
        if left < 0.16:
            continue
        kind = "arc" if odd == "wink" and side == order[0] else look.eye_kind
        _EYES[kind](pen, look, (x, y), look.eye_rx * min(1.0, left * 1.12), side)
    return [centres[-1], centres[1]]


def _ball(pen: Pen, look: Look, at: tuple[float, float], rx: float, side: int) -> None:
    white = (255, 255, 255) if look.skin != (255, 255, 255) or pen.width else (240, 240, 240)
    shape = ring(*at, rx, look.eye_ry)
    pen.fill(shape, white, part="eyes")
    pupil = look.eye_ry * float(np.clip(0.12 + 0.5 * abs(look.gaze[1]), 0.12, 0.45))
    gx, gy = look.gaze[0] * (rx - pupil * 0.6), 0.5 * look.gaze[1] * (look.eye_ry - pupil)
    parts = [(ring(at[0] + gx, at[1] + gy, min(pupil, rx * 0.7), pupil), pen.ink)]
    if look.iris != look.skin:
        parts.insert(0, (ring(at[0] + gx, at[1] + gy, min(pupil * 1.8, rx * 0.85), pupil * 1.8), look.iris))
    pen.inside(shape, parts)
    if look.brow_kind == "lid":
        lid = np.concatenate([shape[18:], arc(at[0], at[1] - 0.12 * look.eye_ry, rx, 0.0)[::-1]])
        pen.fill(lid[::1], scaled(look.skin, 0.95), part="eyes")


def _dot(pen: Pen, look: Look, at: tuple[float, float], rx: float, side: int) -> None:
    share = 0.45 if look.eye_ry > 0.12 else 0.8
    pen.fill(ring(*at, rx * share, look.eye_ry * share), pen.ink, outline=False, part="eyes")


def _ring_eye(pen: Pen, look: Look, at: tuple[float, float], rx: float, side: int) -> None:
    shape = ring(*at, rx, look.eye_ry)
    pen.line(np.concatenate([shape, shape[:1]]), width=0.035, part="eyes")
    pen.fill(ring(at[0] + look.gaze[0] * rx * 0.5, at[1], rx * 0.28, look.eye_ry * 0.28), pen.ink, outline=False)


def _arc_eye(pen: Pen, look: Look, at: tuple[float, float], rx: float, side: int) -> None:
    rise = look.eye_ry * (0.7 if pen.chance(0.6) else -0.6)
    pen.line(arc(*at, rx, rise), width=0.03 + 0.2 * look.stroke, part="eyes")


def _line_eye(pen: Pen, look: Look, at: tuple[float, float], rx: float, side: int) -> None:
    pen.line(arc(*at, rx, 0.0, tilt=side * 0.03), width=0.03 + 0.2 * look.stroke, part="eyes")
    if pen.chance(0.4):
        pen.line(arc(at[0], at[1] + 0.06, rx * 0.8, -0.02), width=0.02)


def _almond(pen: Pen, look: Look, at: tuple[float, float], rx: float, side: int) -> None:
    x, y = at
    ry, tilt = look.eye_ry, side * look.eye_ry * 0.15
    shape = np.concatenate([arc(x, y, rx, ry, tilt=tilt), arc(x, y, rx, -0.75 * ry, tilt=tilt)[::-1]])
    r = min(ry * 1.05, rx * 0.75)
    gx, gy = look.gaze[0] * (rx - r) * 0.9, look.gaze[1] * ry * 0.25
    spark = ring(x + gx - r * 0.3, y + gy - r * 0.3, r * 0.22, r * 0.22)
    parts = [
        (ring(x, y, 2 * rx, 2 * ry), (250, 250, 250)),
        (ring(x + gx, y + gy, r, r), look.iris),
        (ring(x + gx, y + gy, r * 0.5, r * 0.5), (15, 12, 12)),
        (spark, (255, 255, 255)),
    ]
    pen.inside(shape, parts, part="eyes")
    pen.line(arc(x, y, rx, ry, tilt=tilt), width=0.045, colour=scaled(pen.ink, 0.8), part="eyes")
    if pen.chance(0.5):
        pen.line(arc(x, y, rx, -0.75 * ry, tilt=tilt), width=0.015, colour=mixed(look.skin, pen.ink, 0.5))


def _anime(pen: Pen, look: Look, at: tuple[float, float], rx: float, side: int) -> None:
    """A tall eye: iris from dark to light, one or two sparks, a heavy upper lash."""
    x, y = at
    ry = look.eye_ry
    pen.fill(ring(x, y, rx * 0.95, ry * 0.95, power=2.6), (252, 252, 252), outline=False, part="eyes")
    ix, iy = x + look.gaze[0] * rx * 0.3, y + 0.05 * ry + 0.1 * look.gaze[1] * ry
    jx, jy = rx * 0.68, ry * 0.92
    parts = [(ring(ix, iy, jx, jy), scaled(look.iris, 0.55))]
    parts += [
        (ring(ix, iy + jy * k, jx * 0.86, jy * (0.95 - k)), scaled(look.iris, 0.75 + 0.7 * k)) for k in (0.2, 0.45)
    ]
    parts.append((ring(ix, iy, jx * 0.42, jy * 0.5), scaled(look.iris, 0.2)))
    for dx, dy, r in ((-0.35, -0.45, 0.32), (0.35, 0.4, 0.18)):
        parts.append((ring(ix + dx * jx, iy + dy * jy, r * jx, r * jx * 1.2), (255, 255, 255)))
    pen.inside(ring(x, y, rx * 0.95, ry * 0.95, power=2.6), parts)
    lash = mixed(pen.ink, look.hair, 0.3) if pen.chance(0.5) else pen.ink
    top = np.concatenate([arc(x, y - 0.55 * ry, rx * 1.08, 0.5 * ry), arc(x, y - 0.5 * ry, rx * 1.05, 0.26 * ry)[::-1]])
    pen.fill(top, lash, outline=False, part="eyes")
    if pen.chance(0.6):
        pen.line(arc(x, y + 0.85 * ry, rx * 0.6, -0.1 * ry), width=0.012, colour=lash)


_EYES = {
    "ball": _ball,
    "dot": _dot,
    "ring": _ring_eye,
    "arc": _arc_eye,
    "line": _line_eye,
    "almond": _almond,
    "anime": _anime,
}
EYE_KINDS = tuple(_EYES)


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
