"""What pictures a page's HTML shows, and the best address of each.

One `<img>` is one picture, however many files it names. Best is the picture file that its thumbnail links to, then an
attribute that names the original, then the largest of its `srcset`s and its `<picture>`'s, then a lazy loader's
attribute, then `src`. Backgrounds of `style` attributes and plain links to picture files count as pictures. Icons do
not (declared under `MIN_SIDE_PX`, inline data, vector graphics) unless they link to a picture file; nor do a licence's
badges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote, urlsplit

from bs4 import Tag

from scgan_data.pages.markup import REACH, absolute, around, attribute, inside, words
from scgan_data.web.address import parse

MIN_SIDE_PX = 64
ORIGINALS = (
    "data-orig-file",
    "data-original-src",
    "data-large_image",
    "data-large-file",
    "data-full",
    "data-full-src",
    "data-full-url",
    "data-fullsrc",
    "data-hires",
    "data-highres",
    "data-zoom-image",
    "data-zoom-src",
    "data-pswp-src",
)
"""Attributes that galleries, shops and light boxes name the large file with."""
SETS = ("srcset", "data-srcset", "data-lazy-srcset", "data-lazyload-srcset")
LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-lazyload", "data-echo", "data-img-src")
"""Attributes in which lazy loaders keep `src`."""
BACKGROUNDS = ("data-bg", "data-background-image", "data-background")
PICTURE_FILE = re.compile(r"\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|avif)$", re.IGNORECASE)
_ICON_FILE = re.compile(r"\.(svgz?|ico|cur)$", re.IGNORECASE)
_UNDECODABLE = re.compile(r"image/(?!jpe?g|png|webp|gif|bmp|tiff|avif)", re.IGNORECASE)
_STYLE_URL = re.compile(r"background(?:-image)?\s*:[^;]*?url\(\s*['\"]?\s*([^'\")]+)", re.IGNORECASE)
_SRCSET_ADDRESS = re.compile(r"[\s,]*([^\s,]\S*)")
_SRCSET_SIZE = re.compile(r"([^,]*),?")
_PIXELS = re.compile(r"\s*(\d{1,6})(?:\.\d*)?(?:px)?\s*$")


@dataclass(frozen=True)
class Shown:
    """A picture of a page."""

    tag: Tag
    addresses: tuple[str, ...]
    """Absolute, the best first."""
    width: float = 0.0
    """Of the best, in pixels, where its `srcset` says it."""
    is_linked: bool = False
    """The best is a file that the thumbnail links to."""
    detail: str | None = None
    """The page of the same host that the thumbnail links to."""


def shown(tags: Sequence[Tag], home: str) -> list[Shown]:
    """The pictures of a page: images, backgrounds, links, each best address once; addresses are relative to `home`."""
    copies = {id(lazy): copy for lazy, copy in _repeats(tags)}
    repeated = {id(copy) for copy in copies.values()}
    images = [tag for tag in tags if tag.name in {"img", "amp-img"} and id(tag) not in repeated]
    wrapping = {id(around(tag, "a")) for tag in images}
    links = [tag for tag in tags if tag.name == "a" and id(tag) not in wrapping]
    pictures = (
        *(_image(tag, copies.get(id(tag)), home) for tag in images),
        *(_background(tag, home) for tag in tags if _may_have_background(tag)),
        *(_link(tag, home) for tag in links),
    )
    found: dict[str, Shown] = {}
    for picture in pictures:
        if picture is not None and picture.addresses:
            found.setdefault(picture.addresses[0], picture)
    return list(found.values())


def is_picture_file(link: str) -> bool:
    """Whether an address ends as a picture's file does. `/wiki/File:Ann.jpg` is a wiki's page about one."""
    try:
        path = unquote(urlsplit(link.strip()).path)
    except ValueError:
        return False
    return bool(PICTURE_FILE.search(path)) and ":" not in path.rpartition("/")[2]


def is_icon(tag: Tag) -> bool:
    """Whether a tag declares a size below MIN_SIDE_PX."""
    sides = (_PIXELS.match(attribute(tag, name)) for name in ("width", "height"))
    return any(side is not None and int(side[1]) < MIN_SIDE_PX for side in sides)


def srcset(text: str) -> list[tuple[float, float, str]]:
    """(width in pixels or 0, density, address) of each candidate, as the HTML standard splits them."""
    found, at = [], 0
    while match := _SRCSET_ADDRESS.match(text, at):
        at, address = match.end(), match[1]
        size = ""
        if not address.endswith(",") and (rest := _SRCSET_SIZE.match(text, at)):
            at, size = rest.end(), rest[1]
        width, density = 0.0, 1.0
        for word in size.split():
            if number := re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([wx])", word):
                width, density = (float(number[1]), 1.0) if number[2] == "w" else (0.0, float(number[1]))
        found.append((width, density, address.rstrip(",")))
    return found


def _image(tag: Tag, copy: Tag | None, home: str) -> Shown | None:
    link = around(tag, "a")
    linked = _linked_files(link) if link is not None else []
    if (is_icon(tag) and not linked) or (link is not None and "license" in words(link, "rel")):
        return None
    both = (tag,) if copy is None else (tag, copy)
    originals = [attribute(part, name) for part in both for name in ORIGINALS]
    sets = sorted(_sets(both), key=lambda candidate: candidate[:2], reverse=True)
    plain = [attribute(part, name) for name in (*LAZY, "src") for part in both]
    addresses = _addresses((*linked, *originals, *(address for *_, address in sets), *plain), home)
    return Shown(
        tag,
        addresses,
        width=sets[0][0] if sets and not linked and not any(originals) else 0.0,
        is_linked=bool(linked),
        detail=_detail(link, home) if link is not None and not linked else None,
    )


def _sets(images: Iterable[Tag]) -> Iterator[tuple[float, float, str]]:
    """The candidates of the images' sets, and of the <picture> around them, that we can decode."""
    for image in images:
        picture = around(image, "picture")
        sources = inside(picture, "source") if picture is not None else ()
        for part in (*(s for s in sources if not _UNDECODABLE.match(attribute(s, "type"))), image):
            for name in SETS:
                yield from srcset(attribute(part, name))


def _linked_files(link: Tag) -> list[str]:
    """The picture files that a link around a thumbnail names."""
    named = (attribute(link, name) for name in ("href", "data-src", *ORIGINALS))
    return [address for address in named if is_picture_file(address)]


def _detail(link: Tag, home: str) -> str | None:
    """The page of the same host that a link around a thumbnail leads to."""
    href = attribute(link, "href")
    address = absolute(href, home) if href and "nofollow" not in words(link, "rel") else None
    is_near = address is not None and parse(address).host == parse(home).host and address != parse(home).url
    return address if is_near else None


def _addresses(links: Iterable[str], home: str) -> tuple[str, ...]:
    """Absolute addresses, each once, icons left out."""
    found = (absolute(link, home) for link in links if link.strip() and not link.lstrip().startswith("#"))
    return tuple(dict.fromkeys(url for url in found if url and not _ICON_FILE.search(urlsplit(url).path)))


def _repeats(tags: Sequence[Tag]) -> Iterator[tuple[Tag, Tag]]:
    """(lazy image, its copy for browsers without scripts): the only picture beside a <noscript>, the only one in it."""
    for box in (tag for tag in tags if tag.name == "noscript"):
        copies = list(inside(box, "img"))
        siblings = islice(box.parent.children, REACH) if box.parent is not None else ()
        beside = [tag for tag in siblings if isinstance(tag, Tag) and tag.name in {"img", "picture"}]
        if len(copies) == len(beside) == 1:
            lazy = beside[0] if beside[0].name == "img" else next(inside(beside[0], "img"), None)
            if lazy is not None:
                yield lazy, copies[0]


def _may_have_background(tag: Tag) -> bool:
    """Whether a tag names one; the page's own is decoration."""
    if tag.name in {"html", "body", "img", "amp-img"}:
        return False
    return "url(" in attribute(tag, "style") or any(name in tag.attrs for name in BACKGROUNDS)


def _background(tag: Tag, home: str) -> Shown | None:
    if is_icon(tag):
        return None
    link = tag if tag.name == "a" else around(tag, "a")
    linked = _linked_files(link) if link is not None else []
    styled = _STYLE_URL.search(attribute(tag, "style")[:4096])
    named = [re.sub(r"^url\(\s*['\"]?|['\"]?\s*\)$", "", attribute(tag, name).strip()) for name in BACKGROUNDS]
    named = [name for name in named if is_picture_file(name)]  # data-background is also a colour's name
    addresses = _addresses((*linked, *named, *((styled[1],) if styled else ())), home)
    detail = _detail(link, home) if link is not None and not linked else None
    return Shown(tag, addresses, is_linked=bool(linked), detail=detail)


def _link(tag: Tag, home: str) -> Shown | None:
    """A link to a picture file without a thumbnail in it: an index of files, a "full size" link."""
    href = attribute(tag, "href")
    return Shown(tag, _addresses((href,), home), is_linked=True) if is_picture_file(href) else None
