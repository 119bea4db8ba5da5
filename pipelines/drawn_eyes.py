"""Eyes of a drawn head, of many kinds, each put where the head's turn puts it."""

from __future__ import annotations

import numpy as np

from pipelines.drawn_parts import Look
from pipelines.drawn_pen import Colour, Pen, Points, arc, mixed, ring, scaled


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
    """One eye between two lids; `look.detail` says how, alike on both sides."""
    ry, detail = look.eye_ry, look.detail
    u = np.linspace(-1, 1, 21)  # from the inner corner to the outer one
    tilt = (detail[2] - 0.45) * 0.5 * ry * u
    high, power = 0.55 + 0.4 * detail[3], 2 + 1.6 * detail[4]
    top = -ry * high * (1 - np.abs(u) ** power) - tilt
    bottom = ry * 0.95 * (1 - np.abs(u) ** (power + 0.6)) - tilt
    across = at[0] + side * u * rx
    upper, lower = np.stack([across, at[1] + top], 1), np.stack([across, at[1] + bottom], 1)
    shape = np.concatenate([upper, lower[::-1]])
    white = mixed((255, 255, 255), scaled(look.skin, 0.85), detail[4] * 0.5)
    pen.fill(shape, white, outline=False, part="eyes")
    pen.inside(shape, _iris(look, at, rx), part="eyes")
    pen.fill(shape * (1, 0.18) + (0, upper.min(0)[1] * 0.82), pen.ink, outline=False, part="eyes")
    _lashes(pen, look, (upper, lower), rx, side)


def _iris(look: Look, at: tuple[float, float], rx: float) -> list[tuple[Points, Colour]]:
    """From dark to light, a pupil, one to three sparks."""
    detail, ry = look.detail, look.eye_ry
    jx, jy = rx * (0.55 + 0.4 * detail[0]), ry * (0.75 + 0.35 * detail[1])
    x, y = at[0] + look.gaze[0] * (rx - jx) * 0.9, at[1] + 0.08 * ry * look.gaze[1]
    dim = 0.35 if detail[5] < 0.3 else 1.0
    parts = [(ring(x, y, jx, jy), scaled(look.iris, 0.4 * dim))]
    for k in np.linspace(0.1, 0.6, 5):
        parts.append((ring(x, y + jy * k, jx * 0.9, jy * (0.95 - k)), scaled(look.iris, (0.6 + k) * dim)))
    parts.append((ring(x, y, jx * 0.42, jy * 0.5), scaled(look.iris, 0.15)))
    lean = -1 if detail[6] < 0.6 else 1
    sparks = ((0.38, -0.42, 0.36), (-0.36, 0.4, 0.2), (0.3, 0.1, 0.14))
    for dx, dy, r in sparks[: 1 + int(detail[6] * 3) % 3]:
        size = r * jx * (0.6 + 0.6 * detail[7])
        parts.append((ring(x + lean * dx * jx, y + dy * jy, size, size * 1.2), (255, 255, 255)))
    return parts


def _lashes(pen: Pen, look: Look, lids: tuple[Points, Points], rx: float, side: int) -> None:
    """The upper lash swells outwards and may end in a point; the lower one is a trace; a crease lies above both."""
    upper, lower = lids
    detail, ry = look.detail, look.eye_ry
    colour = mixed(pen.ink, look.hair, 0.35) if detail[0] < 0.5 else pen.ink
    swell = np.linspace(0.25, 1.0, len(upper)) * (0.06 + 0.32 * detail[5]) * ry
    outer = upper - np.stack([0 * swell, swell], 1)
    tip = upper[-1] + (side * rx * 0.25 * detail[7], (detail[1] - 0.6) * 0.3 * ry)
    pen.fill(np.concatenate([upper, tip[None], outer[::-1]]), colour, outline=False, part="eyes")
    if detail[3] > 0.3:
        pen.line(lower[8:20], width=0.012 + 0.02 * detail[2], colour=mixed(colour, look.skin, 0.3), part="eyes")
    if detail[7] > 0.5:
        lift = (0.0, -0.12 * ry - float(swell.max()))
        pen.line(upper[4:-2] + lift, width=0.012, colour=mixed(look.skin, colour, 0.5), part="eyes")


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
