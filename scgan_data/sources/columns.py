"""What a row, a sidecar or a dataset says of one picture, under whatever names its columns have.

The manifest's own provenance columns are found by their usual names (`creator`, `artist` and `photographer` are an
author), in any case, the first that is filled winning. Everything else goes along as text in `extra`, cut at
`MAX_TEXT` letters: a title or tags help people, an embedding of 768 numbers would only swell the manifest. Bytes and
nested values that are longer are left out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from scgan_data.sources import Local, Offer
from scgan_data.web.address import RefusedError

FIELDS: dict[str, tuple[str, ...]] = {
    "page_url": (
        "page_url",
        "page",
        "hostpage",
        "foreign_landing_url",
        "landing_url",
        "webpage_url",
        "post_url",
        "source_url",
        "url",
    ),
    "license": ("license", "licence", "license_name", "licence_name"),
    "license_url": ("license_url", "licence_url", "license_link", "licence_link"),
    "author": ("author", "creator", "artist", "photographer"),
}
"""A provenance column of the manifest -> the names that it goes by, best first."""
MAX_TEXT = 1000


class Source(Protocol):
    """What an offer takes from its source."""

    @property
    def name(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def license(self) -> str | None: ...
    @property
    def license_url(self) -> str | None: ...
    @property
    def author(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of one picture."""

    page_url: str | None = None
    license: str | None = None
    license_url: str | None = None
    author: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


NOTHING = Told()


def told(record: Mapping[str, Any], without: Collection[str] = ()) -> Told:
    """A record's provenance and further columns; those in `without` are known already."""
    columns, others = _columns(tuple(record), frozenset(without))
    said: dict[str, str | None] = {}
    extra = {column: value for column in others if (value := text(record[column]))}
    for name, candidates in columns.items():
        filled = [(column, value) for column in candidates if (value := text(record[column]))]
        said[name] = filled[0][1] if filled else None
        extra.update(filled[1:])
    return Told(said["page_url"], said["license"], said["license_url"], said["author"], extra)


def told_by_json(data: bytes) -> Told | None:
    """What a picture's JSON sidecar says, or None where it is no JSON object."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return told(record) if isinstance(record, dict) else None


def text(value: Any) -> str | None:
    """A value as it goes into the manifest, None where it says nothing."""
    if isinstance(value, str):
        stripped = value.strip()
        return stripped if len(stripped) <= MAX_TEXT else f"{stripped[: MAX_TEXT - 1]}…"
    if value is None or value != value or isinstance(value, bytes):  # noqa: PLR0124  NaN
        return None
    if isinstance(value, bool | list | tuple | dict):
        try:
            nested = json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            return None
        return nested if len(nested) <= MAX_TEXT else None
    return str(value)


def offer_of(
    source: Source, url: str, said: Told = NOTHING, *, local: Local | None = None, refused: RefusedError | None = None
) -> Offer:
    """A source's offer; where nothing is said of the picture, what params say of all the source's pictures holds."""
    return Offer(
        url,
        source.domain,
        source.name,
        page_url=said.page_url,
        license=said.license or source.license,
        license_url=said.license_url or source.license_url,
        author=said.author or source.author,
        extra=said.extra or None,
        local=local,
        refused=refused,
    )


@lru_cache(maxsize=256)
def _columns(names: tuple[str, ...], without: frozenset[str]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """By provenance column the record's columns that may fill it, best first; and the other columns."""
    free = [name for name in names if name and name not in without]
    found = {
        name: tuple(column for synonym in synonyms for column in free if column.strip().lower() == synonym)
        for name, synonyms in FIELDS.items()
    }
    taken = {column for columns in found.values() for column in columns}
    return found, tuple(name for name in free if name not in taken)
