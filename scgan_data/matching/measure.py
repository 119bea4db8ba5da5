"""What is measured of a crop's pixels: sharpness, the ground beside the head, colour.

Sharpness is collection's (`hashes.sharpness_contrast`), now of the crop as it will be trained on. The ground is looked
at where the shoulder crop leaves it: the strips along the left and right sides, down to the chin. It is a fixed place
rather than the outside of a found head, so that pictures without a face have one too, and a head that fills the crop
shows in it, as it would to a discriminator. Plain is the share of each strip that lies near the strip's median colour.
A crop of 256 pixels costs 4 ms of one core, half of it decoding.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from scgan_data import hashes, images
from scgan_data.config import Config
from scgan_data.matching.quantities import PIXELS

MODULES = tuple(f"scgan_data.{name}" for name in ("hashes", "images", "matching.measure"))
"""What decides the measurements."""
SIDE_PX = 128
"""Colours are measured on a copy reduced to that longer side."""
STRIP, CHIN = 0.16, 0.6
"""Width of the strips and where they end, as shares of the crop."""
NEAR = 8.0
"""Distance in Lab within which a ground is of one colour."""

Lab = NDArray[np.float64]
"""(..., 3) lightness 0 to 100, a, b."""

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
_LINEAR = np.array([v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.arange(256) / 255])


class MeasureConfig(Config):
    """Nothing is to be set: figures of two folders are comparable."""


def measure_batch(batch: pd.DataFrame, config: MeasureConfig) -> pd.DataFrame:
    """The per-image function: rows with `path` to `PIXELS`; NaN where the file is gone or damaged."""
    return pd.DataFrame([_measured(path) for path in batch["path"]], columns=list(PIXELS))


def _measured(path: str | None) -> dict[str, float]:
    try:
        return measure(images.load(path)) if isinstance(path, str) else {}
    except (OSError, images.UndecodableError):
        return {}


def measure(picture: Image.Image) -> dict[str, float]:
    """`PIXELS` of an RGB picture."""
    sharpness, _ = hashes.sharpness_contrast(picture.convert("L"))
    scale = SIDE_PX / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BOX)
    lab = to_lab(np.asarray(picture))
    mean = lab.reshape(-1, 3).mean(axis=0)
    return {
        "sharpness": sharpness,
        **_ground(lab),
        "lightness": float(mean[0]),
        "contrast": float(lab[..., 0].std()),
        "chroma": float(np.hypot(lab[..., 1], lab[..., 2]).mean()),
        "red_green": float(mean[1]),
        "yellow_blue": float(mean[2]),
    }


def _ground(lab: Lab) -> dict[str, float]:
    high, wide = lab.shape[:2]
    strip = max(1, round(STRIP * wide))
    rows = lab[: max(1, round(CHIN * high))]
    sides = [part.reshape(-1, 3) for part in (rows[:, :strip], rows[:, wide - strip :])]
    plain = [np.linalg.norm(side - np.median(side, axis=0), axis=1) <= NEAR for side in sides]
    both = np.concatenate(sides)
    return {
        "background_lightness": float(both[:, 0].mean()),
        "background_chroma": float(np.hypot(both[:, 1], both[:, 2]).mean()),
        "background_plain": float(np.concatenate(plain).mean()),
    }


def to_lab(rgb: NDArray[np.uint8]) -> Lab:
    """(..., 3) sRGB to CIE Lab under D65. By its definition: scikit-image's does the same, and takes 1 s to import."""
    xyz = _LINEAR[rgb] @ (_TO_XYZ / _TO_XYZ.sum(axis=1, keepdims=True)).T
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    lab: Lab = np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)
    return lab
