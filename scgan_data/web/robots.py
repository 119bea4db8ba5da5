"""What a site allows: robots.txt (RFC 9309, read by protego), X-Robots-Tag headers and meta robots.

No robots.txt (4xx) allows all; one that the server fails to give (5xx) allows nothing; one that no connection brings
passes its own failure on to the site's URLs. `noai`, `noimageai`, `noml`, `noindex`, `noimageindex` and `none` forbid
our use of what carries them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from protego import Protego

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError

AGENT = "scgan-data"
"""The product token that robots.txt and X-Robots-Tag address us by."""
MAX_BYTES = 512_000
"""What follows in a longer robots.txt is not read (RFC 9309, section 2.5)."""
MAX_REDIRECTS = 5
TDM_RESERVED = "tdm-reservation"
"""The header of W3C's TDM Reservation Protocol, read as a directive."""
FORBIDDING = frozenset({"noai", "noimageai", "noml", "noindex", "noimageindex", "none", TDM_RESERVED})
NOT_ASKED = "robots.txt: not asked (API)"
_VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")


@dataclass(frozen=True)
class Rules:
    """A site's robots.txt, as far as it concerns us."""

    parsed: Protego | None
    """None: there is none."""
    said: str
    """The line for a row whose URL it allows."""
    interval_s: float = 0.0
    """Crawl-delay, or Request-rate as a delay."""

    def allows(self, url: str) -> bool:
        """Whether the URL may be requested."""
        return self.parsed is None or bool(self.parsed.can_fetch(url, AGENT))


def read(body: bytes) -> Rules:
    """The rules of a robots.txt."""
    parsed = Protego.parse(body[:MAX_BYTES].decode("utf-8-sig", "replace"))
    rate = parsed.request_rate(AGENT)
    spacing_s = rate.seconds / rate.requests if rate and rate.requests else 0.0
    interval_s = max(float(parsed.crawl_delay(AGENT) or 0.0), spacing_s, 0.0)
    asked = f", {interval_s:g} s between requests" if interval_s else ""
    return Rules(parsed, f"robots.txt: allowed{asked}", interval_s)


def missing(refused: RefusedError) -> Rules | RefusedError:
    """What holds where robots.txt was refused: all is allowed, or the refusal of the site's URLs."""
    if refused.reason == Reason.HTTP_ERROR and refused.value is not None:
        if refused.value < 500:
            return Rules(None, f"robots.txt: none ({refused.value:.0f})")
        detail = f"robots.txt answers {refused.value:.0f}, so nothing may be requested"
        return RefusedError(Reason.ROBOTS_DISALLOWED, detail, value=refused.value)
    return RefusedError(refused.reason, f"robots.txt: {refused.detail}"[:200], value=refused.value, limit=refused.limit)


def directives(values: Iterable[str]) -> frozenset[str]:
    """The directives of X-Robots-Tag values (or meta contents) that hold for us: `otherbot: noai` does not."""
    found = set()
    for value in values:
        ours = True
        for part in value.lower().split(","):
            name, colon, rest = part.strip().partition(":")
            if colon and name.strip() not in _VALUED:
                ours, name = name.strip() == AGENT, rest
            if ours and name.strip():
                found.add(name.strip())
    return frozenset(found)


def forbids(found: frozenset[str]) -> str | None:
    """The directive that forbids our use, or None."""
    return next(iter(sorted(found & FORBIDDING)), None)


def line(said: str, found: frozenset[str]) -> str:
    """What each rule decided, in one line that is the same on every run."""
    return f"{said}; x-robots-tag: {', '.join(sorted(found)) or 'none'}"
