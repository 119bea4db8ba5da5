"""sitemap.xml: the pages and pictures that a site lists for crawlers (sitemaps.org, with Google's image extension).

A site's index names sitemaps, those name pages, and a page's entry may name its pictures. Recognised by content, not by
name, also gzipped. Files come from strangers: unpacked and read piece by piece up to the protocol's own limits, through
defusedxml with document types refused. What was read before a limit or a fault is kept; then the fault is raised.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree as Defused

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError

MAX_BYTES = 50 * 2**20
"""Of one sitemap, unpacked."""
MAX_ENTRIES = 50_000
"""Of one sitemap."""
MAX_IMAGES = 1000
"""Of one page's entry."""
_ROOT = re.compile(rb"<(?:[\w-]{1,40}:)?(?:urlset|sitemapindex)[\s/>]")
_ROBOTS_LINE = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Image:
    """A picture that a page's entry names."""

    url: str
    license_url: str | None = None


@dataclass(frozen=True)
class Entry:
    """A page, or a further sitemap. URLs as they are written."""

    url: str
    is_sitemap: bool = False
    images: tuple[Image, ...] = ()


def is_sitemap(body: bytes) -> bool:
    """Whether a body is a sitemap or an index of them, gzipped or not."""
    head = _unpacked(body, 4096)[:4096]
    return bool(_ROOT.search(head.replace(b"\0", b"")))  # UTF-16 is one of XML's two encodings


def named_in_robots(body: bytes) -> tuple[str, ...]:
    """The sitemaps that a robots.txt names."""
    return tuple(dict.fromkeys(_ROBOTS_LINE.findall(body.decode("utf-8", "replace"))))


def entries(body: bytes) -> Iterator[Entry]:
    """A sitemap's entries. Raises RefusedError, after those that could be read, for what is damaged or over a limit."""
    data = _unpacked(body, MAX_BYTES + 1)
    count = 0
    try:
        for element in _elements(data[:MAX_BYTES]):
            url = _child(element, "loc")
            if not url:
                continue
            count += 1
            if count > MAX_ENTRIES:
                raise RefusedError(
                    Reason.OVER_BUDGET, f"a sitemap of more than {MAX_ENTRIES} entries", limit=MAX_ENTRIES
                )
            yield Entry(url, _name(element) == "sitemap", _images(element))
    except (ParseError, ValueError, LookupError) as error:
        if len(data) > MAX_BYTES:
            raise RefusedError(Reason.TOO_MANY_BYTES, "a sitemap of more than 50 MB", limit=float(MAX_BYTES)) from None
        raise RefusedError(Reason.BAD_ANSWER, f"a sitemap that is no well-formed XML: {error}"[:200]) from None


def _unpacked(body: bytes, most: int) -> bytes:
    """The body, or the first `most` bytes of what is gzipped in it; nothing where that is damaged."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(wbits=31).decompress(body, most)
    except zlib.error:
        return b""


def _elements(data: bytes) -> Iterator[Element]:
    """The <url> and <sitemap> elements, each emptied after use."""
    root = None
    for event, element in Defused.iterparse(BytesIO(data), events=("start", "end"), forbid_dtd=True):
        if root is None:
            root = element
        elif event == "end" and _name(element) in {"url", "sitemap"}:
            yield element
            root.clear()


def _images(element: Element) -> tuple[Image, ...]:
    tags = [child for child in element if _name(child) == "image"][:MAX_IMAGES]
    return tuple(Image(url, _child(tag, "license")) for tag in tags if (url := _child(tag, "loc")))


def _child(element: Element, name: str) -> str | None:
    text = next((child.text for child in element if _name(child) == name), None)
    return (text or "").strip() or None


def _name(element: Element) -> str:
    """The name without its namespace: sites write the protocol's three ways."""
    return str(element.tag).rpartition("}")[2]
