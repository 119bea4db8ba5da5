"""The `folder` source: every file below a folder, hidden ones left out. Files are read where they lie, never copied.

What tools leave beside pictures is read as their provenance: `metadata.csv` or `metadata.jsonl` with a column
`file_name` (Hugging Face's ImageFolder; it holds for its folder and the folders below), and `NAME.json` or
`NAME.jpg.json` beside `NAME.jpg` (img2dataset, gallery-dl). Such a file is no picture and is not offered; one that says
nothing of a picture is an ordinary file, and its row will say that it is none.
"""

from __future__ import annotations

import os
import stat
from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Local, Offer, Opened, Provenance, Visit
from scgan_data.sources.columns import NOTHING, Told, offer_of, told, told_by_json
from scgan_data.sources.tables import records
from scgan_data.web.address import RefusedError

METADATA = ("metadata.csv", "metadata.jsonl")
MAX_SIDECAR_BYTES = 2**20


class FolderSource(Provenance):
    """Pictures in a folder and the folders below it."""

    kind: Literal["folder"] = "folder"
    path: Path
    """The folder."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"folder:{self.path.as_posix()}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Check that the folder can be read. Raises SourceError."""
        if not self.path.is_dir():
            raise SourceError(f"{self.path} is no folder: correct the source's `path`, or create the folder")
        if not os.access(self.path, os.R_OK | os.X_OK):
            raise SourceError(f"{self.path} cannot be read: check who owns it")
        yield Opened({"": self._offers}, is_local=True)

    def _offers(self, visit: Visit) -> Iterator[Offer]:
        """Raises SourceError for a metadata table that is damaged."""
        for file, said in _files(self.path):
            try:
                yield offer_of(self, url_of(file), said, local=local_of(file))
            except RefusedError as refused:
                yield offer_of(self, url_of(file), said, refused=refused)


def url_of(file: Path) -> str:
    """How the manifest names a file: with slashes, bytes that are no Unicode written out."""
    return os.fsencode(file.as_posix()).decode("utf-8", "backslashreplace")


def local_of(file: Path) -> Local:
    """A file's bytes. Raises RefusedError(FILE_UNREADABLE) for what is no plain file.

    `path` is None where the name is no Unicode, which no table can hold.
    """
    try:
        status = file.stat()
    except OSError as error:
        said = "a link to nothing" if file.is_symlink() else os.strerror(error.errno or 0)
        raise RefusedError(Reason.FILE_UNREADABLE, said) from None
    if not stat.S_ISREG(status.st_mode):
        is_folder = stat.S_ISDIR(status.st_mode)
        raise RefusedError(Reason.FILE_UNREADABLE, "a folder that cannot be read" if is_folder else "no plain file")
    is_unicode = not any("\ud800" <= letter <= "\udfff" for letter in str(file))
    signature = f"{status.st_size}-{status.st_mtime_ns}"
    return Local(signature, file.read_bytes, file if is_unicode else None, status.st_size)


def sidecar_names(name: str) -> tuple[str, str]:
    """The JSON files that may say something of the picture `name`."""
    stem, dot, _ = name.rpartition(".")
    return f"{name}.json", f"{stem if dot else name}.json"


def _files(top: Path) -> Iterator[tuple[Path, Told]]:
    """All that is not hidden and not a folder, in a stable order, each with what is said of it.

    Links to folders are not followed; a folder that cannot be read comes itself.
    """
    waiting: list[tuple[Path, ChainMap[str, Told]]] = [(top, ChainMap())]
    while waiting:
        folder, said = waiting.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted((e for e in found if not e.name.startswith(".")), key=lambda entry: entry.name)
        except OSError:
            yield folder, NOTHING
            continue
        names = [entry.name for entry in entries if not _is_folder(entry)]
        for table in (name for name in METADATA if name in names):
            if here := _table(folder / table):
                said, names = said.new_child(here), [name for name in names if name != table]
        yield from _with_sidecars(folder, names, said)
        waiting.extend((folder / e.name, said) for e in reversed(entries) if e.is_dir(follow_symlinks=False))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _with_sidecars(folder: Path, names: list[str], said: Mapping[str, Told]) -> Iterator[tuple[Path, Told]]:
    """The files of one folder; JSON files come last, those that said something of a picture not at all."""
    used: set[str] = set()
    jsons = {name for name in names if name.endswith(".json")}
    for name in sorted(names, key=lambda name: (name in jsons, name)):
        if name not in used:
            beside = None if name in jsons else _sidecar(folder, name, jsons, used)
            yield folder / name, beside or said.get(_key(folder, name), NOTHING)


def _sidecar(folder: Path, name: str, jsons: Collection[str], used: set[str]) -> Told | None:
    for candidate in sidecar_names(name):
        if candidate in jsons and (said := _read_sidecar(folder / candidate)):
            used.add(candidate)
            return said
    return None


def _read_sidecar(file: Path) -> Told | None:
    try:
        status = file.stat()
        is_fit = stat.S_ISREG(status.st_mode) and status.st_size <= MAX_SIDECAR_BYTES
        return told_by_json(file.read_bytes()) if is_fit else None
    except OSError:
        return None


def _table(file: Path) -> dict[str, Told]:
    """What a metadata table says, by path; empty where it names no files. Raises SourceError for a damaged one."""
    if not file.is_file():
        return {}
    said: dict[str, Told] = {}
    for row in records(file):
        if not said and "file_name" not in row:
            break
        if isinstance(name := row.get("file_name"), str) and name:
            said[_key(file.parent, name)] = told(row, without=("file_name",))
    return said


def _key(folder: Path, name: str) -> str:
    """A file's path in one form, `sub/../1.jpg` in a table included."""
    return os.path.normpath(folder / name)
