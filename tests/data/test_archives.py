"""Archives and WebDataset shards: members are offered with what is said of them; damage is a row, no exception."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer, members
from scgan_data.sources.archive import ArchiveSource, is_archive
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Ask, Visited

Read = tuple[Offer, bytes | Reason]

FILES = {
    "./b/2.jpg": b"two" * 4000,
    "a/1.jpg": b"one",
    ".hidden.jpg": b"",
    "a/.git/x.jpg": b"",
    "__MACOSX/._1.jpg": b"",
    "../../etc/passwd": b"up",
    "/abs.jpg": b"abs",
    "notes.md": b"#",
}
OFFERED = {"b/2.jpg": b"two" * 4000, "a/1.jpg": b"one", "../../etc/passwd": b"up", "/abs.jpg": b"abs", "notes.md": b"#"}


def no_page(ask: Ask) -> Visited:
    raise AssertionError(f"{ask.url}: an archive reads no page")


def read_all(path: Path, **given: Any) -> Iterator[Read]:
    """Each offer with what came of it, read while the source stands at it, as collect does."""
    with ArchiveSource.model_validate({"path": path, **given}).open(path.parent) as opened:
        assert opened.is_local
        for offer in opened.streams[""](no_page):
            assert (offer.local is None) == (offer.refused is not None)
            try:
                yield offer, offer.local.read() if offer.local else offer.refused.reason  # type: ignore[union-attr]
            except RefusedError as refused:
                yield offer, refused.reason


def contents(path: Path) -> dict[str, bytes | Reason]:
    """By name inside the archive; "" is the archive itself."""
    return {offer.url.removeprefix(str(path)).removeprefix("!/"): came for offer, came in read_all(path)}


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


@pytest.mark.parametrize("name", KINDS)
def test_visible_files_are_offered_and_names_are_only_names(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    path.write_bytes(KINDS[name](FILES))
    found = list(read_all(path, domain="anime", license="CC0"))
    assert {o.url: came for o, came in found} == {f"{path}!/{name}": data for name, data in OFFERED.items()}
    assert {(o.domain, o.license, o.source, o.extra) for o, _ in found} == {("anime", "CC0", f"archive:{path}", None)}
    assert [len(came) for _, came in found if isinstance(came, bytes)] == [
        o.local.size_bytes for o, _ in found if o.local
    ]
    assert list((tmp_path / "in").iterdir()) == [path]
    assert not (tmp_path / "etc").exists()


def test_names_say_what_is_an_archive() -> None:
    assert [is_archive(Path(n)) for n in ("a.zip", "a.TAR.GZ", "a.tar.zst", "a.gz", "zip")] == [True] * 3 + [False] * 2


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar"])
def test_a_signature_changes_with_the_archive(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(KINDS[name]({"1.jpg": b"one", "2.jpg": b"two!"}))
    signatures = [[o.local.signature for o, _ in read_all(path) if o.local] for _ in range(2)]
    assert signatures[0] == signatures[1]
    assert len(set(signatures[0])) == 2
    path.write_bytes(KINDS[name]({"1.jpg": b"ONE", "2.jpg": b"two!!"}))
    assert not set(signatures[0]) & {o.local.signature for o, _ in read_all(path) if o.local}


SAID = {"url": "http://a.test/1.jpg", "caption": "one", "author": "Ann", "license": "CC0", "sha256": "ab", "status": 1}
SHARD = {
    "000.jpg": b"0",
    "000.json": json.dumps(SAID).encode(),
    "000.txt": "a caption, é".encode(),
    "001.left.jpg": b"L",
    "001.right.jpg": b"R",
    "001.json": b'{"author": "Bob"}',
    "002.jpg": b"2",
    "002.txt": b"two",
    "003.json": b"not json",
    "003.jpg": b"3",
    "sub/000.jpg": b"other",
    "readme.txt": b"alone",
}


@pytest.mark.parametrize("name", KINDS)
def test_json_and_captions_go_with_the_picture_of_their_key(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(KINDS[name](SHARD))
    found = {offer.url.partition("!/")[2]: (offer, came) for offer, came in read_all(path, author="us")}
    assert {name: came for name, (_, came) in found.items()} == {
        **{name: SHARD[name] for name in ("000.jpg", "001.left.jpg", "001.right.jpg", "002.jpg", "003.jpg")},
        **{name: SHARD[name] for name in ("sub/000.jpg", "003.json", "readme.txt")},
    }
    first = found["000.jpg"][0]
    assert (first.page_url, first.author, first.license) == ("http://a.test/1.jpg", "Ann", "CC0")
    assert first.extra == {"caption": "one", "sha256": "ab", "status": "1"}
    assert [found[f"001.{side}.jpg"][0].author for side in ("left", "right")] == ["Bob", "Bob"]
    assert found["002.jpg"][0].extra == {"caption": "two"}
    assert (found["003.jpg"][0].author, found["sub/000.jpg"][0].extra) == ("us", None)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("shard-{000..002}.tar", ["shard-000.tar", "shard-001.tar", "shard-002.tar"]),
        ("shard-{8..10}.tar", ["shard-8.tar", "shard-9.tar", "shard-10.tar"]),
        ("{shard-001,other}.tar", ["shard-001.tar", "other.tar"]),
        ("sh*-00?.tar", ["shard-000.tar", "shard-001.tar", "shard-002.tar"]),
        ("**/*0.tar", ["shard-000.tar", "shard-10.tar", "sub/shard-0.tar"]),
        ("{shard,other}*", [*(f"shard-{n}.tar" for n in ("000", "001", "002", "10", "8", "9")), "other.tar"]),
        ("odd[1].tar", ["odd[1].tar"]),
    ],
)
def test_several_archives(tmp_path: Path, pattern: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    names = [*(f"shard-{n}.tar" for n in ("000", "001", "002", "8", "9", "10")), "other.tar", "sub/shard-0.tar"]
    for name in [*names, "odd[1].tar", ".hidden0.tar"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(a_tar({"1.jpg": name.encode()}))
    found = [came.decode() for _, came in read_all(tmp_path / pattern) if isinstance(came, bytes)]
    assert found == expected
    monkeypatch.chdir(tmp_path)
    assert [offer.url for offer, _ in read_all(Path(pattern))] == [f"{name}!/1.jpg" for name in expected]


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("missing.zip", "missing.zip names no file that is there: correct the source's `path`"),
        ("*.7z", "*.7z names no file that is there"),
        ("{good,missing}.tar", "missing.tar names no file that is there"),
        ("x-{0..999999999}.tar", "{0..999999999} in a source's `path` is no range of up to 100000 files"),
        ("page.tar", "page.tar is no zip or tar archive that can be read"),
        ("page.tar.gz", "page.tar.gz is no zip or tar archive that can be read"),
        ("empty.tar", "empty.tar is no zip or tar archive that can be read"),
        ("cut.zip", "cut.zip is no zip or tar archive that can be read: File is not a zip file (is its end missing?)"),
        ("folder", "folder cannot be read: Is a directory"),
    ],
)
def test_what_is_no_archive_says_so(tmp_path: Path, pattern: str, line: str) -> None:
    (tmp_path / "good.tar").write_bytes(a_tar({}))
    (tmp_path / "page.tar").write_bytes(b"<html>404</html>" * 99)
    (tmp_path / "page.tar.gz").write_bytes(gzip.compress(b"<html>404</html>" * 99))
    (tmp_path / "empty.tar").write_bytes(b"")
    (tmp_path / "cut.zip").write_bytes(a_zip(FILES)[:-30])
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match=re.escape(line)) as caught:
        list(read_all(tmp_path / pattern))
    assert "\n" not in str(caught.value)


def test_an_empty_archive_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(a_tar({}))
    (tmp_path / "a.zip").write_bytes(a_zip({}))
    assert list(read_all(tmp_path / "a.*")) == []


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
    found = {offer.url[-5:]: (offer, came) for offer, came in read_all(tmp_path / "a.zip")}
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
