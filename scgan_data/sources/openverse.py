"""The `openverse` source: openly licensed pictures of many collections, found through api.openverse.org.

Without a token a page holds 20 results at most and a query gives 240 in all, whatever the page's size; beyond the
answer's `page_count` the service refuses. A token raises the page's size and the rate, not the 240: more pictures come
from more queries. The licence filter goes into the request as far as the API knows it (it has no versions).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from scgan_data.credit import licenses as licence_ids
from scgan_data.errors import SourceError
from scgan_data.sources import Offer, Opened, Visit
from scgan_data.sources.answers import LONGEST, Answered, shaped
from scgan_data.sources.search import Hit, Results, Search, open_streams, secret, walk, with_param
from scgan_data.web.request import Ask, Visited

ANONYMOUS_PAGE = 20
CODES = {
    "by": "CC-BY",
    "by-sa": "CC-BY-SA",
    "by-nc": "CC-BY-NC",
    "by-nd": "CC-BY-ND",
    "by-nc-sa": "CC-BY-NC-SA",
    "by-nc-nd": "CC-BY-NC-ND",
    "cc0": "CC0",
    "pdm": "CC-PDM",
    "sampling+": "CC-SAMPLING+",
}
"""The API's names of the licences that it knows, and ours."""


class OpenverseSource(Search):
    """Pictures that a search on Openverse finds."""

    kind: Literal["openverse"] = "openverse"
    category: Literal["photograph", "illustration", "digitized_artwork"] | None = None
    """Only pictures of this kind; most have none recorded."""
    collections: tuple[str, ...] = ()
    """Only pictures of these collections, by Openverse's names: `flickr`, `wikimedia`, `met`, ..."""
    page_size: int = Field(ANONYMOUS_PAGE, ge=1, le=500)
    """Results a page; more than 20 need a token."""
    token_env: str = "OPENVERSE_TOKEN"
    """The environment variable with an OAuth2 access token, if there is one."""
    api_url: str = "https://api.openverse.org/v1/images/"
    """The API's address."""

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variables that hold its keys."""
        return (self.token_env, *self.headers_env.values())

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Check the settings. Raises SourceError."""
        token = secret(self.token_env)
        if token is None and self.page_size > ANONYMOUS_PAGE:
            raise SourceError(
                f"openverse: page_size {self.page_size} needs a token: set {self.token_env}, "
                f"or page_size to {ANONYMOUS_PAGE}"
            )
        if self.licenses is not None and not self._codes():
            raise SourceError(f"openverse knows none of the licences {', '.join(self.licenses)}: correct `licenses`")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        streams = {query: partial(self._offers, query, headers) for query in self.queries}
        yield open_streams(self, self.api_url, streams)

    def _offers(self, query: str, headers: dict[str, str], visit: Visit) -> Iterator[Offer]:
        params = {
            "q": query,
            "license": ",".join(self._codes()),
            "category": self.category or "",
            "source": ",".join(self.collections),
            "mature": "false",
            "page_size": str(self.page_size),
            "page": "1",
        }
        asked = {name: value for name, value in params.items() if value}
        ask = Ask(self.api_url, params=asked, secret_headers=headers, is_api=True)
        return walk(self, query, ask, _read, visit)

    def _codes(self) -> list[str]:
        """The licences to ask for; none: all."""
        if self.licenses is None:
            return []
        wanted = licence_ids.families(self.licenses)
        return [code for code, family in CODES.items() if family in wanted]


class _Tag(Answered):
    name: str | None = None


class _Picture(Answered):
    url: str | None = None
    foreign_landing_url: str | None = None
    title: str | None = None
    creator: str | None = None
    license: str
    license_version: str | None = None
    license_url: str | None = None
    source: str | None = None
    width: int | None = None
    height: int | None = None
    tags: tuple[_Tag, ...] | None = None


class _Answer(Answered):
    page_count: int
    results: tuple[_Picture, ...]


def _read(answer: Visited, ask: Ask) -> Results:
    page, number = shaped(_Answer, answer, ask), int(ask.params["page"])
    more = bool(page.results) and number < page.page_count
    return Results(tuple(map(_hit, page.results)), with_param(ask, page=number + 1) if more else None)


def _hit(picture: _Picture) -> Hit:
    name = f"{picture.license} {picture.license_version or ''}".strip()
    tags = ", ".join(tag.name for tag in (picture.tags or ())[:20] if tag.name)
    return Hit(
        picture.url,
        page_url=picture.foreign_landing_url,
        license=licence_ids.named(name, picture.license_url),
        license_url=picture.license_url,
        author=picture.creator,
        width=picture.width,
        height=picture.height,
        extra={"title": picture.title, "tags": tags[:LONGEST] or None, "provider": picture.source},
    )
