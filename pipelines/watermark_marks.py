"""Visible marks drawn by us, to train the watermark detector on: text across, corner logos, tiling, lines, captions.

A mark is two coverages (the glyphs, and their outline, shadow or emboss), not a picture: colours and opacities are
chosen anew each time it is laid on a picture, so one drawn mark serves many pictures. Fonts are those that matplotlib
ships (DejaVu, STIX, Computer Modern). Some are held out, with Pillow's own default font, for benchmarks and tests,
whose marks come from other generators.
"""

from __future__ import annotations

import math
import string
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Coverage = NDArray[np.uint8]
"""(size, size, 2) uint8: glyphs, then outline or shadow."""

FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSerif.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "STIXGeneralItalic.ttf",
    "cmss10.ttf",
    "cmr10.ttf",
)
"""What training draws with. Held out: DejaVu Sans Mono, DejaVu Serif Bold, Computer Modern Typewriter, Pillow's own."""

_WORDS = (  # noqa: SIM905
    "stock photo image preview sample proof draft copyright watermark gallery studio art print picture portrait "
    "design free vector artist original media pixel dream shot press agency archive demo do not copy"
).split()


@cache
def _font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size_px)


def draw_mark(rng: np.random.Generator, size: int) -> Coverage:
    """A random mark on an empty square of `size` pixels."""
    kinds = (_across, _corner, _tiled, _crossed, _caption)
    kind = kinds[rng.choice(len(kinds), p=(0.32, 0.28, 0.22, 0.08, 0.10))]
    glyphs = kind(rng, size)
    return np.dstack([np.asarray(glyphs), np.asarray(_second(rng, glyphs))])


def draw_printed(rng: np.random.Generator, size: int) -> Image.Image:
    """Text and signs as they stand *in* a scene (banners, posters, shirts), (size, size) coverage: no mark."""
    if rng.random() < 0.4:
        return _tiled(rng, size)
    canvas = Image.new("L", (size, size))
    for _ in range(int(rng.integers(1, 4))):
        mark = _text(rng, int(size * rng.uniform(0.04, 0.4)))
        if rng.random() < 0.6:
            mark = mark.rotate(float(rng.normal(0, 12)), Image.Resampling.BICUBIC, True)
        stretch = float(rng.uniform(0.6, 1.2))
        mark = mark.resize((max(1, int(mark.width * stretch)), mark.height))
        x, y = (int(v) for v in rng.uniform(-0.3, 0.8, 2) * size)
        _place(canvas, mark, x, y)
    return canvas


def _second(rng: np.random.Generator, glyphs: Image.Image) -> Image.Image:
    """Nothing, an outline, a shadow or an emboss beside the glyphs."""
    pick = rng.random()
    if pick < 0.6:
        return Image.new("L", glyphs.size)
    if pick < 0.8:
        grown = glyphs.filter(ImageFilter.MaxFilter(3))
    else:
        grown = ImageChops.offset(glyphs, int(rng.integers(-2, 3)), int(rng.integers(1, 3)))
        if rng.random() < 0.5:
            grown = grown.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2))))
    return ImageChops.subtract(grown, glyphs)


def _words(rng: np.random.Generator) -> str:
    """A phrase, a site's name, a copyright line, a number, or letters at random."""
    pick = rng.random()
    word = str(rng.choice(_WORDS))
    letters = "".join(rng.choice(list(string.ascii_lowercase), int(rng.integers(3, 10))))
    if pick < 0.3:
        text = " ".join(rng.choice(_WORDS, int(rng.integers(1, 4))))
    elif pick < 0.5:
        text = f"{rng.choice(['', 'www.'])}{letters}.{rng.choice(['com', 'net', 'org', 'art', 'io'])}"
    elif pick < 0.7:
        text = f"© {rng.choice([letters, word])} {rng.choice(['', '2019', '2024', word])}".strip()
    elif pick < 0.8:
        text = f"{word} {rng.integers(10**4, 10**9)}"
    else:
        text = letters
    styles = (str, str.upper, str.title)
    return styles[rng.integers(3)](text)


def _text(rng: np.random.Generator, height_px: int, text: str | None = None) -> Image.Image:
    """One line of text, cropped to its ink."""
    font = _font(str(rng.choice(FONTS)), max(6, height_px))
    text = text or _words(rng)
    if rng.random() < 0.15:
        text = " ".join(text)
    x0, y0, x1, y1 = (int(v) for v in font.getbbox(text))
    image = Image.new("L", (max(1, x1 - x0) + 4, max(1, y1 - y0) + 4))
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.12 and height_px > 16:  # letters as outlines
        draw.text((2 - x0, 2 - y0), text, font=font, fill=0, stroke_width=1, stroke_fill=255)
    else:
        draw.text((2 - x0, 2 - y0), text, font=font, fill=255)
    return image


def _logo(rng: np.random.Generator, height_px: int) -> Image.Image:
    """A simple sign: ring, disc, box, polygon, star, waves or a letter in a shape, drawn at four times its size."""
    side = 4 * max(6, height_px)
    image = Image.new("L", (side, side))
    draw = ImageDraw.Draw(image)
    pen = int(side * rng.uniform(0.05, 0.16))
    box = (pen, pen, side - pen, side - pen)
    kind = rng.integers(6)
    if kind == 0:
        draw.ellipse(box, outline=255, width=pen)
    elif kind == 1:
        draw.rounded_rectangle(box, radius=side * float(rng.uniform(0, 0.3)), outline=255, width=pen)
    elif kind == 2:
        draw.polygon(_star(int(rng.integers(3, 8)), side / 2, float(rng.uniform(0.4, 1))), fill=255)
    elif kind == 3:
        draw.polygon(_star(int(rng.integers(3, 7)), side / 2, 1.0), outline=255, width=pen)
    elif kind == 4:
        draw.ellipse(box, fill=255)
        draw.ellipse((side * 0.3, side * 0.3, side * 0.7, side * 0.7), fill=0)
    else:
        for k in range(int(rng.integers(2, 5))):
            top = min(pen + k * 2 * pen, side // 2)
            draw.arc((pen, top, side - pen, side - pen), 180, 360, fill=255, width=pen)
    if kind in (0, 1, 3) and rng.random() < 0.7:
        letter = _text(rng, side // 2, str(rng.choice(list(string.ascii_uppercase))))
        image.paste(255, ((side - letter.width) // 2, (side - letter.height) // 2), letter)
    return image.resize((side // 4, side // 4), Image.Resampling.LANCZOS)


def _star(points: int, radius: float, inner: float) -> list[tuple[float, float]]:
    angles = [math.pi * k / points for k in range(2 * points)]
    radii = [radius * (1.0 if k % 2 == 0 else inner) for k in range(2 * points)]
    return [(radius + r * math.sin(a), radius - r * math.cos(a)) for a, r in zip(angles, radii, strict=True)]


def _label(rng: np.random.Generator, height_px: int) -> Image.Image:
    """Text, a logo, or both in one line or one above the other."""
    pick = rng.random()
    if pick < 0.45:
        return _text(rng, height_px)
    logo = _logo(rng, int(height_px * rng.uniform(1, 2)))
    if pick < 0.52:
        return _logo(rng, 2 * height_px)
    text = _text(rng, height_px)
    if rng.random() < 0.7:
        image = Image.new("L", (logo.width + text.width + height_px // 3, max(logo.height, text.height)))
        image.paste(text, (logo.width + height_px // 3, (image.height - text.height) // 2))
        image.paste(logo, (0, (image.height - logo.height) // 2))
    else:
        image = Image.new("L", (max(logo.width, text.width), logo.height + text.height + 2))
        image.paste(text, ((image.width - text.width) // 2, logo.height + 2))
        image.paste(logo, ((image.width - logo.width) // 2, 0))
    return image


def _angle(rng: np.random.Generator) -> float:
    pick = rng.random()
    if pick < 0.35:
        return 0.0
    return float(rng.uniform(15, 60) * rng.choice([-1, 1])) if pick < 0.85 else float(rng.uniform(-180, 180))


def _place(canvas: Image.Image, mark: Image.Image, x: int, y: int) -> None:
    """Lay a mark onto the canvas, the lighter of the two where both are."""
    layer = Image.new("L", canvas.size)
    layer.paste(mark, (x, y))
    canvas.paste(ImageChops.lighter(canvas, layer))


def _across(rng: np.random.Generator, size: int) -> Image.Image:
    canvas = Image.new("L", (size, size))
    text = _words(rng)
    height = int(np.clip(size * rng.uniform(0.6, 1.5) / (0.55 * len(text)), 9, size / 2.5))
    for line in range(int(rng.choice([1, 1, 1, 2]))):
        mark = _text(rng, height, text if line == 0 else None).rotate(_angle(rng), Image.Resampling.BICUBIC, True)
        x = (size - mark.width) / 2 + size * rng.normal(0, 0.12)
        y = (size - mark.height) / 2 + size * rng.normal(0, 0.15)
        _place(canvas, mark, int(x), int(y))
    return canvas


def _corner(rng: np.random.Generator, size: int) -> Image.Image:
    canvas = Image.new("L", (size, size))
    mark = _label(rng, int(rng.integers(8, 26)))
    if rng.random() < 0.1:
        mark = mark.rotate(90, expand=True)
    gap = int(rng.integers(1, 12))
    xs = [gap, size - mark.width - gap, (size - mark.width) // 2]
    ys = [gap, size - mark.height - gap]
    x, y = int(rng.choice(xs)), int(rng.choice(ys))
    if rng.random() < 0.2:
        x, y = (int(rng.integers(0, max(1, size - side))) for side in mark.size)
    _place(canvas, mark, max(x, 2 - mark.width // 2), y)
    return canvas


def _tiled(rng: np.random.Generator, size: int) -> Image.Image:
    mark = _label(rng, int(rng.integers(8, 30)))
    step_x, step_y = (int(side + rng.uniform(4, 50)) for side in mark.size)
    wide = int(size * 1.5)
    sheet = Image.new("L", (wide, wide))
    stagger = int(rng.choice([0, step_x // 2, step_x // 3]))
    for row, y in enumerate(range(-int(rng.integers(step_y)), wide, step_y)):
        for x in range(-int(rng.integers(1, 3)) * step_x + (row * stagger) % step_x, wide, step_x):
            sheet.paste(mark, (x, y))
    turned = sheet.rotate(_angle(rng), Image.Resampling.BICUBIC)
    margin = (wide - size) // 2
    return turned.crop((margin, margin, margin + size, margin + size))


def _crossed(rng: np.random.Generator, size: int) -> Image.Image:
    """Thin lines corner to corner or as a lattice, mostly with text on them."""
    canvas = _across(rng, size) if rng.random() < 0.8 else Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    pen = int(rng.integers(1, 3))
    if rng.random() < 0.6:
        draw.line((0, 0, size, size), fill=255, width=pen)
        draw.line((0, size, size, 0), fill=255, width=pen)
    else:
        step = int(rng.integers(25, 70))
        for offset in range(-size, 2 * size, step):
            draw.line((offset, 0, offset + size, size), fill=255, width=pen)
            draw.line((offset + size, 0, offset, size), fill=255, width=pen)
    return canvas


def _caption(rng: np.random.Generator, size: int) -> Image.Image:
    """A site's name or a number in a line near an edge, small."""
    canvas = Image.new("L", (size, size))
    mark = _text(rng, int(rng.integers(8, 17)))
    y = int(rng.choice([rng.integers(1, 10), size - mark.height - rng.integers(1, 10)]))
    _place(canvas, mark, int(rng.integers(-10, max(1, size - mark.width))), y)
    return canvas
