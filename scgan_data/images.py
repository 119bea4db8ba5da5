"""The one gateway that turns bytes into pixels, and pixels into the files that we keep.

Whatever comes from outside goes through `decode`: an allow-list of formats (by content, never by name), byte and pixel
limits checked before any pixel is unpacked, truncated and damaged files refused, EXIF orientation applied. What we keep
carries no EXIF, GPS or other metadata, and exactly the pixels that `pixel_id` names: an upright JPEG stays one, without
its metadata segments (`jpeg`); everything else, and all that a stage makes, is written anew as PNG, so that no stage
adds a generation of loss.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from scgan_data.records import Reason

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
MAX_BYTES = 64 * 2**20
MAX_PIXELS = 64_000_000
MOST_PIXELS = Image.MAX_IMAGE_PIXELS or MAX_PIXELS
"""Where Pillow itself, which looks before we can, takes a file for a bomb."""
RGB = NDArray[np.uint8]
"""(H, W, 3) uint8, sRGB as the file has it."""

warnings.simplefilter("error", Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", "Corrupt EXIF data", UserWarning)  # the row says what is wrong with the file


_HEIC = "HEIC, as phones save photographs: convert it to JPEG or PNG, for example with libheif's `heif-convert`"
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_VIDEO = "a video: name it as a source of its own (`--from CLIP.mp4`)"
_BEGINNINGS = (
    ((b"<!doctype html", b"<html", b"<head"), "a web page (HTML): the address leads to a page, not to its picture"),
    ((b"<svg", b"<?xml"), "SVG or other XML: draw it as PNG"),
    ((b"%pdf",), "a PDF: save its pages as PNG or JPEG"),
    ((b"8bps",), "a Photoshop file: save it as PNG"),
    ((b"pk\x03\x04",), "a zip archive: name it as a source of its own (`--from FILE.zip`)"),
    ((b"\x1ae\xdf\xa3",), _VIDEO),
)


class UndecodableError(Exception):
    """Bytes that are no picture for us: carries the reason, and the measured value and limit where there is one."""

    def __init__(self, reason: Reason, detail: str, *, value: float | None = None, limit: float | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.value, self.limit = reason, detail, value, limit


@dataclass(frozen=True)
class Picture:
    """A decoded picture: upright RGB pixels, and what its file said beside them."""

    image: Image.Image
    """RGB; L after a decode of luma only."""
    format: str
    """Of the file: JPEG, PNG, ..."""
    orientation: int = 1
    """EXIF's, 1 to 8; it has been applied."""
    full_px: tuple[int, int] | None = None
    """Width and height of the whole picture, upright; `image` is smaller after a decode of reduced size."""
    opened: Image.Image | None = field(default=None, repr=False)
    """The file as Pillow opened it, for its metadata (`.info`); its pixels may be gone."""

    @property
    def pixel_id(self) -> str:
        """sha256 over size and RGB bytes."""
        head = f"RGB {self.image.width} {self.image.height} ".encode()
        return hashlib.sha256(head + self.image.tobytes()).hexdigest()


def decode(
    data: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    keeps_metadata: bool = False,
    luma_of_px: int | None = None,
) -> Picture:
    """Decode untrusted bytes. Raises UndecodableError, and nothing else, for whatever is wrong with them.

    `keeps_metadata` is for who reads it: `Picture.opened` has it then, and `Picture.image` may. With `luma_of_px` a
    JPEG is decoded to its luma only, at 1/8, 1/4 or 1/2 of its size where no side falls below that many pixels (the
    whole file is read all the same: a truncated one is found); it, and what is grey without transparency, stays L.
    """
    _at_most(max_bytes, len(data), Reason.TOO_MANY_BYTES, f"{len(data)} bytes")
    with _damage_told(data, max_pixels), Image.open(BytesIO(data), formats=FORMATS) as image:
        full_px = image.size
        _at_most(max_pixels, full_px[0] * full_px[1], Reason.TOO_MANY_PIXELS, f"{full_px[0]} x {full_px[1]}")
        if luma_of_px:
            image.draft("L", (luma_of_px, luma_of_px))  # does nothing to other formats
        image.load()
        orientation = _orientation(image)
        upright = ImageOps.exif_transpose(image) if orientation != 1 else image  # a copy of each costs 2 of 12 ms
        is_luma = luma_of_px is not None and image.mode == "L" and "transparency" not in image.info
        plain = upright if is_luma else _plain_rgb(upright)
        if not keeps_metadata:
            plain.info = {}
        upright_px = full_px[::-1] if orientation >= 5 else full_px
        return Picture(plain, str(image.format), orientation, upright_px, image if keeps_metadata else None)


def what_it_is(data: bytes) -> str:
    """What bytes that are no picture for us are, by how they begin, and what to do about the common kinds."""
    if not data:
        return "an empty file (0 bytes): fetch or copy it again"
    if data[4:8] == b"ftyp":
        return _HEIC if data[8:12] in _HEIC_BRANDS else _VIDEO
    if data[8:10] == b"CR":
        return "a camera's raw file: develop it to JPEG or PNG"
    begin = data[:64].lstrip().lower()
    return next((what for marks, what in _BEGINNINGS if begin.startswith(marks)), "no picture of an allowed format")


def _at_most(limit: int, value: int, reason: Reason, detail: str) -> None:
    if value > limit:
        raise UndecodableError(reason, detail, value=float(value), limit=float(limit))


@contextmanager
def _damage_told(data: bytes, max_pixels: int) -> Iterator[None]:
    """Whatever Pillow raises inside, as a verdict on the file."""
    try:
        yield
    except UndecodableError:
        raise
    except UnidentifiedImageError:
        raise UndecodableError(Reason.NOT_AN_IMAGE, what_it_is(data)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UndecodableError(Reason.TOO_MANY_PIXELS, str(error), limit=float(max_pixels)) from None
    except Exception as error:  # Pillow's plugins raise a dozen types for hostile bytes
        raise UndecodableError(_kind_of_damage(error), f"{type(error).__name__}: {error}"[:200]) from None


def _kind_of_damage(error: Exception) -> Reason:
    text = str(error).lower()
    ends_early = isinstance(error, EOFError) or any(w in text for w in ("truncat", "end of file", "not enough"))
    return Reason.TRUNCATED if ends_early else Reason.BROKEN


def _orientation(image: Image.Image) -> int:
    value = image.getexif().get(ExifTags.Base.Orientation)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _plain_rgb(upright: Image.Image) -> Image.Image:
    """16 bits scaled to 8, transparency laid on white, plain RGB."""
    if upright.mode.startswith("I;16") or upright.mode == "I":
        wide = np.asarray(upright, dtype=np.float64)
        upright = Image.fromarray(np.clip(wide / 257.0, 0, 255).round().astype(np.uint8))
    if upright.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return upright if upright.mode == "RGB" else upright.convert("RGB")


def load(path: Path | str) -> Image.Image:
    """A picture that this project wrote, as RGB. Raises UndecodableError or OSError."""
    return decode(Path(path).read_bytes()).image


def encode_png(image: Image.Image) -> bytes:
    """Pixels as PNG bytes, without metadata; equal pixels give equal bytes for one version of Pillow."""
    buffer = BytesIO()
    Image.frombytes("RGB", image.size, image.convert("RGB").tobytes()).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()
