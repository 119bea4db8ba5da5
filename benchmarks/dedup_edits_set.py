"""The labelled set: each picture and thirteen edits of it, so that every pair of files is known to be a copy or not.

Twelve kinds as the issue lists them, "crop" at two strengths. Strengths are those of everyday reuse and follow the
picture's number, so that two runs edit alike:

    recompress  JPEG quality 30 to 60            border      a frame of one colour, 5 to 8 % of the sides
    resize      .5 to .8 of the sides            caption     a bar with a line of text, 12 to 16 %, laid under or over
    crop 3 %    3 % of the sides go              watermark   the sample's text, logo and tiling, in turn
    crop 10 %   10 % of the sides go             blur        Gaussian, radius .6 to 1.2 % of the sides
    mirror      left to right                    rotate      2 degrees either way, the corners cut away
    brightness  .75 to 1.3                       format      WebP at quality 80
    contrast    .7 to 1.4

All but `format` are kept as JPEG of quality 85. A crop takes its share of each side, split at random between the ends.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from scgan_data.sample import watermarks

Edit = Callable[[Image.Image, Generator], Image.Image]
QUALITY = 85
INKS = ("white", "black", "#d8c9a8", "#30506e")


def edited(picture: Image.Image, name: str, number: int) -> bytes:
    """The file of picture `number` after the edit `name`."""
    rng = np.random.default_rng([number, list(EDITS).index(name)])
    image = EDITS[name](picture, rng)
    if name == "format":
        return saved(image, "WEBP", 80)
    return saved(image, "JPEG", int(rng.integers(30, 61)) if name == "recompress" else QUALITY)


def saved(image: Image.Image, kind: str, quality: int) -> bytes:
    """A picture as a file's bytes."""
    buffer = BytesIO()
    image.save(buffer, kind, quality=quality)
    return buffer.getvalue()


def _same(image: Image.Image, rng: Generator) -> Image.Image:
    return image


def _resize(image: Image.Image, rng: Generator) -> Image.Image:
    return ImageOps.scale(image, rng.uniform(0.5, 0.8), Image.Resampling.LANCZOS)


def _crop(share: float) -> Edit:
    def crop(image: Image.Image, rng: Generator) -> Image.Image:
        (w, h), (left, top) = image.size, share * rng.uniform(0, 1, 2)
        box = (w * left, h * top, w * (left + 1 - share), h * (top + 1 - share))
        return image.crop(tuple(round(edge) for edge in box))

    return crop


def _mirror(image: Image.Image, rng: Generator) -> Image.Image:
    return ImageOps.mirror(image)


def _brightness(image: Image.Image, rng: Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(rng.choice([rng.uniform(0.75, 0.9), rng.uniform(1.1, 1.3)]))


def _contrast(image: Image.Image, rng: Generator) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(rng.choice([rng.uniform(0.7, 0.85), rng.uniform(1.2, 1.4)]))


def _border(image: Image.Image, rng: Generator) -> Image.Image:
    width_px = max(1, round(rng.uniform(0.05, 0.08) * min(image.size)))
    return ImageOps.expand(image, width_px, str(rng.choice(INKS)))


def _caption(image: Image.Image, rng: Generator) -> Image.Image:
    """Under the picture, or over its foot or head, a bar with words."""
    height_px = round(rng.uniform(0.12, 0.16) * image.height)
    paper, ink = ("white", "black") if rng.uniform() < 0.5 else ("black", "white")
    bar = Image.new("RGB", (image.width, height_px), paper)
    font = ImageFont.load_default(0.55 * height_px)
    ImageDraw.Draw(bar).text((bar.width / 2, bar.height / 2), "when it is Monday", font=font, fill=ink, anchor="mm")
    place = int(rng.integers(3))
    if place == 0:
        image = ImageOps.pad(image, (image.width, image.height + height_px), centering=(0, 0))
    captioned = image.copy()
    captioned.paste(bar, (0, 0 if place == 1 else image.height - height_px))
    return captioned


def _watermark(image: Image.Image, rng: Generator) -> Image.Image:
    marks = list(watermarks.MARKS.values())
    return marks[int(rng.integers(len(marks)))](image, rng)


def _blur(image: Image.Image, rng: Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.006, 0.012) * min(image.size)))


def _rotate(image: Image.Image, rng: Generator) -> Image.Image:
    """Turned by 2 degrees and cut to what has no empty corner, at the picture's own proportions."""
    turned = image.rotate(float(rng.choice([-2.0, 2.0])), Image.Resampling.BICUBIC)
    (w, h), angle = image.size, np.deg2rad(2.0)
    keep = 1 / (np.cos(angle) + np.sin(angle) * max(w / h, h / w))
    x, y = w * (1 - keep) / 2, h * (1 - keep) / 2
    return turned.crop((round(x), round(y), round(w - x), round(h - y)))


EDITS: dict[str, Edit] = {
    "recompress": _same,
    "resize": _resize,
    "crop 3 %": _crop(0.03),
    "crop 10 %": _crop(0.10),
    "mirror": _mirror,
    "brightness": _brightness,
    "contrast": _contrast,
    "border": _border,
    "caption": _caption,
    "watermark": _watermark,
    "blur": _blur,
    "rotate 2°": _rotate,
    "format": _same,
}
