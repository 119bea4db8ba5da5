"""A JPEG file without its metadata, the compressed pixels untouched.

A collected photograph is kept as the JPEG that it was: no loss, no work, and an eighth of the bytes that a PNG of the
same pixels has (100 KB against 780 KB at 720 x 900, where writing that PNG took 4 times as long as all else that
collect does with the picture). What may say who or where (EXIF with GPS, XMP, IPTC, comments, thumbnails, further
pictures behind the first) is left out: every segment that decoding does not need goes, by an allow-list (ITU-T T.81,
table B.1).
"""

from __future__ import annotations

import re

_TABLES_AND_FRAMES = frozenset(
    {0xC4, 0xCC, 0xDB, 0xDC, 0xDD}  # DHT, DAC, DQT, DNL, DRI
    | (set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC})  # SOFn
)
_SOI, _EOI, _SOS, _APP0, _APP14 = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE
_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
"""Says that the colours are YCbCr, with no thumbnail."""
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def without_metadata(data: bytes) -> bytes | None:
    """The file with only what decoding needs; None where its segments cannot be followed to the end of the picture."""
    if data[:2] != b"\xff\xd8":
        return None
    kept, begin = [data[:2]], 2
    while (found := _start_of_marker(data, begin)) is not None:
        at, code = found, data[found + 1]
        if code == _EOI:
            return b"".join([*kept, b"\xff\xd9"])
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if code == _SOS:
            end = _end_of_scan(data, end)
        if end > len(data) or end <= at + 3:
            return None
        kept.append(_kept(code, data[at:end]))
        begin = end
    return None


def _start_of_marker(data: bytes, at: int) -> int | None:
    """Where the marker at or after fill bytes begins; None where there is none."""
    while data[at : at + 2] == b"\xff\xff":
        at += 1
    return at if at + 2 <= len(data) and data[at] == 0xFF and data[at + 1] not in (0, _SOI) else None


def _end_of_scan(data: bytes, at: int) -> int:
    """The next marker after entropy-coded data (stuffed zeros and restarts belong to it)."""
    found = _MARKER_IN_SCAN.search(data, at)
    return found.start() if found else len(data) + 1


def _kept(code: int, segment: bytes) -> bytes:
    if code == _APP0 and segment[4:9] == b"JFIF\x00":
        return _JFIF
    is_adobe = code == _APP14 and segment[4:9] == b"Adobe" and len(segment) == 16
    return segment if code in _TABLES_AND_FRAMES or code == _SOS or is_adobe else b""
