"""A stage's folder: locked, written beside its place, swapped in whole, and the results that a next run may use.

For `data/04_crop` the work lies in `data/.04_crop.work/` (git-ignored):

    lock             held by the OS for as long as the process lives: `kill -9` of `dvc repro` leaves the stage running,
                     and a second one must stop with a line instead of writing into the same folder
    files/           new pictures, named by content; extras/: other files of the finished folder
    spare/           finished pictures of rows that were rejected, for a run that decides otherwise
    results/KEY/     finished results, one parquet file a batch; KEY = hash of stage version and configuration
    new/, old/       the swap: new is complete (its manifest is written last) before the old folder moves aside

A folder with a manifest is a finished stage. A run that was killed leaves `files/` and `results/`, and the next run
takes them up; a run that finished leaves `results/`, so that a grown input costs only what is new. A kill between the
two renames of the swap is mended at the next start. Results stay out of the stage's own folder because DVC hashes that:
an edit of a comment would otherwise run every later stage.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from pydantic import BaseModel

from scgan_data import files, manifest
from scgan_data.errors import StageBusyError

CROP_FILE = "crop.json"
"""What a folder's pictures were cropped with: the keys of section `crop` that decide a crop, in `crop`'s own folder and
handed on to those after it, so that training can record it and translation crop alike."""


@dataclass(frozen=True)
class StageFolder:
    """One stage's output folder `home` and its work folder, while this process holds the lock."""

    name: str
    home: Path
    work: Path

    @property
    def files(self) -> Path:
        """Where new pictures are written before the swap."""
        return self.work / "files"

    @property
    def extras(self) -> Path:
        """What goes into the finished folder beside pictures and manifest: cards, sheets, truth files."""
        return self.work / "extras"

    def picture(self, content_id: str, suffix: str = ".png") -> Path | None:
        """The finished picture of that content, from this run, a killed one, or the folder of the last; or None."""
        relative = f"{content_id[:2]}/{content_id}{suffix}"
        for parent in (
            f"{self.work}/files",
            str(self.home),
            f"{self.work}/spare",
        ):  # asked for each picture: pathlib would cost .1 ms
            if os.path.isfile(f"{parent}/{relative}"):  # noqa: PTH113
                return Path(parent, relative)
        return None

    def set_aside(self, rejected: Iterable[str], kept: Iterable[str]) -> None:
        """Keep the pictures of rejected rows out of the finished folder, and bring back those of kept ones."""
        spare, new = self.work / "spare", self.work / "spare.new"
        shutil.rmtree(new, ignore_errors=True)
        for content_id in {*rejected, *kept}:
            source = self.picture(content_id)
            if source is not None and source.is_relative_to(spare):
                link(source, self.files / source.relative_to(spare))
        for content_id in set(rejected):
            if (source := self.picture(content_id)) is not None:
                link(source, new / files.content_path(content_id))
        shutil.rmtree(spare, ignore_errors=True)
        if new.is_dir():
            new.replace(spare)

    def commit(self, rows: pd.DataFrame | Iterable[pd.DataFrame]) -> dict[str, Any]:
        """Assemble the finished folder and swap it in: pictures of kept and rejected rows, extras, then the manifest.

        Rows' `path` is absolute; a path inside `home` names a picture of this stage. Rows may come in parts, in the
        manifest's order. Returns the summary.
        """
        new = self.work / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        summary = manifest.write(new, self._assembled(rows, new), home=self.home)
        self.swap_in(new)
        shutil.rmtree(self.files, ignore_errors=True)
        return summary

    def _assembled(self, rows: pd.DataFrame | Iterable[pd.DataFrame], new: Path) -> Iterator[pd.DataFrame]:
        """The rows, their pictures being put into `new`; the extras follow once all rows are there."""
        for part in [manifest.in_order(rows)] if isinstance(rows, pd.DataFrame) else rows:
            self._link_pictures(part, new)
            yield part
        if self.extras.is_dir():
            shutil.copytree(self.extras, new, dirs_exist_ok=True)

    def _link_pictures(self, rows: pd.DataFrame, new: Path) -> None:
        home = str(self.home) + os.sep
        for path in sorted({p for p in rows["path"].dropna() if p.startswith(home)}):
            relative = Path(path).relative_to(self.home)
            source = self.files / relative if (self.files / relative).is_file() else self.home / relative
            if not (new / relative).exists():
                link(source, new / relative)

    def swap_in(self, new: Path) -> None:
        """Put a complete folder of the same file system in the place of `home`: old aside, new in, old away.

        Where a kill comes between the first two, the next `open_stage` mends it: the old folder comes back, and a `new`
        of any other name than `work/new` is still where it was.
        """
        _swap(new, self.home, self.work / "old")


@contextmanager
def open_stage(name: str, home: Path) -> Iterator[StageFolder]:
    """Lock a stage's folder, mend an interrupted swap, yield it. Raises StageBusyError where another process has it."""
    home = home.absolute()
    work = home.parent / f".{home.name}.work"
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StageBusyError(
            f"{home}: another process is writing this stage (a killed `dvc repro` leaves its stage running); "
            "wait for it to end, or stop it, then run the same command again"
        ) from None
    try:
        _mend(home, work)
        yield StageFolder(name, home, work)
    finally:
        lock.release()


def _mend(home: Path, work: Path) -> None:
    """Finish or undo a swap that a kill interrupted."""
    new, old = work / "new", work / "old"
    if old.exists() and not home.exists():
        (new if (new / manifest.FILE_NAME).is_file() else old).replace(home)
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _swap(new: Path, home: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if home.exists():
        home.replace(old)
    new.replace(home)
    shutil.rmtree(old, ignore_errors=True)


def link(source: Path, target: Path) -> None:
    """A hard link where the file system has them, else a copy: pictures named by content never change."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def version_of(modules: Sequence[str], extra: Sequence[str] = ()) -> str:
    """The stage version: a hash of the source of modules and whole packages, and of what else decides (weights)."""
    digest = hashlib.sha256()
    for name in sorted(modules):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(name)
        origin = Path(spec.origin)
        for file in sorted(origin.parent.glob("*.py")) if origin.name == "__init__.py" else (origin,):
            digest.update(file.read_bytes())
    for text in extra:
        digest.update(b"\0" + text.encode())
    return digest.hexdigest()


def key_of(version: str, config: BaseModel | dict[str, Any] | None) -> str:
    """The key under which results may be used again."""
    plain = config.model_dump(mode="json") if isinstance(config, BaseModel) else config
    settings = json.dumps(plain, sort_keys=True) if plain else ""
    return hashlib.sha256(f"{version} {settings}".encode()).hexdigest()[:32]


class Results:
    """Finished results of one key, by input id: read at the start, one file added a batch.

    The columns are whatever the batch function returned; `_input` is the id (and domain) that they answer.
    """

    def __init__(self, folder: StageFolder, key: str) -> None:
        self._folder = folder.work / "results" / key
        self._folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> pd.DataFrame:
        """All finished results; a file that a full disk or a power cut left damaged counts as not finished."""
        tables = []
        for file in sorted(self._folder.glob("*.parquet")):
            try:
                tables.append(pq.read_table(file).to_pandas())
            except (pa.ArrowException, OSError):
                file.unlink()
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()

    def add(self, batch: pd.DataFrame) -> None:
        """Keep a batch's results."""
        name = hashlib.sha256("".join(batch["_input"]).encode()).hexdigest()[:24]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pandas(batch, preserve_index=False), sink)
        files.write_bytes(self._folder / f"{name}.parquet", sink.getvalue().to_pybytes())

    def forget_others(self) -> None:
        """Drop the results of other versions and configurations."""
        for other in self._folder.parent.iterdir():
            if other != self._folder:
                shutil.rmtree(other, ignore_errors=True)
