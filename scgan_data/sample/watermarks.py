"""Visible watermarks as picture sites lay them over previews: a line of text, a corner logo, a tiling.

Drawn with the font that Pillow carries, so that they look the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

WORDS = ("PREVIEW", "SAMPLE", "lumenstock", "DO NOT COPY", "© Atelier Nord", "PhotoBay", "pixgallery.com", "WATERMARK")
NAMES = ("Lumen", "PixGallery", "ArtBay", "Nord Studio", "FotoHaus")
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
INKS = (WHITE, WHITE, BLACK)
"""White twice as often as black, as on real sites."""


def text(image: Image.Image, rng: Generator) -> Image.Image:
    """One line across the picture, level or slanted, 75 to 100 % of its width."""
    word = str(rng.choice(WORDS))
    line = _line(word, round(image.width * rng.uniform(0.75, 1.0)), _ink(rng, image), int(rng.integers(120, 185)))
    line = line.rotate(float(rng.choice([0, 0, 20, 30, -25])), expand=True, resample=Image.Resampling.BICUBIC)
    y = round(image.height * rng.uniform(0.35, 0.7)) - line.height // 2
    return _lay(image, line, ((image.width - line.width) // 2, y))


def logo(image: Image.Image, rng: Generator) -> Image.Image:
    """A badge with a name beside it in one of the corners, 38 to 55 % of the width."""
    ink, alpha = _ink(rng, image), int(rng.integers(190, 240))
    name = _line(str(rng.choice(NAMES)), round(image.width * rng.uniform(0.28, 0.4)), ink, alpha)
    side = max(16, round(name.height * 1.7))
    mark = Image.new("RGBA", (side + 4 + name.width, max(side, name.height)), (*ink, 0))
    mark.paste(_badge(side, ink, alpha, rng), (0, (mark.height - side) // 2))
    mark.paste(name, (side + 4, (mark.height - name.height) // 2))
    margin = round(0.03 * image.width)
    x = int(rng.choice([margin, image.width - mark.width - margin]))
    y = int(rng.choice([margin, image.height - mark.height - margin]))
    return _lay(image, mark, (x, y))


def tiled(image: Image.Image, rng: Generator) -> Image.Image:
    """A small text repeated over the whole picture on a slant, every other row shifted."""
    ink, alpha = _ink(rng, image), int(rng.integers(85, 140))
    line = _line(str(rng.choice(WORDS)), round(image.width * rng.uniform(0.34, 0.5)), ink, alpha)
    side = 2 * max(image.size)
    sheet = Image.new("RGBA", (side, side), (*ink, 0))
    step_x, step_y = round(line.width * 1.25), round(line.height * rng.uniform(2.4, 3.4))
    for row, y in enumerate(range(0, side, step_y)):
        for x in range(-(row % 2) * step_x // 2, side, step_x):
            sheet.paste(line, (x, y))
    sheet = sheet.rotate(float(rng.choice([30, 45, -30])), resample=Image.Resampling.BICUBIC)
    return _lay(image, sheet, ((image.width - side) // 2, (image.height - side) // 2))


MARKS: dict[str, Callable[[Image.Image, Generator], Image.Image]] = {"text": text, "logo": logo, "tiled": tiled}


def _ink(rng: Generator, image: Image.Image) -> tuple[int, int, int]:
    """White on a dark picture, black on a bright one, either in between: a mark that nobody sees is no mark."""
    light = float(np.asarray(image.convert("L")).mean())
    either = INKS[int(rng.integers(len(INKS)))]
    return BLACK if light > 170 else WHITE if light < 120 else either


def _line(word: str, width_px: int, ink: tuple[int, int, int], alpha: int) -> Image.Image:
    """A line of text of that width, with the thin dark or light rim that keeps it legible anywhere."""
    size = 10.0
    for _ in range(3):
        size *= width_px / max(1.0, ImageFont.load_default(size).getlength(word))
    font = ImageFont.load_default(size)
    x0, y0, x1, y1 = font.getbbox(word)
    line = Image.new("RGBA", (round(x1 - x0) + 4, round(y1 - y0) + 4), (*ink, 0))
    rim = tuple(255 - channel for channel in ink)
    draw = ImageDraw.Draw(line)
    draw.text((3 - x0, 3 - y0), word, font=font, fill=(*rim, alpha // 2))
    draw.text((2 - x0, 2 - y0), word, font=font, fill=(*ink, alpha), stroke_width=size / 40, stroke_fill=(*ink, alpha))
    return line


def _badge(side: int, ink: tuple[int, int, int], alpha: int, rng: Generator) -> Image.Image:
    """A disc, a ring or a rounded square with a lens or a peak cut out, drawn large and reduced."""
    large = Image.new("L", (side * 4, side * 4), 0)
    draw = ImageDraw.Draw(large)
    s = side * 4
    shape = int(rng.integers(3))
    if shape == 0:
        draw.ellipse((0, 0, s - 1, s - 1), fill=alpha)
        draw.ellipse((s * 0.28, s * 0.28, s * 0.72, s * 0.72), fill=0)
        draw.ellipse((s * 0.4, s * 0.4, s * 0.6, s * 0.6), fill=alpha)
    elif shape == 1:
        draw.rounded_rectangle((0, s * 0.12, s - 1, s * 0.88), radius=s * 0.15, fill=alpha)
        draw.polygon([(s * 0.12, s * 0.78), (s * 0.42, s * 0.3), (s * 0.72, s * 0.78)], fill=0)
        draw.ellipse((s * 0.68, s * 0.22, s * 0.86, s * 0.4), fill=0)
    else:
        draw.ellipse((0, 0, s - 1, s - 1), outline=alpha, width=round(s * 0.12))
        draw.polygon([(s * 0.5, s * 0.22), (s * 0.76, s * 0.7), (s * 0.24, s * 0.7)], fill=alpha)
    badge = Image.new("RGBA", (side, side), (*ink, 0))
    badge.putalpha(large.resize((side, side), Image.Resampling.LANCZOS))
    return badge


def _lay(image: Image.Image, mark: Image.Image, at: tuple[int, int]) -> Image.Image:
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    layer.paste(mark, at)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")
