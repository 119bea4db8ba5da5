"""What one page of a gallery says: its pictures with their credits, where its pagination goes on, what it forbids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urljoin, urlsplit

from bs4 import Tag

from scgan_data.credit.provenance import Credit
from scgan_data.pages import markup, page_metadata, page_pictures
from scgan_data.pages.markup import absolute, attribute, text, words
from scgan_data.pages.page_metadata import PageMetadata
from scgan_data.pages.page_pictures import Shown
from scgan_data.web import robots
from scgan_data.web.address import RefusedError

NEXT_TEXT = re.compile(
    r"^\W*(next|next page|older|older posts|weiter|n[äa]chste( seite)?|suivante?|siguiente)\W*$|^[»›→]$", re.IGNORECASE
)
PAGE_NUMBER = re.compile(r"^(page|p|paged|pg|offset|start)$", re.IGNORECASE)
PAGE_PATH = re.compile(r"/page[/-]?\d+(/|\.html?)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Picture:
    """A picture that a page shows, at its best address."""

    url: str
    credit: Credit
    """The picture's own, and where that is silent the page's."""
    detail: str | None = None
    """The page of the same host that its thumbnail links to."""


@dataclass(frozen=True)
class Page:
    """What one gallery page says."""

    url: str
    pictures: tuple[Picture, ...] = ()
    further: tuple[str, ...] = ()
    """Pagination links."""
    main: Picture | None = None
    """The picture that the page is about, if it is about one."""
    forbids: str | None = None
    """What forbids our use of its pictures: a directive of X-Robots-Tag or meta robots, or a TDM reservation."""
    refused: RefusedError | None = None
    """The page itself was not had, or not to its end."""


def read_page(body: bytes, url: str, header: frozenset[str] = frozenset()) -> Page:
    """What a page's HTML says; `header` holds the directives of its X-Robots-Tag. Never raises."""
    try:
        tags = markup.read(body)
    except RefusedError as refused:
        return Page(url, refused=refused)
    home = markup.home_of(tags, url)
    said = header | _meta_robots(tags)
    shown = page_pictures.shown(tags, home)
    metadata = page_metadata.read(tags, home, [picture.tag for picture in shown])
    pictures, follow = _pictures(shown, metadata), not said & {"nofollow", "none"}
    return Page(
        url,
        pictures=pictures if follow else tuple(replace(picture, detail=None) for picture in pictures),
        further=_further(tags, home) if follow else (),
        main=_main(shown, metadata),
        forbids=robots.forbids(said) or _reserved(tags),
    )


def _pictures(shown: list[Shown], metadata: PageMetadata) -> tuple[Picture, ...]:
    """The pictures shown, those that only the metadata names, and where there is none the one shared for the page."""
    found: dict[str, Picture] = {}
    for picture in shown:
        url = _best(picture, metadata)
        found.setdefault(url, Picture(url, metadata.credit((url, *picture.addresses), picture.tag), picture.detail))
    for url in metadata.contents:
        found.setdefault(url, Picture(url, metadata.credit((url,))))
    if not found and metadata.shared:
        found[metadata.shared] = Picture(metadata.shared, metadata.credit((metadata.shared,)))
    return tuple(found.values())


def _best(picture: Shown, metadata: PageMetadata) -> str:
    named = (metadata.originals[url] for url in picture.addresses if url in metadata.originals)
    return picture.addresses[0] if picture.is_linked else next(named, picture.addresses[0])


def _main(shown: list[Shown], metadata: PageMetadata) -> Picture | None:
    """Named by the metadata, else a linked file, else what the page shares, else the widest, else the first."""
    linked = next((picture for picture in shown if picture.is_linked), None)
    widest = max(shown, key=lambda picture: picture.width, default=None)
    if metadata.contents:
        return Picture(metadata.contents[0], metadata.credit(metadata.contents[:1]))
    if linked is None and metadata.shared:
        return Picture(metadata.shared, metadata.credit((metadata.shared,)))
    best = linked or widest
    return Picture(_best(best, metadata), metadata.credit(best.addresses, best.tag)) if best is not None else None


def _meta_robots(tags: Sequence[Tag]) -> frozenset[str]:
    return robots.directives(said for name in ("robots", robots.AGENT) for said in _meta(tags, name))


def _meta(tags: Sequence[Tag], name: str) -> Iterator[str]:
    """The contents of the <meta> of a name."""
    named = (tag for tag in tags if tag.name == "meta" and attribute(tag, "name").strip().lower() == name)
    return (attribute(tag, "content").strip() for tag in named)


def _reserved(tags: Sequence[Tag]) -> str | None:
    """W3C's TDM Reservation Protocol, as far as it is in the page."""
    return "tdm-reservation: 1" if "1" in _meta(tags, "tdm-reservation") else None


def _further(tags: Sequence[Tag], home: str) -> tuple[str, ...]:
    """The next page first, then numbered ones."""
    named = [tag for tag in tags if tag.name in {"a", "link"} and "href" in tag.attrs]
    links = [tag for tag in named if "nofollow" not in words(tag, "rel")]
    following = [tag for tag in links if _says_next(tag)]
    numbered = [tag for tag in links if tag.name == "a" and _is_numbered(attribute(tag, "href"), home)]
    addresses = (absolute(attribute(tag, "href"), home) for tag in (*following, *numbered))
    return tuple(dict.fromkeys(filter(None, addresses)))


def _says_next(tag: Tag) -> bool:
    if "next" in words(tag, "rel"):
        return True
    said = (text(tag), attribute(tag, "aria-label"), attribute(tag, "title"))
    return tag.name == "a" and any(NEXT_TEXT.match(word.strip()[:40]) for word in said if word)


def _is_numbered(link: str, home: str) -> bool:
    """Whether a link differs from its page by a page number only."""
    try:
        here, there = urlsplit(home), urlsplit(urljoin(home, link.strip()))
        asked_here, asked_there = parse_qsl(here.query), parse_qsl(there.query)
    except ValueError:
        return False
    if PAGE_PATH.search(there.path):
        return PAGE_PATH.sub("", there.path).rstrip("/") == PAGE_PATH.sub("", here.path).rstrip("/")
    numbers = [(k, v) for k, v in asked_there if PAGE_NUMBER.match(k)]
    others = [(k, v) for k, v in asked_there if not PAGE_NUMBER.match(k)]
    same = [(k, v) for k, v in asked_here if not PAGE_NUMBER.match(k)]
    return there.path == here.path and others == same and any(v.isdecimal() for _, v in numbers)
