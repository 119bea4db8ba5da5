"""Sources: what each offers, and the one clear line where one cannot be read at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scgan_data.collect import CollectConfig, source_from_argument
from scgan_data.config import load
from scgan_data.errors import ConfigError, SourceError
from scgan_data.sources import Offer, Visited
from scgan_data.sources.folder import FolderSource
from scgan_data.sources.page import PageSource
from scgan_data.sources.sample import SampleSource
from scgan_data.sources.urls import UrlsSource


def no_page(url: str) -> Visited:
    raise AssertionError(f"{url}: a local source reads no page")


def offers_of(source: Any, work: Path) -> list[Offer]:
    with source.open(work) as opened:
        return list(opened.offers(no_page))


def test_a_folder_offers_every_visible_file_in_order(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/2.png", "a/1.PNG", ".hidden", ".git/x.jpg", "notes.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"x")
    (tmp_path / "in" / "dangling.jpg").symlink_to("nowhere")
    source = FolderSource(path=tmp_path / "in", domain="anime", license="CC0", author="Ann")
    found = offers_of(source, tmp_path)
    names = [offer.url.removeprefix(f"{(tmp_path / 'in').as_posix()}/") for offer in found]
    assert names == ["b.jpg", "dangling.jpg", "notes.txt", "a/1.PNG", "a/2.png"]
    assert {(o.domain, o.license, o.author, o.source) for o in found} == {("anime", "CC0", "Ann", source.name)}


def test_a_name_that_is_no_unicode_is_offered_all_the_same(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    (offer,) = offers_of(FolderSource(path=tmp_path), tmp_path)
    assert offer.url.endswith(r"caf\xe9.jpg")


def test_a_text_list(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\ufeff# pictures\nhttp://A.test/1.jpg \n\nhttp://a.test/2.jpg#x\n", "utf-8")
    found = offers_of(UrlsSource(path=tmp_path / "list.txt", license="CC BY 4.0"), tmp_path)
    assert [o.url for o in found] == ["http://a.test/1.jpg", "http://a.test/2.jpg"]
    assert {o.license for o in found} == {"CC BY 4.0"}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_carries_its_columns(tmp_path: Path, suffix: str) -> None:
    table = pd.DataFrame(
        {
            "image_url": ["http://a.test/1.jpg", "http://a.test/2.jpg", None],
            "license": ["CC0", None, "CC0"],
            "author": ["Ann", "Bob", "Cid"],
            "page_url": ["http://a.test/", None, None],
            "width": [1, 2, 3],
        }
    )
    path = tmp_path / f"list.{suffix}"
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    found = offers_of(UrlsSource(path=path, license="unknown"), tmp_path)
    assert [(o.url, o.license, o.author, o.page_url) for o in found] == [
        ("http://a.test/1.jpg", "CC0", "Ann", "http://a.test/"),
        ("http://a.test/2.jpg", "unknown", "Bob", None),
    ]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("missing.csv", None, "cannot be read: No such file"),
        ("list.docx", b"x", "is no list that collect reads: name a .txt, .csv, .parquet file"),
        ("list.parquet", b"no parquet at all", "is not a parquet file that can be read"),
        ("list.csv", b"", "is not a csv file that can be read"),
        ("list.txt", b"\xff\xfe\xfa", "is not a txt file that can be read"),
        (
            "list.csv",
            b"name,size\na,1\n",
            "has no column url or image_url or source_url or link or src, but name, size",
        ),
    ],
)
def test_a_list_that_cannot_be_read_says_so(tmp_path: Path, name: str, content: bytes | None, line: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=line.replace(".", r"\.")) as caught:
        offers_of(UrlsSource(path=tmp_path / name), tmp_path)
    assert str(tmp_path / name) in str(caught.value)


def test_other_sources_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no folder: correct the source's `path`"):
        offers_of(FolderSource(path=tmp_path / "missing"), tmp_path)
    with pytest.raises(SourceError, match="is no address of a page: not http or https: ftp"):
        offers_of(PageSource(url="ftp://a.test/"), tmp_path)


def test_an_argument_names_a_source(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("url\n")
    assert source_from_argument(str(tmp_path), "anime") == FolderSource(path=tmp_path, domain="anime")
    assert source_from_argument(str(tmp_path / "list.csv"), "selfie") == UrlsSource(path=tmp_path / "list.csv")
    assert source_from_argument("http://a.test/g", "x", allow_private=True) == PageSource(
        url="http://a.test/g", domain="x", allow_private=True
    )
    assert source_from_argument("sample", "selfie") == SampleSource(portraits=0)
    assert source_from_argument("sample", "avataaars") == SampleSource(selfies=0)
    with pytest.raises(SourceError, match="nothing that is there; name a folder"):
        source_from_argument(str(tmp_path / "missing"), "selfie")
    with pytest.raises(SourceError, match="--from sample has no watercolor"):
        source_from_argument("sample", "watercolor")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (
            "{kind: page, url: 'http://x', max_page: 3}",
            r"`collect\.sources\.0\.page\.max_page`; did you mean `max_pages`",
        ),
        ("{kind: sample, plants: {noais: 3}}", r"`collect\.sources\.0\.sample\.plants\.noais`; did you mean `noai`"),
        ("{kind: pages, url: 'http://x'}", "'pages' found using 'kind' does not match any of the expected tags"),
        ("{kind: sample, selfies: 20}", "85 copies need as many selfies"),
        ("{kind: sample, selfies: 990}", "there are 989 selfies"),
    ],
)
def test_a_wrong_source_in_params_is_named(tmp_path: Path, source: str, line: str) -> None:
    (tmp_path / "params.yaml").write_text(f"collect: {{sources: [{source}]}}")
    with pytest.raises(ConfigError, match=line):
        load(CollectConfig, "collect", file=tmp_path / "params.yaml")
