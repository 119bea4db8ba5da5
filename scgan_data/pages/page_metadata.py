"""What a page states of its pictures: licence, author, whether a model made them; four spellings, one `Credit`.

schema.org in JSON-LD, its microdata and RDFa properties, `rel=license`, and <meta> (author, Dublin Core). A statement
in JSON-LD belongs to the picture that it names; one in the text to the only picture in the nearest box that has any (a
<figure> and its caption), else to the page. A picture's own statement wins over the page's. Statements of the page
that contradict each other are none: a wrong licence is worse than an unknown one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bs4 import Tag

from scgan_data.credit.provenance import Credit, clean, license_address, source_type
from scgan_data.pages import json_ld
from scgan_data.pages.markup import REACH, absolute, attribute, inside, text, words

MAX_STATEMENTS = 5000
_AUTHOR = frozenset({"creator", "author", "cc:attributionname", "dc:creator", "dct:creator", "dcterms:creator"})
_LICENSE = frozenset({"license", "cc:license", "dct:license", "dcterms:license", "dc:license"})
_SOURCE_TYPE = "digitalsourcetype"
_META_AUTHOR = ("author", "dcterms.creator", "dc.creator", "article:author", "citation_author")
_META_LICENSE = ("dcterms.license", "dc.rights.license", "license", "dcterms.rights", "dc.rights", "copyright")
_META_SHARED = ("og:image:secure_url", "og:image:url", "og:image", "twitter:image", "twitter:image:src")


@dataclass(frozen=True)
class PageMetadata:
    """The statements of one page."""

    page: Credit = field(default_factory=Credit)
    by_url: Mapping[str, Credit] = field(default_factory=dict)
    by_tag: Mapping[int, Credit] = field(default_factory=dict)
    """By `id()` of the picture's tag."""
    contents: tuple[str, ...] = ()
    """Pictures that JSON-LD names as shown here, in its order."""
    originals: Mapping[str, str] = field(default_factory=dict)
    """Thumbnail -> the file that it is one of, where JSON-LD says so."""
    shared: str | None = None
    """The picture that stands for the page where it is linked to: og:image."""

    def credit(self, addresses: Iterable[str], tag: Tag | None = None) -> Credit:
        """What is stated of the picture with these addresses, shown by this tag."""
        found = self.by_tag.get(id(tag), Credit())
        for address in addresses:
            found = found.over(self.by_url.get(address, Credit()))
        return found.over(self.page)


def read(tags: Sequence[Tag], home: str, pictures: Iterable[Tag]) -> PageMetadata:
    """A page's statements; `pictures` are those of its tags that show pictures, addresses are relative to `home`."""
    scripts = [tag for tag in tags if tag.name == "script" and "ld+json" in attribute(tag, "type").lower()]
    linked = json_ld.read((script.string or "" for script in scripts), home)
    by_tag, in_text = _in_text(tags, home, pictures)
    meta = _meta(tags)
    shared = next((meta[name] for name in _META_SHARED if name in meta), "")
    return PageMetadata(
        page=in_text.over(linked.page).over(_of_meta(meta)),
        by_url=linked.by_url,
        by_tag=by_tag,
        contents=tuple(dict.fromkeys(linked.contents)),
        originals=linked.originals,
        shared=absolute(shared, home) if shared else None,
    )


def _meta(tags: Sequence[Tag]) -> dict[str, str]:
    """The first content of each <meta> name or property, names in lower case."""
    found: dict[str, str] = {}
    for tag in (tag for tag in tags if tag.name == "meta"):
        name = (attribute(tag, "name") or attribute(tag, "property")).strip().lower()
        if name and attribute(tag, "content").strip():
            found.setdefault(name, attribute(tag, "content").strip())
    return found


def _of_meta(meta: Mapping[str, str]) -> Credit:
    author = next((meta[name] for name in _META_AUTHOR if name in meta and "://" not in meta[name]), None)
    said = next((meta[name] for name in _META_LICENSE if name in meta), None)
    address = license_address(said)
    return Credit(None if address and address == said else clean(said), address, clean(author))


def _in_text(tags: Sequence[Tag], home: str, pictures: Iterable[Tag]) -> tuple[dict[int, Credit], Credit]:
    """What the text states of single pictures, by `id()` of their tags, and what it states of the page."""
    boxes = _boxes(pictures)
    by_tag: dict[int, Credit] = {}
    of_page: list[Credit] = []
    for tag in islice(filter(_is_statement, tags), MAX_STATEMENTS):
        credit = _stated(tag, home)
        owner = next((boxes[id(p)] for p in islice(tag.parents, REACH) if id(p) in boxes), None)
        if owner is None:
            of_page.append(credit)
        else:
            by_tag[id(owner)] = by_tag.get(id(owner), Credit()).over(credit)
    return by_tag, _agreed(of_page)


def _boxes(pictures: Iterable[Tag]) -> dict[int, Tag | None]:
    """The one picture in each element that has any, by the element's `id()`; None where there are several."""
    boxes: dict[int, Tag | None] = {}
    for picture in pictures:
        for parent in islice(picture.parents, REACH):
            boxes[id(parent)] = None if id(parent) in boxes else picture
    return boxes


def _agreed(credits: list[Credit]) -> Credit:
    """What the statements say unless they contradict each other."""
    licenses = {c.license_url or c.license: c for c in reversed(credits) if c.license or c.license_url}
    authors = {c.author for c in credits if c.author}
    named = next(iter(licenses.values())) if len(licenses) == 1 else Credit()
    return Credit(named.license, named.license_url, authors.pop() if len(authors) == 1 else None)


def _is_statement(tag: Tag) -> bool:
    if "rel" in tag.attrs and tag.name in {"a", "link", "area"} and words(tag, "rel") & {"author", *_LICENSE}:
        return "href" in tag.attrs
    return bool(_properties(tag) & {*_AUTHOR, *_LICENSE, _SOURCE_TYPE})


def _properties(tag: Tag) -> frozenset[str]:
    """The names of a tag's microdata or RDFa property, without schema.org's prefix."""
    if "itemprop" not in tag.attrs and "property" not in tag.attrs:
        return frozenset()
    names = words(tag, "itemprop") | words(tag, "property")
    return frozenset(name.removeprefix("schema:").removeprefix("https://schema.org/") for name in names)


def _stated(tag: Tag, home: str) -> Credit:
    """What one tag states."""
    names = _properties(tag) | words(tag, "rel")
    target = attribute(tag, "href") or attribute(tag, "resource")
    value = attribute(tag, "content") or text(tag)
    if names & _LICENSE:
        address = absolute(target, home) if target else license_address(value)
        return Credit(None if address and address == value else clean(value), address)
    if _SOURCE_TYPE in names:
        kind = source_type(target or value)
        return Credit(ai_generated=f"schema.org:{kind}" if kind else None)
    author = next(filter(None, map(text, _named_inside(tag))), value)
    return Credit(author=None if "://" in author else clean(author))


def _named_inside(tag: Tag) -> Iterator[Tag]:
    return (inner for inner in inside(tag, "span", "a", "b", "div", "p") if "name" in words(inner, "itemprop"))
