"""Where pictures come from: one module a kind of source, all behind one interface, `open(work)`.

It yields an `Opened` source: what it may reach, and a generator of offers. A source that reads pages asks for them
through the `visit` that collect hands in, so that every byte comes through the one gateway and is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scgan_data.address import RefusedError
from scgan_data.config import Config
from scgan_data.fetch import Access


class Provenance(Config):
    """What params may say of all pictures of a source."""

    license: str | None = None
    """The pictures' licence, as the manifest shall name it."""
    license_url: str | None = None
    """Where the licence's text is."""
    author: str | None = None
    """Who made the pictures."""


@dataclass(frozen=True)
class Offer:
    """One picture that a source names: a URL, or a file on disk."""

    url: str
    """Where it is; for a file its path as params name it, with slashes."""
    domain: str
    source: str
    """The entry of params.yaml or --from that named it."""
    page_url: str | None = None
    license: str | None = None
    license_url: str | None = None
    author: str | None = None
    file: Path | None = None
    refused: RefusedError | None = None
    """The source knows already that it must not be had."""


@dataclass(frozen=True)
class Visited:
    """A page that was had."""

    url: str
    """After redirects."""
    body: bytes
    robots: frozenset[str]
    """Directives of its X-Robots-Tag header."""


Visit = Callable[[str], Visited]
"""Have a page by URL. Raises RefusedError."""


@dataclass(frozen=True)
class Opened:
    """A source ready to be read."""

    offers: Callable[[Visit], Iterator[Offer]]
    access: Access = field(default_factory=Access)
    is_local: bool = False
    """Reads files only: no gateway is needed."""
