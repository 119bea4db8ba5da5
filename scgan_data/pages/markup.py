"""HTML of strangers, read within bounds: parsed once, looked at a fixed distance up and down from any element.

A page may nest a hundred thousand links in one another, so "the link around this" and "the text of that" go only so
far; the work stays proportional to the page. bs4 with html.parser repairs whatever comes; what is refused is size.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from bs4.dammit import EncodingDetector
from bs4.element import NavigableString, PageElement
from bs4.exceptions import ParserRejectedMarkup

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError, parse

MAX_BYTES = 16 * 2**20
MAX_TAGS = 200_000
"""About 300 MB of elements."""
REACH = 64
"""How many elements up or down are looked at."""
_XML_DECLARATION = re.compile(r"<\?xml[^>]{0,200}>", re.IGNORECASE)


def read(body: bytes) -> list[Tag]:
    """A page's elements, in order. Raises RefusedError for one that is too large, or that no tree comes of."""
    if len(body) > MAX_BYTES:
        raise RefusedError(Reason.TOO_MANY_BYTES, "a page over the limit", value=len(body), limit=MAX_BYTES)
    text = decoded(body)
    tags = text.count("<")
    if tags > MAX_TAGS:
        raise RefusedError(Reason.TOO_MANY_BYTES, "a page of too many tags", value=tags, limit=MAX_TAGS)
    try:
        # bs4 warns of XHTML's declaration, and of a text without tags, which it takes for a file's name.
        soup = BeautifulSoup(_XML_DECLARATION.sub("", text) if tags else "<p>", "html.parser")
    except (ParserRejectedMarkup, RecursionError) as error:
        raise RefusedError(Reason.BAD_ANSWER, f"a page that cannot be parsed: {error}"[:200]) from None
    return [element for element in soup.descendants if isinstance(element, Tag)]


def decoded(body: bytes) -> str:
    """A page's text: by its byte order mark, else by what it declares, else UTF-8, else Windows-1252."""
    plain, mark = EncodingDetector.strip_byte_order_mark(body)
    declared = mark or _codec(EncodingDetector.find_declared_encoding(plain, is_html=True))
    for encoding in filter(None, (declared, "utf-8")):
        try:
            return plain.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return plain.decode(declared or "cp1252", "replace")


def _codec(name: str | None) -> str | None:
    """Python's name of a charset; None for what is no charset of pages (`punycode` takes quadratic time)."""
    try:
        codec = codecs.lookup(name or "").name
    except (LookupError, ValueError):
        return None
    return (
        codec
        if re.match(r"utf|iso8859|cp\d|windows|koi8|mac|big5|gb|euc|shift_jis|iso2022|hz|tis|ascii", codec)
        else None
    )


def home_of(tags: Sequence[Tag], url: str) -> str:
    """What the page's relative addresses are relative to: its <base>, else its own address."""
    base = next((tag for tag in tags if tag.name == "base" and "href" in tag.attrs), None)
    return (absolute(attribute(base, "href"), url) if base is not None else None) or url


def attribute(tag: Tag, name: str) -> str:
    """An attribute's text; empty where there is none."""
    value = tag.get(name)
    return " ".join(value) if isinstance(value, list) else str(value or "")


def words(tag: Tag, name: str) -> frozenset[str]:
    """The words of an attribute such as `rel`, in lower case."""
    return frozenset(attribute(tag, name).lower().split())


def absolute(link: str, home: str) -> str | None:
    """An http(s) address in canonical form; None for data:, javascript:, mailto: and what is no address."""
    try:
        return parse(urljoin(home, link.strip())).url
    except (RefusedError, ValueError):
        return None


def around(tag: Tag, name: str) -> Tag | None:
    """The nearest element of a name around a tag."""
    return next((parent for parent in islice(tag.parents, REACH) if parent.name == name), None)


def inside(tag: Tag, *names: str) -> Iterator[Tag]:
    """The elements of some names in a tag."""
    return (element for element in _below(tag) if isinstance(element, Tag) and element.name in names)


def text(tag: Tag) -> str:
    """A tag's text, in one line."""
    strings = (str(element) for element in _below(tag) if type(element) is NavigableString)
    return " ".join(" ".join(strings)[:2000].split())


def _below(tag: Tag) -> Iterator[PageElement]:
    """What is in a tag, in order. (bs4's `descendants` first walks down to the last of them.)"""
    waiting = tag.contents[REACH - 1 :: -1]
    for _ in range(REACH):
        if not waiting:
            return
        element = waiting.pop()
        yield element
        if isinstance(element, Tag):
            waiting += element.contents[REACH - 1 :: -1]
