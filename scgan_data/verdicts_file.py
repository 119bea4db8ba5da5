"""Appending to the file of people's verdicts (`verdicts`): under a lock, and on disk before anybody is told.

A last line that a power cut left torn is moved to `verdicts.jsonl.torn` by the next append: nobody was told of it. One
that is whole and yet no verdict was written by hand: it stays, for the next reader to name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from scgan_data.verdicts import is_whole

Write = Callable[[Iterable[Mapping[str, Any]]], None]


@contextmanager
def writing(file: Path) -> Iterator[Write]:
    """The right to append, for who must look before writing; other writers, of any process, wait their turn."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f".{file.name}.lock")):
        yield partial(_write, file)


def append(file: Path, verdicts: Iterable[Mapping[str, Any]]) -> None:
    """Add lines to a verdicts file, on disk when this returns; other writers wait their turn."""
    with writing(file) as write:
        write(verdicts)


def _write(file: Path, verdicts: Iterable[Mapping[str, Any]]) -> None:
    lines = "".join(json.dumps(verdict, ensure_ascii=False) + "\n" for verdict in verdicts).encode()
    with file.open("ab+") as out:
        out.write(_mended(file, out.tell(), out) + lines)
        out.flush()
        os.fsync(out.fileno())


def _mended(file: Path, size: int, out: Any) -> bytes:
    """Put a torn last line aside; what a whole one without its end still needs."""
    out.seek(max(0, size - 1))
    if out.read(1) in (b"", b"\n"):
        return b""
    out.seek(0)
    rest = out.read().rpartition(b"\n")[2]
    if is_whole(rest):
        return b"\n"
    with file.with_name(f"{file.name}.torn").open("ab") as aside:
        aside.write(rest + b"\n")
        os.fsync(aside.fileno())
    out.truncate(size - len(rest))
    return b""
