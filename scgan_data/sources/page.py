"""The `page` source: a gallery on the web, its pagination or its sitemap followed within the site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from scgan_data.credit.provenance import Credit
from scgan_data.errors import SourceError
from scgan_data.pages.crawl import crawl, original
from scgan_data.pages.gallery_page import Page, Picture
from scgan_data.records import Reason
from scgan_data.sources import Offer, Opened, Provenance, Reach, Visit
from scgan_data.sources.reach import access_of
from scgan_data.web.address import RefusedError, canonical, parse


class PageSource(Provenance, Reach):
    """Pictures of a gallery's pages."""

    kind: Literal["page"] = "page"
    url: str
    """The gallery's first page; or a sitemap (also gzipped, also an index of sitemaps), or the robots.txt that names
    it. What a sitemap names is not asked of the pages: what those forbid in their HTML stays unread."""
    max_pages: int | None = Field(None, ge=1)
    """Pages read at most."""
    depth: int = Field(0, ge=0, le=5)
    """How far the pages that thumbnails link to are read as galleries too: 1 for a gallery of albums."""
    originals: bool = False
    """Whether the page that a thumbnail links to is asked for the picture in full size. Costs one further request a
    picture; without it the largest file that the gallery itself names is taken. Pages read as galleries because of
    `depth` are not asked again."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"page:{self.url}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Check the URL and the headers' variables. Raises SourceError."""
        try:
            host = parse(self.url).host
        except RefusedError as refused:
            raise SourceError(f"{self.url} is no address of a page: {refused.detail}") from None
        yield Opened({"": partial(offers, self)}, access_of(self, host))


def offers(source: PageSource, visit: Visit) -> Iterator[Offer]:
    """The pictures of a gallery, and one refused offer for each page that was not had. Raises SourceError."""
    try:
        for page in crawl(canonical(source.url), visit, max_pages=source.max_pages, depth=source.depth):
            yield from _offers_of(page, source, visit)
    except RefusedError as refused:
        raise SourceError(
            f"{source.url} cannot be had ({refused.reason}: {refused.detail}): check the address or drop the source"
        ) from None


def _offers_of(page: Page, source: PageSource, visit: Visit) -> Iterator[Offer]:
    if page.refused is not None:
        detail = f"a page of the gallery: {page.refused.detail}"
        said = RefusedError(page.refused.reason, detail, value=page.refused.value, limit=page.refused.limit)
        yield Offer(page.url, source.domain, source.name, refused=said)
        return
    for picture in page.pictures:
        if source.originals and picture.detail and not page.forbids:
            yield _original_of(picture, picture.detail, page, source, visit)
        else:
            yield _offer(picture, page, source)


def _original_of(thumbnail: Picture, detail: str, page: Page, source: PageSource, visit: Visit) -> Offer:
    """The picture that a thumbnail's own page shows; the thumbnail where that page was not had, or shows none."""
    full = original(detail, visit)
    if full.pictures:
        picture = full.pictures[0]
        return _offer(Picture(picture.url, picture.credit.over(thumbnail.credit)), full, source)
    why = f"{full.refused.reason}: {full.refused.detail}" if full.refused else "its page shows no picture"
    return _offer(thumbnail, page, source, extra={"no_original": why})


def _offer(picture: Picture, page: Page, source: PageSource, extra: dict[str, str] | None = None) -> Offer:
    credit = Credit(source.license, source.license_url, source.author).over(picture.credit)
    return Offer(
        picture.url,
        source.domain,
        source.name,
        page_url=page.url,
        license=credit.license,
        license_url=credit.license_url,
        author=credit.author,
        ai_generated=credit.ai_generated,
        extra=extra,
        refused=RefusedError(Reason.NOAI, f"the page says {page.forbids}") if page.forbids else None,
    )
