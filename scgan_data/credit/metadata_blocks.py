"""The metadata blocks of a picture's file: EXIF texts, IPTC-IIM texts, and the C2PA manifest store of each container.

Small readers instead of Pillow's, because of whose bytes these are: to Pillow a directory of thousands of overlapping
entries means gigabytes copied. Here a directory ends after `_ENTRIES`, a tag counts once, texts are cut and blocks
over a limit left out. Damage reads as silence: nothing here raises on any bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import Image, JpegImagePlugin, PngImagePlugin

MAX_BYTES = 2**20
MAX_C2PA_BYTES = 16 * 2**20
"""A manifest store carries thumbnails. It is searched, not parsed."""
MAX_TEXT_BYTES = 1200

_ENTRIES, _DATA_SETS, _BOXES = 512, 1000, 64
_EXIF_POINTER = 0x8769
_EXIF = {
    0x010F: "make",
    0x0131: "software",
    0x013B: "artist",
    0x8298: "copyright",
    0x83BB: "iptc",
    0x9286: "comment",
    0x9C9D: "xp_author",
    0xCD41: "c2pa",
}
_LIMITS = {"iptc": MAX_BYTES, "comment": MAX_BYTES, "c2pa": MAX_C2PA_BYTES}
_IPTC = {80: "byline", 110: "credit", 116: "copyright"}
_C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def exif(block: bytes) -> dict[str, bytes]:
    """Values of an EXIF block, or of a TIFF file: make, software, artist, copyright, comment, xp_author, iptc, c2pa."""
    tiff = block[6:] if block.startswith(b"Exif\0\0") else block
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    found: dict[str, bytes] = {}
    if order is None or len(tiff) < 8:
        return found
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    pointer = _read_directory(tiff, order, start, found)
    if pointer is not None:
        _read_directory(tiff, order, pointer, found)
    return found


def _read_directory(tiff: bytes, order: str, start: int, found: dict[str, bytes]) -> int | None:
    """Adds a directory's values to `found`; where the directory of EXIF's own tags starts, if it says so."""
    pointer = None
    (count,) = struct.unpack_from(order + "H", tiff, start) if start + 2 <= len(tiff) else (0,)
    entries = tiff[start + 2 : start + 2 + 12 * min(count, _ENTRIES)]
    whole = entries[: len(entries) // 12 * 12]
    for number, (tag, kind, length, place) in enumerate(struct.iter_unpack(order + "HHII", whole)):
        if tag == _EXIF_POINTER:
            pointer = place
        name = _EXIF.get(tag)
        size = length * (4 if kind in {4, 9} else 1)
        if name is None or name in found or size > _LIMITS.get(name, size):
            continue
        first = place if size > 4 else start + 2 + 12 * number + 8
        found[name] = tiff[first : first + min(size, _LIMITS.get(name, MAX_TEXT_BYTES))]
    return pointer


def user_comment(value: bytes) -> str:
    """The text of EXIF's UserComment, whose first eight bytes name its encoding."""
    body = value[8:]
    if not value.startswith(b"UNICODE"):
        return text(body)
    return body.decode("utf-16-be" if body[:1] == b"\0" else "utf-16-le", "replace")


def text(value: bytes) -> str:
    """A text of a format that leaves the encoding open: UTF-8 where it is that, else Windows-1252."""
    value = value.partition(b"\0")[0]
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def iptc(block: bytes) -> dict[str, str]:
    """By-line, credit and copyright notice (byline, credit, copyright) of an IPTC-IIM block."""
    found: dict[str, list[str]] = {}
    for number, value in _data_sets(block):
        if name := _IPTC.get(number):
            found.setdefault(name, []).append(text(value[:MAX_TEXT_BYTES]))
    return {name: ", ".join(values[:10]) for name, values in found.items()}


def _data_sets(block: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, value) of the data sets of record 2."""
    at = 0
    for _ in range(_DATA_SETS):
        if block[at : at + 1] != b"\x1c" or at + 5 > len(block):
            return
        record, number, size = struct.unpack_from(">BBH", block, at + 1)
        if size & 0x8000:  # an extended length: for objects, not for texts
            return
        if record == 2:
            yield number, block[at + 5 : at + 5 + size]
        at += 5 + size


def c2pa(data: bytes, image: Image.Image) -> bytes:
    """The bytes of a file's C2PA manifest store; empty where there is none. A TIFF's is one of its tags, see `exif`."""
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        # The store is cut into segments that repeat 16 bytes of headers; joined without them, no word is cut.
        parts = [part[16:] for name, part in image.applist if name == "APP11" and part[:2] == b"JP"]
        return b"".join(parts)[:MAX_C2PA_BYTES]
    if isinstance(image, PngImagePlugin.PngImageFile):
        return next((chunk[1][:MAX_C2PA_BYTES] for chunk in image.private_chunks if chunk[0] == b"caBX"), b"")
    if image.format == "WEBP":
        return _riff_chunk(data, b"C2PA")
    return _uuid_box(data, _C2PA_UUID) if image.format == "AVIF" else b""


def _riff_chunk(data: bytes, name: bytes) -> bytes:
    """The content of a chunk of a WebP file."""
    at = 12
    for _ in range(_DATA_SETS):
        if at + 8 > len(data):
            break
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == name:
            return data[at + 8 : at + 8 + min(size, MAX_C2PA_BYTES)]
        at += 8 + size + (size & 1)
    return b""


def _uuid_box(data: bytes, uuid: bytes) -> bytes:
    """The content of a top-level `uuid` box of an ISO media file."""
    at = 0
    for _ in range(_BOXES):
        if at + 8 > len(data):
            break
        size = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"uuid" and data[at + 8 : at + 24] == uuid:
            return data[at + 24 : at + min(size or len(data), MAX_C2PA_BYTES)]
        if size < 8:  # 0: to the end; 1: a 64-bit size, which only a box of gigabytes needs
            break
        at += size
    return b""
