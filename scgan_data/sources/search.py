"""What the keyword searches share: their settings, walking through result pages, and what becomes of a result.

A page is asked for only when the offers before it have been taken. The first page's failure stops the source with a
line (a wrong key would otherwise look like an empty search); a later page's failure is one refused offer, and what came
before it stays. A result that is not wanted (licence, size) is a refused offer too, never left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from pydantic import Field, StringConstraints, field_validator

from scgan_data.credit import licenses as licence_ids
from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer, Opened, Provenance, Reach, Stream, Visit
from scgan_data.sources.answers import plain, without_secrets
from scgan_data.sources.reach import access_of
from scgan_data.web.address import RefusedError, canonical, parse
from scgan_data.web.redact import LEAST, too_short
from scgan_data.web.request import Ask, Visited


class Search(Provenance, Reach):
    """Pictures that a search finds. `license`, `license_url` and `author` hold where the service says nothing."""

    kind: str
    queries: tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)], ...] = Field(min_length=1)
    """What to search for, each query by itself."""
    licenses: tuple[str, ...] | None = None
    """Only pictures under these: ids, families or groups, as in `licenses.allow`. null: any."""
    min_side_px: int | None = Field(None, ge=1)
    """Pictures whose shorter side the service says is below this are not fetched."""
    max_pages: int | None = Field(None, ge=1)
    """Pages of results read for a query at most."""

    @field_validator("licenses")
    @classmethod
    def _no_globs(cls, licenses: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if licenses is None else licence_ids.checked(licenses)

    @property
    def name(self) -> str:
        """What the manifest's `source` says; its `query` says the rest."""
        return self.kind

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables that hold its keys."""
        return tuple(self.headers_env.values())


class SaidNoError(RefusedError):
    """The service answered with an error of its own."""

    def __init__(self, detail: str, advice: str) -> None:
        super().__init__(Reason.HTTP_ERROR, detail)
        self.advice = advice


@dataclass(frozen=True)
class Hit:
    """A result as the service tells it."""

    url: str | None
    page_url: str | None = None
    license: str | None = None
    """As `licenses.named` gives it."""
    license_url: str | None = None
    author: str | None = None
    width: int | None = None
    height: int | None = None
    ai_generated: str | None = None
    extra: Mapping[str, str | None] = field(default_factory=dict)
    refused: RefusedError | None = None
    """Why the picture is of no use, where the answer shows it."""


@dataclass(frozen=True)
class Results:
    """One page of results."""

    hits: tuple[Hit, ...]
    following: Ask | None
    """The next page's request; None: this was the last."""


T = TypeVar("T")
Read = Callable[[Visited, Ask], Results]
"""A page's results. Raises RefusedError for an answer that is not the documented one."""


def open_streams(source: Search, api_url: str, streams: Mapping[str, Stream]) -> Opened:
    """The opened source, its API's address checked. Raises SourceError."""
    try:
        host = parse(api_url).host
    except RefusedError as refused:
        raise SourceError(f"{source.name}: {api_url} is no address of an API: {refused.detail}") from None
    return Opened(streams, access_of(source, host))


def secret(variable: str) -> str | None:
    """A key from the environment. Raises SourceError for one too short to be hidden."""
    value = os.environ.get(variable, "").strip()
    if value and len(value) < LEAST:
        raise SourceError(too_short(variable))
    return value or None


def walk(source: Search, query: str, first: Ask, read: Read, visit: Visit) -> Iterator[Offer]:
    """The offers of a search, page by page. Raises SourceError if the first page cannot be had."""
    ask, page, number = first, first_answer(source, query, first, read, visit), 1
    while True:
        for hit in page.hits:
            yield _offer(source, hit, ask)
        if page.following is None or number == source.max_pages:
            return
        ask, before, number = page.following, page, number + 1
        try:
            page = read(visit(ask), ask)
        except RefusedError as refused:
            yield _missing_page(source, ask, refused)
            return
        if page.hits and page.hits == before.hits:  # some services repeat their last page for ever
            return


def first_answer(source: Search, query: str, ask: Ask, read: Callable[[Visited, Ask], T], visit: Visit) -> T:
    """What the first request of a query gives. Raises SourceError: what failed, where, and what to do."""
    try:
        return read(visit(ask), ask)
    except RefusedError as refused:
        said = without_secrets(refused.detail, ask)
        raise SourceError(
            f"{source.name}: the search for {query!r} at {ask.url} failed ({refused.reason}: {said}): "
            f"{_advice(source, refused)}"
        ) from None


def full_url(ask: Ask) -> str:
    """The request's address with the parameters that may be shown."""
    if not ask.params:
        return ask.url
    return f"{ask.url}{'&' if '?' in ask.url else '?'}{urlencode(ask.params)}"


def with_param(ask: Ask, **params: Any) -> Ask:
    """The same request with some parameters changed or added."""
    return replace(ask, params={**ask.params, **{name: str(value) for name, value in params.items()}})


def _offer(source: Search, hit: Hit, ask: Ask) -> Offer:
    url = hit.url and canonical(hit.url)
    page_url = hit.page_url and without_secrets(hit.page_url, ask)
    extra = {**hit.extra, "title": plain(hit.extra.get("title")), "width": hit.width, "height": hit.height}
    return Offer(
        without_secrets(url, ask) if url else page_url or full_url(ask),
        source.domain,
        source.name,
        page_url=page_url,
        license=hit.license or source.license,
        license_url=hit.license_url if hit.license else source.license_url,
        author=plain(hit.author) or source.author,
        ai_generated=hit.ai_generated,
        extra={key: str(value) for key, value in extra.items() if value is not None},
        refused=_refusal(source, hit, url, ask),
    )


def _refusal(source: Search, hit: Hit, url: str | None, ask: Ask) -> RefusedError | None:
    if hit.refused is not None:
        return hit.refused
    if not url:
        return RefusedError(Reason.BAD_ANSWER, "the service names no address of the picture")
    if url != without_secrets(url, ask):
        return RefusedError(Reason.BAD_ANSWER, "the picture's address repeats the key, which must not be recorded")
    side = min(hit.width, hit.height) if hit.width and hit.height else None
    if side is not None and source.min_side_px is not None and side < source.min_side_px:
        return RefusedError(Reason.TOO_SMALL, "as the service says", value=side, limit=source.min_side_px)
    said = hit.license or source.license
    if not licence_ids.allowed(said, source.licenses):
        return RefusedError(
            Reason.LICENSE_NOT_ALLOWED, f"{said or 'no licence said'}; not among the source's `licenses`"
        )
    return None


def _missing_page(source: Search, ask: Ask, refused: RefusedError) -> Offer:
    said = f"a page of the search: {without_secrets(refused.detail, ask)}"
    again = RefusedError(refused.reason, said, value=refused.value, limit=refused.limit)
    return Offer(canonical(full_url(ask)), source.domain, source.name, refused=again)


def _advice(source: Search, refused: RefusedError) -> str:
    if isinstance(refused, SaidNoError):
        return refused.advice
    if refused.reason is Reason.HTTP_ERROR and refused.value in (401, 403):
        where = " or ".join(source.key_variables)
        return f"check the key in {where}" if where else "the service wants a key, which the source does not name"
    if refused.reason is Reason.RATE_LIMITED:
        return "the service limits how often it may be asked; run again later, with fewer queries or a key"
    if refused.reason is Reason.ADDRESS_FORBIDDEN:
        return "correct the API's address; a server of your own network needs `allow_private: true`"
    if refused.reason is Reason.BAD_ANSWER:
        return "check the API's address; if it is right, the service has changed"
    return "check the API's address and the network, then run again"
