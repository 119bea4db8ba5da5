"""The `page` source: a gallery on the web, its pagination followed within the site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from scgan_data.address import RefusedError, canonical, parse
from scgan_data.crawl import Page, crawl
from scgan_data.errors import SourceError
from scgan_data.fetch import Access
from scgan_data.records import SELFIE, Reason
from scgan_data.sources import Offer, Opened, Provenance, Visit


class PageSource(Provenance):
    """Pictures of a gallery's pages."""

    kind: Literal["page"] = "page"
    url: str
    """The gallery's first page."""
    domain: str = SELFIE
    """`selfie`, or the style's name."""
    max_pages: int | None = Field(None, ge=1)
    """Pages read at most."""
    allow_private: bool = False
    """Whether addresses that are not public may be reached (a server of one's own network)."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"page:{self.url}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Check the URL. Raises SourceError."""
        try:
            parse(self.url)
        except RefusedError as refused:
            raise SourceError(f"{self.url} is no address of a page: {refused.detail}") from None
        yield Opened(partial(offers, self), Access(allow_private=self.allow_private))


def offers(source: PageSource, visit: Visit) -> Iterator[Offer]:
    """The pictures of a gallery, and one refused offer for each page that was not had. Raises SourceError."""
    pages = crawl(canonical(source.url), visit, max_pages=source.max_pages)
    try:
        for page in pages:
            yield from _offers_of(page, source)
    except RefusedError as refused:
        raise SourceError(
            f"{source.url} cannot be had ({refused.reason}: {refused.detail}): check the address or drop the source"
        ) from None


def _offers_of(page: Page, source: PageSource) -> Iterator[Offer]:
    if page.refused is not None:
        said = RefusedError(
            page.refused.reason,
            f"a page of the gallery: {page.refused.detail}",
            value=page.refused.value,
            limit=page.refused.limit,
        )
        yield Offer(page.url, source.domain, source.name, refused=said)
        return
    forbidden = RefusedError(Reason.NOAI, f"the page says {page.forbids}") if page.forbids else None
    for url in page.pictures:
        yield Offer(
            url,
            source.domain,
            source.name,
            page_url=page.url,
            license=source.license or page.license,
            license_url=source.license_url or page.license_url,
            author=source.author or page.author,
            refused=forbidden,
        )
