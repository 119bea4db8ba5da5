"""Drawn heads with exact truth, of eight families between which everything varies: a function of the random generator.

The face's box follows one rule, that of boxes drawn by hand round cartoon faces and of photo detectors: from the chin
to the hairline (or the hat's edge), from side to side of the head without its ears; the forehead reaches at most .95 of
the way from the chin to the eyes above these (a tall skull is no face), and where hair hides the forehead the box ends
half-way between the hair's edge and that. A muzzle that stands out belongs to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipelines.drawn_anime import draw_strands_behind
from pipelines.drawn_body import draw_body, draw_chin
from pipelines.drawn_eyes import draw_eyes
from pipelines.drawn_hair import (
    draw_animal_ears,
    draw_back_hair,
    draw_beard,
    draw_ears,
    draw_front_hair,
    draw_glasses,
    draw_hat,
    draw_moustache,
)
from pipelines.drawn_looks import FAMILIES, draw_look
from pipelines.drawn_noses import draw_nose
from pipelines.drawn_parts import Look, draw_brows, draw_mouth
from pipelines.drawn_pen import OVER, SPRITE_PX, Pen, Points, changed, edge, mixed, ring, scaled

REGIONS = ("eyes", "nose", "mouth")


@dataclass(frozen=True)
class Sprite:
    """A head on nothing, and points of it in pixels of the sprite."""

    rgba: Image.Image
    face: Points
    """(N, 2), of the face's outline."""
    points: Points
    """(5, 2): eyes, nose tip, mouth corners."""
    regions: tuple[Points | None, Points | None, Points | None]
    """Of eyes, nose and mouth: (N, 2) each, None where there is nothing to be seen."""
    known: tuple[bool, bool, bool] = (True, True, True)
    """Whether the truth about each region is known."""


def draw_head(rng: np.random.Generator) -> Sprite:
    """A head of a random family: drawn whole, and again without each part, which is the part's truth."""
    state = rng.bit_generator.state
    whole, dark = _drawn(rng, None)
    pixels, found = np.asarray(whole.rgba), []
    for region in REGIONS:
        again = np.random.default_rng()
        again.bit_generator.state = state
        bare = np.asarray(_drawn(again, region)[0].rgba)
        found.append(None if dark and region == "eyes" else edge(changed(pixels, bare)))
    eyes, nose, mouth = found
    return replace(whole, regions=(eyes, nose, mouth))


def _drawn(rng: np.random.Generator, without: str | None) -> tuple[Sprite, bool]:
    """A head, its regions' truth not known yet, and whether dark glasses hide its eyes."""
    look, family = draw_look(rng)
    bare = rng.random() < 0.15
    unit = SPRITE_PX * OVER * rng.uniform(0.27, 0.33)
    ink = (
        (0, 0, 0)
        if rng.random() < 0.6
        else scaled(look.skin if rng.random() < 0.5 else look.hair, rng.uniform(0.1, 0.5))
    )
    outlined = FAMILIES[family].outlined
    width = round(rng.uniform(1.5, 4 if family == "anime" else 8)) if rng.random() < outlined else 0
    centre = (SPRITE_PX * OVER / 2, SPRITE_PX * OVER * rng.uniform(0.47, 0.53))
    pen = Pen(rng, unit, centre, ink, width, without=without)
    outline = head_outline(look)
    hair = _hair_kind(pen, family)
    if hair != "none" and pen.chance(0.6):
        if look.eye_kind == "anime" and pen.chance(0.6):
            draw_strands_behind(pen, look)
        else:
            draw_back_hair(pen, look, pen.chance(0.6))
    if not bare:
        draw_body(pen, look)
    low, points, dark = _draw_face(pen, look, outline, hair, family)
    return _finished(pen, look, outline, (low, points)), dark


def head_outline(look: Look) -> Points:
    """The head's shape: an ellipse or squarer, tapered, its chin pointed and turned with the head."""
    shape = ring(0, 0, look.width, 1.0, power=look.power, count=64)
    y = shape[:, 1]
    below = np.clip(y, 0, None)
    shape[:, 0] *= (1 - look.taper * y) * (1 - look.point * below**1.5 * 0.75)
    lean = 0.16 + (0.2 * look.detail[0] if look.eye_kind == "anime" else 0.0)
    shape[:, 0] += lean * math.sin(look.pose.yaw) * below
    return shape


def _hair_kind(pen: Pen, family: str) -> str:
    kinds = ("cap", "fringe", "parted", "spikes", "curls", "tuft", "none")
    return str(pen.rng.choice(kinds, p=FAMILIES[family].hair))


def _draw_face(
    pen: Pen, look: Look, outline: Points, hair: str, family: str
) -> tuple[float, tuple[list[Points], Points, list[Points]], bool]:
    """Head, features, hair and hat; how low these reach, the five points, whether glasses hide the eyes."""
    animal = family == "animal"
    if animal or pen.chance(0.02):
        draw_animal_ears(pen, look)
    else:
        draw_ears(pen, look)
    pen.fill(outline, look.skin)
    _light(pen, look, outline)
    if look.muzzle:
        _muzzle(pen, look)
    if not animal and pen.chance(0.04 if family == "anime" else 0.13):
        draw_beard(pen, look, outline)
    if pen.chance(0.3 if family == "anime" else 0.06):
        _blush(pen, look)
    if not look.muzzle and pen.chance(0.2):
        draw_chin(pen, look)
    early = hair == "fringe" and pen.chance(0.5)
    low = draw_front_hair(pen, look, outline, hair) if early else -1.0
    mouth = draw_mouth(pen, look)
    eyes_first = pen.chance(0.6)
    eyes = draw_eyes(pen, look) if eyes_first else []
    nose = draw_nose(pen, look)
    eyes = eyes if eyes_first else draw_eyes(pen, look)
    if not animal and pen.chance(0.1):
        draw_moustache(pen, look)
    draw_brows(pen, look)
    dark = pen.chance(0.14) and draw_glasses(pen, look)
    if not early:
        low = draw_front_hair(pen, look, outline, hair)
    if pen.chance(FAMILIES[family].hat):
        low = max(low, draw_hat(pen, look))
    return low, (eyes, nose, mouth), dark


def _muzzle(pen: Pen, look: Look) -> None:
    """A lighter or darker area round the mouth that stands out where the head is turned."""
    x, y, _ = look.pose.put(0, look.mouth_y - 0.02, look.width)
    x += look.muzzle * math.sin(look.pose.yaw) * 0.5
    rx, ry = look.mouth_rx * pen.between(1.15, 1.6), pen.between(0.2, 0.36)
    colour = look.skin if pen.chance(0.4) else mixed(look.skin, (215, 180, 130), pen.between(0.3, 0.9))
    pen.fill(ring(x, y, rx, ry, power=2.3), colour, outline=pen.chance(0.6), part="muzzle")


def _blush(pen: Pen, look: Look) -> None:
    for side in (-1, 1):
        x, y, left = look.pose.put(side * look.eye_gap * 1.3, (look.eye_y + look.mouth_y) / 2 + 0.1, look.width)
        if left > 0.3:
            pen.fill(ring(x, y, 0.14 * left, 0.08), mixed(look.skin, (240, 90, 90), 0.35), outline=False)


def _light(pen: Pen, look: Look, outline: Points) -> None:
    """A round light, a cell of shade, or a plain colour."""
    if look.shaded:
        _round_light(pen, look, outline)
    elif pen.chance(0.25):
        shift = (pen.between(-0.4, 0.4), pen.between(-0.3, 0.1))
        lit = scaled(look.skin, pen.between(1.04, 1.15))
        pen.inside(outline, [(outline * 0.98 + shift, lit)])


def _round_light(pen: Pen, look: Look, outline: Points) -> None:
    """Light and shade of an egg under a lamp."""
    flat = pen.px(outline)
    x0, y0 = np.floor(flat.min(0)).astype(int)
    x1, y1 = np.ceil(flat.max(0)).astype(int) + 1
    tile = pen.image.crop((x0, y0, x1, y1))
    y, x = np.mgrid[-1 : 1 : tile.height * 1j, -1 : 1 : tile.width * 1j].astype(np.float32)
    z = np.sqrt(np.clip(1.05 - x * x - y * y, 0, 1))
    lamp = np.array([pen.between(-1, 1), pen.between(-1, 0.3), pen.between(0.4, 1.2)])
    lamp /= np.linalg.norm(lamp)
    light = np.clip(x * lamp[0] + y * lamp[1] + z * lamp[2], 0, 1)
    factor = 1 + look.shaded * (light[..., None] * 0.9 - 0.6)
    pixels = np.asarray(tile).astype(np.float32)
    pixels[..., :3] = np.clip(pixels[..., :3] * factor, 0, 255)
    stencil = Image.fromarray(np.asarray(tile)[..., 3])
    pen.image.paste(Image.fromarray(pixels.astype(np.uint8)), (int(x0), int(y0)), _within(flat - (x0, y0), stencil))


def _within(flat: Points, stencil: Image.Image) -> Image.Image:
    mask = Image.new("L", stencil.size)
    ImageDraw.Draw(mask).polygon([float(v) for v in flat.ravel()], fill=255)
    return mask


def _finished(
    pen: Pen, look: Look, outline: Points, drawn: tuple[float, tuple[list[Points], Points, list[Points]]]
) -> Sprite:
    low, (eyes, nose, mouth) = drawn
    image = pen.image
    if look.shaded and pen.chance(0.7):
        image = image.filter(ImageFilter.GaussianBlur(pen.between(0.5, 2.5)))
    centre = float((eyes[0] + eyes[1])[1] / 2)
    chin = float(outline[:, 1].max())
    limit = max(-1.0, centre - 0.95 * (chin - centre))
    top = max(limit, min((max(low, limit) + limit) / 2, centre - look.eye_ry))
    face = outline.copy()
    face[:, 1] = np.maximum(face[:, 1], top)
    face = np.concatenate([face, *pen.seen.get("muzzle", [])])
    points = np.stack([*eyes, nose, *mouth])

    def place(points: Points) -> Points:
        return pen.px(points) / OVER

    return Sprite(image.reduce(OVER), place(face), place(points), (None, None, None))
