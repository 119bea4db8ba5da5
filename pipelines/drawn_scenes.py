"""Pictures without a face for drawn heads to stand before, and to be told from: walls, photographs, drawn things.

What a detector of drawings may take for a face is round: wheels, clocks, plates, balls, buttons, windows two by two. So
such things are drawn often, in the heads' manner. The photographs are those of `watermark_pictures` without the two
that show people and without the cat and gravel, which benchmarks measure on.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from pipelines import watermark_pictures
from pipelines.drawn_body import draw_hand
from pipelines.drawn_looks import SKINS
from pipelines.drawn_pen import Colour, Pen, Points, hue, ring, scaled, smooth
from pipelines.watermark_scenes import draw_scene, texture

SCENE_PX = 208
PHOTOGRAPHS = ("brick.png", "coffee.png", "coins.png", "grass.png", "hubble_deep_field.jpg", "ihc.png", "retina.jpg")
"""Of scikit-image's: none shows a face."""


def draw_faceless(rng: np.random.Generator, size: int = SCENE_PX) -> Image.Image:
    """A square picture without a face."""
    pick = rng.random()
    if pick < 0.08:
        return Image.new("RGB", (size, size), _any(rng))
    if pick < 0.15:
        return _gradient(rng, size)
    if pick < 0.22:
        return texture(rng, size)
    if pick < 0.34:
        return draw_scene(rng, size, photograph)
    if pick < 0.50:
        return photograph(rng, size)
    return draw_things(rng, size)


@cache
def _photographs() -> list[Image.Image]:
    names = [*watermark_pictures.PHOTOGRAPHS, "grace_hopper.jpg"]
    found = dict(zip(names, watermark_pictures._photographs(), strict=True))
    return [found[name] for name in PHOTOGRAPHS]


def photograph(rng: np.random.Generator, size: int) -> Image.Image:
    """A window of a photograph, turned and recoloured."""
    sources = _photographs()
    source = sources[rng.integers(len(sources))]
    side = int(min(*source.size, size * rng.uniform(0.6, 2.5)))
    x, y = (int(rng.integers(0, n - side + 1)) for n in source.size)
    image = source.resize((size, size), Image.Resampling.BICUBIC, (x, y, x + side, y + side))
    return watermark_pictures._recoloured(rng, image.transpose(Image.Transpose(int(rng.integers(7)))))


def _any(rng: np.random.Generator) -> Colour:
    return (255, 255, 255) if rng.random() < 0.35 else hue(rng, (0.0, 0.9), (0.05, 1.0))


def _gradient(rng: np.random.Generator, size: int) -> Image.Image:
    one, other = np.array(_any(rng)), np.array(_any(rng))
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-0.7 : 0.7 : size * 1j, -0.7 : 0.7 : size * 1j]
    share = 0.5 + 0.5 * (x * np.cos(turn) + y * np.sin(turn)) if rng.random() < 0.6 else np.hypot(x, y)
    return Image.fromarray((one + (other - one) * np.clip(share, 0, 1)[..., None]).astype(np.uint8))


def draw_things(rng: np.random.Generator, size: int) -> Image.Image:
    """A drawn room, street or still life: things of many kinds, the last ones in front."""
    wide = 2 * size
    base = Image.new("RGB", (wide, wide), _any(rng)) if rng.random() < 0.7 else _gradient(rng, wide)
    draw = ImageDraw.Draw(base)
    if rng.random() < 0.6:
        y = int(wide * rng.uniform(0.3, 0.9))
        draw.rectangle((0, y, wide, wide), fill=_any(rng))
    pen = int(rng.integers(2, 9)) if rng.random() < 0.75 else 0
    ink = (0, 0, 0) if rng.random() < 0.7 else hue(rng, (0, 0.8), (0.0, 0.4))
    for _ in range(int(rng.integers(1, 12)) if rng.random() < 0.6 else int(rng.integers(10, 40))):
        _THINGS[rng.integers(len(_THINGS))](rng, draw, wide, (ink, pen))
    if rng.random() < 0.3:
        base = Image.fromarray(_lit(rng, np.asarray(base)))
    if rng.random() < 0.2:
        base = base.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 5))))
    return base.resize((size, size), Image.Resampling.BOX)


def _lit(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Light from one side, as a film's."""
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : pixels.shape[0] * 1j, -1 : 1 : pixels.shape[1] * 1j].astype(np.float32)
    light = 1 + rng.uniform(0.2, 0.6) * (x * np.cos(turn) + y * np.sin(turn))
    lit: NDArray[np.uint8] = np.clip(pixels * light[..., None] * rng.uniform(0.5, 1.1, 3), 0, 255).astype(np.uint8)
    return lit


Ink = tuple[Colour, int]


def _shape(draw: ImageDraw.ImageDraw, points: Points, fill: Colour | None, ink: Ink) -> None:
    flat = [float(v) for v in points.ravel()]
    if fill is not None:
        draw.polygon(flat, fill=fill)
    if ink[1]:
        draw.line([*flat, *flat[:2]], fill=ink[0], width=ink[1], joint="curve")


def _spot(rng: np.random.Generator, wide: int) -> tuple[float, float, float]:
    r = wide * float(np.exp(rng.uniform(np.log(0.03), np.log(0.45))))
    return float(rng.uniform(0, wide)), float(rng.uniform(0, wide)), r


def _disc(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A ball, plate, lamp, eye of a machine: discs in discs."""
    x, y, r = _spot(rng, wide)
    for _ in range(int(rng.integers(1, 4))):
        _shape(draw, ring(x, y, r, r * rng.uniform(0.8, 1.0)), _any(rng), ink)
        r *= rng.uniform(0.4, 0.9)


def _wheel(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A wheel's spokes, or a clock's hands and marks."""
    x, y, r = _spot(rng, wide)
    _shape(draw, ring(x, y, r, r), _any(rng), ink)
    _shape(draw, ring(x, y, r * 0.85, r * 0.85), _any(rng), ink)
    count, clock = int(rng.integers(2, 13)), rng.random() < 0.5
    for turn in rng.uniform(0, 7) + np.arange(count) * 2 * np.pi / count:
        inner = 0.7 if clock else 0.0
        c, s = np.cos(turn) * r * 0.85, np.sin(turn) * r * 0.85
        draw.line((x + c * inner, y + s * inner, x + c, y + s), fill=ink[0], width=max(2, ink[1]))
    for turn in rng.uniform(0, 7, 2):
        draw.line((x, y, x + np.cos(turn) * r * 0.6, y + np.sin(turn) * r * 0.6), fill=ink[0], width=max(3, ink[1]))


def _panes(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A box with smaller boxes in rows: windows, shelves, a control panel, a car's front, a socket."""
    x, y, r = _spot(rng, wide)
    w, h = r * rng.uniform(0.6, 2), r * rng.uniform(0.6, 2)
    _shape(draw, ring(x, y, w, h, power=8), _any(rng), ink)
    nx, ny = (int(v) for v in rng.integers(1, 5, 2))
    fill = _any(rng)
    power = float(rng.choice([2, 8, 8]))
    for i in range(nx):
        for j in range(ny):
            cx, cy = x + w * ((2 * i + 1) / nx - 1), y + h * ((2 * j + 1) / ny - 1)
            _shape(draw, ring(cx, cy, 0.7 * w / nx, 0.7 * h / ny, power=power), fill, ink)


def _polygon(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    x, y, r = _spot(rng, wide)
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
    reach = r * rng.uniform(0.5, 1.4, len(angles))
    _shape(draw, np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], 1), _any(rng), ink)


def _bush(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A smooth shape with lobes: a bush, cloud, hair, garment."""
    x, y, r = _spot(rng, wide)
    angles = np.linspace(0, 2 * np.pi, int(rng.integers(5, 14)), endpoint=False)
    reach = r * rng.uniform(0.6, 1.3, len(angles))
    knots = [(x + d * np.cos(a), y + 0.7 * d * np.sin(a)) for a, d in zip(angles, reach, strict=True)]
    _shape(draw, smooth(knots), _any(rng), ink)


def _lines(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Parallel strokes: planks, a fence, hatching, folds."""
    x, y, r = _spot(rng, wide)
    turn, count = rng.uniform(0, np.pi), int(rng.integers(2, 15))
    step, colour = r * rng.uniform(0.1, 0.5), _any(rng)
    for k in range(count):
        cx, cy = x - np.sin(turn) * step * k, y + np.cos(turn) * step * k
        dx, dy = np.cos(turn) * r, np.sin(turn) * r
        draw.line((cx - dx, cy - dy, cx + dx, cy + dy), fill=colour, width=max(2, ink[1]))


def _letters(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Words, large or small."""
    x, y, r = _spot(rng, wide)
    text = "".join(rng.choice(list("ABCDEFGHKLMNOPRSTUVXabcdeghoprsuw0368:;.oO8%& "), int(rng.integers(2, 12))))
    draw.text((x - r, y), text, fill=_any(rng), font_size=float(r * rng.uniform(0.3, 1.2) + 8))


def _limbs(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A body without a head, arms or legs: clothes, hands, an animal's trunk."""
    x, y, r = _spot(rng, wide)
    skin, cloth = hue(rng, (0.2, 0.7), (0.5, 1.0)), _any(rng)
    for side in (-1, 1):
        dx, dy = side * r * rng.uniform(0.6, 1.4), r * rng.uniform(-0.8, 1.2)
        draw.line((x + side * r * 0.4, y, x + dx, y + dy), fill=scaled(cloth, 0.8), width=int(r * 0.35) + 1)
        _shape(draw, ring(x + dx, y + dy, r * 0.22, r * 0.2), skin, ink)
    _shape(draw, ring(x, y + 0.3 * r, r * 0.6, r * rng.uniform(0.7, 1.2), power=3), cloth, ink)
    if rng.random() < 0.6:
        for k in range(int(rng.integers(1, 5))):
            _shape(draw, ring(x, y + r * 0.25 * k, r * 0.06, r * 0.06), _any(rng), ink)


def _fruit(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """An apple with a stalk and a gleam."""
    x, y, r = _spot(rng, wide)
    colour = hue(rng, (0.5, 1.0), (0.5, 1.0))
    _shape(draw, ring(x, y, r, r * rng.uniform(0.8, 1.2)), colour, ink)
    _shape(draw, ring(x - r * 0.35, y - r * 0.4, r * 0.15, r * 0.25, turn=0.5), scaled(colour, 1.4), (ink[0], 0))
    draw.line((x, y - r * 0.9, x + r * 0.1, y - r * 1.3), fill=ink[0], width=max(3, ink[1]))


def _pair(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Two equal discs on nothing, or one: lamps, pearls, knobs, cherries, an eye alone."""
    x, y, r = _spot(rng, wide)
    r *= 0.3
    apart, fill, core = r * rng.uniform(2, 6), _any(rng), _any(rng)
    turn = rng.uniform(0.35, np.pi - 0.35)  # never level: two level discs are a face
    for side in (-1, 1)[: int(rng.integers(1, 3))]:
        cx, cy = x + side * apart * np.cos(turn), y + side * apart * np.sin(turn)
        _shape(draw, ring(cx, cy, r, r), fill, ink)
        _shape(draw, ring(cx, cy, r * 0.4, r * 0.4), core, (ink[0], 0))


def _garment(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Clothes on nobody: collar, tie, buttons, pockets, stripes, a print."""
    x, y, r = _spot(rng, wide)
    cloth, other = _any(rng), _any(rng)
    w = r * rng.uniform(0.6, 1.1)
    shape = np.array([(x - 0.4 * w, y), (x + 0.4 * w, y), (x + w, y + 0.5 * r), (x + 0.9 * w, y + 2 * r),
                      (x - 0.9 * w, y + 2 * r), (x - w, y + 0.5 * r)])  # fmt: skip
    _shape(draw, shape, cloth, ink)
    if rng.random() < 0.5:
        v = np.array([(x - 0.4 * w, y), (x + 0.4 * w, y), (x, y + rng.uniform(0.3, 1.0) * r)])
        _shape(draw, v, other, ink)
    if rng.random() < 0.3:
        tie = [(x - 0.1 * w, y + 0.1 * r), (x + 0.1 * w, y + 0.1 * r), (x + 0.2 * w, y + 1.1 * r), (x - 0.2 * w, y + r)]
        _shape(draw, np.array(tie), _any(rng), ink)
    for k in range(int(rng.integers(0, 5))):
        _shape(draw, ring(x, y + r * (0.5 + 0.3 * k), 0.07 * w, 0.07 * w), other, ink)
    for side in (-1, 1):
        if rng.random() < 0.5:
            _shape(draw, ring(x + side * 0.45 * w, y + 0.9 * r, 0.22 * w, 0.2 * r, power=6), other, ink)


def _flower(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Petals about a disc."""
    x, y, r = _spot(rng, wide)
    r *= 0.6
    petal, count = _any(rng), int(rng.integers(4, 12))
    for turn in rng.uniform(0, 7) + np.arange(count) * 2 * np.pi / count:
        at = (x + 0.7 * r * float(np.cos(turn)), y + 0.7 * r * float(np.sin(turn)))
        _shape(draw, ring(*at, 0.45 * r, 0.22 * r, turn=float(turn)), petal, ink)
    _shape(draw, ring(x, y, 0.4 * r, 0.4 * r), _any(rng), ink)


def _head_from_behind(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """Hair, ears, neck and shoulders, and no face."""
    x, y, r = _spot(rng, wide)
    skin, hair, cloth = hue(rng, (0.2, 0.6), (0.4, 1.0)), _any(rng), _any(rng)
    w = r * rng.uniform(0.6, 1.0)
    _shape(draw, ring(x, y + 2.2 * r, 1.6 * r, 1.3 * r, power=3), cloth, ink)
    _shape(draw, ring(x, y + 0.9 * r, 0.4 * w, 0.5 * r, power=4), skin, ink)
    for side in (-1, 1):
        _shape(draw, ring(x + side * w, y + 0.2 * r, 0.15 * r, 0.22 * r), skin, ink)
    _shape(draw, ring(x, y, w, r * rng.uniform(0.9, 1.2), power=rng.uniform(1.8, 3)), hair, ink)
    for _ in range(int(rng.integers(0, 9))):
        dx = rng.uniform(-0.8, 0.8) * w
        draw.line((x + dx * 0.5, y - 0.8 * r, x + dx, y + 0.7 * r), fill=scaled(hair, rng.uniform(0.6, 1.4)), width=3)


def _crest(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """An ornament: shapes mirrored about an axis that leans or lies, as faces seldom do."""
    x, y, r = _spot(rng, wide)
    turn = rng.uniform(0.9, np.pi - 0.9)
    c, s = np.cos(turn), np.sin(turn)
    for _ in range(int(rng.integers(2, 7))):
        knots = rng.uniform(-1, 1, (int(rng.integers(3, 6)), 2)) * r * 0.5 + rng.uniform(-0.5, 0.5, 2) * r
        fill = _any(rng)
        for side in (-1, 1):
            both = knots * (1, side)
            _shape(
                draw, np.stack([x + both[:, 0] * c - both[:, 1] * s, y + both[:, 0] * s + both[:, 1] * c], 1), fill, ink
            )


def _hand(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A hand or fist at a sleeve's end, of any skin."""
    x, y, r = _spot(rng, wide)
    r *= 0.7
    turn = float(rng.uniform(0, 2 * np.pi))
    skin = SKINS[rng.integers(len(SKINS))] if rng.random() < 0.5 else hue(rng, (0.2, 0.8), (0.5, 1.0))
    if rng.random() < 0.3:
        skin = (250, int(rng.integers(190, 230)), int(rng.integers(20, 90)))
    end = (x - 2 * r * float(np.cos(turn)), y - 2 * r * float(np.sin(turn)))
    draw.line((x, y, *end), fill=_any(rng), width=int(0.8 * r) + 2)
    pen = Pen(rng, 1.0, (0.0, 0.0), *ink, image=draw._image)
    draw_hand(pen, skin, (x, y, r), turn)


def _foliage(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A bush or fir: a plain shape, its edge and inside marked by scribbles and snow."""
    x, y, r = _spot(rng, wide)
    green = hue(rng, (0.2, 0.8), (0.2, 0.8))
    if rng.random() < 0.5:
        _bush(rng, draw, wide, ink)
    count = int(rng.integers(2, 6))
    for k in range(count):
        half, top, low = r * (0.3 + 0.7 * k / count), y + r * (0.5 * k - 0.7), y + r * 0.5 * k
        jag = np.linspace(-half, half, 2 * int(rng.integers(3, 8)) + 1)
        edge = np.stack([x + jag[::-1], low + r * 0.15 * (np.arange(len(jag)) % 2)], 1)
        _shape(draw, np.concatenate([[(x, top)], edge]), green if k % 2 else scaled(green, rng.uniform(0.8, 2.0)), ink)
    for _ in range(int(rng.integers(0, 7))):
        cx, cy, w = x + rng.normal(0, 0.5) * r, y + rng.normal(0, 0.5) * r, r * rng.uniform(0.05, 0.2)
        for k in range(int(rng.integers(1, 5))):
            box = (cx + k * w * 1.6, cy + k * w * 0.4, cx + k * w * 1.6 + 2 * w, cy + k * w * 0.4 + 3 * w)
            draw.arc(box, 180, 360, fill=ink[0], width=max(2, ink[1]))


def _ear(rng: np.random.Generator, draw: ImageDraw.ImageDraw, wide: int, ink: Ink) -> None:
    """A piece of a body with a fold: an ear on a plain ground, a knee, an elbow, a belly."""
    x, y, r = _spot(rng, wide)
    skin = SKINS[rng.integers(len(SKINS))] if rng.random() < 0.6 else _any(rng)
    _shape(draw, ring(x + r, y, 1.8 * r, 1.4 * r, power=3), skin, (ink[0], 0))
    _shape(draw, ring(x, y, 0.4 * r, 0.5 * r), skin, ink)
    draw.arc((x - 0.2 * r, y - 0.25 * r, x + 0.2 * r, y + 0.25 * r), 120, 330, fill=ink[0], width=max(2, ink[1]))


_THINGS = (
    _disc,
    _wheel,
    _panes,
    _polygon,
    _bush,
    _lines,
    _letters,
    _limbs,
    _fruit,
    _pair,
    _garment,
    _flower,
    _head_from_behind,
    _crest,
    _hand,
    _hand,
    _hand,
    _foliage,
    _foliage,
    _ear,
)
