"""The records of a collection: a URL that waits, what became of it, and what the decode of its bytes gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Job:
    """A URL that waits to be asked for, with the validators of the content that is in hand."""

    url_id: int
    url: str
    etag: str | None = None
    last_modified: str | None = None
    content_id: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one URL or file: content, or the reason why there is none."""

    url_id: int
    content_id: str | None = None
    reason: str | None = None
    value: float | None = None
    max_value: float | None = None
    detail: str | None = None
    status: int | None = None
    attempts: int = 0
    seconds: float = 0.0
    final_url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    rules: str | None = None
    via_proxy: bool | None = None


@dataclass(frozen=True)
class Picture:
    """What the decode of one content gave."""

    content_id: str
    suffix: str | None
    """None where the bytes are no picture for us."""
    facts: dict[str, Any]
