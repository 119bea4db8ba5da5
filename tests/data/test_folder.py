"""The `folder` source: what it offers, what beside a picture says where it is from, and what is no plain file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.folder import FolderSource
from tests.data.local_sources import read_in_turn


def offers_of(folder: Path, **given: str) -> dict[str, Offer]:
    """By path below the folder, in the order of the offers."""
    found = [offer for offer, _ in read_in_turn(FolderSource.model_validate({"path": folder, **given}), folder)]
    by_name = {offer.url.removeprefix(f"{folder.as_posix()}/"): offer for offer in found}
    assert len(by_name) == len(found)
    return by_name


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"bytes of {name}".encode())


def test_every_visible_file_in_order(tmp_path: Path) -> None:
    put(tmp_path, "b.jpg", "a/2.png", "a/1.PNG", "a/b/c.jpg", ".hidden", ".git/x.jpg", "notes.txt")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "a")
    found = offers_of(tmp_path, domain="anime", license="CC0", author="Ann")
    assert list(found) == ["b.jpg", "notes.txt", "a/1.PNG", "a/2.png", "a/b/c.jpg"]
    name = f"folder:{tmp_path}"
    assert {(o.domain, o.license, o.author, o.source) for o in found.values()} == {("anime", "CC0", "Ann", name)}


def test_bytes_are_read_where_they_lie(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    local = offers_of(tmp_path)["a.jpg"].local
    assert local is not None
    assert (local.read(), local.path, local.size_bytes) == (b"bytes of a.jpg", tmp_path / "a.jpg", 14)
    again = offers_of(tmp_path)["a.jpg"].local
    assert again is not None and again.signature == local.signature
    os.utime(tmp_path / "a.jpg", ns=(0, 1))
    changed = offers_of(tmp_path)["a.jpg"].local
    assert changed is not None and changed.signature == "14-1" != local.signature


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to("nowhere")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    refused = {name: offer.refused for name, offer in offers_of(tmp_path).items()}
    assert {name: (r.reason, r.detail) for name, r in refused.items() if r} == {
        "dangling.jpg": (Reason.FILE_UNREADABLE, "a link to nothing"),
        "loop.jpg": (Reason.FILE_UNREADABLE, "a link to nothing"),
        "pipe.jpg": (Reason.FILE_UNREADABLE, "no plain file"),
    }


def test_a_name_that_is_no_unicode_is_offered_all_the_same(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    ((name, offer),) = offers_of(tmp_path).items()
    assert name == r"caf\xe9.jpg"
    assert offer.local is not None and offer.local.path is None
    assert offer.local.read() == b"x"


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_metadata_table_holds_for_its_folder_and_those_below(tmp_path: Path, kind: str) -> None:
    put(tmp_path, "1.jpg", "sub/2.jpg", "sub/deep/3.jpg", "sub/4.jpg")
    rows = [
        {"file_name": "1.jpg", "source_url": "http://a.test/1", "author": "Ann", "text": "one"},
        {"file_name": "sub/2.jpg", "source_url": "", "author": "Bob", "text": ""},
        {"file_name": "sub/../sub/deep/3.jpg", "source_url": "", "author": "above", "text": ""},
        {"file_name": "missing.jpg", "source_url": "", "author": "nobody", "text": ""},
    ]
    lines = [json.dumps(row) for row in rows]
    if kind == "csv":
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    (tmp_path / f"metadata.{kind}").write_text("\n".join(lines))
    (tmp_path / "sub" / "metadata.csv").write_text("file_name,author\ndeep/3.jpg,nearer\n")
    found = offers_of(tmp_path, author="us", license="CC0")
    assert {name: (o.author, o.license, o.page_url, o.extra) for name, o in found.items()} == {
        "1.jpg": ("Ann", "CC0", "http://a.test/1", {"text": "one"}),
        "sub/2.jpg": ("Bob", "CC0", None, None),
        "sub/4.jpg": ("us", "CC0", None, None),
        "sub/deep/3.jpg": ("nearer", "CC0", None, None),
    }


def test_json_beside_a_picture_is_its_provenance(tmp_path: Path) -> None:
    put(tmp_path, "1.jpg", "2.png", "3.jpg", "4.jpg")
    said = {"url": "http://a.test/1.jpg", "caption": "one", "license": "CC0", "sha256": "ab", "error_message": None}
    (tmp_path / "1.json").write_text(json.dumps(said))
    (tmp_path / "2.png.json").write_text('{"author": "Ann"}')
    (tmp_path / "3.json").write_text("[1]")
    (tmp_path / "lonely.json").write_text("{}")
    (tmp_path / "4.json").symlink_to("nowhere")
    found = offers_of(tmp_path)
    assert list(found) == ["1.jpg", "2.png", "3.jpg", "4.jpg", "3.json", "4.json", "lonely.json"]
    one = found["1.jpg"]
    assert (one.page_url, one.license, one.extra) == (
        "http://a.test/1.jpg",
        "CC0",
        {"caption": "one", "sha256": "ab"},
    )
    assert found["2.png"].author == "Ann"
    assert found["3.jpg"].extra is None


def test_a_metadata_table_that_names_no_files_is_an_ordinary_file(tmp_path: Path) -> None:
    put(tmp_path, "1.jpg")
    (tmp_path / "metadata.csv").write_text("camera,lens\nA,B\n")
    assert list(offers_of(tmp_path)) == ["1.jpg", "metadata.csv"]


def test_a_damaged_metadata_table_says_so(tmp_path: Path) -> None:
    put(tmp_path, "1.jpg")
    (tmp_path / "metadata.csv").write_text("file_name,author\n1.jpg,a,b\n")
    with pytest.raises(SourceError, match=r"metadata\.csv is not a csv file that can be read: line 2: 3 fields"):
        offers_of(tmp_path)


def test_a_folder_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no folder: correct the source's `path`"):
        offers_of(tmp_path / "missing")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_below_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "1.jpg", "locked/2.jpg")
    (tmp_path / "locked").chmod(0)
    try:
        found = offers_of(tmp_path)
    finally:
        (tmp_path / "locked").chmod(0o755)
    assert found["locked"].refused is not None
    assert found["locked"].refused.detail == "a folder that cannot be read"
