"""Gallery pages: what pictures a page shows, where its pagination goes on, and the walk through one site's pages.

A picture is the file that its thumbnail links to, else the largest candidate of `srcset`, else `src`. Only pagination
is followed (rel=next, links that say "next", numbered `?page=` and `/page/N` links), and only within the site of the
first page; the pictures themselves may lie on other hosts.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from scgan_data import robots
from scgan_data.address import RefusedError, parse
from scgan_data.sources import Visit

PICTURE_FILE = re.compile(r"\.(jpe?g|png|webp|gif|bmp|tiff?|avif)$", re.IGNORECASE)
NEXT_TEXT = re.compile(
    r"^\W*(next|next page|older|older posts|weiter|n[äa]chste( seite)?|suivante?|siguiente)\W*$|^[»›→]$", re.IGNORECASE
)
PAGE_NUMBER = re.compile(r"^(page|p|paged|pg|offset|start)$", re.IGNORECASE)
PAGE_PATH = re.compile(r"/page[/-]?\d+(/|\.html?)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """What one gallery page says."""

    url: str
    pictures: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    """Pagination links."""
    forbids: str | None = None
    """The directive of X-Robots-Tag or meta robots that forbids our use of its pictures."""
    license: str | None = None
    license_url: str | None = None
    author: str | None = None
    refused: RefusedError | None = None
    """The page itself was not had."""


def crawl(start: str, visit: Visit, *, max_pages: int | None = None) -> Iterator[Page]:
    """The pages of a gallery, in the order of their links. Raises RefusedError if the first page cannot be had."""
    first = visit(start)
    site = parse(first.url).host
    page = read_page(first.body, first.url, first.robots)
    yield page
    waiting = deque(page.further)
    known = {parse(start).url, parse(first.url).url}
    count = 1
    while waiting and (max_pages is None or count < max_pages):
        url = waiting.popleft()
        if url in known or parse(url).host != site:
            continue
        known.add(url)
        count += 1
        page = _have(url, visit)
        yield page
        waiting.extend(page.further)


def _have(url: str, visit: Visit) -> Page:
    try:
        visited = visit(url)
    except RefusedError as refused:
        return Page(url, refused=refused)
    return read_page(visited.body, visited.url, visited.robots)


def read_page(body: bytes, url: str, header: frozenset[str] = frozenset()) -> Page:
    """What a page's HTML says; `header` holds the directives of its X-Robots-Tag."""
    soup = BeautifulSoup(body, "html.parser")
    base = soup.find("base", href=True)
    home = urljoin(url, _attribute(base, "href")) if isinstance(base, Tag) else url
    said = header | _meta_robots(soup)
    credit = soup.find(["a", "link"], rel="license", href=True)
    author = soup.find("meta", attrs={"name": "author"})
    follow = not said & {"nofollow", "none"}
    return Page(
        url,
        pictures=_addresses((_picture(image) for image in soup.find_all("img")), home),
        further=_addresses(_pagination(soup, home), home) if follow else (),
        forbids=robots.forbids(said),
        license=credit.get_text(" ", strip=True) or None if isinstance(credit, Tag) else None,
        license_url=urljoin(home, _attribute(credit, "href")) if isinstance(credit, Tag) else None,
        author=_attribute(author, "content") or None if isinstance(author, Tag) else None,
    )


def _addresses(links: Iterator[str], home: str) -> tuple[str, ...]:
    """Absolute http(s) URLs in canonical form, each once."""
    found = []
    for link in filter(None, links):
        try:
            found.append(parse(urljoin(home, link.strip())).url)
        except (RefusedError, ValueError):
            continue  # data:, javascript:, mailto: and the like name no picture
    return tuple(dict.fromkeys(found))


def _attribute(tag: Tag, name: str) -> str:
    value = tag.get(name)
    return " ".join(value) if isinstance(value, list) else str(value or "")


def _meta_robots(soup: BeautifulSoup) -> frozenset[str]:
    names = ("robots", robots.AGENT)
    tags = soup.find_all("meta", attrs={"name": lambda n: n is not None and n.lower() in names})
    return robots.directives(_attribute(tag, "content") for tag in tags)


def _picture(image: Tag) -> str:
    """The best address of one <img>; empty where it has none."""
    link = image.find_parent("a", href=True)
    if link is not None and PICTURE_FILE.search(urlsplit(_attribute(link, "href")).path):
        return _attribute(link, "href")
    picture = image.find_parent("picture")
    sets = [_attribute(tag, "srcset") for tag in picture.find_all("source")] if picture is not None else []
    sets += [_attribute(image, "srcset"), _attribute(image, "data-srcset")]
    candidates = [candidate for text in sets for candidate in _srcset(text)]
    if candidates:
        return max(candidates, key=lambda c: c[0])[1]
    return _attribute(image, "data-src") or _attribute(image, "src")


def _srcset(text: str) -> list[tuple[float, str]]:
    """(width or density, address) of each candidate."""
    found = []
    for part in re.split(r",\s+|,(?=https?:)", text.strip()):
        address, _, size = part.strip().rstrip(",").partition(" ")
        number = re.match(r"[\d.]+", size.strip())
        if address:
            found.append((float(number[0]) if number else 1.0, address))
    return found


def _pagination(soup: BeautifulSoup, home: str) -> Iterator[str]:
    """The next page first, then numbered ones."""
    links = [tag for tag in soup.find_all(["a", "link"], href=True) if "nofollow" not in _attribute(tag, "rel")]
    yield from (_attribute(tag, "href") for tag in links if _says_next(tag))
    yield from (_attribute(tag, "href") for tag in links if tag.name == "a" and _is_numbered(tag, home))


def _says_next(tag: Tag) -> bool:
    if "next" in _attribute(tag, "rel").lower().split():
        return True
    words = (tag.get_text(" ", strip=True), _attribute(tag, "aria-label"), _attribute(tag, "title"))
    return tag.name == "a" and any(NEXT_TEXT.match(word) for word in words if word)


def _is_numbered(tag: Tag, home: str) -> bool:
    """Whether a link differs from its page by a page number only."""
    here, there = urlsplit(home), urlsplit(urljoin(home, _attribute(tag, "href")))
    if PAGE_PATH.search(there.path):
        return PAGE_PATH.sub("", there.path).rstrip("/") == PAGE_PATH.sub("", here.path).rstrip("/")
    numbers = [(k, v) for k, v in parse_qsl(there.query) if PAGE_NUMBER.match(k)]
    others = [(k, v) for k, v in parse_qsl(there.query) if not PAGE_NUMBER.match(k)]
    same = [(k, v) for k, v in parse_qsl(here.query) if not PAGE_NUMBER.match(k)]
    return there.path == here.path and others == same and any(v.isdecimal() for _, v in numbers)
