"""The `flickr` source: public photographs found through `flickr.photos.search`, with the licence filter done by Flickr.

Flickr names licences by numbers and has added to them (4.0 in June 2025), so the list is asked for before the first
page and not written down here. A query gives at most its first 4,000 results: after that Flickr repeats them. The
address is that of the largest rendering the owner shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, Field

from scgan_data.credit import licenses as licence_ids
from scgan_data.errors import SourceError
from scgan_data.sources import Offer, Opened, Visit
from scgan_data.sources.answers import LONGEST, Answered, not_documented, shaped
from scgan_data.sources.search import (
    Hit,
    Results,
    SaidNoError,
    Search,
    first_answer,
    open_streams,
    secret,
    walk,
    with_param,
)
from scgan_data.web.request import Ask, Visited

MOST_RESULTS = 4000
SIZES = ("o", "k", "h", "l", "c", "z", "m")
"""Suffixes of Flickr's renderings, the original first."""
CONTENT = {"photo": "0", "screenshot": "1", "other": "2", "virtual": "3"}

_S = TypeVar("_S", bound="_Status")


class FlickrSource(Search):
    """Pictures that a search on Flickr finds."""

    kind: Literal["flickr"] = "flickr"
    content: tuple[Literal["photo", "screenshot", "other", "virtual"], ...] = Field(("photo",), min_length=1)
    """What kinds of pictures: `other` is drawings and renderings."""
    page_size: int = Field(500, ge=1, le=500)
    """Results a page."""
    key_env: str = "FLICKR_API_KEY"
    """The environment variable with the API key."""
    api_url: str = "https://api.flickr.com/services/rest/"
    """The API's address."""

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variables that hold its keys."""
        return (self.key_env, *self.headers_env.values())

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Read the key. Raises SourceError."""
        key = secret(self.key_env)
        if key is None:
            raise SourceError(
                f"flickr: the environment variable {self.key_env} is not set: put an API key there "
                "(flickr.com/services/apps/create)"
            )
        streams = {query: partial(self._offers, query, key) for query in self.queries}
        yield open_streams(self, self.api_url, streams)

    def _offers(self, query: str, key: str, visit: Visit) -> Iterator[Offer]:
        known = first_answer(self, query, self._ask(key, "flickr.photos.licenses.getInfo"), self._read_licences, visit)
        params = {"text": query, "media": "photos", "safe_search": "1", "sort": "relevance"}
        params["content_types"] = ",".join(CONTENT[kind] for kind in self.content)
        params["extras"] = ",".join(["license", "owner_name", "tags", *(f"url_{size}" for size in SIZES)])
        if self.licenses is not None:
            wanted = [number for number, (name, _) in known.items() if licence_ids.allowed(name, self.licenses)]
            if not wanted:
                raise SourceError(f"flickr knows none of the licences {', '.join(self.licenses)}: correct `licenses`")
            params["license"] = ",".join(wanted)
        first = with_param(self._ask(key, "flickr.photos.search"), **params, per_page=self.page_size, page=1)
        yield from walk(self, query, first, partial(self._read_photos, known), visit)

    def _ask(self, key: str, method: str) -> Ask:
        params = {"method": method, "format": "json", "nojsoncallback": "1"}
        return Ask(self.api_url, params=params, secret_params={"api_key": key}, is_api=True)

    def _read_licences(self, answer: Visited, ask: Ask) -> dict[str, tuple[str | None, str | None]]:
        """By number: the licence as the manifest names it, and its URL."""
        listed = self._checked(shaped(_Licences, answer, ask)).licenses
        if listed is None:
            raise not_documented("no `licenses`", answer, ask)
        return {each.id: (licence_ids.named(each.name, each.url), each.url or None) for each in listed.license}

    def _read_photos(self, known: Mapping[str, tuple[str | None, str | None]], answer: Visited, ask: Ask) -> Results:
        page = self._checked(shaped(_Search, answer, ask)).photos
        if page is None:
            raise not_documented("no `photos`", answer, ask)
        number = int(ask.params["page"])
        more = bool(page.photo) and number < page.pages and number * self.page_size < MOST_RESULTS
        hits = tuple(_hit(photo, known) for photo in page.photo)
        return Results(hits, with_param(ask, page=number + 1) if more else None)

    def _checked(self, said: _S) -> _S:
        """The answer if Flickr says that it is one. Raises SaidNoError with its code and message."""
        if said.stat == "ok":
            return said
        advice = {
            "100": f"check the key in {self.key_env}",
            "105": "Flickr is not available; run again later",
        }.get(said.code or "", "correct the query or the settings")
        raise SaidNoError(f"Flickr says: {said.message} (code {said.code})", advice)


class _Status(Answered):
    stat: str
    code: str | None = None
    message: str | None = None


class _Licence(Answered):
    id: str
    name: str
    url: str | None = None


class _LicenceList(Answered):
    license: tuple[_Licence, ...]


class _Licences(_Status):
    licenses: _LicenceList | None = None


class _Photo(Answered):
    model_config = ConfigDict(extra="allow")  # url_o, width_o, height_o, url_k, ...

    id: str
    owner: str
    license: str | None = None
    title: str | None = None
    ownername: str | None = None
    tags: str | None = None


class _Photos(Answered):
    pages: int
    photo: tuple[_Photo, ...]


class _Search(_Status):
    photos: _Photos | None = None


def _hit(photo: _Photo, known: Mapping[str, tuple[str | None, str | None]]) -> Hit:
    sizes = photo.model_extra or {}
    size = next((size for size in SIZES if sizes.get(f"url_{size}")), None)
    name, url = known.get(photo.license or "", (None, None))
    return Hit(
        str(sizes[f"url_{size}"]) if size else None,
        page_url=f"https://www.flickr.com/photos/{photo.owner}/{photo.id}/",
        license=name or (f"Flickr licence {photo.license}" if photo.license else None),
        license_url=url,
        author=photo.ownername,
        width=_pixels(sizes.get(f"width_{size}")),
        height=_pixels(sizes.get(f"height_{size}")),
        extra={"title": photo.title, "tags": (photo.tags or "")[:LONGEST] or None, "provider": "flickr"},
    )


def _pixels(said: Any) -> int | None:
    return int(said) if str(said).isdecimal() else None
