"""What grows or sits on a drawn head: hair behind and before it, hats, ears, glasses, beards."""

from __future__ import annotations

import math

import numpy as np

from pipelines.drawn_anime import draw_locks
from pipelines.drawn_parts import Look
from pipelines.drawn_pen import Pen, Points, arc, hue, mixed, ring, scaled, smooth


def draw_back_hair(pen: Pen, look: Look, long: bool) -> None:
    """Hair behind the head, to the shoulders or further where `long`."""
    wide, down = look.width * pen.between(1.08, 1.5), pen.between(0.9, 2.2) if long else pen.between(0.0, 0.6)
    up = pen.between(1.05, 1.35)
    knots = [(0.0, -up), (0.7 * wide, -0.8 * up), (wide, -0.1), (wide * pen.between(0.8, 1.2), down)]
    knots += [(0.3 * wide, down * 1.02), (-0.3 * wide, down * 1.02), (-wide * pen.between(0.8, 1.2), down)]
    pen.fill(smooth([*knots, (-wide, -0.1), (-0.7 * wide, -0.8 * up)]), scaled(look.hair, pen.between(0.7, 1.0)))
    if pen.chance(0.3):
        for side in (-1, 1):
            x = side * look.width * pen.between(1.1, 1.5)
            pen.fill(ring(x, pen.between(-0.6, 0.6), pen.between(0.2, 0.45), pen.between(0.3, 1.0)), look.hair)


def draw_ears(pen: Pen, look: Look) -> None:
    """Ears at the sides; sometimes an animal's, on top."""
    if pen.chance(0.25):
        return
    rx, ry, y = pen.between(0.08, 0.2), pen.between(0.12, 0.32), look.eye_y + pen.between(0.0, 0.3)
    for side in (-1, 1):
        x, _, _ = look.pose.put(side * look.width * 0.999, y, look.width)
        x = max(-1.0, min(1.0, x / look.width)) * (look.width + rx * 0.3)
        if side * look.pose.yaw <= 0.5:
            pen.fill(ring(x, y, rx, ry), look.skin)
            pen.line(arc(x, y, rx * 0.5, ry * 0.4), width=0.02, colour=mixed(look.skin, pen.ink, 0.5))


def draw_animal_ears(pen: Pen, look: Look) -> None:
    """A cat's, bear's or rabbit's."""
    tall, wide = pen.between(0.3, 1.0), pen.between(0.15, 0.35)
    for side in (-1, 1):
        x = side * look.width * pen.between(0.5, 0.75)
        if pen.chance(0.5):
            knots = [(x - wide, -0.6), (x + side * 0.1, -0.8 - tall), (x + wide, -0.6)]
            pen.fill(np.array(knots), look.skin)
        else:
            pen.fill(ring(x, -0.85 - tall * 0.3, wide, tall * 0.7), look.skin)


def draw_front_hair(pen: Pen, look: Look, outline: Points, kind: str) -> float:
    """Hair on the crown; how low it reaches in the middle of the forehead (y)."""
    low = look.eye_y - look.eye_ry
    match kind:
        case "cap":
            y = pen.between(-0.85, min(low - 0.05, -0.3))
            _crown(pen, look, outline, y, pen.between(-0.1, 0.3), jag=0.0)
        case "fringe" | "parted" | "spikes" if look.eye_kind == "anime" and pen.chance(0.6):
            y = draw_locks(pen, look, pen.between(low - 0.35, low + 0.5 * look.eye_ry))
        case "fringe" if pen.chance(0.6 if look.eye_kind == "anime" else 0.2):
            y = pen.between(low - 0.25, look.eye_y + 0.2 * look.eye_ry)
            _bangs(pen, look, y)
        case "fringe":
            y = pen.between(low - 0.3, low + 0.12)
            _crown(pen, look, outline, y, pen.between(0.0, 0.5), jag=pen.between(0.05, 0.3))
            if pen.chance(0.6):
                _side_locks(pen, look)
        case "parted":
            y = pen.between(-0.95, -0.7)
            _locks(pen, look, y)
        case "spikes":
            y = pen.between(-0.9, -0.45)
            _spikes(pen, look, y)
        case "curls":
            y = pen.between(-0.9, -0.5)
            for x in np.linspace(-1, 1, int(pen.rng.integers(4, 9))):
                r = pen.between(0.15, 0.35)
                pen.fill(ring(x * look.width, y - 0.25 * (1 - x * x) + pen.between(-0.05, 0.05), r, r), look.hair)
            y += 0.1
        case "tuft":
            y = -0.97
            for _ in range(int(pen.rng.integers(1, 5))):
                x = pen.between(-0.3, 0.3)
                pen.line(arc(x, -1.0, 0.15, pen.between(0.05, 0.3)), width=pen.between(0.02, 0.06), colour=look.hair)
        case _:
            y = -1.0
    return y


def _crown(pen: Pen, look: Look, outline: Points, y: float, sides: float, *, jag: float) -> None:
    """The part of the head above a line, a little larger; its lower edge straight, bent or in strands."""
    wide = look.width * pen.between(1.02, 1.15)
    up = pen.between(1.02, 1.25)
    t = np.linspace(-1, 1, 17)
    bend = pen.between(-0.25, 0.25)
    edge = np.stack([t[::-1] * wide, y + sides * t**4 + bend * (1 - t**2)], 1)
    if jag:
        teeth = int(pen.rng.integers(3, 9))
        t = np.linspace(-1, 1, 2 * teeth + 1)
        edge = np.stack([t[::-1] * wide, y + sides * t**4], 1)
        edge[1::2, 1] += jag * pen.rng.uniform(0.4, 1.3, teeth)
        edge[1::2, 0] += pen.rng.uniform(-0.08, 0.08, teeth)
    top = ring(0, 0, wide, up, power=look.power, count=60)
    top = top[(top[:, 1] < y + sides - 0.02)]
    top = top[np.argsort(np.arctan2(top[:, 0], -top[:, 1]))]
    shape = np.concatenate([top, edge])
    pen.fill(shape, look.hair)
    if pen.chance(0.5):
        for _ in range(int(pen.rng.integers(2, 24))):
            x = pen.between(-0.9, 0.9) * wide
            strand = np.array([(x * 0.5, -up * 0.92), (x * 0.9, (y - up) / 2), (x, y + sides * (x / wide) ** 4)])
            pen.line(strand, width=0.015, colour=scaled(look.hair, pen.between(0.5, 1.6)))
    if pen.chance(0.3):
        pen.line(arc(0, -0.7, wide * 0.6, 0.15), width=pen.between(0.03, 0.1), colour=scaled(look.hair, 1.5))


def _bangs(pen: Pen, look: Look, y: float) -> None:
    """Locks that taper over brow and eyes, each in a tone of its own, gleams on them, long ones along the cheeks."""
    wide, up, lines = look.width * pen.between(1.03, 1.18), pen.between(1.02, 1.2), pen.chance(0.6)
    pen.fill(ring(0, -0.5, wide, up - 0.5, power=2.4), look.hair, outline=lines)
    count = int(pen.rng.integers(4, 12))
    part = pen.between(-0.5, 0.5)
    for k in pen.rng.permutation(count):
        x = -1 + 2 * (k + 0.5) / count
        root, half = x * 0.85 * wide, wide / count * pen.between(1.0, 1.9)
        tip = (x * wide + (x - part) * pen.between(-0.05, 0.3), y + pen.between(-0.12, 0.3) + 0.6 * abs(x) ** 3)
        side = (root + half, tip[0] * 0.6 + root * 0.4 + half * 0.7, tip[0], tip[0] * 0.6 + root * 0.4 - half * 0.7)
        low = -0.6 + 0.25 * x * x
        middle = (low + tip[1]) / 2
        lock = np.array([(side[0], low), (side[1], middle), tip, (side[3], middle), (root - half, low)])
        pen.fill(lock, scaled(look.hair, pen.between(0.82, 1.12)), outline=lines)
    for side_of in (-1, 1):
        if pen.chance(0.75):
            x, down, half = side_of * wide * pen.between(0.8, 1.0), pen.between(0.0, 1.2), pen.between(0.06, 0.22)
            end = (x + side_of * pen.between(-0.25, 0.15), down)
            lock = np.array([(x - half, -0.4), (x, -0.7), (x + half, -0.4), (x + half * 0.8, down * 0.5), end])
            pen.fill(lock, scaled(look.hair, pen.between(0.82, 1.12)), outline=lines)
    for _ in range(int(pen.rng.integers(0, 14))):
        x, start = pen.between(-0.9, 0.9) * wide, pen.between(-0.85, -0.5)
        strand = np.array([(x * 0.8, start), (x, min(y, start + pen.between(0.1, 0.6)))])
        pen.line(strand, width=pen.between(0.01, 0.05), colour=scaled(look.hair, pen.between(0.6, 1.7)))


def _locks(pen: Pen, look: Look, y: float) -> None:
    """Parted hair that falls along both sides of the face."""
    part = pen.between(-0.5, 0.5) * look.width
    down = pen.between(-0.2, 0.9)
    for side in (-1, 1):
        wide = look.width * pen.between(1.05, 1.25)
        inner = look.width * pen.between(0.75, 0.95)
        knots = [(part, y), (part, -1.15), (side * wide * 0.7, -1.0), (side * wide, -0.2), (side * wide, down)]
        knots += [(side * inner, down * 0.8), (side * inner, -0.2)]
        pen.fill(smooth(knots), look.hair)


def _side_locks(pen: Pen, look: Look) -> None:
    """Strands before the ears and cheeks."""
    for side in (-1, 1):
        for _ in range(int(pen.rng.integers(1, 4))):
            x, w = side * look.width * pen.between(0.72, 1.08), pen.between(0.05, 0.2)
            end = (x + pen.between(-0.15, 0.15), pen.between(0.3, 1.2))
            pen.fill(np.array([(x - w, -0.3), (x, -0.6), (x + w, -0.3), end]), look.hair)


def _spikes(pen: Pen, look: Look, y: float) -> None:
    """A crown of spikes, as one piece; often of the skin's own colour and without a lower edge."""
    count = int(pen.rng.integers(4, 12))
    t = np.linspace(-1, 1, 2 * count + 1)
    tall = pen.between(0.15, 0.6)
    x = t * look.width * pen.between(1.0, 1.15)
    base = -np.sqrt(np.clip(1 - (t * 0.9) ** 2, 0, 1)) * 0.9
    points = np.stack([x, base], 1)
    points[1::2, 1] -= tall * pen.rng.uniform(0.6, 1.3, count)
    points[1::2, 0] *= pen.between(1.0, 1.3)
    edge = np.stack([x[::-1], np.minimum(y + 0.4 * t**2, base[::-1] + 0.5)], 1)
    pen.fill(np.concatenate([points, edge]), look.hair)


def draw_hat(pen: Pen, look: Look) -> float:
    """A cap, beanie, brimmed hat, crown or helmet; how low it reaches (y)."""
    low = look.eye_y - look.eye_ry
    y = pen.between(-0.85, min(low + 0.05, -0.25))
    colour = hue(pen.rng, (0.0, 1.0), (0.15, 1.0))
    wide, up = look.width * pen.between(1.02, 1.2), pen.between(1.05, 1.6)
    half = [p for p in ring(0, 0, wide, up, power=pen.between(2, 4), count=60) if p[1] < y]
    dome = np.array(sorted(half, key=lambda p: math.atan2(p[0], -p[1])) or [(0, -1)])
    edge = np.stack([np.linspace(1, -1, 9) * wide, y + pen.between(-0.12, 0.12) * (1 - np.linspace(1, -1, 9) ** 2)], 1)
    pen.fill(np.concatenate([dome, edge]), colour)
    kind = pen.rng.random()
    if kind < 0.35:
        pen.fill(
            ring(pen.between(-0.2, 0.2), y, wide * pen.between(1.0, 1.7), pen.between(0.06, 0.2)), scaled(colour, 0.8)
        )
    elif kind < 0.65:
        band = hue(pen.rng, (0.0, 1.0), (0.15, 1.0))
        pen.fill(np.concatenate([edge, edge[::-1] - (0, pen.between(0.1, 0.3))]), band)
    if pen.chance(0.25):
        pen.fill(ring(0, -up, 0.15, 0.15), hue(pen.rng, (0.0, 1.0), (0.15, 1.0)))
    return y


def draw_glasses(pen: Pen, look: Look) -> bool:
    """Glasses; True where they hide the eyes."""
    dark = pen.chance(0.2)
    power = float(pen.rng.choice([2, 2, 3, 5]))
    frame = hue(pen.rng, (0.0, 0.9), (0.0, 0.6)) if pen.chance(0.5) else (20, 20, 20)
    lens = hue(pen.rng, (0, 0.8), (0.0, 0.35))
    rx, ry = look.eye_rx * pen.between(1.1, 1.5) + 0.03, look.eye_ry * pen.between(1.05, 1.4) + 0.04
    width = pen.between(0.02, 0.06)
    inner = []
    for side in (-1, 1):
        x, y, left = look.pose.put(side * look.eye_gap, look.eye_y, look.width)
        if left < 0.2:
            continue
        shape = ring(x, y, rx * min(1, left * 1.1), ry, power=power)
        if dark:
            pen.fill(shape, lens)
        pen.line(np.concatenate([shape, shape[:1]]), width=width, colour=frame)
        inner.append((x - side * rx * left * 0.95, y))
        if pen.chance(0.7):
            reach = max(-1.0, min(1.0, side + math.sin(look.pose.yaw))) * look.width
            pen.line(np.array([(x + side * rx * left, y), (reach, y - 0.05)]), width=width, colour=frame)
    if len(inner) == 2:
        pen.line(np.array(inner), width=width, colour=frame)
    return dark


def draw_beard(pen: Pen, look: Look, outline: Points) -> None:
    """A beard round the mouth, or stubble; drawn before nose and mouth."""
    y = look.mouth_y - pen.between(0.05, 0.3)
    lower = outline[outline[:, 1] > y]
    if len(lower) < 4:
        return
    lower = lower[np.argsort(-np.arctan2(lower[:, 0], lower[:, 1] - y))]
    lower = lower * (1.03, pen.between(1.0, 1.25))
    colour = mixed(look.hair, look.skin, pen.between(0.0, 0.7))
    left, right = lower[-1], lower[0]
    t = np.linspace(0, 1, 9)[:, None]
    edge = left + (right - left) * t - np.concatenate([0 * t, pen.between(-0.2, 0.25) * np.sin(np.pi * t)], 1)
    pen.fill(np.concatenate([lower, edge]), colour, outline=pen.chance(0.5))


def draw_moustache(pen: Pen, look: Look) -> None:
    """Between nose and mouth."""
    x, y, left = look.pose.put(0, (look.mouth_y + look.nose_y) / 2 + 0.08, look.width)
    rx = look.mouth_rx * pen.between(0.8, 1.6) * max(left, 0.4)
    fat = pen.between(0.06, 0.2)
    pen.fill(np.concatenate([arc(x, y, rx, fat), arc(x, y, rx, pen.between(-0.05, 0.03))[::-1]]), look.hair)
