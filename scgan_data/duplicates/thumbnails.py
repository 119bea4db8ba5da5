"""Thumbnails of the pictures that were ever compared, kept beside the stage: a picture is opened once, not once a run.

Two files that only grow: pixels, and the ids they belong to, written in this order, so that a kill in between costs the
last few. Pixels are mapped, not read: a worker touches the thumbnails of its own pairs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scgan_data.similarity import SIDE, Thumbnail

BYTES = SIDE * SIDE * 3
_LINE = 65  # a sha256 and a newline


class Thumbnails:
    """The store of one version of `similarity.thumbnail` (`key`); another version's is dropped."""

    def __init__(self, folder: Path, key: str) -> None:
        for other in folder.iterdir() if folder.is_dir() else ():
            if other.name != key:
                shutil.rmtree(other, ignore_errors=True)
        self._pixels, self._ids = folder / key / "pixels.u8", folder / key / "ids.txt"
        self._pixels.parent.mkdir(parents=True, exist_ok=True)
        self._mend()
        self._row = {name: row for row, name in enumerate(self._ids.read_text().split())}

    def _mend(self) -> None:
        """Cut both files to what both have: a kill may have left one longer."""
        for file in (self._pixels, self._ids):
            file.touch()
        whole = min(self._pixels.stat().st_size // BYTES, self._ids.stat().st_size // _LINE)
        for file, size in ((self._pixels, BYTES), (self._ids, _LINE)):
            with file.open("r+b") as opened:
                opened.truncate(whole * size)

    @property
    def file(self) -> Path:
        """What `mapped` reads."""
        return self._pixels

    def __contains__(self, content_id: str) -> bool:
        return content_id in self._row

    def rows(self, ids: list[str]) -> NDArray[np.int64]:
        """Where each picture's thumbnail lies. Raises KeyError for one that is not there."""
        return np.array([self._row[name] for name in ids], np.int64)

    def add(self, ids: list[str], thumbs: list[Thumbnail]) -> None:
        """Append thumbnails."""
        for file, data in (
            (self._pixels, b"".join(thumb.tobytes() for thumb in thumbs)),
            (self._ids, "".join(f"{name}\n" for name in ids).encode()),
        ):
            with file.open("ab") as opened:
                opened.write(data)
        self._row |= {name: row for row, name in enumerate(ids, len(self._row))}


def mapped(file: Path) -> Thumbnail:
    """(N, 64, 64, 3) uint8, read where it is touched."""
    return np.memmap(file, np.uint8, "r").reshape(-1, SIDE, SIDE, 3)
