"""Close anime faces in soft paint: pale skin, hair in shaded locks with gleams, large eyes in many tones, thin lines.

What faces cut out of anime look like at 64 px. The face detector's drawn heads (`drawn_heads`) have flat colours and
black outlines; beside them alone a watermark detector took such hair and eyes for faint marks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from pipelines.drawn_pen import Points, arc, hue, mixed, ring, scaled
from pipelines.watermark_anime_face import draw_eyes, draw_nose_and_mouth, draw_skin, outline
from pipelines.watermark_anime_head import Head
from pipelines.watermark_hair import Hair, curve, draw_hair
from pipelines.watermark_scenes import Draw, colour, texture


def draw_anime(rng: np.random.Generator, size: int, photograph: Draw) -> Image.Image:
    """A face that fills the picture, (size, size), drawn at twice its size."""
    head = _head(rng, 2 * size, photograph)
    _behind(head)
    _body(head)
    face = outline(head)
    draw_skin(head, face)
    draw_eyes(head)
    draw_nose_and_mouth(head)
    _fringe(head, face)
    _extras(head)
    image = head.image.resize((size, size), Image.Resampling.LANCZOS)
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.5)))) if rng.random() < 0.3 else image


def _head(rng: np.random.Generator, wide: int, photograph: Draw) -> Head:
    pick = rng.random()
    if pick < 0.45:
        image = Image.new("RGB", (wide, wide), (255, 255, 255) if pick < 0.3 else colour(rng))
    elif pick < 0.8:
        ramp = rng.uniform(0, 255, (3, 3, 3)) if rng.random() < 0.5 else rng.uniform(170, 255, (3, 3, 3))
        image = Image.fromarray(ramp.astype(np.uint8)).resize((wide, wide), Image.Resampling.BICUBIC)
    else:
        back = photograph(rng, wide // 2) if pick < 0.92 else texture(rng, wide // 2)
        image = back.resize((wide, wide)).filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 12))))
    turn, unit = rng.normal(0, 0.16), wide * rng.uniform(0.36, 0.52)
    turned = unit * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    centre = wide * np.array([0.5 + rng.normal(0, 0.03), 0.47 + rng.normal(0, 0.04)])
    tone = _natural(rng) if rng.random() < 0.4 else np.array(hue(rng, (0.1, 0.8), (0.3, 1)), dtype=np.float64)
    hair = draw_hair(rng, tone, int(rng.choice([2, 3, 4, 6, 9])))
    skin = np.array([255, rng.uniform(215, 245), rng.uniform(180, 235)]) * rng.uniform(0.85, 1)
    if rng.random() < 0.12:
        skin *= (rng.uniform(0.4, 0.9), rng.uniform(0.35, 0.8), rng.uniform(0.3, 0.75))
    r, g, b = (int(v) for v in skin)
    dark = mixed((0, 0, 0), hue(rng, (0.3, 1), (0.2, 0.5)), float(rng.random()))
    return Head(rng, image, (turned, centre), float(rng.normal(0, 0.12)), (r, g, b), dark, hair)


def _natural(rng: np.random.Generator) -> Points:
    """Black, brown, blond, red or gray."""
    tint = np.array([1, rng.uniform(0.6, 0.95), rng.uniform(0.35, 0.95)])
    return np.asarray(tint * rng.uniform(35, 255))


def _tinted(hair: Hair, factor: float) -> Hair:
    return replace(hair, colour=hair.colour * factor)


def _behind(head: Head) -> None:
    """Hair behind the head: a bob, long hair or tails."""
    dark, down = _tinted(head.hair, head.between(0.55, 0.9)), head.between(0.2, 2.0)
    spread, wave = head.between(0.9, 1.35), head.between(-0.06, 0.06)
    count = int(head.rng.integers(8, 18))
    for u in np.linspace(-1, 1, count)[head.rng.permutation(count)]:
        tip = (u * spread * head.between(0.85, 1.2), down * head.between(0.75, 1.1))
        head.lock(curve((u * 0.8, -0.6), tip, -0.12 * u, wave), 2.2 / count * head.between(0.8, 1.6), dark)
    for side in (-1, 1) if head.chance(0.3) else ():
        for _ in range(5):
            tip = (side * head.between(1.0, 1.7), head.between(0.3, 1.8))
            head.lock(curve((side * 0.8, -0.6), tip, -side * 0.3, wave), head.between(0.1, 0.25))


def _body(head: Head) -> None:
    """Neck, shoulders and what they wear."""
    x = 0.5 * head.yaw
    neck = np.array([(x - 0.25, 0.6), (x + 0.25, 0.6), (x + 0.3, 1.6), (x - 0.3, 1.6)])
    clothes = hue(head.rng, (0, 1), (0.1, 1))
    wide, top = head.between(0.7, 1.2), head.between(1.1, 1.35)
    head.fill(
        np.array([(x - wide, top), (x - 0.25, top - 0.1), (x + 0.25, top - 0.1), (x + wide, top), (2, 3), (-2, 3)]),
        clothes,
    )
    head.fill(neck, scaled(head.skin, 0.92))
    head.shade(ring(x, 0.95, 0.3, 0.25), mixed(head.skin, (150, 80, 90), 0.5), head.between(0.3, 0.9), 0.03, neck)
    for side in (-1, 1) if head.chance(0.6) else ():
        collar = np.array([(x + side * 0.22, top - 0.2), (x + side * 0.75, top), (x, top + head.between(0.2, 0.5))])
        head.fill(collar, hue(head.rng, (0, 0.5), (0.6, 1)))
        head.line(collar, 0.012)


def _fringe(head: Head, face: Points) -> None:
    """Hair over the crown, then locks that end over brow and eyes and along the cheeks, with the shade they cast."""
    whorl = (head.between(-0.4, 0.4), -head.between(0.95, 1.1))
    low, count = head.between(-0.35, 0.1), int(head.rng.integers(5, 16))
    ends = [(u * 0.8, low + 0.5 * abs(u) ** 3 + head.between(-0.2, 0.15)) for u in np.linspace(-1, 1, count)]
    shadow = np.array([(-0.9, -0.9), *ends, (0.9, -0.9)])
    shadow += (head.between(-0.05, 0.05), head.between(0.03, 0.12))
    head.shade(shadow, mixed(scaled(head.skin, 0.7), (150, 80, 100), 0.4), head.between(0.2, 0.8), 0.015, face)
    for side in (-1, 1):
        for reach in np.linspace(1.08, 0.5, 6):
            tip = (side * reach * head.between(0.9, 1.05), -0.95 + 1.1 * reach * head.between(0.6, 1.1))
            head.lock(curve(whorl, tip, -side * 0.22), head.between(0.16, 0.3))
    for k in head.rng.permutation(count):
        root = (whorl[0] * 0.7 + ends[k][0] * 0.35, -0.95)
        head.lock(curve(root, ends[k], -0.12 * ends[k][0]), 1.6 / count * head.between(0.7, 1.4))
    for side in (-1, 1):
        for _ in range(int(head.rng.integers(0, 4))):
            tip = (side * head.between(0.55, 1.05), head.between(0.2, 1.4))
            head.lock(curve((side * 0.75, -0.6), tip, -side * 0.1), head.between(0.04, 0.16))
    for _ in range(int(head.rng.integers(0, 8))):
        tip = (head.between(-1.2, 1.2), head.between(-1.2, 0.4))
        head.lock(curve(whorl, tip, head.between(-0.3, 0.3)), head.between(0.01, 0.04))


def _extras(head: Head) -> None:
    """Now and then glasses, a band, a hat, bows, clips, a ring of light."""
    tone, x = hue(head.rng, (0, 1), (0.2, 1)), head.yaw
    if head.chance(0.15):
        rx, ry, y = head.between(0.26, 0.36), head.between(0.16, 0.32), head.between(0.05, 0.25)
        metal, thick = (tone if head.chance(0.4) else head.ink), head.between(0.012, 0.04)
        for side in (-1, 1):
            frame = ring(x + side * 0.4, y, rx, ry, power=head.between(2, 5))
            head.line(np.concatenate([frame, frame[:1]]), thick, metal)
        head.line(arc(x, y, 0.08, 0.03), thick, metal)
    if head.chance(0.15):
        band, thick = arc(0, -0.75, 0.95, 0.3), head.between(0.06, 0.2)
        head.fill(np.concatenate([band, band[::-1] - (0, thick)]), tone)
    elif head.chance(0.1):
        brim = arc(0, -0.55, 1.1, 0.2)
        head.fill(np.concatenate([brim, ring(0, -0.9, 1, 0.6)[18:][::-1]]), tone)
        head.line(brim, 0.03)
    for _ in range(int(head.rng.choice([0, 1, 2], p=(0.7, 0.15, 0.15)))):
        cx, cy, r = head.between(-0.95, 0.95), head.between(-0.9, -0.2), head.between(0.08, 0.28)
        for side in (-1, 1):
            head.fill(np.array([(cx, cy), (cx + side * r, cy - r), (cx + side * r, cy + r)]), tone)
        head.fill(ring(cx, cy, r / 4, r / 4), scaled(tone, 0.7))
