"""Archives and WebDataset shards: members are offered with what is said of them; no archive at all is one line."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.archive import ArchiveSource, is_archive
from tests.data.local_sources import KINDS, a_tar, a_zip, read_in_turn


def read_all(path: Path, **given: Any) -> Iterator[tuple[Offer, bytes | Reason]]:
    return read_in_turn(ArchiveSource.model_validate({"path": path, **given}), path.parent)


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
