"""URL lists: every format gives the same offers, columns are carried along, and a damaged list says where."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from scgan_data.errors import SourceError
from scgan_data.sources.columns import MAX_TEXT, text, told
from scgan_data.sources.tables import SUFFIXES, kind_of
from scgan_data.sources.urls import UrlsSource
from tests.data.local_sources import no_page, offers_of

ROWS = [
    {
        "image_url": "HTTP://A.test/1.jpg#top",
        "license": "CC0",
        "creator": "Ann",
        "page": "http://a.test/",
        "width": "7",
        "title": "Zoë, smiling",
    },
    {"image_url": "", "license": "CC0", "creator": "Cid", "page": "", "width": "8", "title": ""},
    {"image_url": " http://a.test/2.jpg ", "license": "", "creator": "Bob", "page": "", "width": "9", "title": '"'},
]
EXPECTED = [
    ("http://a.test/1.jpg", "CC0", "Ann", "http://a.test/", {"width": "7", "title": "Zoë, smiling"}),
    ("http://a.test/2.jpg", "unknown", "Bob", None, {"width": "9", "title": '"'}),
]


def delimited(delimiter: str) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(ROWS[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(ROWS)
    return buffer.getvalue().encode()


def parquet() -> bytes:
    table = pa.Table.from_pylist([row | {"width": int(row["width"]), "thumb": b"\xff\xd8"} for row in ROWS])
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


LISTS: dict[str, Callable[[], bytes]] = {
    ".csv": lambda: delimited(","),
    ".tsv": lambda: delimited("\t"),
    ".json": lambda: json.dumps(ROWS, indent=1).encode(),
    ".jsonl": lambda: b"\n\n".join(json.dumps(row).encode() for row in ROWS),
    ".ndjson": lambda: b"\r\n".join(json.dumps(row, ensure_ascii=False).encode() for row in ROWS),
    ".parquet": parquet,
}
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("suffix", LISTS)
def test_every_format_gives_the_same_offers(tmp_path: Path, suffix: str, packing: str) -> None:
    path = tmp_path / f"my.list{suffix.upper()}{packing}"
    path.write_bytes(PACKED[packing](LISTS[suffix]()))
    source = UrlsSource(path=path, license="unknown", license_url="http://l.test", domain="anime")
    found = offers_of(source, tmp_path)
    assert [(o.url, o.license, o.author, o.page_url, o.extra) for o in found] == EXPECTED
    assert {(o.domain, o.license_url, o.source) for o in found} == {("anime", "http://l.test", f"urls:{path}")}


def test_the_formats_are_those_that_are_tested() -> None:
    assert set(SUFFIXES) == {".txt", *LISTS}
    assert [kind_of(Path(name)) for name in ("a.csv", "a.b.CSV.gz", "a.gz", "a.docx", "csv", "a.csv.bz2")] == [
        ".csv",
        ".csv",
        None,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize("name", ["list.txt", "list.txt.gz", "list.json", "list.jsonl"])
def test_bare_urls(tmp_path: Path, name: str) -> None:
    lines = "\ufeff# pictures\nhttp://A.test/1.jpg \n\nhttp://a.test/2.jpg#x\n"
    contents = {
        "list.txt": lines.encode(),
        "list.txt.gz": gzip.compress(lines.encode()),
        "list.json": '\ufeff ["http://A.test/1.jpg", {"link": "http://a.test/2.jpg#x"}]'.encode(),
        "list.jsonl": b'"http://A.test/1.jpg"\n{"SRC": "http://a.test/2.jpg"}\n',
    }
    (tmp_path / name).write_bytes(contents[name])
    found = offers_of(UrlsSource(path=tmp_path / name, license="CC BY 4.0"), tmp_path)
    assert [o.url for o in found] == ["http://a.test/1.jpg", "http://a.test/2.jpg"]
    assert {(o.license, o.extra) for o in found} == {("CC BY 4.0", None)}


@pytest.mark.parametrize(
    ("header", "given", "url"),
    [
        ("URL,image", None, "http://0.test/"),
        ("source_url,Image_URL", None, "http://1.test/"),
        ("url,mine", "mine", "http://1.test/"),
        ("name,img_url", None, "http://1.test/"),
        ("SRC,Link", None, "http://1.test/"),
    ],
)
def test_the_column_of_urls(tmp_path: Path, header: str, given: str | None, url: str) -> None:
    (tmp_path / "list.csv").write_text(f"{header}\nhttp://0.test/,http://1.test/\n")
    (found,) = offers_of(UrlsSource(path=tmp_path / "list.csv", url_column=given), tmp_path)
    assert found.url == url


def test_a_url_that_is_none_is_offered_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("ftp://a.test/1.jpg\nno url at all\n")
    found = offers_of(UrlsSource(path=tmp_path / "list.txt"), tmp_path)
    assert [o.url for o in found] == ["ftp://a.test/1.jpg", "no url at all"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("missing.csv", None, "cannot be read: No such file"),
        ("list.docx", b"x", "is no list that collect reads: name a .txt, .csv, .tsv, .json, .jsonl, .ndjson, .parquet"),
        ("list.parquet", b"no parquet at all", "is not a parquet file that can be read: Parquet magic bytes not found"),
        ("list.csv", b"", "is empty"),
        ("list.json", b"", "is empty"),
        ("list.json", b'{"url": "http://a.test"}', "it must be an array of URLs or of objects"),
        ("list.json", b'["http://a.test", 3]', "3 is neither a URL nor an object"),
        ("list.json", b'["http://a.test", "htt', "premature EOF"),
        ("list.jsonl", b'"http://a.test"\n{"url": "htt\n', "line 2: Unterminated string"),
        ("list.jsonl", b"[" * 100_000, "line 1: maximum recursion depth"),
        ("list.txt", b"http://a.test\n\xff\xfe\xfa", "is not a txt file that can be read: line 2 is not UTF-8"),
        ("list.csv", "url\nhttp://a.test\n".encode("utf-16"), "line 1 is not UTF-8"),
        ("list.csv", b"url,title\nhttp://a.test,a\nhttp://b.test,b,c\n", "line 3: 3 fields, and the header has 2"),
        ("list.csv", b'url,title\nhttp://a.test,"a\nhttp://b.test,b\n', "line 3: unexpected end of data"),
        ("list.csv.gz", b"url\nhttp://a.test\n", "is not a csv file that can be read"),
        (
            "list.csv.gz",
            gzip.compress(b"url\n" + bytes(range(97, 123)) * 99, mtime=0)[:-20],
            "Truncated compressed stream",
        ),
        (
            "list.csv",
            b"name,size\na,1\n",
            "has no column url or image_url or image or img_url or source_url or link or src, but name, size: set",
        ),
    ],
)
def test_a_list_that_cannot_be_read_says_so(tmp_path: Path, name: str, content: bytes | None, line: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=re.escape(line)) as caught:
        offers_of(UrlsSource(path=tmp_path / name), tmp_path)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_can_be_read_of_a_damaged_list_is_offered_first(tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_text('"http://a.test/1"\n"http://a.test/2"\nnonsense\n')
    with UrlsSource(path=tmp_path / "list.jsonl").open(tmp_path) as opened:
        stream = opened.streams[""](no_page)
        assert [next(stream).url, next(stream).url] == ["http://a.test/1", "http://a.test/2"]
        with pytest.raises(SourceError, match="line 3"):
            next(stream)


@pytest.mark.parametrize("suffix", [".csv.gz", ".json", ".jsonl", ".parquet"])
def test_a_long_list_is_never_held(tmp_path: Path, suffix: str) -> None:
    count = 3_000
    rows: Iterator[dict[str, str]] = (
        {"url": f"http://{i}.test/1.jpg", "title": f"portrait {i} " + "x" * 8_000} for i in range(count)
    )
    table, path = pd.DataFrame(rows), tmp_path / f"list{suffix}"
    match suffix:
        case ".parquet":
            table.to_parquet(path, row_group_size=count)
        case ".csv.gz":
            table.to_csv(path, index=False)
        case _:
            table.to_json(path, orient="records", lines=suffix == ".jsonl")
    del table
    with UrlsSource(path=path).open(tmp_path) as opened:
        tracemalloc.start()
        try:
            found = sum(1 for _ in opened.streams[""](no_page))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert found == count
    assert peak < 9 * 2**20  # the rows alone are 24 MB


def test_synonyms_and_what_is_left() -> None:
    said = told(
        {"Artist": " ", "creator": "Ann", "photographer": "Bob", "licence_link": "http://l.test", "tags": ["a"]}
    )
    assert (said.author, said.license_url, said.license) == ("Ann", "http://l.test", None)
    assert said.extra == {"photographer": "Bob", "tags": '["a"]'}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (float("nan"), None),
        ("  ", None),
        (b"x", None),
        (True, "true"),
        (1.5, "1.5"),
        ([1, "é"], '[1, "é"]'),
        ([0.25] * 768, None),
        ("x" * (MAX_TEXT + 1), "x" * (MAX_TEXT - 1) + "…"),
    ],
)
def test_values_become_text(value: object, expected: str | None) -> None:
    assert (text(value) or None) == expected


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="url_colum"):
        UrlsSource.model_validate({"path": "a.csv", "url_colum": "x"})
