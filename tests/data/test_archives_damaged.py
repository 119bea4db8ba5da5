"""Damaged, hostile and huge archives: what can be had is offered, the rest is a row, and nothing is an exception."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scgan_data.records import Reason
from scgan_data.sources import members
from scgan_data.sources.archive import ArchiveSource
from tests.data.local_sources import KINDS, a_tar, a_zip, no_page, read_in_turn


def contents(path: Path) -> dict[str, bytes | Reason]:
    """By name inside the archive; "" is the archive itself."""
    return {
        offer.url.removeprefix(str(path)).removeprefix("!/"): came
        for offer, came in read_in_turn(ArchiveSource(path=path), path.parent)
    }


def test_a_damaged_zip_member_is_refused_alone(tmp_path: Path) -> None:
    whole = a_zip({"1.jpg": b"first picture", "2.jpg": b"second picture", "3.jpg": b"third"}, zipfile.ZIP_STORED)
    (tmp_path / "a.zip").write_bytes(whole.replace(b"second", b"SECOND"))
    assert contents(tmp_path / "a.zip") == {
        "1.jpg": b"first picture",
        "2.jpg": Reason.FILE_UNREADABLE,
        "3.jpg": b"third",
    }


def test_zip_members_that_cannot_be_unpacked_are_refused(tmp_path: Path) -> None:
    whole = bytearray(a_zip({"1.jpg": b"encrypted", "2.jpg": b"method", "3.jpg": b"fine"}, zipfile.ZIP_STORED))
    for number, offset, value in ((1, 8, 0x1), (2, 10, 99)):  # general purpose flags; compression method
        entry = [m.start() for m in re.finditer(b"PK\x01\x02", whole)][number]
        struct.pack_into("<H", whole, entry + offset, value)
    (tmp_path / "a.zip").write_bytes(whole)
    found = {
        offer.url[-5:]: (offer, came) for offer, came in read_in_turn(ArchiveSource(path=tmp_path / "a.zip"), tmp_path)
    }
    assert {name: came for name, (_, came) in found.items()} == {
        "1.jpg": Reason.FILE_UNREADABLE,
        "2.jpg": Reason.FILE_UNREADABLE,
        "3.jpg": b"fine",
    }
    refused = found["1.jpg"][0].refused
    assert refused is not None and refused.detail == "encrypted"


@pytest.mark.parametrize("name", KINDS)
def test_a_member_larger_than_the_cap_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_MEMBER_BYTES", 20_000)
    files = {"1.jpg": b"fits", "2.jpg": bytes(20_001), "3.jpg": bytes(20_000), "4.json": bytes(20_001), "4.jpg": b"4"}
    (tmp_path / name).write_bytes(KINDS[name](files))
    assert contents(tmp_path / name) == files | {"2.jpg": Reason.TOO_MANY_BYTES, "4.json": Reason.TOO_MANY_BYTES}


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_member_that_lies_about_its_size_is_refused(tmp_path: Path, method: int) -> None:
    bomb = bytearray(a_zip({"1.jpg": bytes(50_000_000)}, method))
    struct.pack_into("<I", bomb, bomb.index(b"PK\x01\x02", bomb.index(b"PK\x01\x02") + 1) + 24, 1000)
    (tmp_path / "a.zip").write_bytes(bomb)
    assert len(bomb) < 100_000
    assert contents(tmp_path / "a.zip") == {"1.jpg": Reason.FILE_UNREADABLE}


@pytest.mark.parametrize("packed", [False, True])
def test_the_rest_of_a_tar_that_breaks_off_is_one_refusal(tmp_path: Path, packed: bool) -> None:
    whole = a_tar({"1.jpg": b"1" * 700, "2.jpg": b"2" * 700, "3.jpg": b"3" * 700})
    cuts = {
        "in the data": whole.index(b"2" * 700) + 100,
        "in a header": whole.index(b"2.jpg") + 100,
        "at a header": whole.index(b"2.jpg"),
    }
    for cut in cuts.values():
        part = whole[:cut]
        (tmp_path / "a.tar").write_bytes(gzip.compress(part) if packed else part)
        found = contents(tmp_path / "a.tar")
        assert found.pop("2.jpg", Reason.FILE_UNREADABLE) == Reason.FILE_UNREADABLE
        assert found == {"1.jpg": b"1" * 700, "": Reason.FILE_UNREADABLE}


def test_a_garbled_header_is_no_end_of_the_archive(tmp_path: Path) -> None:
    whole = a_tar({"1.jpg": b"1", "2.jpg": b"2", "3.jpg": b"3"})
    (tmp_path / "a.tar").write_bytes(whole.replace(b"2.jpg", b"X.jpg"))
    assert contents(tmp_path / "a.tar") == {"1.jpg": b"1", "": Reason.FILE_UNREADABLE}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_tar_that_is_cut_gives_what_came_before(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    noise = {f"{n}.jpg": bytes((n * i * i) % 251 for i in range(300_000)) for n in range(3, 9)}
    whole = pack(a_tar(noise))
    (tmp_path / "a.tar").write_bytes(whole[: len(whole) * 2 // 3])
    found = contents(tmp_path / "a.tar")
    assert found[""] == Reason.FILE_UNREADABLE
    whole_ones = {name for name, came in found.items() if came == noise.get(name)}
    assert {name for name, came in found.items() if isinstance(came, bytes)} == whole_ones


def test_hostile_tar_headers(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        good = tarfile.TarInfo("1.jpg")
        good.size = 1
        archive.addfile(good, io.BytesIO(b"1"))
        long_name = tarfile.TarInfo("long")
        long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 2**33 - 1
        buffer.write(long_name.tobuf(tarfile.USTAR_FORMAT))
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    assert contents(tmp_path / "a.tar") == {"1.jpg": b"1", "": Reason.FILE_UNREADABLE}
    chained = tarfile.TarInfo("chain")
    chained.type = tarfile.XHDTYPE
    (tmp_path / "b.tar").write_bytes(a_tar({"1.jpg": b"1"})[: 5 * 512] + chained.tobuf(tarfile.USTAR_FORMAT) * 5000)
    assert contents(tmp_path / "b.tar") == {"1.jpg": b"1", "": Reason.FILE_UNREADABLE}


def test_a_name_that_is_no_unicode_is_written_out(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("caf\udce9.jpg"))
    assert contents(tmp_path / "a.tar") == {r"caf\xe9.jpg": b""}


def test_a_long_run_of_one_key_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scgan_data.sources.tars.MAX_MEMBER_BYTES", 5000)
    files = {f"key.{n}.jpg": bytes([n]) * 1000 for n in range(30)}
    (tmp_path / "a.tgz").write_bytes(gzip.compress(a_tar(files)))
    seen = []
    with ArchiveSource(path=tmp_path / "a.tgz").open(tmp_path) as opened:
        for offer in opened.streams[""](no_page):
            assert offer.local is not None
            seen.append((offer.url.partition("!/")[2], offer.local.read()))
    assert dict(seen) == files
