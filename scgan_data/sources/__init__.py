"""Where pictures come from: one module a kind of source, all behind one interface, `open(work)`.

It yields an `Opened` source: what it may reach, and its streams, one a query (a list, a folder and a gallery are one
stream). A stream is a generator of offers; collect asks it for more while there is budget and drops it when there is
none. What it needs of the web it asks through the `visit` that collect hands in, so that every byte comes through the
one gateway and a killed run does not ask again. Local files are read by collect, through the offer's `local`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from scgan_data.config import Config
from scgan_data.records import SELFIE
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Access, Ask, Visited

Visit = Callable[[Ask], Visited]
"""Have a page, or an API's answer. Raises RefusedError."""


class Provenance(Config):
    """What params may say of all pictures of a source."""

    domain: str = SELFIE
    """`selfie`, or the style's name."""
    license: str | None = None
    """The pictures' licence, as the manifest shall name it."""
    license_url: str | None = None
    """Where the licence's text is."""
    author: str | None = None
    """Who made the pictures."""


class Reach(Config):
    """What params may say of a source on the network."""

    allow_private: bool = False
    """Whether addresses that are not public may be reached (a server of one's own network)."""
    headers_env: dict[str, str] = Field(default_factory=dict)
    """Header -> environment variable with its value, for a site that one has a contract with: `{Cookie: SHOP_COOKIE}`.
    Sent to the hosts of `headers_hosts` only; the values never reach a file or a log."""
    headers_hosts: tuple[str, ...] = ()
    """The hosts that get them; empty means the source's own host."""


@dataclass(frozen=True)
class Local:
    """Bytes on this machine."""

    signature: str
    """Changes when the bytes may have changed (size and time); while it is the same they are not read again."""
    read: Callable[[], bytes]
    """Called at once when the offer comes, or not at all. Raises OSError, or RefusedError with a reason."""
    path: Path | None = None
    """The file, if it is a plain one whose name a table can hold."""
    size_bytes: int | None = None
    """As announced, so that what is too large is refused unread."""


@dataclass(frozen=True)
class Offer:
    """One picture that a source names: a URL, or bytes on this machine."""

    url: str
    """Canonical; for bytes on this machine the path as params name it, with slashes (`clip.zip!/a/1.jpg` inside)."""
    domain: str
    source: str
    """The entry of params.yaml or --from that named it."""
    page_url: str | None = None
    license: str | None = None
    license_url: str | None = None
    author: str | None = None
    ai_generated: str | None = None
    extra: Mapping[str, str] | None = None
    """Further columns, carried along."""
    local: Local | None = None
    refused: RefusedError | None = None
    """The source knows already that it must not be had."""


Stream = Callable[[Visit], Iterator[Offer]]


@dataclass(frozen=True)
class Opened:
    """A source ready to be read."""

    streams: Mapping[str, Stream]
    """By query; "" for a source that has none."""
    access: Access = field(default_factory=Access)
    is_local: bool = False
    """Reads files only: no gateway is needed."""
