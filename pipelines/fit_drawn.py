"""Fit the weights of `scgan_data.drawn` and print them: a minute or two on one core, the same for the same seed.

    python -m pipelines.fit_drawn

Photographs: random windows of scikit-image's and matplotlib's public-domain ones. Drawings: DiceBear's avataaars,
lorelei, notionists and open-peeps, on white, before a plain colour or a soft light. Both in the sizes of small web
pictures, in part softened, noisy and as JPEG. The classes weigh the same.
"""

from __future__ import annotations

import json
import sys
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
from PIL import Image, ImageFilter

from scgan_data import drawn, layout

PHOTOGRAPHS = ("astronaut.png", "brick.png", "chelsea.png", "coffee.png", "grass.png", "gravel.png", "retina.jpg")
"""Of scikit-image's data folder; camera and rocket are left to the benchmark."""
STYLES = ("avataaars", "lorelei", "notionists", "open-peeps")
"""The benchmark measures on adventurer, micah, personas, toon-head."""
SIDES_PX = (64, 128, 200, 256)
Array = NDArray[np.float64]


def main(count: int = 1200, seed: int = 1) -> None:
    """Draw `count` pictures of each class, fit, print what `drawn` holds."""
    rng = np.random.default_rng(seed)
    photographs, drawings = ([_features(_seen(rng, draw(rng))) for _ in range(count)] for draw in (photograph, drawing))
    mean, spread, weights = fit(np.array(photographs), np.array(drawings))
    for name, values in (("MEAN", mean), ("SPREAD", spread), ("WEIGHTS", weights[:-1]), ("BIAS", weights[-1:])):
        sys.stdout.write(f"{name} = {', '.join(f'{value:.4f}' for value in values)}\n")


def photograph(rng: np.random.Generator) -> Image.Image:
    """A random window of a photograph, faces three times as often, in another tone."""
    pictures = _photographs()
    picture = pictures[int(rng.integers(len(pictures)))]
    size = int(rng.choice(SIDES_PX))
    side = min(*picture.size, int(size * rng.uniform(0.8, 3)))
    x, y = (int(rng.integers(0, length - side + 1)) for length in picture.size)
    window = picture.resize((size, size), Image.Resampling.BICUBIC, (x, y, x + side, y + side))
    gamma, gain = rng.uniform(0.6, 1.6), rng.uniform(0.7, 1.15, 3)
    toned = 255 * np.clip((np.asarray(window) / 255) ** gamma * gain, 0, 1)
    return Image.fromarray(toned.astype(np.uint8))


def drawing(rng: np.random.Generator) -> Image.Image:
    """A portrait, whole or cropped to the head, on white, on one colour, or before a soft light."""
    size = int(rng.choice(SIDES_PX))
    wide = int(size * rng.uniform(1, 1.5))
    options = {"seed": str(rng.integers(2**40)), "backgroundColor": ["#00000000"]}
    svg = Avatar(_style(str(rng.choice(STYLES))), options).to_string()
    with Image.open(BytesIO(resvg_py.svg_to_bytes(svg_string=svg, width=wide, height=wide))) as opened:
        figure = opened.convert("RGBA")
    blots = (
        rng.uniform(20, 235) + rng.normal(0, 30, (4, 4, 3)) if rng.random() < 0.5 else rng.uniform(0, 255, (1, 1, 3))
    )
    ground = np.full((1, 1, 3), 255.0) if rng.random() < 0.25 else np.clip(blots, 0, 255)
    canvas = Image.fromarray(ground.astype(np.uint8)).resize((wide, wide), Image.Resampling.BICUBIC)
    canvas.paste(figure, (0, 0), figure)
    x = (wide - size) // 2
    return canvas.crop((x, x // 2, x + size, x // 2 + size))


def _seen(rng: np.random.Generator, picture: Image.Image) -> Image.Image:
    """What a camera or scanner and a web site do: softness, noise, JPEG."""
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.2))))
    if rng.random() < 0.15:
        noisy = np.asarray(picture) + rng.normal(0, rng.uniform(1, 4), (picture.height, picture.width, 1))
        picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    if rng.random() < 0.6:
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=int(rng.integers(60, 96)))
        picture = Image.open(buffer)
    return picture.convert("RGB")


@cache
def _photographs() -> list[Image.Image]:
    folder = Path(skimage.__file__).parent / "data"
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    faces = [hopper, folder / "astronaut.png"]
    return [
        Image.open(file).convert("RGB") for file in [*(folder / name for name in PHOTOGRAPHS), *faces, *faces, hopper]
    ]


@cache
def _style(name: str) -> Style:
    return Style(json.loads((files("dicebear_styles") / f"{name}.json").read_text(encoding="utf-8")))


def _features(picture: Image.Image) -> Array:
    return drawn.features(layout.planes(picture))


def fit(zeros: Array, ones: Array, *, penalty: float = 1.0) -> tuple[Array, Array, Array]:
    """Logistic regression by Newton's method: (n, k) a class -> means (k,), spreads (k,), weights and bias (k + 1,)."""
    raw, truth = np.concatenate([zeros, ones]), np.repeat([0.0, 1.0], [len(zeros), len(ones)])
    mean, spread = raw.mean(axis=0), raw.std(axis=0)
    x = np.column_stack([(raw - mean) / spread, np.ones(len(raw))])
    ridge = np.append(np.full(raw.shape[1], penalty), 0.0)
    weights = np.zeros(x.shape[1])
    for _ in range(25):
        said = 1 / (1 + np.exp(-(x @ weights)))
        slope = x.T @ (said - truth) + ridge * weights
        bend = (x.T * (said * (1 - said))) @ x + np.diag(ridge)
        weights -= np.linalg.solve(bend, slope)
    return mean, spread, weights


if __name__ == "__main__":
    main()
