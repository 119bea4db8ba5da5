"""What one decode of a file computes for every later stage: pixel id, size, perceptual hashes, sharpness, contrast.

Hashes are imagehash's `phash` of the upright RGB picture turned to luma (mode L, ITU-R 601): `phash` 64 bits
(hash_size 8), `phash256` 256 bits (hash_size 16), as hexadecimal text of `imagehash.hex_to_hash`. Luma rather than the
RGB channels: a copy in grey keeps its hash.

Sharpness and contrast are measured on luma with its longer side reduced to at most 256 pixels, so that they do not
depend on the resolution a site happens to serve; a smaller picture is not enlarged. Contrast is the standard deviation
(0 to 127). Sharpness is the standard deviation of the Laplacian (4 neighbours), divided by the contrast: a dim picture
is no blurred one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pandas as pd
from PIL import Image
from pydantic import Field

from scgan_data import images
from scgan_data.config import Config
from scgan_data.images import Picture, UndecodableError
from scgan_data.records import Reason

MODULES = ("scgan_data.hashes", "scgan_data.images")
"""The modules whose source decides what `measure` returns."""
MEASURED_SIDE_PX = 256


class DecodeConfig(Config):
    """Limits of the decoding gateway."""

    max_bytes: int = Field(images.MAX_BYTES, ge=1)
    """Largest file that is decoded."""
    max_pixels: int = Field(images.MAX_PIXELS, ge=1)
    """Largest picture that is unpacked, width times height."""


def measure(batch: pd.DataFrame, config: DecodeConfig) -> pd.DataFrame:
    """Decode the file at each row's `path`: its measurements and `png`, or the reason why there are none."""
    return pd.DataFrame([{"id": row["id"], **_measure_one(row["path"], config)} for _, row in batch.iterrows()])


def _measure_one(path: str, config: DecodeConfig) -> dict[str, Any]:
    try:
        data = Path(path).read_bytes()
        picture = images.decode(data, max_bytes=config.max_bytes, max_pixels=config.max_pixels)
    except UndecodableError as error:
        return _nothing(error.reason, error.detail, error.value, error.limit)
    except OSError as error:
        return _nothing(Reason.FILE_UNREADABLE, error.strerror or str(error), None, None)
    return measurements(picture) | {
        "png": images.encode_png(picture.image),
        "reason": None,
        "value": None,
        "limit": None,
        "detail": None,
    }


def measurements(picture: Picture) -> dict[str, Any]:
    """The measured columns of a decoded picture."""
    luma = picture.image.convert("L")
    sharpness, contrast = sharpness_contrast(luma)
    return {
        "pixel_id": picture.pixel_id,
        "width": picture.image.width,
        "height": picture.image.height,
        "format": picture.format,
        "phash": str(imagehash.phash(luma)),
        "phash256": str(imagehash.phash(luma, hash_size=16)),
        "sharpness": sharpness,
        "contrast": contrast,
    }


def _nothing(reason: Reason, detail: str, value: float | None, limit: float | None) -> dict[str, Any]:
    names = ("pixel_id", "width", "height", "format", "phash", "phash256", "sharpness", "contrast", "png")
    empty: dict[str, Any] = dict.fromkeys(names)
    return empty | {"reason": reason.value, "detail": detail, "value": value, "limit": limit}


def sharpness_contrast(luma: Image.Image) -> tuple[float, float]:
    """Sharpness and contrast of a mode L picture, as this module's docstring defines them."""
    small = luma.copy()
    small.thumbnail((MEASURED_SIDE_PX, MEASURED_SIDE_PX), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.float64)
    contrast = float(grey.std())
    if min(grey.shape) < 3 or contrast == 0:
        return 0.0, contrast
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.std()) / contrast, contrast
