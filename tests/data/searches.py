"""What the tests of keyword searches share: a service on 127.0.0.1, a way to visit it, and Openverse's answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.openverse import OpenverseSource
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Ask, Visited
from tests.data.servers import WebServer

SECRET = "k3y+/with signs="
CC = "https://creativecommons.org"
Answer = tuple[int, Any]


class Api:
    """A service on 127.0.0.1: `answer` maps a request's path and parameters to a status and a body (JSON or bytes)."""

    def __init__(self, server: WebServer) -> None:
        self.url = server.url
        self.answer: Callable[[str, dict[str, str]], Answer] = lambda path, params: (404, {})
        self.asked: list[tuple[str, list[tuple[str, str]], dict[str, str]]] = []

        def tell(handler: Any) -> None:
            parts = urlsplit(handler.path)
            params = parse_qsl(parts.query, keep_blank_values=True)
            self.asked.append((parts.path, params, dict(handler.headers)))
            status, content = self.answer(parts.path, dict(params))
            server.answer(handler, status, content if isinstance(content, bytes) else json.dumps(content).encode())

        server.prefixes["/"] = tell

    def params(self, number: int) -> dict[str, str]:
        return dict(self.asked[number][1])


class Gateway:
    """Visits over a real connection, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asks: list[Ask] = []

    def __call__(self, ask: Ask) -> Visited:
        self.asks.append(ask)
        query = urlencode({**ask.params, **ask.secret_params})
        url = ask.url + ("&" if "?" in ask.url else "?") * bool(query) + query
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(url, headers=dict(ask.secret_headers)), timeout=10) as response:
                return Visited(ask.url, response.read(), frozenset())
        except urllib.error.HTTPError as error:
            error.close()
            reason = Reason.RATE_LIMITED if error.code == 429 else Reason.HTTP_ERROR
            raise RefusedError(reason, f"status {error.code} for {url}", value=error.code) from None
        except urllib.error.URLError as error:
            raise RefusedError(Reason.NOT_CONNECTED, str(error.reason)) from None


def stream(source: Any, visit: Gateway, query: str | None = None) -> Iterator[Offer]:
    with source.open(Path("unused")) as opened:
        assert tuple(opened.streams) == source.queries
        assert not opened.is_local
        return opened.streams[query or source.queries[0]](visit)


def refusals(offers: list[Offer]) -> list[Reason | None]:
    return [offer.refused.reason if offer.refused else None for offer in offers]


def shows_secret(*things: object) -> bool:
    return any(form in repr(things) + str(things) for form in (SECRET, "k3y%2B", "k3y+", "k3y"))


def picture(number: int, **more: Any) -> dict[str, Any]:
    """A result as Openverse documents it, with fields that we do not read."""
    return {
        "id": f"0d1c63bb-{number}",
        "title": f"Portrait {number}",
        "indexed_on": "2020-07-04T04:42:39.000000Z",
        "foreign_landing_url": f"https://www.flickr.com/photos/jane/{number}",
        "url": f"https://live.staticflickr.com/7/{number}_b.jpg",
        "creator": "Jane <b>Doe</b>",
        "creator_url": "https://www.flickr.com/photos/jane",
        "license": "by-sa",
        "license_version": "2.0",
        "license_url": f"{CC}/licenses/by-sa/2.0/",
        "provider": "flickr",
        "source": "flickr",
        "category": None,
        "filesize": None,
        "filetype": None,
        "tags": [{"name": "woman", "accuracy": None}, {"name": "face", "accuracy": 0.98}],
        "attribution": "...",
        "fields_matched": ["title"],
        "mature": False,
        "height": 1024,
        "width": 768,
        "unstable__sensitivity": [],
        **more,
    }


def openverse_page(params: dict[str, str], pictures: list[dict[str, Any]], page_count: int) -> Answer:
    page = {"result_count": 240, "page_count": page_count, "page_size": 20, "page": int(params["page"])}
    return 200, {**page, "results": pictures}


def openverse(api: Api, **more: Any) -> OpenverseSource:
    return OpenverseSource.model_validate({"queries": ["women portrait"], "api_url": f"{api.url}/v1/images/", **more})
