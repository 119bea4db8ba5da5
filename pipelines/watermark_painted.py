"""Photographs made drawings: flat colours of their own or others', ink where tones meet, gleams.

The watermark detector's own drawings are simple; these have a photograph's many shapes in a drawing's manner.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Floats = NDArray[np.floating[Any]]


def painted(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """The picture in flat colours, most with outlines, some with gleams."""
    x = np.asarray(_flat(rng, image), dtype=np.float32)
    gray = image.convert("L")
    fine = float(rng.uniform(0.5, 1.8))
    if rng.random() < 0.85:
        x += (np.array(_ink(rng)) - x) * _lines(rng, gray, fine)[..., None]
    if rng.random() < 0.4:
        light = np.clip(rng.uniform(170, 300) + rng.normal(0, 20, 3), 0, 255)
        x += (light - x) * _gleams(rng, gray, fine)[..., None]
    return Image.fromarray(np.clip(x, 0, 255).astype(np.uint8))


def _flat(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Smoothed, then few colours: means of the picture's own, or, a quarter of the time, of any kind."""
    smooth = image.filter(ImageFilter.MedianFilter(int(rng.choice([3, 5, 7]))))
    if rng.random() < 0.25:  # soft, as 3-D films are
        return smooth.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2))))
    few = smooth.quantize(int(rng.integers(3, 25)), dither=Image.Dither.NONE)
    if rng.random() < 0.25:
        palette = np.array(few.getpalette(), dtype=np.float32).reshape(-1, 3)
        light = palette.mean(1, keepdims=True)
        any_colour = rng.uniform(0, 255, palette.shape)
        palette = np.clip(any_colour + (light - any_colour.mean(1, keepdims=True)) * rng.uniform(0.5, 1), 0, 255)
        few.putpalette(palette.astype(np.uint8).ravel().tolist())
    return few.convert("RGB").filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1))))


def _ink(rng: np.random.Generator) -> Floats:
    return rng.uniform(0, 90, 3) if rng.random() < 0.5 else np.zeros(3)


def _lines(rng: np.random.Generator, gray: Image.Image, fine: float) -> Floats:
    """Ink's coverage by differences of Gaussians, softly thresholded (Winnemoeller et al. 2012)."""
    share, steep = rng.uniform(0.03, 0.15), rng.uniform(0.2, 1.5)
    darker = _blurred(gray, 1.6 * fine) - _blurred(gray, fine)
    return np.clip((darker - np.quantile(darker, 1 - share)) * steep, 0, 1) * rng.uniform(0.6, 1)


def _gleams(rng: np.random.Generator, gray: Image.Image, fine: float) -> Floats:
    """Where a picture is lighter than around it: streaks of hair, rims, edges of metal."""
    share, steep = rng.uniform(0.01, 0.06), rng.uniform(0.1, 1)
    lighter = _blurred(gray, fine) - _blurred(gray, 4 * fine)
    return np.clip((lighter - np.quantile(lighter, 1 - share)) * steep, 0, 1) * rng.uniform(0.3, 1)


def _blurred(gray: Image.Image, sigma: float) -> Floats:
    return np.asarray(gray.filter(ImageFilter.GaussianBlur(sigma)), dtype=np.float32)
