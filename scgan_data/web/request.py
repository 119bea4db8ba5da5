"""What goes into the gateway and what comes out of it: the records of one request, without any network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scgan_data.web.address import RefusedError, Target

Addresses = Sequence[tuple[str, int]] | None
"""Where to connect: checked addresses with their ports, or None: through the proxy, which resolves the name."""


@dataclass(frozen=True)
class Access:
    """What a source may reach, beyond what params say of all."""

    allow_private: bool = False
    interval_s: float | None = None
    """Overrides the configuration's."""
    connect_to: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """host -> (address, port) to connect to instead, unchecked. For the sample's own server only."""
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """host -> further headers that go to that host alone; their values are secrets. Over plain http they are sent only
    where private addresses are allowed or the host is one of `connect_to`."""


@dataclass(frozen=True)
class Ask:
    """A page or an API call that a source wants; pictures are asked for by URL alone."""

    url: str
    """What is recorded and may be shown: no secret in it."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Query parameters, added to the URL in this order."""
    secret_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Query parameters that are sent and never recorded: API keys."""
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers that are sent to this URL's host only and never recorded."""
    is_api: bool = False
    """An interface made for programs, under its own terms: robots.txt, which is for crawlers, is not asked."""


@dataclass(frozen=True)
class Visited:
    """A page or an API's answer that was had."""

    url: str
    """After redirects."""
    body: bytes
    robots: frozenset[str]
    """Directives of its X-Robots-Tag header."""


@dataclass(frozen=True)
class Partial:
    """The part of a file that came before its transfer broke; the next attempt asks for the rest (Range, If-Range)."""

    url: str
    body: bytes = field(repr=False)
    validator: str
    """A strong ETag or a Last-Modified."""

    @property
    def headers(self) -> dict[str, str]:
        """What asks for the rest, if the file is still the same."""
        return {"Range": f"bytes={len(self.body)}-", "If-Range": self.validator}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request as it is made: what to send and what to take."""

    target: Target
    head: bytes = field(repr=False)
    """The whole request."""
    addresses: Addresses
    max_bytes: int
    deadline_s: float
    partial: Partial | None = None
    """Its Range and If-Range are in the head."""
    is_conditional: bool = False
    is_picture: bool = False
    """X-Robots-Tag decides whether it is had, before its body is read."""
    is_cut_off: bool = False
    """What is beyond `max_bytes` is left out, rather than all refused."""
    rules: str = ""
    """What robots.txt decided."""


@dataclass(frozen=True)
class Answer:
    """A 2xx with its body, or 304."""

    status: int
    url: str
    """That answered."""
    headers: Mapping[str, str]
    """By name in lower case; several of one name joined with ", "."""
    body: bytes = field(repr=False)
    robots: frozenset[str] = frozenset()
    """Directives of X-Robots-Tag that hold for us."""
    rules: str = ""
    """What each rule decided: "robots.txt: allowed; x-robots-tag: none"."""
    seconds: float = 0.0
    """The transfer, from the request's first byte to the answer's last."""
    via_proxy: bool = False


@dataclass(frozen=True)
class Redirect:
    """The server sends us on. The new URL has not been checked yet."""

    url: str


class AgainError(Exception):
    """This attempt failed in a way that a later one may not: carries what to say if there is none.

    `wait_s` is the least time that the server asked for (Retry-After), 0 if it did not; back-off is the caller's.
    """

    def __init__(self, refused: RefusedError, *, wait_s: float, partial: Partial | None = None) -> None:
        super().__init__(str(refused))
        self.refused, self.wait_s, self.partial = refused, wait_s, partial
