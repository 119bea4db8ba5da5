"""Tar archives and WebDataset shards, read once from front to end; compressed ones are never unpacked to disk.

Members come in groups of one key (the name up to its first dot), so that a picture waits for the JSON and the caption
that follow it. A plain tar's members are read when asked for; a compressed one's are held until their group has been
offered, because the stream does not go back.

tarfile takes a header that is cut off or garbled for the end of the archive; here it is an error, so that the rest of a
damaged archive is missed by a refusal instead of by nobody. So is an archive without its end mark.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tarfile import EOFHeaderError, HeaderError  # type: ignore[attr-defined]
from typing import IO, Self, cast

import pyarrow as pa

from scgan_data.sources.columns import NOTHING
from scgan_data.sources.members import (
    MAX_MEMBER_BYTES,
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
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    pa.ArrowException,
    ValueError,
    RecursionError,
)
_MAX_HEADER_BYTES = 2**20
_LONG_HEADERS = (b"L", b"K", b"x", b"g", b"X")


class DamagedError(tarfile.TarError):
    """The archive cannot be followed any further."""


class _Header(tarfile.TarInfo):
    """A member's header; what would end the archive quietly, or fill the memory, is an error."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile)
        except EOFHeaderError:
            raise
        except HeaderError as error:
            raise DamagedError(f"the archive breaks off: {error}") from None

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _LONG_HEADERS and self.size > _MAX_HEADER_BYTES:
            raise DamagedError(f"a header of {self.size} bytes")
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


@dataclass(frozen=True)
class _Entry:
    """A member before it is known what its group says of it."""

    name: str
    signature: str
    size_bytes: int
    read: Callable[[], bytes]


def check(file: Path) -> None:
    """Raises ValueError where the file is no tar archive, or OSError."""
    try:
        with _opened(file) as (archive, _):
            archive.next()
    except OSError:
        raise
    except DAMAGE as error:
        raise ValueError(str(error)) from None


def members(file: Path) -> Iterator[Member]:
    """The members that are files and not hidden, in the archive's order; a sidecar that was used is none."""
    try:
        with _opened(file) as (archive, goes_back):
            for group in _groups(_entries(archive, goes_back, signature_of(file))):
                yield from _members(group)
    except DAMAGE as error:
        yield Member("", refused=unreadable(error))


@contextmanager
def _opened(file: Path) -> Iterator[tuple[tarfile.TarFile, bool]]:
    """The archive, and whether it can go back to a member."""
    with file.open("rb") as raw:
        stream = _unpacked(raw)
        if stream is None:
            with tarfile.open(fileobj=raw, mode="r:", tarinfo=_Header) as archive:
                yield archive, True
            return
        with stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
            yield archive, False


def _unpacked(raw: io.BufferedReader) -> io.BufferedIOBase | None:
    """The stream inside a compressed file, None where it is not compressed."""
    head = raw.peek(8)
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw)
    if head.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(raw)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BufferedReader(pa.input_stream(raw, compression="zstd"))
    return None


def _entries(archive: tarfile.TarFile, goes_back: bool, signature: str) -> Iterator[_Entry]:
    while (info := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # or it holds those of a shard of a million
        if info.isreg() and not is_hidden(info.name):
            read = partial(_read, archive, info)
            of_member = f"{signature}/{info.size}-{info.mtime}"
            yield _Entry(info.name, of_member, info.size, read if goes_back else _held(read))


def _groups(entries: Iterator[_Entry]) -> Iterator[list[_Entry]]:
    """Runs of one key; a run that would hold more than one member may is handed out in parts."""
    group: list[_Entry] = []
    held, damage = 0, None
    try:
        for entry in entries:
            if group and (_key(entry.name) != _key(group[0].name) or held + entry.size_bytes > MAX_MEMBER_BYTES):
                yield group
                group, held = [], 0
            group.append(entry)
            held += entry.size_bytes
    except DAMAGE as error:
        damage = error
    if group:
        yield group
    if damage is not None:
        raise damage


def _key(name: str) -> str:
    folder, slash, base = name.rpartition("/")
    return folder + slash + base.partition(".")[0]


def _members(group: list[_Entry]) -> Iterator[Member]:
    beside = {entry.name: entry for entry in group if is_sidecar(entry.name, entry.size_bytes)}
    used: set[str] = set()
    for entry in sorted(group, key=lambda entry: entry.name in beside):
        if entry.name not in used:
            said = NOTHING if entry.name in beside else said_beside(entry.name, partial(_read_beside, beside), used)
            yield Member(plain_name(entry.name), entry.signature, entry.read, entry.size_bytes, said)


def _read_beside(beside: Mapping[str, _Entry], name: str) -> bytes | None:
    try:
        return beside[name].read() if name in beside else None
    except RefusedError:
        return None


def _read(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    try:
        with cast(IO[bytes], archive.extractfile(info)) as stream:
            return read_limited(stream, info.size)
    except DAMAGE as error:
        raise unreadable(error) from None


def _held(read: Callable[[], bytes]) -> Callable[[], bytes]:
    """The same, read now: its bytes, or its refusal, each time."""
    try:
        data = read()
    except RefusedError as error:
        return partial(_refuse, error)
    return lambda: data


def _refuse(refused: RefusedError) -> bytes:
    raise refused
