"""What one decode of a file computes for every later stage: pixel id, size, perceptual hashes, sharpness, contrast.

Hashes are imagehash's `phash` of the upright RGB picture turned to luma (mode L, ITU-R 601): `phash` 64 bits
(hash_size 8), `phash256` 256 bits (hash_size 16), as hexadecimal text of `imagehash.hex_to_hash`. Luma rather than the
RGB channels: a copy in grey keeps its hash. A picture whose longer side is 512 pixels or more is first reduced by the
whole factor that leaves at least 256 (mean of boxes): on 129 photographs and stills .5 bits of 64 differ in the mean
from the hash of the whole (4 at most), 2.8 of 256 (14 at most), and at 720 x 900 both cost 2 ms instead of 9.

`phash_views` are 64-bit hashes of eight parts of the picture (`VIEWS`), by the same definition: a crop, or a copy with
a frame or a caption, hardly resembles the whole (of 150 selfies cut by 10 % somewhere 52 % stay within 14 bits, framed
ones 43 %), but it resembles a part, or a part of it resembles the whole (100 % each).

`thumbnail` is the picture in colour at 32 pixels (`glimpse`): what hashes of luma do not tell apart.

A bare folder, which nobody collected, is hashed in two other modes (`bare_hashes`), and has no thumbnail, since a JPEG
there is decoded to its luma only; its pictures' sharpness is measured where it is asked for.

Sharpness and contrast are measured on luma with its longer side reduced to at most 256 pixels, so that they do not
depend on the resolution a site happens to serve; a smaller picture is not enlarged. Contrast is the standard deviation
(0 to 127). Sharpness is the standard deviation of the Laplacian (4 neighbours), divided by the contrast: a dim picture
is no blurred one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from scgan_data import glimpse, hash_matrices, images, jpeg
from scgan_data.config import Config
from scgan_data.hash_matrices import LOW, WIDE
from scgan_data.images import Picture, UndecodableError

MODE = "phash/L/256"
"""What the perceptual hashes of `measure` are, as above. Hashes of another mode are never compared with these."""
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
MODULES = (
    "scgan_data.hashes",
    "scgan_data.hash_matrices",
    "scgan_data.glimpse",
    "scgan_data.images",
    "scgan_data.jpeg",
)
"""The modules whose source decides what `measure` returns."""
MEASURED_SIDE_PX = 256
_ROWS, _COLUMNS = 8, 64
"""The blocks of a product of matrices: small enough (8 x 511 x 64 multiplications) for BLAS to use one thread."""


class _Spans(NamedTuple):
    """Along one axis: what the parts extend over, each once, the whole first; and which of these each part has."""

    spans: tuple[tuple[float, float], ...]
    of_part: list[int]


def _spans(axis: int) -> _Spans:
    wanted = [(0.0, 1.0), *((box[axis], box[axis + 2]) for box in VIEWS.values())]
    spans = tuple(dict.fromkeys(wanted))
    return _Spans(spans, [spans.index(span) for span in wanted])


_SPANS = (_spans(0), _spans(1))


class DecodeConfig(Config):
    """Limits of the decoding gateway."""

    max_bytes: int = Field(images.MAX_BYTES, ge=1)
    """Largest file that is decoded."""
    max_pixels: int = Field(images.MAX_PIXELS, ge=1, le=images.MOST_PIXELS)
    """Largest picture that is unpacked, width times height; Pillow refuses more than 89 million in any case."""


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
        return Measured(refused(error))
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
    luma = reduced(picture.image.convert("L"))
    exact = {"phash": str(imagehash.phash(luma)), "phash256": str(imagehash.phash(luma, hash_size=16))}
    of_whole = {"pixel_id": picture.pixel_id, "thumbnail": glimpse.pack(picture.image)}
    return {**of_whole, **of_file(picture), "hash_mode": MODE, **of_luma(luma), **exact}


def refused(error: UndecodableError) -> dict[str, Any]:
    """The columns of a file that is no picture for us."""
    return {"reason": error.reason.value, "detail": error.detail, "value": error.value, "limit": error.limit}


def of_file(picture: Picture) -> dict[str, Any]:
    """The columns that say what the file is; width and height are those of the whole picture."""
    width, height = picture.full_px or picture.image.size
    return {"width": width, "height": height, "format": picture.format, "orientation": picture.orientation}


def reduced(luma: Image.Image) -> Image.Image:
    """A mode L picture by the whole factor that leaves the longer side at least 256 pixels, and below 512."""
    factor = max(luma.size) // MEASURED_SIDE_PX
    return luma.reduce(factor) if factor > 1 else luma


def of_luma(luma: Image.Image) -> dict[str, Any]:
    """The three hashes, sharpness and contrast of a reduced mode L picture."""
    sharpness, spread = sharpness_contrast(luma)
    return {**of_parts(luma), "sharpness": sharpness, "contrast": spread}


def of_parts(luma: Image.Image, extent_px: tuple[float, float] | None = None) -> dict[str, str]:
    """The three hashes of a reduced mode L picture, without a rounding between: a bit or two off imagehash's.

    A hash is the median rule on the lowest frequencies of a part reduced with Lanczos' kernel. Reduction and cosines
    are one matrix a side (cached by its length), so that the whole and all `VIEWS` cost one product, .2 ms at 277 px.

    `extent_px` is how many of `luma`'s pixels across and down the picture is, if not all: the last block of a reduced
    one may lie in it in part (1107 pixels are 138.375 blocks of 8, and 139 are there).
    """
    extent_x, extent_y = extent_px or luma.size
    across = hash_matrices.frequencies(luma.width, extent_x, _SPANS[0].spans)
    upright = hash_matrices.frequencies(luma.height, extent_y, _SPANS[1].spans)
    half = _product(upright, np.asarray(luma))
    rows, columns = (values[:-WIDE].reshape(-1, LOW, luma.width) for values in (half, across))
    whole, views = np.split(_low(rows[_SPANS[1].of_part], columns[_SPANS[0].of_part]), [LOW * LOW // 8])
    wide = _low(half[None, -WIDE:], across[None, -WIDE:])
    return {name: bits.tobytes().hex() for name, bits in (("phash", whole), ("phash256", wide), ("phash_views", views))}


def _product(rows: NDArray[np.float32], pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """rows @ pixels, in blocks: for one product BLAS would wake all its threads, 8 ms of CPU instead of .25."""
    values, groups = pixels.astype(np.float32), rows.reshape(-1, _ROWS, rows.shape[1])
    parts = [groups @ values[:, begin : begin + _COLUMNS] for begin in range(0, values.shape[1], _COLUMNS)]
    return np.concatenate(parts, axis=2).reshape(len(rows), -1)


def _low(half: NDArray[np.float32], across: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(parts * low * low / 8,): the bits of parts, by the median rule, from two (parts, low, width)."""
    flat = (half @ across.swapaxes(1, 2)).reshape(len(half), -1)
    middle = flat.shape[1] // 2
    median = np.partition(flat, (middle - 1, middle))[:, middle - 1 : middle + 1].mean(1, keepdims=True)
    return np.packbits(flat > median)


def sharpness_contrast(luma: Image.Image) -> tuple[float, float]:
    """Sharpness and contrast of a mode L picture, as this module's docstring defines them."""
    small = luma.copy()
    small.thumbnail((MEASURED_SIDE_PX, MEASURED_SIDE_PX), Image.Resampling.BOX)
    spread = contrast(small)
    if min(small.size) < 3 or spread == 0:
        return 0.0, spread
    grey = np.asarray(small).astype(np.int16)
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    squares = np.einsum("ij,ij->", laplacian, laplacian, dtype=np.int64)
    return _spread(laplacian.size, int(laplacian.sum(dtype=np.int64)), int(squares)) / spread, spread


def contrast(luma: Image.Image) -> float:
    """The standard deviation of a mode L picture's pixels, 0 to 127."""
    counts, levels = np.array(luma.histogram()), np.arange(256)
    return _spread(luma.width * luma.height, int(counts @ levels), int(counts @ levels**2))


def _spread(count: int, total: int, squares: int) -> float:
    """The standard deviation from sums of integers, exact up to the root: a quarter of the time of numpy's."""
    return math.sqrt(count * squares - total**2) / count
