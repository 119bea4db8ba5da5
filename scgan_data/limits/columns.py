"""The few columns of a manifest that a decision needs, as arrays.

Without pandas, whose import alone takes about as long as everything else that `whatif` does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scgan_data.errors import ManifestError, no_manifest

MANIFEST = "manifest.parquet"
Numbers = dict[str, NDArray[np.float64]]
"""Columns of N numbers, NaN where nothing was measured."""


class Table:
    """A finished stage's manifest, of which columns are read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        """Raises ManifestError where the folder has no manifest or the file is damaged."""
        self.folder, self.file = folder, folder / MANIFEST
        if not self.file.is_file():
            raise no_manifest(folder, MANIFEST)
        try:  # not read_table: the dataset module behind it imports pandas
            self.known = frozenset(pq.ParquetFile(self.file).schema_arrow.names)
        except (pa.ArrowException, OSError) as error:
            raise ManifestError(f"{self.file} cannot be read ({error}); run the stage that writes it again") from error
        if not self.known >= {"id", "domain", "status"}:
            raise ManifestError(f"{self.file}: no stage's manifest: it has no id, domain and status")

    def __len__(self) -> int:
        count: int = pq.ParquetFile(self.file).metadata.num_rows
        return count

    def _read(self, names: Sequence[str], **options: Any) -> pa.Table:
        return pq.ParquetFile(self.file, **options).read(columns=list(names))

    def numbers(self, names: Sequence[str]) -> Numbers:
        """Columns of numbers; one that an older manifest lacks has nothing measured."""
        there = [name for name in names if name in self.known]
        read = self._read(there or ["status"])
        columns = {name: _floats(read[name]) for name in there}
        return {name: columns.get(name, np.full(len(read), np.nan)) for name in names}

    def labels(self, names: Sequence[str]) -> dict[str, tuple[NDArray[np.int64], list[str]]]:
        """Columns of few distinct texts: a code a row (-1 for null), and the texts."""
        read = self._read(names, read_dictionary=list(names))
        return {name: _coded(read[name]) for name in names}

    def texts(self, name: str, rows: NDArray[np.int64] | None = None) -> list[Any]:
        """A column's values, of all rows or of some."""
        if name not in self.known:
            return [None] * (len(rows) if rows is not None else len(self))
        column = self._read([name])[name]
        values: list[Any] = column.to_pylist() if rows is None else [column[i].as_py() for i in rows.tolist()]
        return values

    def paths(self, rows: NDArray[np.int64]) -> list[Path | None]:
        """Where the rows' pictures are."""
        base = self.folder.absolute()
        return [p and Path(os.path.normpath(base / p)) for p in self.texts("path", rows)]

    def rows_of(self, content_id: str) -> list[dict[str, Any]]:
        """Whole rows of a picture: its own, and the crops that were cut from it."""
        same = [[(name, "=", content_id)] for name in ("id", "parent_id")]
        rows: list[dict[str, Any]] = pq.read_table(self.file, filters=same).to_pylist()
        return rows


_KINDS = {pa.float64(): np.float64, pa.int32(): np.int32, pa.int64(): np.int64}


def _values(array: pa.Array) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """An array's numbers and which of them are there. By its buffers: pyarrow's own ways to numpy import pandas."""
    span = slice(array.offset, array.offset + len(array))
    bits, data = array.buffers()
    values = np.frombuffer(data, _KINDS[array.type])[span] if len(array) else np.zeros(0, _KINDS[array.type])
    if bits is None:
        return values, np.ones(len(array), bool)
    return values, np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[span].astype(bool)


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    parts = [np.where(there, values, np.nan) for values, there in map(_values, column.chunks)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _coded(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    chunks = column.unify_dictionaries().chunks
    parts = [np.where(there, codes, -1).astype(np.int64) for codes, there in (_values(c.indices) for c in chunks)]
    return (np.concatenate(parts), chunks[0].dictionary.to_pylist()) if parts else (np.zeros(0, np.int64), [])
