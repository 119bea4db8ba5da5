"""What marks are made of: lines of text, logos, labels of both, signatures; each an `L` image cropped to its ink."""

from __future__ import annotations

import math
import string

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipelines.watermark_fonts import HANDWRITING_TRAINED, TRAINED, font

_WORDS = (  # noqa: SIM905
    "stock photo image preview sample proof draft copyright watermark gallery studio art print picture portrait "
    "design free vector artist original media pixel dream shot press agency archive demo do not copy"
).split()


def words(rng: np.random.Generator) -> str:
    """A phrase, a site's name, a copyright line, a number, or letters at random."""
    pick = rng.random()
    word = str(rng.choice(_WORDS))
    letters = "".join(rng.choice(list(string.ascii_lowercase), int(rng.integers(3, 10))))
    if pick < 0.3:
        text = " ".join(rng.choice(_WORDS, int(rng.integers(1, 4))))
    elif pick < 0.5:
        text = f"{rng.choice(['', 'www.'])}{letters}.{rng.choice(['com', 'net', 'org', 'art', 'io'])}"
    elif pick < 0.7:
        text = f"{rng.choice(['©', '(c)'])} {rng.choice([letters, word])} {rng.choice(['', '2019', '2024', word])}"
    elif pick < 0.8:
        text = f"{word} {rng.integers(10**4, 10**9)}"
    else:
        text = letters
    styles = (str, str.upper, str.title)
    return styles[rng.integers(3)](text.strip())


def text_line(rng: np.random.Generator, height_px: int, text: str | None = None) -> Image.Image:
    """One line of text, now and then spaced or as outlines."""
    line = text or words(rng)
    if rng.random() < 0.15:
        line = " ".join(line)
    outlined = rng.random() < 0.12 and height_px > 16
    return written(line, str(rng.choice(TRAINED)), height_px, outlined=outlined)


def written(text: str, name: str, height_px: int, *, outlined: bool = False) -> Image.Image:
    """A text in a font, cropped to its ink with a margin of 2 px."""
    face = font(name, max(6, height_px))
    x0, y0, x1, y1 = (int(v) for v in face.getbbox(text))
    image = Image.new("L", (max(1, x1 - x0) + 4, max(1, y1 - y0) + 4))
    draw, at = ImageDraw.Draw(image), (2 - x0, 2 - y0)
    if outlined:
        draw.text(at, text, font=face, fill=0, stroke_width=1, stroke_fill=255)
    else:
        draw.text(at, text, font=face, fill=255)
    return image


def logo(rng: np.random.Generator, height_px: int) -> Image.Image:
    """A sign: ring, box, polygon, star, disc, waves, a rosette, bars, mostly with a letter in it; drawn at 4 x."""
    side = 4 * max(6, height_px)
    image = Image.new("L", (side, side))
    draw = ImageDraw.Draw(image)
    pen = int(side * rng.uniform(0.04, 0.16))
    kind = int(rng.integers(8))
    _SIGNS[kind](rng, draw, side, pen)
    if kind in (0, 1, 3) and rng.random() < 0.7:
        letter = text_line(rng, side // 2, str(rng.choice(list(string.ascii_uppercase))))
        image.paste(255, ((side - letter.width) // 2, (side - letter.height) // 2), letter)
    return image.resize((side // 4, side // 4), Image.Resampling.LANCZOS)


def _ring(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int, pen: int) -> None:
    draw.ellipse((pen, pen, side - pen, side - pen), outline=255, width=pen)


def _box(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int, pen: int) -> None:
    radius = side * float(rng.uniform(0, 0.3))
    draw.rounded_rectangle((pen, pen, side - pen, side - pen), radius=radius, outline=255, width=pen)


def _filled_star(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int, pen: int) -> None:
    draw.polygon(star(int(rng.integers(3, 8)), side / 2, float(rng.uniform(0.4, 1))), fill=255)


def _polygon(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int, pen: int) -> None:
    draw.polygon(star(int(rng.integers(3, 7)), side / 2, 1.0), outline=255, width=pen)


def _disc(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int, pen: int) -> None:
    draw.ellipse((pen, pen, side - pen, side - pen), fill=255)
    hole = side * float(rng.uniform(0.2, 0.4))
    draw.ellipse((hole, hole, side - hole, side - hole), fill=0)


def _waves(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int, pen: int) -> None:
    for k in range(int(rng.integers(2, 5))):
        top = min(pen + k * 2 * pen, side // 2)
        draw.arc((pen, top, side - pen, side - pen), 180, 360, fill=255, width=pen)


def _rosette(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int, pen: int) -> None:
    """A closed curve of random rotational symmetry, as flowers, gears and leaves have."""
    turns, depth = int(rng.integers(1, 9)), rng.uniform(0.1, 0.6)
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    radius = 1 + depth * np.cos(turns * angle) + rng.normal(0, 0.15) * np.cos(2 * turns * angle + rng.uniform(0, 6))
    radius *= (side / 2 - pen) / radius.max()
    points = [(side / 2 + r * math.sin(a), side / 2 - r * math.cos(a)) for a, r in zip(angle, radius, strict=True)]
    if rng.random() < 0.5:
        draw.polygon(points, fill=255)
        draw.polygon([(side / 2 + (x - side / 2) * 0.4, side / 2 + (y - side / 2) * 0.4) for x, y in points], fill=0)
    else:
        draw.polygon(points, outline=255, width=pen)


def _bars(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int, pen: int) -> None:
    count = int(rng.integers(2, 6))
    for k in range(count):
        top = side * float(rng.uniform(0, 0.7))
        draw.rectangle((k * side / count, top, (k + rng.uniform(0.5, 0.85)) * side / count, side), fill=255)


_SIGNS = (_ring, _box, _filled_star, _polygon, _disc, _waves, _rosette, _bars)


def star(points: int, radius: float, inner: float) -> list[tuple[float, float]]:
    """The corners of a star in its square, `inner` 1 for a regular polygon of twice as many."""
    angles = [math.pi * k / points for k in range(2 * points)]
    radii = [radius * (1.0 if k % 2 == 0 else inner) for k in range(2 * points)]
    return [(radius + r * math.sin(a), radius - r * math.cos(a)) for a, r in zip(angles, radii, strict=True)]


def label(rng: np.random.Generator, height_px: int) -> Image.Image:
    """Text, a logo, or both in one line or one above the other."""
    pick = rng.random()
    if pick < 0.35:
        return text_line(rng, height_px)
    if pick < 0.48:
        return logo(rng, 2 * height_px)
    sign, text = logo(rng, int(height_px * rng.uniform(1, 2))), text_line(rng, height_px)
    if rng.random() < 0.7:
        image = Image.new("L", (sign.width + text.width + height_px // 3, max(sign.height, text.height)))
        image.paste(text, (sign.width + height_px // 3, (image.height - text.height) // 2))
        image.paste(sign, (0, (image.height - sign.height) // 2))
    else:
        image = Image.new("L", (max(sign.width, text.width), sign.height + text.height + 2))
        image.paste(text, ((image.width - text.width) // 2, sign.height + 2))
        image.paste(sign, ((image.width - sign.width) // 2, 0))
    return image


def signature(rng: np.random.Generator, height_px: int) -> Image.Image:
    """A name in one thin pen: a looping stroke (mostly) or a handwriting font, slanted, perhaps underlined."""
    if rng.random() < 0.35:
        name = "".join(rng.choice(list(string.ascii_lowercase), int(rng.integers(3, 8)))).title()
        image = written(name, str(rng.choice(HANDWRITING_TRAINED)), int(1.3 * height_px))
    else:
        image = _scrawl(rng, height_px)
    return image.rotate(float(rng.normal(4, 6)), Image.Resampling.BICUBIC, True)


def _scrawl(rng: np.random.Generator, height_px: int) -> Image.Image:
    """A smooth curve through points that go right and up and down, the first ones higher, at 4 x."""
    high, wide = 4 * height_px, int(4 * height_px * rng.uniform(1.5, 4.5))
    count = int(rng.integers(10, 26))
    x = np.cumsum(rng.uniform(-0.5, 1.6, count))
    x = 8 + (x - x.min()) / np.ptp(x) * (wide - 16)
    reach = np.where(np.arange(count) < rng.integers(2, 5), 0.45, rng.uniform(0.12, 0.35))
    y = high * (0.55 + np.where(np.arange(count) % 2, 1, -1) * reach * rng.uniform(0.5, 1, count))
    at = np.linspace(0, count - 1, 14 * count)
    kernel = np.hanning(17)
    kernel /= kernel.sum()
    curve = [np.convolve(np.pad(np.interp(at, np.arange(count), v), 8, "edge"), kernel, "valid") for v in (x, y)]
    image = Image.new("L", (wide, high))
    draw = ImageDraw.Draw(image)
    pen = max(3, int(rng.uniform(0.04, 0.1) * high))
    draw.line(list(zip(*curve, strict=True)), fill=255, width=pen, joint="curve")
    if rng.random() < 0.3:
        draw.line((wide * 0.1, high * 0.9, wide * 0.95, high * rng.uniform(0.75, 0.9)), fill=255, width=pen)
    image = image.filter(ImageFilter.GaussianBlur(1)).resize((wide // 4, height_px), Image.Resampling.LANCZOS)
    return image
