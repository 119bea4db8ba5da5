"""What the tests of sources on this machine share: reading one as collect does, and archives of every kind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Ask, Visited


def no_page(ask: Ask) -> Visited:
    raise AssertionError(f"{ask.url}: a source on this machine reads no page")


def offers_of(source: Any, work: Path) -> list[Offer]:
    with source.open(work) as opened:
        assert list(opened.streams) == [""]
        return list(opened.streams[""](no_page))


def read_in_turn(source: Any, work: Path) -> Iterator[tuple[Offer, bytes | Reason]]:
    """Each offer with what came of it, read while the source stands at it."""
    with source.open(work) as opened:
        assert opened.is_local
        for offer in opened.streams[""](no_page):
            assert (offer.local is None) == (offer.refused is not None)
            try:
                yield offer, offer.local.read() if offer.local else offer.refused.reason
            except RefusedError as refused:
                yield offer, refused.reason


def a_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.mkdir("folder")
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def a_tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("folder", tarfile.DIRTYPE), ("link.jpg", tarfile.SYMTYPE), ("dev", tarfile.CHRTYPE)):
            special = tarfile.TarInfo(name)
            special.type, special.linkname = kind, "/etc/passwd"
            archive.addfile(special)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


KINDS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "photos.zip": a_zip,
    "stored.zip": lambda files: a_zip(files, zipfile.ZIP_STORED),
    "lzma.zip": lambda files: a_zip(files, zipfile.ZIP_LZMA),
    "photos.tar": a_tar,
    "photos.tar.gz": lambda files: gzip.compress(a_tar(files)),
    "photos.tbz2": lambda files: bz2.compress(a_tar(files)),
    "photos.tar.xz": lambda files: lzma.compress(a_tar(files)),
    "photos.tar.zst": lambda files: pa.compress(a_tar(files), codec="zstd", asbytes=True),
    "no_suffix": a_tar,
}
