"""The faces of `watermark_anime`: skin and its shades, eyes in many tones, nose and mouth in thin lines."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.drawn_pen import Colour, Points, arc, hue, mixed, ring, scaled, smooth
from pipelines.watermark_anime_head import Head


def outline(head: Head) -> Points:
    """Of cheeks and a pointed chin."""
    wide, cheek, chin = head.between(0.7, 0.85), head.between(0.5, 0.72), head.yaw * 0.8
    half = [(0.7 * wide, -0.75), (wide, -0.1), (cheek, 0.5), (0.28, head.between(0.75, 0.88))]
    knots = [(0.0, -0.95), *half, (chin, 0.95), *((-x, y) for x, y in reversed(half))]
    return smooth([(x + chin * max(0.0, y), y) for x, y in knots])


def draw_skin(head: Head, face: Points) -> None:
    """Skin, its shade at one side and below the hair, blush."""
    head.fill(face, head.skin)
    warm = mixed(scaled(head.skin, 0.8), (210, 110, 110), head.between(0, 0.6))
    side = 1 if head.chance(0.5) else -1
    head.shade(
        face + np.array((side * head.between(0.9, 1.4), 0.1)),
        warm,
        head.between(0, 0.8),
        head.between(0.01, 0.12),
        face,
    )
    blush, strong = mixed(head.skin, (255, 90, 90), 0.6), head.between(0, 0.9)
    for side in (-1, 1):
        at = (side * 0.45 + head.yaw, 0.48)
        head.shade(ring(*at, 0.18, 0.1), blush, strong, 0.06, face)
        if strong > 0.6 and head.chance(0.3):
            for k in range(3):
                x = at[0] + 0.07 * (k - 1)
                head.line(np.array([(x - 0.02, at[1] + 0.04), (x + 0.03, at[1] - 0.04)]), 0.01, (230, 110, 110))
    head.line(
        np.concatenate([face, face[:1]]),
        head.between(0.008, 0.025),
        mixed(head.ink, head.skin, head.between(0, 0.6)),
    )


def draw_eyes(head: Head) -> None:
    """Both, alike."""
    kind = _eye(head)
    for side in (-1, 1):
        _draw_eye(head, side, kind)


@dataclass(frozen=True)
class _Eye:
    """Both eyes of a head: half their width and height, place, iris, tilt of lids, what is left open."""

    radii: tuple[float, float]
    at: tuple[float, float]
    iris: Colour
    tilt: float
    lid: float
    lash: float
    sparks: NDArray[np.float64]
    """Up to three (x, y, radius), in units of the iris."""
    closed: bool


def _eye(head: Head) -> _Eye:
    rx = head.between(0.19, 0.3)
    sparks = np.stack(
        [head.rng.uniform(-0.55, 0.55, 3), head.rng.uniform(-0.6, 0.5, 3), head.rng.uniform(0.08, 0.4, 3)], 1
    )
    return _Eye(
        radii=(rx, rx * head.between(0.55, 1.35)),
        at=(head.between(0.34, 0.44), head.between(0.02, 0.25)),
        iris=hue(head.rng, (0.2, 1), (0.3, 0.95)),
        tilt=head.between(-0.12, 0.15),
        lid=head.between(0.6, 1.0),
        lash=head.between(0.1, 0.4),
        sparks=sparks[: int(head.rng.integers(1, 4))],
        closed=head.chance(0.06),
    )


def _draw_eye(head: Head, side: int, eye: _Eye) -> None:
    """White, iris from dark to light, pupil, sparks, lashes, a crease, the brow."""
    (rx, ry), x, y = eye.radii, side * eye.at[0] + head.yaw, eye.at[1]
    rx *= 1 - 0.6 * max(0.0, side * head.yaw)
    u = np.linspace(-1, 1, 15)
    rise = side * eye.tilt * u
    upper = np.stack([x + u * rx, y - ry * eye.lid * (1 - np.abs(u) ** 2.4) - rise], 1)
    lower = np.stack([x + u * rx, y + ry * 0.95 * (1 - np.abs(u) ** 3) - rise], 1)
    r, g, b = (int(v) for v in head.hair.colour)
    hair_ink = mixed(head.ink, (r, g, b), 0.3)
    lift = np.array([0, ry])
    if eye.closed:
        head.line(lower - lift / 2 if head.chance(0.5) else upper, 0.05, hair_ink)
    else:
        _ball(head, np.concatenate([upper, lower[::-1]]), (x, y), (rx, ry), eye)
        swell = eye.lash * ry * (0.35 + 0.65 * (u * side + 1) / 2)
        head.fill(np.concatenate([upper, (upper - np.stack([0 * u, swell], 1))[::-1]]), hair_ink)
        head.line(lower[3:-3], head.between(0.008, 0.02), mixed(hair_ink, head.skin, 0.4))
        head.line(upper[3:-3] - lift * 0.4, 0.01, mixed(hair_ink, head.skin, 0.6))
    brow = arc(
        x + side * 0.02,
        y - ry - head.between(0.12, 0.25),
        rx * 0.95,
        head.between(0, 0.06),
        tilt=side * head.between(-0.08, 0.12),
    )
    head.line(brow, head.between(0.012, 0.035), hair_ink)


def _ball(head: Head, lids: Points, at: tuple[float, float], radii: tuple[float, float], eye: _Eye) -> None:
    """What is between the lids."""
    (x, y), (rx, ry) = at, radii
    white = head.image.copy()
    inner = replace(head, image=white)
    inner.fill(ring(x, y, 2 * rx, 2 * ry), mixed((255, 255, 255), head.skin, 0.3))
    jx, jy = rx * 0.68, ry * 0.98
    for k in np.linspace(0, 1, 8):
        inner.fill(ring(x, y + jy * 0.5 * k, jx * (1 - 0.25 * k), jy * (1 - 0.45 * k)), scaled(eye.iris, 0.3 + 0.9 * k))
    inner.fill(ring(x, y - 0.05 * ry, jx * 0.45, jy * 0.5), scaled(eye.iris, 0.2))
    inner.shade(ring(x, y - ry, 1.5 * rx, ry * 0.6), scaled(eye.iris, 0.2), 0.7, 0.03)
    for sx, sy, r in eye.sparks:
        inner.fill(ring(x + sx * jx, y + sy * jy, r * jx, r * jx * 1.2), (255, 255, 255))
    mask = Image.new("L", white.size)
    ImageDraw.Draw(mask).polygon(head.px(lids), fill=255)
    head.image.paste(white, mask=mask)


def draw_nose_and_mouth(head: Head) -> None:
    """Thin lines; some mouths are open."""
    x, line = head.yaw * 1.4, mixed(head.ink, head.skin, head.between(0.1, 0.6))
    head.line(np.array([(x, 0.42), (x + head.between(-0.05, 0.05), head.between(0.45, 0.52))]), 0.015, line)
    wide, y = head.between(0.05, 0.22), head.between(0.64, 0.74)
    if head.chance(0.4):
        mouth = np.concatenate([arc(x, y, wide, 0.02), arc(x, y, wide, -head.between(0.06, 0.25))[::-1]])
        head.fill(mouth, mixed((200, 70, 70), (255, 160, 150), float(head.rng.random())))
        head.line(np.concatenate([mouth, mouth[:1]]), 0.015, line)
    else:
        head.line(arc(x, y, wide, head.between(-0.05, 0.03)), 0.018, line)
