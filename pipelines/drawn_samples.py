"""Training pictures: heads of the bank laid before its scenes, and for each the truth; a function of the generator.

A quarter are tight crops as of avatars (a face fills the picture or is cut by its border), some portraits, most hold
one to five faces down to 13 px, a fifth none. How a head is laid and what of it then counts is `drawn_laying`'s; the
picture is then treated as the web does: reduced and enlarged, blurred, compressed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from pipelines.drawn_bank import Bank
from pipelines.drawn_laying import SAMPLE_PX, Laid, cover, judge, lay
from pipelines.watermark_pictures import jpeg

GRAY = 128
"""Of the empty border round a picture: the network's zero."""


@dataclass(frozen=True)
class Sample:
    """A picture (192, 192, 3) and its faces."""

    image: NDArray[np.uint8]
    faces: list[Laid]


def draw_sample(rng: np.random.Generator, bank: Bank) -> Sample:
    """One training picture."""
    window = _window(rng)
    image = _ground(rng, bank, window)
    faces: list[Laid] = []
    for size, at in _plan(rng, window):
        lay(rng, bank, image, (size, at, window), faces)
    if faces and rng.random() < 0.12:
        cover(rng, image, faces)
    for face in faces:
        judge(face)
    return Sample(_published(rng, image, window), faces)


def draw_close(rng: np.random.Generator, bank: Bank) -> Sample:
    """A picture about one face, half as large as the picture and in its middle, more of it to be seen than not."""
    while True:
        window = _window(rng)
        image = _ground(rng, bank, window)
        faces: list[Laid] = []
        lay(rng, bank, image, (SAMPLE_PX / 2, (SAMPLE_PX / 2, SAMPLE_PX / 2), window), faces)
        if rng.random() < 0.1:
            cover(rng, image, faces)
        judge(faces[0])
        if faces[0].taught:
            return Sample(_published(rng, image, window), faces)


def _window(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """The picture's box on the canvas: all of it, or less, as pictures that are laid with a margin."""
    if rng.random() < 0.65:
        return 0, 0, SAMPLE_PX, SAMPLE_PX
    wide, high = (int(v) for v in SAMPLE_PX * rng.uniform(0.45, 1.0, 2))
    if rng.random() < 0.5:
        high = wide
    x, y = int(rng.integers(0, SAMPLE_PX - wide + 1)), int(rng.integers(0, SAMPLE_PX - high + 1))
    return x, y, x + wide, y + high


def _ground(rng: np.random.Generator, bank: Bank, window: tuple[int, int, int, int]) -> Image.Image:
    scene = Image.fromarray(bank.scenes[rng.integers(len(bank.scenes))])
    side = int(rng.integers(60, scene.width + 1))
    x, y = (int(v) for v in rng.integers(0, scene.width - side + 1, 2))
    scene = scene.resize((SAMPLE_PX, SAMPLE_PX), Image.Resampling.BILINEAR, (x, y, x + side, y + side))
    if rng.random() < 0.5:
        scene = ImageOps.mirror(scene)
    if rng.random() < 0.3:
        scene = Image.fromarray(np.asarray(scene)[..., rng.permutation(3)])
    return scene


def _plan(rng: np.random.Generator, window: tuple[int, int, int, int]) -> list[tuple[float, tuple[float, float]]]:
    """The faces' sizes and centres, the smaller first."""
    x0, y0, x1, y1 = window
    side = min(x1 - x0, y1 - y0)
    pick = rng.random()
    if pick < 0.2:
        return []
    if pick < 0.45:
        size = side * rng.uniform(0.42, 1.0)
        return [(size, (float(rng.normal((x0 + x1) / 2, side * 0.1)), float(rng.normal((y0 + y1) / 2, side * 0.1))))]
    most = 0.6 if pick < 0.62 else 0.45
    count = 1 if pick < 0.62 else int(rng.choice([1, 2, 3, 4, 5], p=(0.2, 0.3, 0.25, 0.15, 0.1)))
    low, high = (0.2, most) if pick < 0.62 else (13 / side, most)
    sizes = side * np.exp(rng.uniform(np.log(low), np.log(high), count))
    if count > 1 and rng.random() < 0.5:
        sizes = sizes[0] * rng.uniform(0.8, 1.25, count)
    return [(float(s), (float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1)))) for s in np.sort(sizes)]


def _published(rng: np.random.Generator, image: Image.Image, window: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Colour, resolution and compression of the web, then the empty border."""
    x0, y0, x1, y1 = window
    out = image.crop(window)
    if rng.random() < 0.4:
        factor = rng.uniform(0.3, 0.8)
        method = Image.Resampling(int(rng.choice([0, 2, 3], p=(0.1, 0.45, 0.45))))
        small = out.resize((max(8, int(out.width * factor)), max(8, int(out.height * factor))), Image.Resampling.BOX)
        if rng.random() < 0.3:
            small = jpeg(small, int(rng.integers(50, 95)))
        out = small.resize(out.size, method)
    if rng.random() < 0.15:
        out = out.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.5))))
    pixels = _coloured(rng, np.asarray(out))
    if rng.random() < 0.45:
        pixels = np.asarray(jpeg(Image.fromarray(pixels), int(rng.integers(30, 96))))
    full = np.full((SAMPLE_PX, SAMPLE_PX, 3), GRAY, np.uint8)
    full[y0:y1, x0:x1] = pixels
    return full


def _coloured(rng: np.random.Generator, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    pick = rng.random()
    if pick < 0.4:
        return pixels
    x = pixels.astype(np.float64)
    if pick < 0.75:
        exposure = rng.uniform(0.3, 0.9) if rng.random() < 0.25 else 1.0
        x = 255 * (x / 255) ** rng.uniform(0.6, 1.6) * rng.uniform(0.7, 1.15, 3) * exposure
        mean = x.mean(axis=2, keepdims=True)
        x = mean + (x - mean) * rng.uniform(0.0, 1.4)
    if pick > 0.65:
        x = x + rng.normal(0, rng.uniform(1, 9), (*x.shape[:2], 1))
    return np.clip(x, 0, 255).astype(np.uint8)
