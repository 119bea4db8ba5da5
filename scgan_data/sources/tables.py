"""Lists on disk, read as a stream of records: txt, csv, tsv, json, jsonl, parquet, each also .gz or .zst.

A list of a million rows is never held: csv and jsonl come line by line, parquet in batches, a JSON array by ijson. Text
is UTF-8, a byte order mark allowed; a line that is not, a row that has more fields than the header, a quote that is
never closed stop the list with the line's number, because what follows could be anything.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ijson
import pyarrow as pa
import pyarrow.parquet as pq

from scgan_data.errors import SourceError

Record = dict[str, Any]

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_BATCH_ROWS = 512
_BOM = b"\xef\xbb\xbf"


def records(path: Path) -> Generator[Record, None, None]:
    """The records of a list file; a bare URL is the record {"url": …}. Raises SourceError, also half-way."""
    kind = kind_of(path)
    if kind is None:
        raise SourceError(f"{path} is no list that collect reads: name a {', '.join(SUFFIXES)} file (also .gz, .zst)")
    try:
        with _opened(path) as stream:
            yield from READERS[kind](stream)
    except EOFError:
        raise SourceError(f"{path} is empty") from None
    except (OSError, pa.ArrowException, ijson.JSONError, csv.Error, ValueError) as error:
        if isinstance(error, OSError) and error.errno:
            raise SourceError(f"{path} cannot be read: {error.strerror}") from None
        raise SourceError(f"{path} is not a {kind[1:]} file that can be read: {_short(error)}") from None


def kind_of(path: Path) -> str | None:
    """The list format that a file's name says (`.csv` of a.csv.gz), or None."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes and suffixes[-1] in READERS else None


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    """The list's bytes, decompressed; parquet, which is read from its end, goes through an unnamed file for that."""
    compression = COMPRESSIONS.get(path.suffix.lower())
    with path.open("rb") as raw:
        if compression is None:
            yield raw
            return
        with io.BufferedReader(pa.input_stream(raw, compression=compression)) as stream:
            if kind_of(path) != ".parquet":
                yield stream
                return
            with tempfile.TemporaryFile(buffering=0) as whole:
                shutil.copyfileobj(stream, whole, 2**20)
                whole.seek(0)
                yield io.BufferedReader(whole)


def _lines(stream: io.BufferedReader) -> Iterator[str]:
    for number, line in enumerate(stream, 1):
        try:
            yield (line.removeprefix(_BOM) if number == 1 else line).decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"line {number} is not UTF-8 ({error.reason}); save the list as UTF-8") from None


def _txt(stream: io.BufferedReader) -> Iterator[Record]:
    for line in _lines(stream):
        url = line.strip()
        if url and not url.startswith("#"):
            yield {"url": url}


def _delimited(delimiter: str) -> Callable[[io.BufferedReader], Iterator[Record]]:
    def read(stream: io.BufferedReader) -> Iterator[Record]:
        reader = csv.reader(_lines(stream), delimiter=delimiter, strict=True)
        try:
            header = [name.strip() for name in next(reader)]
            for row in reader:
                if len(row) > len(header):
                    raise csv.Error(
                        f"{len(row)} fields, and the header has {len(header)}; quote what holds a delimiter"
                    )
                if row:
                    yield dict(zip(header, row, strict=False))
        except StopIteration:
            raise EOFError from None
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from None

    return read


def _jsonl(stream: io.BufferedReader) -> Iterator[Record]:
    for number, line in enumerate(_lines(stream), 1):
        if not line.strip():
            continue
        try:
            yield _as_record(json.loads(line.strip()))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number}: {_short(error)}") from None


def _json(stream: io.BufferedReader) -> Iterator[Record]:
    if stream.peek(1).startswith(_BOM):
        stream.read(len(_BOM))
    head = stream.peek(1).lstrip()
    if not head:
        raise EOFError
    if not head.startswith(b"["):
        raise ValueError("it must be an array of URLs or of objects")
    yield from map(_as_record, ijson.items(stream, "item", use_float=True))


def _as_record(value: Any) -> Record:
    if isinstance(value, str):
        return {"url": value}
    if isinstance(value, dict):
        return value
    raise ValueError(f"{str(value)[:40]} is neither a URL nor an object")


def _parquet(stream: io.BufferedReader) -> Iterator[Record]:
    with pq.ParquetFile(stream, buffer_size=2**20, pre_buffer=False) as file:
        plain = [field.name for field in file.schema_arrow if not _holds_bytes(field.type)]
        for batch in file.iter_batches(_BATCH_ROWS, columns=plain):
            yield from batch.to_pylist()


def _holds_bytes(kind: pa.DataType) -> bool:
    """Pictures and the like, which no list needs and every batch would load."""
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return True
    return any(_holds_bytes(kind.field(i).type) for i in range(kind.num_fields))


def _short(error: BaseException) -> str:
    said = error.args[0] if error.args else type(error).__name__
    lines = (said.decode(errors="replace") if isinstance(said, bytes) else str(said)).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


READERS: dict[str, Callable[[io.BufferedReader], Iterator[Record]]] = {
    ".txt": _txt,
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".json": _json,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}
SUFFIXES = tuple(READERS)
