"""Things with writing or rows on them, in perspective, that belong to a scene: what film stills were rejected for.

Blackboards with chalk, door plates, clocks, book spines, posters, signs, printed pages, windows, rows of buttons. Each
is an RGBA tile of its own, laid aslant into the picture; writing is that of marks (`watermark_glyphs`), on purpose.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pipelines.watermark_fonts import HANDWRITING_TRAINED
from pipelines.watermark_glyphs import label, logo, signature, text_line, words, written
from pipelines.watermark_scenes import colour, texture
from pipelines.watermark_walls import Colour, homography, square, two_tones

Size = tuple[int, int]
TEXTURE_PX = 208
"""Textures are kept a size: one size for all that is filled with them."""


def put_thing(rng: np.random.Generator, image: Image.Image, *, opaque: bool = False) -> None:
    """Lay one thing into a picture, of any size, aslant, sharp or not.

    `opaque` leaves out what has no ground of its own: before a head such letters are what a mark is.
    """
    size = image.width
    wide, high = (int(v) for v in size * np.exp(rng.uniform(np.log(0.12), np.log(0.75), 2)))
    things = _OPAQUE if opaque else _THINGS
    draw = things[rng.integers(len(things))]
    tile = draw(rng, (max(24, wide), max(24, high)))
    blur = float(rng.exponential(0.006 * size)) if rng.random() < 0.45 else 0.0
    put(rng, image, tile, (float(rng.uniform(-0.1, 0.95)), float(rng.uniform(-0.05, 0.85))), blur)


def put(rng: np.random.Generator, image: Image.Image, tile: Image.Image, at: tuple[float, float], blur: float) -> None:
    """Lay an RGBA tile with its upper left corner at a fraction of the picture's sides, turned and in perspective."""
    w, h = tile.size
    corners = square(w, h) - (w / 2, h / 2)
    corners *= 1 + rng.normal(0, 0.05 if rng.random() < 0.5 else 0.13, (4, 2))
    turn = math.radians(float(rng.normal(0, 4) if rng.random() < 0.75 else rng.normal(0, 20)))
    c, s = math.cos(turn), math.sin(turn)
    corners = corners @ np.array([[c, s], [-s, c]]) + (w / 2 + at[0] * image.width, h / 2 + at[1] * image.height)
    x0, y0 = np.floor(corners.min(0)).astype(int)
    x1, y1 = np.ceil(corners.max(0)).astype(int)
    bent = tile.transform((int(x1 - x0), int(y1 - y0)), Image.Transform.PERSPECTIVE,
                          homography(corners - (x0, y0), square(w, h)), Image.Resampling.BICUBIC)  # fmt: skip
    if blur > 0.4:
        bent = bent.filter(ImageFilter.GaussianBlur(blur))
    image.paste(bent, (int(x0), int(y0)), bent)


def _panel(rng: np.random.Generator, size: Size, ground: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """A panel with or without a frame, and the frame's width."""
    tile = Image.new("RGBA", size, (*ground, 255))
    draw = ImageDraw.Draw(tile)
    pen = int(min(size) * rng.uniform(0.02, 0.09)) if rng.random() < 0.65 else 0
    if pen:
        draw.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=colour(rng), width=pen)
    return tile, draw, pen


def _ink(tile: Image.Image, ink: Colour, mark: Image.Image, at: tuple[float, float]) -> None:
    tile.paste((*ink, 255), (int(at[0]), int(at[1])), mark)


def fitted(mark: Image.Image, size: Size) -> Image.Image:
    """A mark no larger than a size."""
    scale = min(1.0, size[0] / mark.width, size[1] / mark.height)
    return mark.resize((max(1, int(mark.width * scale)), max(1, int(mark.height * scale))), Image.Resampling.BILINEAR)


def blackboard(rng: np.random.Generator, size: Size) -> Image.Image:
    """Chalk on a dark board, wiped here and there."""
    dark: tuple[Colour, ...] = ((30, 60, 45), (25, 30, 30), (45, 75, 60), (40, 45, 60))
    tile, _, _ = _panel(rng, size, dark[rng.integers(len(dark))])
    chalk = Image.new("L", size)
    for _ in range(int(rng.integers(1, 8))):
        high = int(size[1] * rng.uniform(0.07, 0.3))
        pick = rng.random()
        if pick < 0.55:
            text = str(rng.choice([words(rng), f"{rng.integers(1, 99)} + {rng.integers(1, 99)} = ?"]))
            line = written(text, str(rng.choice(HANDWRITING_TRAINED)), max(8, int(1.2 * high)))
        else:
            line = text_line(rng, max(8, high)) if pick < 0.8 else signature(rng, max(8, high))
        line = fitted(line, (int(0.95 * size[0]), size[1]))
        chalk.paste(255, (int(rng.uniform(0, max(1, size[0] - line.width))), int(rng.uniform(0, 0.85) * size[1])), line)
    grain = Image.fromarray((255 * rng.uniform(rng.uniform(0.4, 0.95), 1, (size[1], size[0]))).astype(np.uint8))
    light = int(rng.integers(190, 256))
    tile.paste((light, light, int(light * rng.uniform(0.6, 1)), 255), (0, 0), ImageChops.multiply(chalk, grain))
    return tile


def _plate(rng: np.random.Generator, size: Size) -> Image.Image:
    """A door's plate, a shop's or street's sign: one to three lines in the middle, and perhaps a logo."""
    ground, ink = two_tones(rng)
    tile, _, pen = _panel(rng, size, ground)
    lines = int(rng.integers(1, 4))
    room = (size[1] - 2 * pen) / lines
    for k in range(lines):
        mark = label(rng, max(7, int(0.6 * room))) if rng.random() < 0.4 else text_line(rng, max(7, int(0.7 * room)))
        mark = fitted(mark, (max(1, size[0] - 2 * pen - 4), max(1, int(room))))
        _ink(tile, ink, mark, ((size[0] - mark.width) / 2, pen + room * (k + 0.5) - mark.height / 2))
    return tile


def _clock(rng: np.random.Generator, size: Size) -> Image.Image:
    """A dial with figures or strokes, and two hands."""
    side = min(size)
    tile = Image.new("RGBA", (side, side))
    draw, (ground, ink) = ImageDraw.Draw(tile), two_tones(rng)
    pen, r = max(1, int(side * rng.uniform(0.01, 0.05))), side / 2 - 1
    draw.ellipse((1, 1, side - 2, side - 2), fill=(*ground, 255), outline=(*colour(rng), 255), width=2 * pen)
    figures = rng.random() < 0.6
    for hour in range(1, 13):
        c, s = math.sin(hour * math.pi / 6), -math.cos(hour * math.pi / 6)
        if figures and side > 50:
            mark = text_line(rng, side // 9, str(hour))
            _ink(tile, ink, mark, (r + 0.76 * r * c - mark.width / 2, r + 0.76 * r * s - mark.height / 2))
        else:
            draw.line((r + 0.72 * r * c, r + 0.72 * r * s, r + 0.88 * r * c, r + 0.88 * r * s), fill=ink, width=pen)
    for reach, turn in zip((0.45, 0.7), rng.uniform(0, 2 * math.pi, 2), strict=True):
        draw.line((r, r, r + reach * r * math.cos(turn), r + reach * r * math.sin(turn)), fill=ink, width=2 * pen)
    return tile


def _spines(rng: np.random.Generator, size: Size) -> Image.Image:
    """A shelf of books, boxes or tapes: upright bars with writing along them."""
    tile = Image.new("RGBA", size, (*colour(rng), 255))
    draw, x = ImageDraw.Draw(tile), 0
    while x < size[0]:
        wide, top = int(size[0] * rng.uniform(0.03, 0.15)) + 4, int(size[1] * rng.uniform(0, 0.25))
        ground, ink = two_tones(rng)
        draw.rectangle((x, top, x + wide, size[1]), fill=ground, outline=(0, 0, 0) if rng.random() < 0.5 else None)
        if rng.random() < 0.7 and wide > 7:
            mark = fitted(text_line(rng, max(7, int(0.6 * wide))), (max(1, size[1] - top - 4), wide))
            _ink(tile, ink, mark.rotate(90, expand=True), (x + (wide - mark.height) / 2, top + 2))
        x += wide + 1
    return tile


def _poster(rng: np.random.Generator, size: Size) -> Image.Image:
    """A picture on a wall with a title, its frame or paper's border round it."""
    paper, ink = two_tones(rng)
    tile = Image.new("RGBA", size, (*paper, 255))
    gap = max(2, int(min(size) * rng.uniform(0.02, 0.12)))
    inner = (max(8, size[0] - 2 * gap), max(8, size[1] - 2 * gap))
    picture = texture(rng, TEXTURE_PX).resize(inner) if rng.random() < 0.5 else Image.new("RGB", inner, colour(rng))
    tile.paste(picture, (gap, gap))
    for _ in range(int(rng.integers(1, 4))):
        mark = fitted(label(rng, max(8, int(size[1] * rng.uniform(0.06, 0.25)))), inner)
        _ink(tile, ink, mark, ((size[0] - mark.width) / 2, rng.uniform(gap, max(gap + 1, size[1] - gap - mark.height))))
    return tile


def _glow(rng: np.random.Generator, size: Size) -> Image.Image:
    """Letters without a board: cut out, of neon or painted on the wall, with a shadow or a glow of their own."""
    mark = fitted(label(rng, max(10, int(0.5 * min(size)))), (size[0] - 8, size[1] - 8))
    stencil = Image.new("L", size)
    stencil.paste(mark, ((size[0] - mark.width) // 2, (size[1] - mark.height) // 2))
    ink = colour(rng)
    halo = stencil.filter(ImageFilter.GaussianBlur(float(rng.uniform(1, 5))))
    back = ink if rng.random() < 0.4 else (0, 0, 0)
    tile = Image.merge("RGBA", (*Image.new("RGB", size, back).split(), halo.point(lambda v: v * 0.7)))
    tile.paste((*ink, 255), (0, 0), stencil)
    return tile


def _page(rng: np.random.Generator, size: Size) -> Image.Image:
    """A newspaper, screen or note: many small lines."""
    ground, ink = two_tones(rng)
    tile, draw, pen = _panel(rng, size, ground)
    step, y = max(7, int(size[1] * rng.uniform(0.06, 0.16))), pen + 3.0
    sheet = [text_line(rng, max(6, int(0.65 * step))) for _ in range(3)]
    while y < size[1] - pen - step:
        x = pen + 3.0
        while x < size[0] - pen - 8 and rng.random() < 0.9:
            mark = sheet[rng.integers(len(sheet))]
            mark = mark.crop((0, 0, min(mark.width, int(size[0] - pen - x)), mark.height))
            _ink(tile, ink, mark, (x, y))
            x += mark.width + step / 3
        y += step
    if rng.random() < 0.3:
        draw.rectangle((pen + 4, pen + 4, size[0] * 0.4, size[1] * 0.4), fill=colour(rng))
    return tile


def _panes(rng: np.random.Generator, size: Size) -> Image.Image:
    """A window, tiles, a grid or rows of buttons: equal cells, clear, plain or with signs in them."""
    ground, ink = two_tones(rng)
    tile = Image.new("RGBA", size, (*ground, 0 if rng.random() < 0.3 else 255))
    draw, pen = ImageDraw.Draw(tile), max(1, int(min(size) * rng.uniform(0.01, 0.05)))
    nx, ny = (int(v) for v in rng.integers(1, 9, 2))
    kind, w, h = rng.random(), size[0] / nx, size[1] / ny
    sign = logo(rng, max(6, int(0.6 * min(w, h)))) if kind > 0.8 else None
    for i in range(nx):
        for j in range(ny):
            box = (i * w, j * h, (i + 1) * w, (j + 1) * h)
            if kind < 0.55:
                draw.rectangle(box, outline=ink, width=pen)
            elif sign is not None:
                _ink(tile, ink, sign, ((i + 0.5) * w - sign.width / 2, (j + 0.5) * h - sign.height / 2))
            else:
                draw.ellipse((box[0] + w / 5, box[1] + h / 5, box[2] - w / 5, box[3] - h / 5), ink, colour(rng), pen)
    return tile


_OPAQUE = (blackboard, blackboard, _plate, _plate, _plate, _clock, _spines, _spines, _poster, _page)
_THINGS = (*_OPAQUE, _glow, _panes, _panes)
