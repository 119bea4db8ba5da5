"""Faults to measure the filter on, made from clean pictures: bars, frames, collages, screenshots, blur.

Every fault is a function of its random generator. Colours, widths and layouts vary; all come back through JPEG two
times in three, as pictures from the web do, but the blurred, whose blur is as wide as .017 of the picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from benchmarks.watermark_cases import saved

Colour = tuple[int, int, int]
WORDS = (
    "photo",
    "of",
    "a",
    "day",
    "at",
    "the",
    "lake",
    "with",
    "friends",
    "and",
    "more",
    "light",
    "than",
    "we",
    "hoped",
)


def letterboxed(pictures: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """Bars of one colour, 4 to 20 % each, above and below or left and right."""
    picture = pictures[0]
    lies = rng.random() < 0.5
    share, least = rng.uniform(0.04, 0.2), 3
    thick = max(least, round(share * (picture.height if lies else picture.width)))
    border = (0, thick) if lies else (thick, 0)
    return _seen(ImageOps.expand(picture, border, _plain(rng)), rng)


def framed(pictures: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """A frame of one colour around, 3 to 12 % of the shorter side."""
    thick = max(4, round(rng.uniform(0.03, 0.12) * min(pictures[0].size)))
    return _seen(ImageOps.expand(pictures[0], thick, _plain(rng)), rng)


def side_by_side(pictures: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """Two pictures beside or above each other, with or without a gutter."""
    return _seen(_sheet(pictures[:2], 1 if rng.random() < 0.5 else 2, rng), rng)


def two_by_two(pictures: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """Four pictures, with or without gutters."""
    return _seen(_sheet(pictures[:4], 2, rng), rng)


def phone(pictures: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """A post on a phone: status bar, name of the account, the picture, a row of signs, lines of text, a bar below."""
    paper, ink = _theme(rng)
    wide = 360
    picture = ImageOps.fit(pictures[0], (wide, round(wide * rng.uniform(0.8, 1.25))))
    page = Image.new("RGB", (wide, picture.height + 230), paper)
    pen = ImageDraw.Draw(page)
    pen.text((14, 5), f"{rng.integers(1, 23)}:{rng.integers(10, 59)}", ink, _font(13))
    for k in range(3):
        pen.rectangle((wide - 70 + 20 * k, 7, wide - 58 + 20 * k, 16), fill=ink)
    pen.ellipse((12, 32, 44, 64), fill=tuple(rng.integers(60, 220, 3)))
    pen.text((54, 34), _words(rng, 2), ink, _font(14))
    pen.text((54, 50), _words(rng, 3), ink, _font(10))
    page.paste(picture, (0, 76))
    below = 76 + picture.height
    for k in range(4):
        pen.ellipse((14 + 36 * k, below + 12, 34 + 36 * k, below + 32), outline=ink, width=2)
    for k in range(int(rng.integers(2, 5))):
        pen.text((14, below + 42 + 17 * k), _words(rng, 7), ink, _font(12))
    pen.line((0, page.height - 40, wide, page.height - 40), fill=ink)
    for k in range(5):
        pen.rectangle((26 + 72 * k, page.height - 28, 44 + 72 * k, page.height - 12), outline=ink, width=2)
    return _seen(page, rng)


def browser(pictures: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """A page in a desktop browser: tabs, an address field, a heading, the picture beside a column of text."""
    paper, ink = _theme(rng)
    bar: Colour = (222, 225, 230) if paper[0] > 128 else (53, 54, 58)
    page = Image.new("RGB", (640, 480), paper)
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, 640, 62), fill=bar)
    pen.rectangle((8, 6, 190, 30), fill=paper)
    pen.text((18, 11), _words(rng, 3), ink, _font(12))
    pen.rectangle((80, 36, 560, 56), fill=paper)
    pen.text((90, 39), "https://" + _words(rng, 2).replace(" ", "."), ink, _font(12))
    pen.text((24, 76), _words(rng, 4), ink, _font(22))
    picture = ImageOps.contain(pictures[0], (int(rng.integers(260, 400)), 350))
    page.paste(picture, (24, 112))
    for k in range(int(rng.integers(8, 17))):
        pen.text((44 + picture.width, 116 + 20 * k), _words(rng, 4), ink, _font(12))
    return _seen(page, rng)


def blurred(pictures: list[Image.Image], rng: np.random.Generator) -> Image.Image:
    """A Gaussian blur of 3 px in 178."""
    return pictures[0].filter(ImageFilter.GaussianBlur(3 * pictures[0].width / 178))


FAULTS: dict[str, tuple[str, Callable[[list[Image.Image], np.random.Generator], Image.Image]]] = {
    "letterboxed": ("border", letterboxed),
    "framed": ("border", framed),
    "side by side": ("collage", side_by_side),
    "2 x 2": ("collage", two_by_two),
    "phone": ("screenshot", phone),
    "browser": ("screenshot", browser),
    "blurred": ("sharpness", blurred),
}
"""Name -> the column that should find it, and who makes it of up to four pictures."""


def _sheet(pictures: list[Image.Image], columns: int, rng: np.random.Generator) -> Image.Image:
    size = pictures[0].size
    gap = int(rng.choice([0, 0, 2, 4, 8]))
    lines = len(pictures) // columns
    sheet = Image.new("RGB", (columns * (size[0] + gap) - gap, lines * (size[1] + gap) - gap), _plain(rng))
    for k, picture in enumerate(pictures):
        sheet.paste(ImageOps.fit(picture, size), (k % columns * (size[0] + gap), k // columns * (size[1] + gap)))
    return sheet


def _plain(rng: np.random.Generator) -> Colour:
    """Black, white or any colour."""
    r, g, b = (int(v) for v in rng.integers(0, 256, 3))
    return ((0, 0, 0), (255, 255, 255), (r, g, b))[rng.integers(3)]


def _theme(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Paper and ink, light or dark."""
    return ((255, 255, 255), (30, 30, 30)) if rng.random() < 0.6 else ((18, 18, 18), (235, 235, 235))


def _words(rng: np.random.Generator, count: int) -> str:
    return " ".join(str(word) for word in rng.choice(WORDS, count))


def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size_px)


def _seen(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return saved(picture, int(rng.integers(70, 96))) if rng.random() < 0.67 else picture
