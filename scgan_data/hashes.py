"""What one decode of a file computes for every later stage: pixel id, size, perceptual hashes, sharpness, contrast.

Hashes are imagehash's `phash` of the upright RGB picture turned to luma (mode L, ITU-R 601): `phash` 64 bits
(hash_size 8), `phash256` 256 bits (hash_size 16), as hexadecimal text of `imagehash.hex_to_hash`. Luma rather than the
RGB channels: a copy in grey keeps its hash. A picture whose longer side is 512 pixels or more is first reduced by the
whole factor that leaves at least 256 (mean of boxes): on 129 photographs and stills .5 bits of 64 differ in the mean
from the hash of the whole (4 at most), 2.8 of 256 (14 at most), and at 720 x 900 both cost 2 ms instead of 9.

Sharpness and contrast are measured on luma with its longer side reduced to at most 256 pixels, so that they do not
depend on the resolution a site happens to serve; a smaller picture is not enlarged. Contrast is the standard deviation
(0 to 127). Sharpness is the standard deviation of the Laplacian (4 neighbours), divided by the contrast: a dim picture
is no blurred one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import imagehash
import numpy as np
from PIL import Image
from pydantic import Field

from scgan_data import images, jpeg
from scgan_data.config import Config
from scgan_data.images import Picture, UndecodableError

MODE = "phash/L/256"
"""What `phash` and `phash256` are, as above. Hashes of another mode are never compared with these."""
MODULES = ("scgan_data.hashes", "scgan_data.images", "scgan_data.jpeg")
"""The modules whose source decides what `measure` returns."""
MEASURED_SIDE_PX = 256


class DecodeConfig(Config):
    """Limits of the decoding gateway."""

    max_bytes: int = Field(images.MAX_BYTES, ge=1)
    """Largest file that is decoded."""
    max_pixels: int = Field(images.MAX_PIXELS, ge=1)
    """Largest picture that is unpacked, width times height."""


@dataclass(frozen=True)
class Measured:
    """What one decode gave: the manifest's columns, and the bytes under which the picture is kept."""

    columns: dict[str, Any]
    """`COLUMNS`, or reason, detail, value and limit of a file that is no picture for us."""
    kept: bytes | None = None
    suffix: str | None = None
    opened: Image.Image | None = None
    """The file as Pillow opened it, for its metadata."""


def measure(data: bytes, config: DecodeConfig) -> Measured:
    """Decode a file's bytes once and measure all that later stages need of the whole of it."""
    try:
        picture = images.decode(data, max_bytes=config.max_bytes, max_pixels=config.max_pixels, keeps_metadata=True)
    except UndecodableError as error:
        said = {"reason": error.reason.value, "detail": error.detail, "value": error.value, "limit": error.limit}
        return Measured(said)
    columns = {**measurements(picture), "file_bytes": len(data)}
    return Measured(columns, *stored(data, picture), opened=picture.opened)


def stored(data: bytes, picture: Picture) -> tuple[bytes, str]:
    """The bytes under which a decoded file is kept, and their suffix: its own JPEG without metadata, else a PNG."""
    if picture.format in ("JPEG", "MPO") and picture.orientation == 1:
        plain = jpeg.without_metadata(data)
        if plain is not None:
            return plain, ".jpg"
    return images.encode_png(picture.image), ".png"


def measurements(picture: Picture) -> dict[str, Any]:
    """The measured columns of a decoded picture."""
    luma = picture.image.convert("L")
    luma = luma.reduce(max(1, max(luma.size) // MEASURED_SIDE_PX))
    sharpness, contrast = sharpness_contrast(luma)
    return {
        "pixel_id": picture.pixel_id,
        "width": picture.image.width,
        "height": picture.image.height,
        "format": picture.format,
        "orientation": picture.orientation,
        "hash_mode": MODE,
        "phash": str(imagehash.phash(luma)),
        "phash256": str(imagehash.phash(luma, hash_size=16)),
        "sharpness": sharpness,
        "contrast": contrast,
    }


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
