"""What a file of another tool says of one picture, and the checks that every reader shares.

Files are read through pydantic models, so that a wrong type is one line that names the file and the entry
(`images[3].width`), and through the functions here, which name the entry too. Foreign keys are ignored: each tool adds
its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated as Typed
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from scgan_data.errors import ExchangeError, nearest
from scgan_data.exchange.picture import Box
from scgan_data.records import Region

Finite = Typed[float, Field(allow_inf_nan=False)]
Sizes = Mapping[str, tuple[int, int]]
"""(width, height) in pixels of each picture that is known, by id."""
_ID = re.compile(r"[0-9a-f]{64}$")
T = TypeVar("T")


class Foreign(BaseModel):
    """Base of the models of other tools' files."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True)
class Said:
    """One picture as a file describes it."""

    entry: str
    """Where in the file, for error messages."""
    id: str
    boxes: dict[Region, Box]
    scope: frozenset[Region] = frozenset(Region)
    """The regions that the file can speak of: one of them without a box was deleted."""
    size_px: tuple[int, int] | None = None
    """(width, height) that the file gives, where it gives one."""
    points: tuple[tuple[float, float], ...] | None = None
    reviewer: str | None = None


def parse(kind: type[T], file: Path, data: bytes, entry: str = "") -> T:
    """Validate JSON bytes against a type. Raises ExchangeError naming the file and the entry."""
    try:
        parsed: T = TypeAdapter(kind).validate_json(data)
    except ValidationError as error:
        problem = error.errors()[0]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]).lstrip(".")
        named = ", ".join(part for part in (str(file), entry, where) if part)
        raise ExchangeError(f"{named}: {problem['msg']}") from None
    return parsed


def read(file: Path) -> bytes:
    """A file's bytes. Raises ExchangeError where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise ExchangeError(f"{file} cannot be read: {error.strerror}") from None


def id_in(name: str) -> str:
    """The picture's id in a file name or URL: its stem, without the prefix that an upload may have got."""
    stem = PurePosixPath(name.replace("\\", "/").partition("?d=")[2] or name.replace("\\", "/")).stem
    found = _ID.search(stem)
    return found.group() if found else stem


def region_of(name: str, where: str) -> Region:
    """The region of a label. Raises ExchangeError for one that is none."""
    if name not in set(Region):
        raise ExchangeError(f"{where}: `{name}` is no region{nearest(name, [str(r) for r in Region])}")
    return Region(name)


def add(boxes: dict[Region, Box], region: Region, box: Iterable[float], where: str) -> None:
    """Note a region's box. Raises ExchangeError for a second one, and for one without area."""
    x0, y0, x1, y1 = (float(v) for v in box)
    if region in boxes:
        raise ExchangeError(f"{where}: a second box of `{region}` in one picture; a picture has one")
    if not all(map(math.isfinite, (x0, y0, x1, y1))) or not (x0 < x1 and y0 < y1):
        raise ExchangeError(f"{where}: the box of `{region}` has no area: {x0:g}, {y0:g} to {x1:g}, {y1:g}")
    boxes[region] = (x0, y0, x1, y1)
