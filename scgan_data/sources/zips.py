"""Zip archives: members by the central directory, each read only when it is asked for."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from scgan_data.sources.columns import NOTHING, Told
from scgan_data.sources.members import (
    Member,
    is_hidden,
    is_sidecar,
    plain_name,
    read_limited,
    said_beside,
    signature_of,
    unreadable,
)
from scgan_data.web.address import RefusedError

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_ENCRYPTED = 0x1


def is_zip(file: Path) -> bool:
    """Whether the first bytes are a zip's; a file that is not there is none."""
    try:
        with file.open("rb") as stream:
            return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except OSError:
        return False


def check(file: Path) -> None:
    """Raises ValueError where the archive's directory cannot be read, or OSError."""
    try:
        zipfile.ZipFile(file).close()
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ValueError(f"{error} (is its end missing?)") from None


def members(file: Path) -> Iterator[Member]:
    """The members that are files and not hidden, in the archive's order; a sidecar that was used is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield from _members(archive, signature_of(file))
    except DAMAGE as error:
        yield Member("", refused=unreadable(error))


def _members(archive: zipfile.ZipFile, signature: str) -> Iterator[Member]:
    infos = [i for i in archive.infolist() if not i.is_dir() and not is_hidden(i.filename)]
    beside = {i.filename: i for i in infos if is_sidecar(i.filename, i.file_size)}
    read = partial(_read_beside, archive, beside)
    used: set[str] = set()
    for info in sorted(infos, key=lambda info: info.filename in beside):
        if info.filename not in used:
            said = NOTHING if info.filename in beside else said_beside(info.filename, read, used)
            yield _member(archive, info, signature, said)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, signature: str, said: Told) -> Member:
    if info.flag_bits & _ENCRYPTED:
        return Member(plain_name(info.filename), said=said, refused=unreadable("encrypted"))
    return Member(
        plain_name(info.filename),
        f"{signature}/{info.file_size}-{info.CRC:08x}",
        partial(_read, archive, info),
        info.file_size,
        said,
    )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as stream:
            return read_limited(stream, info.file_size)
    except DAMAGE as error:
        raise unreadable(error) from None


def _read_beside(archive: zipfile.ZipFile, beside: Mapping[str, zipfile.ZipInfo], name: str) -> bytes | None:
    try:
        return _read(archive, beside[name]) if name in beside else None
    except RefusedError:
        return None
