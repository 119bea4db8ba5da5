"""The walk through the pages of one gallery, within its site.

Pagination is followed (rel=next, links that say "next", numbered `?page=` and `/page/N` links), and to a depth the
pages that thumbnails link to. Instead of a page the start may be a sitemap, or a robots.txt that names sitemaps: a
picture that a sitemap's entry names is taken from there, without its page being asked, and an entry without pictures is
visited as a page. The pictures themselves may lie on other hosts. A chain of `BARREN` pages that show nothing new is
left: calendars and searches paginate without end.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from scgan_data.credit.provenance import Credit
from scgan_data.pages import sitemap
from scgan_data.pages.gallery_page import Page, Picture, read_page
from scgan_data.pages.markup import absolute
from scgan_data.records import Reason
from scgan_data.sources import Visit
from scgan_data.web import robots
from scgan_data.web.address import RefusedError, canonical, parse
from scgan_data.web.request import Ask, Visited

BARREN = 3
SITEMAP_DEPTH = 2
"""An index, and the sitemaps that it names."""
_PICTURE_BYTES = re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|II\*\0|MM\0\*|RIFF....WEBP|....ftypavi", re.DOTALL)


def crawl(start: str, visit: Visit, *, max_pages: int | None = None, depth: int = 0) -> Iterator[Page]:
    """The pages of a gallery, in the order of their links. Raises RefusedError if the first page cannot be had."""
    first = visit(Ask(start))
    walk = _Walk(visit, [start, first.url], max_pages)
    if urlsplit(first.url).path == "/robots.txt":
        named = [url for link in sitemap.named_in_robots(first.body) if (url := absolute(link, first.url))]
        if not named:
            raise RefusedError(Reason.BAD_ANSWER, "a robots.txt that names no sitemap")
        for url in named:
            yield from walk.sitemap(url, depth)
    elif sitemap.is_sitemap(first.body):
        yield from walk.entries(first, depth)
    else:
        page = read_page(first.body, first.url, first.robots)
        if page.refused is not None:
            raise page.refused
        yield from walk.gallery(page, depth)


def original(detail: str, visit: Visit) -> Page:
    """The page that a thumbnail links to, with its main picture only, if it has one."""
    try:
        visited = visit(Ask(detail))
    except RefusedError as refused:
        return Page(detail, refused=refused)
    if _PICTURE_BYTES.match(visited.body):
        found = Picture(visited.url, Credit())
        return Page(visited.url, pictures=(found,), forbids=robots.forbids(visited.robots))
    page = read_page(visited.body, visited.url, visited.robots)
    return replace(page, pictures=() if page.main is None else (page.main,), further=())


@dataclass(frozen=True)
class _Step:
    """A page on the way."""

    url: str
    depth: int
    """How far the links of thumbnails are still followed."""
    barren: int = 0
    """How many pages before it, in a row, showed nothing new."""


class _Walk:
    """The way through one site: each page once, `max_pages` at most."""

    def __init__(self, visit: Visit, start: list[str], max_pages: int | None) -> None:
        self._visit, self._left = visit, max_pages
        self._site = _site_of(start[-1])
        self._known = {canonical(url) for url in start}
        self._seen: set[int] = set()

    def gallery(self, page: Page, depth: int) -> Iterator[Page]:
        """A page that was had, and all that is reached from it."""
        self._count()
        yield _as_walked(page, depth)
        waiting = deque(self._steps(page, _Step(page.url, depth)))
        while waiting:
            step = waiting.popleft()
            if self._is_wanted(step.url):
                page = self._had(step.url)
                self._count()
                yield _as_walked(page, step.depth)
                waiting.extend(self._steps(page, step))

    def sitemap(self, url: str, depth: int, *, level: int = 1) -> Iterator[Page]:
        """The pages of a sitemap that is still to be had."""
        if level > SITEMAP_DEPTH or not self._is_wanted(url):
            return
        try:
            visited = self._visit(Ask(url))
        except RefusedError as refused:
            yield Page(url, refused=refused)
            return
        yield from self.entries(visited, depth, level=level)

    def entries(self, visited: Visited, depth: int, *, level: int = 1) -> Iterator[Page]:
        """The pages of a sitemap, or of the sitemaps of an index."""
        forbids = robots.forbids(visited.robots - {"noindex", "none"})  # those mean the sitemap as a search result
        try:
            for entry in sitemap.entries(visited.body):
                url = absolute(entry.url, visited.url)
                if url is None:
                    continue
                if entry.is_sitemap:
                    yield from self.sitemap(url, depth, level=level + 1)
                elif entry.images and _site_of(url) == self._site:
                    yield _page_of(entry, url, forbids)
                elif self._is_wanted(url):
                    yield from self.gallery(self._had(url), depth)
        except RefusedError as refused:
            yield Page(visited.url, refused=refused)

    def _steps(self, page: Page, step: _Step) -> Iterator[_Step]:
        shown = {hash(picture.url) for picture in page.pictures}
        barren = 0 if shown - self._seen else step.barren + 1
        self._seen |= shown
        if barren < BARREN:
            yield from (_Step(url, step.depth, barren) for url in page.further)
        if step.depth > 0:
            yield from (_Step(picture.detail, step.depth - 1) for picture in page.pictures if picture.detail)

    def _is_wanted(self, url: str) -> bool:
        """Whether a page is of this site and new, and there is room for it; it is not new any more."""
        if self._left == 0 or url in self._known or _site_of(url) != self._site:
            return False
        self._known.add(url)
        return True

    def _count(self) -> None:
        if self._left is not None:
            self._left -= 1

    def _had(self, url: str) -> Page:
        try:
            visited = self._visit(Ask(url))
        except RefusedError as refused:
            return Page(url, refused=refused)
        self._known.add(canonical(visited.url))
        return read_page(visited.body, visited.url, visited.robots)


def _site_of(url: str) -> str:
    return parse(url).host.removeprefix("www.")


def _as_walked(page: Page, depth: int) -> Page:
    """A page whose thumbnails' pages are walked themselves has none left to ask for originals."""
    return replace(page, pictures=tuple(replace(p, detail=None) for p in page.pictures)) if depth > 0 else page


def _page_of(entry: sitemap.Entry, url: str, forbids: str | None) -> Page:
    """What a sitemap says of a page's pictures."""
    named = ((absolute(image.url, url), image.license_url) for image in entry.images)
    pictures = {at: Picture(at, Credit(license_url=terms and absolute(terms, url))) for at, terms in named if at}
    return Page(url, pictures=tuple(pictures.values()), forbids=forbids)
