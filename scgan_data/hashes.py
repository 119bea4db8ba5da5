"""What one decode of a file computes for every later stage: pixel id, size, perceptual hashes, sharpness, contrast.

Hashes are imagehash's `phash` of the upright RGB picture turned to luma (mode L, ITU-R 601): `phash` 64 bits
(hash_size 8), `phash256` 256 bits (hash_size 16), as hexadecimal text of `imagehash.hex_to_hash`. Luma rather than the
RGB channels: a copy in grey keeps its hash. A picture whose longer side is 512 pixels or more is first reduced by the
whole factor that leaves at least 256 (mean of boxes): on 129 photographs and stills .5 bits of 64 differ in the mean
from the hash of the whole (4 at most), 2.8 of 256 (14 at most), and at 720 x 900 both cost 2 ms instead of 9.

`phash_views` are 64-bit hashes of eight parts of the picture (`VIEWS`), by the same definition: a crop, or a copy with
a frame or a caption, hardly resembles the whole (of 150 selfies cut by 10 % somewhere 52 % stay within 14 bits, framed
ones 43 %), but it resembles a part, or a part of it resembles the whole (100 % each).

A bare folder, which nobody collected, is hashed without the rest (`hashed`), in two other modes: `QUICK` decodes a
JPEG's luma at the least of 1/8, 1/4, 1/2 that leaves 128 pixels (86 % of 200 hashes of 1-megapixel JPEGs and 77 % of 30
of press photographs equal those of the whole, the others are 2 bits off; sharpness is within 10 %), `EXACT` takes
`phash` of the whole: imagehash's own.

Sharpness and contrast are measured on luma with its longer side reduced to at most 256 pixels, so that they do not
depend on the resolution a site happens to serve; a smaller picture is not enlarged. Contrast is the standard deviation
(0 to 127). Sharpness is the standard deviation of the Laplacian (4 neighbours), divided by the contrast: a dim picture
is no blurred one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from scgan_data import images, jpeg
from scgan_data.config import Config
from scgan_data.images import Picture, UndecodableError

MODE = "phash/L/256"
"""What the perceptual hashes of `measure` are, as above. Hashes of another mode are never compared with these."""
QUICK: Literal["phash/L/draft"] = "phash/L/draft"
"""JPEGs decoded at reduced size, then as `MODE`."""
EXACT: Literal["phash/L"] = "phash/L"
"""`phash` of the whole picture; the others as `MODE`."""
Xyxy = tuple[float, float, float, float]
VIEWS: dict[str, Xyxy] = {
    "centre 90 %": (0.05, 0.05, 0.95, 0.95),
    "centre 85 %": (0.075, 0.075, 0.925, 0.925),
    "top left": (0.0, 0.0, 0.9, 0.9),
    "top right": (0.1, 0.0, 1.0, 0.9),
    "bottom left": (0.0, 0.1, 0.9, 1.0),
    "bottom right": (0.1, 0.1, 1.0, 1.0),
    "without foot": (0.0, 0.0, 1.0, 0.86),
    "without head": (0.0, 0.14, 1.0, 1.0),
}
"""The parts of a picture that have a hash of their own, as fractions of its sides."""
MODULES = ("scgan_data.hashes", "scgan_data.images", "scgan_data.jpeg")
"""The modules whose source decides what `measure` returns."""
MEASURED_SIDE_PX = 256
QUICK_SIDE_PX = 128


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
        return Measured(_refused(error))
    columns = {**measurements(picture), "file_bytes": len(data)}
    return Measured(columns, *stored(data, picture), opened=picture.opened)


def stored(data: bytes, picture: Picture) -> tuple[bytes, str]:
    """The bytes under which a decoded file is kept, and their suffix: its own JPEG without metadata, else a PNG."""
    if picture.format in ("JPEG", "MPO") and picture.orientation == 1:
        plain = jpeg.without_metadata(data)
        if plain is not None:
            return plain, ".jpg"
    return images.encode_png(picture.image), ".png"


def hashed(data: bytes, config: DecodeConfig, mode: str) -> dict[str, Any]:
    """What `dedup` needs of a file that nobody collected: `measure`'s columns but `pixel_id`, hashed as `mode` says."""
    side_px = QUICK_SIDE_PX if mode == QUICK else None
    try:
        picture = images.decode(data, max_bytes=config.max_bytes, max_pixels=config.max_pixels, luma_of_px=side_px)
    except UndecodableError as error:
        return _refused(error)
    return {**_of_file(picture), **_perceptual(picture, mode), "file_bytes": len(data)}


def measurements(picture: Picture) -> dict[str, Any]:
    """The measured columns of a decoded picture."""
    return {"pixel_id": picture.pixel_id, **_of_file(picture), **_perceptual(picture, MODE)}


def _refused(error: UndecodableError) -> dict[str, Any]:
    return {"reason": error.reason.value, "detail": error.detail, "value": error.value, "limit": error.limit}


def _of_file(picture: Picture) -> dict[str, Any]:
    width, height = picture.full_px or picture.image.size
    return {"width": width, "height": height, "format": picture.format, "orientation": picture.orientation}


def _perceptual(picture: Picture, mode: str) -> dict[str, Any]:
    whole = picture.image.convert("L")
    luma = whole.reduce(max(1, max(whole.size) // MEASURED_SIDE_PX))
    sharpness, contrast = sharpness_contrast(luma)
    hashed = of_parts(luma)
    if mode == MODE:
        hashed |= {"phash": str(imagehash.phash(luma)), "phash256": str(imagehash.phash(luma, hash_size=16))}
    elif mode == EXACT:
        hashed["phash"] = str(imagehash.phash(whole))
    return {"hash_mode": mode, **hashed, "sharpness": sharpness, "contrast": contrast}


def of_parts(luma: Image.Image) -> dict[str, str]:
    """The three hashes of a mode L picture, without a rounding between: a bit or two off imagehash's, .4 ms for all.

    A hash is the median rule on the lowest frequencies of a part reduced with Lanczos' kernel. Reduction and cosines
    are one matrix a side (cached by its length), so that the whole and all `VIEWS` cost one product.
    """
    pixels = np.asarray(luma, np.float32)
    upright, across = _frequencies(luma.height, 1), _frequencies(luma.width, 0)
    half = np.concatenate(upright) @ pixels
    ends = np.cumsum([len(part) for part in upright])[:-1]
    low = [part @ other.T for part, other in zip(np.split(half, ends), across, strict=True)]
    hashed = [np.packbits(part > np.median(part)).tobytes().hex() for part in low]
    return {"phash": hashed[0], "phash256": hashed[1], "phash_views": "".join(hashed[2:])}


@lru_cache(256)
def _frequencies(side: int, axis: int) -> list[NDArray[np.float32]]:
    """(8 or 16, side) each: from a row of pixels to the lowest frequencies of a part; axis 0 is x.

    The parts are the whole for `phash`, the whole for `phash256`, then each of `VIEWS`; a part is reduced to four times
    as many samples as it has frequencies.
    """
    parts = [(8, 0.0, 1.0), (16, 0.0, 1.0), *((8, box[axis], box[axis + 2]) for box in VIEWS.values())]
    return [
        (_cosines(low) @ _lanczos(side, begin * side, end * side, 4 * low)).astype(np.float32)
        for low, begin, end in parts
    ]


def _cosines(low: int) -> NDArray[np.float64]:
    """(low, 4 low): the lowest rows of a DCT-II."""
    rows: NDArray[np.float64] = np.cos(np.pi / (4 * low) * np.outer(np.arange(low), np.arange(4 * low) + 0.5))
    return rows


def _lanczos(side: int, begin: float, end: float, samples: int) -> NDArray[np.float64]:
    """(samples, side): the reduction of pixels begin to end, as Pillow's LANCZOS weighs them."""
    step = (end - begin) / samples
    width = max(step, 1.0)
    centres = begin + (np.arange(samples) + 0.5) * step
    away = (np.arange(side) + 0.5 - centres[:, None]) / width
    inside = (np.arange(side) >= np.floor(begin)) & (np.arange(side) < np.ceil(end))
    weights = np.where((np.abs(away) < 3) & inside, np.sinc(away) * np.sinc(away / 3), 0)
    reduced: NDArray[np.float64] = weights / weights.sum(1, keepdims=True)
    return reduced


def sharpness_contrast(luma: Image.Image) -> tuple[float, float]:
    """Sharpness and contrast of a mode L picture, as this module's docstring defines them."""
    small = luma.copy()
    small.thumbnail((MEASURED_SIDE_PX, MEASURED_SIDE_PX), Image.Resampling.BOX)
    grey = np.asarray(small).astype(np.int16)
    contrast = float(grey.std())
    if min(grey.shape) < 3 or contrast == 0:
        return 0.0, contrast
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.std()) / contrast, contrast
