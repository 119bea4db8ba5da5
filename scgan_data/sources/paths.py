"""Paths as params name several files: `clips/*.mp4`, `shards/train-{000..012}.tar`, `{a,b}.zip`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from scgan_data.errors import SourceError

MAX_FILES = 100_000
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MAGIC = re.compile(r"[*?\[]")


def files_of(pattern: Path) -> list[Path]:
    """The files that a path with braces and wildcards names, braces in their order, wildcards sorted.

    A path that is there is itself. Raises SourceError where one part names no file.
    """
    if pattern.exists():
        return [pattern]
    found: dict[Path, None] = {}
    for path in _braces(str(pattern)):
        matches = _wildcards(path) if _MAGIC.search(str(path)) else [path]
        missing = not matches or not matches[0].is_file()
        if missing:
            raise SourceError(f"{path} names no file that is there: correct the source's `path`")
        found.update(dict.fromkeys(matches))
    return list(found)


def _braces(text: str) -> Iterator[Path]:
    pieces = _BRACES.split(text)
    choices = [list(_choices(piece)) if index % 2 else [piece] for index, piece in enumerate(pieces)]
    yield from (Path("".join(parts)) for parts in product(*choices))


def _choices(inside: str) -> Iterator[str]:
    bounds = _RANGE.fullmatch(inside)
    if bounds is None:
        yield from inside.split(",")
        return
    first, last = int(bounds[1]), int(bounds[2])
    if not 0 <= last - first < MAX_FILES:
        raise SourceError(f"{{{inside}}} in a source's `path` is no range of up to {MAX_FILES} files")
    width = len(bounds[1]) if bounds[1].startswith("0") else 0
    yield from (f"{number:0{width}d}" for number in range(first, last + 1))


def _wildcards(path: Path) -> list[Path]:
    """Regular files that match, hidden ones left out."""
    matches = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
    return sorted(match for match in matches if match.is_file() and not match.name.startswith("."))
