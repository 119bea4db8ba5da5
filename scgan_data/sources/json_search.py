"""The `json_search` source: any other search that answers with JSON, described in params and not in code.

The request is a URL template and the answer is read with JMESPath (`hits[].image`), so a paid search needs a dozen
lines of YAML. Pages go by number, by offset, by cursor or by the address of the next page; such an address is followed
on the API's own origin only, because the keys go with it, and loses the keys that the service wrote into it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import Field, field_validator, model_validator

from scgan_data.config import Config
from scgan_data.credit import licenses as licence_ids
from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer, Opened, Visit
from scgan_data.sources.answers import not_documented
from scgan_data.sources.search import Hit, Results, Search, open_streams, secret, walk
from scgan_data.web.address import RefusedError, parse
from scgan_data.web.redact import Secrets
from scgan_data.web.request import Ask, Visited

_HOLE = re.compile(r"\{(\w*)\}")
_WHOLE = re.compile(r"https?://", re.IGNORECASE)
HOLES = frozenset({"query", "page", "offset", "cursor"})


class JsonPaths(Config):
    """Where things are in the answer, as JMESPath: `items` and `next` from its root, the rest from an item."""

    items: str
    """The results: `photos`, `data.images`, `@` where the answer itself is the list."""
    picture: str
    """The picture's address."""
    page: str | None = None
    """The page that shows it."""
    title: str | None = None
    """Its title."""
    author: str | None = None
    """Who made it."""
    license: str | None = None
    """Its licence's name."""
    license_url: str | None = None
    """Its licence's address."""
    width: str | None = None
    """Its width in pixels."""
    height: str | None = None
    """Its height in pixels."""
    next: str | None = None
    """The next page's address, its cursor, or true where there is one. null: pages are counted until one is empty."""

    @field_validator("*")
    @classmethod
    def _compiles(cls, path: str | None) -> str | None:
        try:
            if path is not None:
                jmespath.compile(path)
        except JMESPathError as error:
            raise ValueError(f"{path!r} is no JMESPath: {' '.join(str(error).split())[:120]}") from None
        return path


@dataclass(frozen=True)
class _Place:
    """Where the walk is."""

    page: int
    offset: int
    cursor: str


class JsonSearchSource(Search):
    """Pictures that a search with a JSON answer finds."""

    kind: Literal["json_search"] = "json_search"
    url: str
    """The request: `https://api.example.org/search?q={query}&page={page}`, with {query} and, where the service has
    pages, {page}, {offset} or {cursor}. No key in it: it is recorded."""
    paths: JsonPaths
    """Where things are in the answer."""
    first_page: int = Field(1, ge=0)
    """The first page's number."""
    page_size: int = Field(0, ge=0)
    """Results a page: what {offset} grows by. 0: by the results that came."""
    first_cursor: str = ""
    """What {cursor} is at first; some services want `*`."""
    params_env: dict[str, str] = Field(default_factory=dict)
    """Query parameter -> environment variable with its value, for keys: `{api_key: SHOP_KEY}`. Keys that go into
    headers are named in `headers_env`."""

    @model_validator(mode="after")
    def _holes(self) -> Self:
        unknown = sorted(set(_HOLE.findall(self.url)) - HOLES)
        if unknown:
            raise ValueError(f"url: unknown {{{unknown[0]}}}; known: {', '.join(sorted(HOLES))}")
        if "{query}" not in self.url:
            raise ValueError("url: no {query} in it")
        return self

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"json_search:{urlsplit(self.url).hostname or ''}"

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variables that hold its keys."""
        return (*self.params_env.values(), *self.headers_env.values())

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Read the keys. Raises SourceError."""
        keys = {param: secret(variable) for param, variable in self.params_env.items()}
        for param, variable in self.params_env.items():
            if keys[param] is None:
                raise SourceError(f"{self.name}: the environment variable {variable} (parameter {param}) is not set")
        found = {param: value for param, value in keys.items() if value}
        streams = {query: partial(self._offers, query, found) for query in self.queries}
        yield open_streams(self, _url(self, self.queries[0], _start(self)), streams)

    def _offers(self, query: str, keys: Mapping[str, str], visit: Visit) -> Iterator[Offer]:
        reader = _Reader(self, query)
        ask = Ask(_url(self, query, reader.place), secret_params=keys, is_api=True)
        return walk(self, query, ask, reader.read, visit)


def _start(source: JsonSearchSource) -> _Place:
    return _Place(source.first_page, 0, source.first_cursor)


def _url(source: JsonSearchSource, query: str, place: _Place) -> str:
    values = {"query": query, "page": place.page, "offset": place.offset, "cursor": place.cursor}
    return _HOLE.sub(lambda hole: quote(str(values[hole[1]]), safe=""), source.url)


class _Reader:
    """Reads the pages of one query in turn."""

    def __init__(self, source: JsonSearchSource, query: str) -> None:
        self.source, self.query, self.place = source, query, _start(source)

    def read(self, answer: Visited, ask: Ask) -> Results:
        """A page's results. Raises RefusedError for an answer that the paths do not fit."""
        paths = self.source.paths
        try:
            content = json.loads(answer.body)
            items = jmespath.search(paths.items, content)
            further = jmespath.search(paths.next, content) if paths.next else bool(items)
        except (ValueError, RecursionError, JMESPathError) as error:
            raise not_documented(str(error), answer, ask) from None
        if not isinstance(items, list):
            raise not_documented(f"no list at `{paths.items}`", answer, ask)
        hits = tuple(_hit(paths, item, answer.url) for item in items)
        return Results(hits, self._following(further, len(items), ask) if further else None)

    def _following(self, further: Any, count: int, ask: Ask) -> Ask | None:
        """The next page's request; `further` is what the answer says of it."""
        place = self.place
        self.place = _Place(place.page + 1, place.offset + (self.source.page_size or count), place.cursor)
        if isinstance(further, str) and self._is_address(further):
            url = _next_url(ask, further)
        else:
            if not isinstance(further, bool):
                self.place = replace(self.place, cursor=str(further))
            url = _url(self.source, self.query, self.place)
        return replace(ask, url=url) if url != ask.url else None

    def _is_address(self, further: str) -> bool:
        """A cursor may begin with a slash: where the template asks for one, only a whole URL is an address."""
        return bool(_WHOLE.match(further)) or ("{cursor}" not in self.source.url and further[0] in "/?")


def _next_url(ask: Ask, said: str) -> str:
    """The address of the next page without the keys in it. Raises RefusedError where it is not the API's own."""
    url = _joined(ask.url, said)
    if parse(url).origin != parse(ask.url).origin:
        raise RefusedError(Reason.BAD_ANSWER, "the next page is on another host, which would get the keys")
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = urlencode([pair for pair in pairs if pair[0] not in ask.secret_params])
    return Secrets(ask.secret_params.values()).drop_from(urlunsplit(parts._replace(query=kept)))


def _joined(base: str, said: str) -> str:
    try:
        return urljoin(base, said)
    except ValueError:  # no URL: the row will say so
        return said


def _hit(paths: JsonPaths, item: Any, base: str) -> Hit:
    def said(path: str | None) -> str | None:
        try:
            value = jmespath.search(path, item) if path else None
        except JMESPathError:  # a function of a path, of a value that is not its kind
            return None
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None

    picture, page = said(paths.picture), said(paths.page)
    return Hit(
        picture and _joined(base, picture),
        page_url=page and _joined(base, page),
        license=licence_ids.named(said(paths.license), said(paths.license_url)),
        license_url=said(paths.license_url),
        author=said(paths.author),
        width=_pixels(said(paths.width)),
        height=_pixels(said(paths.height)),
        extra={"title": said(paths.title)},
    )


def _pixels(said: str | None) -> int | None:
    return int(said) if said and said.isdecimal() else None
