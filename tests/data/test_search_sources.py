"""Keyword search, against servers on 127.0.0.1 that answer as the services document it."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from pydantic import ValidationError

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.answers import plain
from scgan_data.sources.commons import CommonsSource
from scgan_data.sources.flickr import FlickrSource
from scgan_data.sources.json_search import JsonSearchSource
from scgan_data.sources.openverse import OpenverseSource
from scgan_data.sources.search import Search, search_source
from scgan_data.web.address import RefusedError
from scgan_data.web.request import Ask, Visited

SECRET = "k3y+/with signs="
CC = "https://creativecommons.org"
Answer = tuple[int, Any]


class Api:
    """A service on 127.0.0.1: `answer` maps a request's path and parameters to a status and a body (JSON or bytes)."""

    def __init__(self) -> None:
        self.answer: Callable[[str, dict[str, str]], Answer] = lambda path, params: (404, {})
        self.asked: list[tuple[str, list[tuple[str, str]], dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                params = parse_qsl(parts.query, keep_blank_values=True)
                outer.asked.append((parts.path, params, dict(self.headers)))
                status, content = outer.answer(parts.path, dict(params))
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def params(self, number: int) -> dict[str, str]:
        return dict(self.asked[number][1])


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    yield server
    server.server.shutdown()
    server.server.server_close()


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


@pytest.fixture
def visit() -> Gateway:
    return Gateway()


def stream(source: Any, visit: Gateway, query: str | None = None) -> Iterator[Offer]:
    with source.open(Path("unused")) as opened:
        assert tuple(opened.streams) == source.queries
        assert not opened.is_local
        return opened.streams[query or source.queries[0]](visit)


def refusals(offers: list[Offer]) -> list[Reason | None]:
    return [offer.refused.reason if offer.refused else None for offer in offers]


def shows_secret(*things: object) -> bool:
    return any(form in repr(things) + str(things) for form in (SECRET, "k3y%2B", "k3y+", "k3y"))


# ---- Openverse


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


def test_openverse_asks_as_documented_and_tells_all_of_a_picture(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: openverse_page(params, [picture(1)], 1)
    offers = list(stream(openverse(api, domain="watercolor", category="illustration", collections=["met"]), visit))
    path, params, headers = api.asked[0]
    assert path == "/v1/images/"
    assert params == [
        ("q", "women portrait"),
        ("category", "illustration"),
        ("source", "met"),
        ("mature", "false"),
        ("page_size", "20"),
        ("page", "1"),
    ]
    assert "Authorization" not in headers
    assert visit.asks[0].is_api
    assert offers == [
        Offer(
            "https://live.staticflickr.com/7/1_b.jpg",
            "watercolor",
            "openverse",
            page_url="https://www.flickr.com/photos/jane/1",
            license="CC-BY-SA-2.0",
            license_url=f"{CC}/licenses/by-sa/2.0/",
            author="Jane Doe",
            extra={
                "title": "Portrait 1",
                "tags": "woman, face",
                "provider": "flickr",
                "width": "768",
                "height": "1024",
            },
        )
    ]


def test_a_page_is_asked_for_only_when_the_one_before_was_taken(api: Api, visit: Gateway) -> None:
    def answer(path: str, params: dict[str, str]) -> Answer:
        page = int(params["page"])
        return openverse_page(params, [picture(10 * page), picture(10 * page + 1)], 3)

    api.answer = answer
    offers = stream(openverse(api), visit)
    assert api.asked == []
    assert len(list(islice(offers, 2))) == 2
    assert len(api.asked) == 1
    next(offers)
    assert [api.params(n)["page"] for n in range(len(api.asked))] == ["1", "2"]
    assert len(list(offers)) == 3
    assert [api.params(n)["page"] for n in range(len(api.asked))] == ["1", "2", "3"]  # never beyond page_count


def test_max_pages(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: openverse_page(params, [picture(int(params["page"]))], 9)
    assert len(list(stream(openverse(api, max_pages=2), visit))) == 2
    assert len(api.asked) == 2


def test_no_results_is_no_error(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: openverse_page(params, [], 0)
    assert list(stream(openverse(api), visit)) == []


def test_a_stream_a_query(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: openverse_page(params, [picture(len(params["q"]))], 1)
    source = openverse(api, queries=["selfie", " women portrait "])
    assert len(list(stream(source, visit, "women portrait"))) == 1
    assert [api.params(0)["q"]] == ["women portrait"]


def test_openverse_filters_licences_as_far_as_it_can_and_we_the_rest(api: Api, visit: Gateway) -> None:
    new = {"license": "by", "license_version": "4.0", "license_url": f"{CC}/licenses/by/4.0/"}
    old = {"license": "by", "license_version": "2.0", "license_url": None}
    api.answer = lambda path, params: openverse_page(params, [picture(1, **new), picture(2, **old)], 1)
    offers = list(stream(openverse(api, licenses=["CC-BY-4.0", "CC0"]), visit))
    assert api.params(0)["license"] == "by,cc0"
    assert [offer.license for offer in offers] == ["CC-BY-4.0", "CC-BY-2.0"]
    assert refusals(offers) == [None, Reason.LICENSE_NOT_ALLOWED]


def test_openverse_groups_and_licences_that_it_does_not_have(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: openverse_page(params, [], 0)
    list(stream(openverse(api, licenses=["free"]), visit))
    assert api.params(0)["license"] == "by,by-sa,cc0,pdm"
    with pytest.raises(SourceError, match="openverse knows none of the licences MIT: correct `licenses`"):
        stream(openverse(api, licenses=["MIT"]), visit)
    with pytest.raises(ValidationError, match="without wildcards"):
        openverse(api, licenses=["CC-BY-*"])


def test_small_pictures_and_pictures_without_an_address_are_refused_not_left_out(api: Api, visit: Gateway) -> None:
    pictures = [picture(1, width=200, height=900), picture(2, url=None), picture(3, width=None), picture(4)]
    api.answer = lambda path, params: openverse_page(params, pictures, 1)
    offers = list(stream(openverse(api, min_side_px=256), visit))
    assert refusals(offers) == [Reason.TOO_SMALL, Reason.BAD_ANSWER, None, None]
    small = offers[0].refused
    assert small is not None
    assert (small.value, small.limit) == (200, 256)
    assert offers[1].url == "https://www.flickr.com/photos/jane/2"


def test_openverse_token_goes_into_one_header_and_nowhere_else(
    api: Api, visit: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENVERSE_TOKEN", SECRET)
    api.answer = lambda path, params: openverse_page(params, [picture(1)], 1)
    offers = list(stream(openverse(api, page_size=50), visit))
    assert api.asked[0][2]["Authorization"] == f"Bearer {SECRET}"
    assert api.params(0)["page_size"] == "50"
    assert not shows_secret(offers, visit.asks, api.asked[0][1])


def test_openverse_large_pages_need_a_token(api: Api, visit: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENVERSE_TOKEN", raising=False)
    with pytest.raises(SourceError, match="page_size 21 needs a token: set OPENVERSE_TOKEN, or page_size to 20"):
        stream(openverse(api, page_size=21), visit)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {"detail": "Invalid token"}, r"http_error: status 401.*check the key in OPENVERSE_TOKEN$"),
        (429, {"detail": "Request was throttled."}, "rate_limited.*run again later, with fewer queries or a key$"),
        (500, b"", "http_error: status 500.*run again$"),
        (200, b"<html>Please log in</html>", r"bad_answer: not the documented JSON .*begins: <html>Please log in<"),
        (
            200,
            {"result": []},
            r"page_count: Field required\); it begins: {\"result\": \[\]}\): check the API's address",
        ),
        (200, {"page_count": 1, "results": [{"url": "x"}]}, r"results\.0\.license: Field required"),
        (200, b"\xff\xfe\x00", "not the documented JSON"),
    ],
)
def test_the_first_pages_failure_is_one_line(api: Api, visit: Gateway, status: int, body: Any, message: str) -> None:
    api.answer = lambda path, params: (status, body)
    with pytest.raises(SourceError, match=message) as caught:
        list(stream(openverse(api), visit))
    assert str(caught.value).startswith(f"openverse: the search for 'women portrait' at {api.url}/v1/images/ failed")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("status", [500, 200])
def test_a_later_pages_failure_is_one_refused_offer(api: Api, visit: Gateway, status: int) -> None:
    def answer(path: str, params: dict[str, str]) -> Answer:
        return openverse_page(params, [picture(1)], 5) if params["page"] == "1" else (status, b"sorry")

    api.answer = answer
    offers = list(stream(openverse(api), visit))
    assert refusals(offers) == [None, Reason.HTTP_ERROR if status == 500 else Reason.BAD_ANSWER]
    assert offers[1].url == f"{api.url}/v1/images/?q=women+portrait&mature=false&page_size=20&page=2"
    assert offers[1].refused is not None
    assert offers[1].refused.value == (500 if status == 500 else None)
    assert offers[1].refused.detail.startswith("a page of the search: ")
    assert len(api.asked) == 2


def test_no_server_there(visit: Gateway) -> None:
    source = OpenverseSource(queries=("cat",), api_url="http://127.0.0.1:9/")
    with pytest.raises(SourceError, match=r"not_connected.*check the API's address and the network"):
        list(stream(source, visit))


def test_an_address_that_is_none(visit: Gateway) -> None:
    with pytest.raises(SourceError, match="ftp://x/ is no address of an API"):
        stream(OpenverseSource(queries=("cat",), api_url="ftp://x/"), visit)


def test_a_key_that_the_service_repeats_is_not_shown(api: Api, visit: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENVERSE_TOKEN", SECRET)
    api.answer = lambda path, params: (200, f"bad token {SECRET}".encode())
    with pytest.raises(SourceError, match=r"bad token \*\*\*") as caught:
        list(stream(openverse(api), visit))
    assert not shows_secret(caught.value)
    api.answer = lambda path, params: (200, ("x" * 55 + SECRET).encode())  # where the quotation is cut
    with pytest.raises(SourceError, match=r"x\*\*\*") as caught:
        list(stream(openverse(api), visit))
    assert not shows_secret(caught.value)
    echo = picture(1, url=f"https://img.example/1.jpg?t={SECRET}", foreign_landing_url=f"https://x.example/?t={SECRET}")
    api.answer = lambda path, params: openverse_page(params, [echo], 1)
    offers = list(stream(openverse(api), visit))
    assert refusals(offers) == [Reason.BAD_ANSWER]
    assert not shows_secret(offers)


def test_what_params_say_holds_where_the_service_says_nothing(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: openverse_page(
        params, [picture(1, creator=None), picture(2, license_url=None)], 1
    )
    offers = list(stream(openverse(api, author="unknown", license="MIT", license_url="https://mit.example/"), visit))
    assert [(offer.author, offer.license, offer.license_url) for offer in offers] == [
        ("unknown", "CC-BY-SA-2.0", f"{CC}/licenses/by-sa/2.0/"),
        ("Jane Doe", "CC-BY-SA-2.0", None),
    ]
    api.answer = lambda path, params: (200, {"query": {"pages": [file_page(1, extmetadata={})]}})
    bare = commons(api, license="MIT", license_url="https://mit.example/")
    assert [(offer.license, offer.license_url) for offer in stream(bare, visit)] == [("MIT", "https://mit.example/")]


def test_access(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOKIE", SECRET)
    source = openverse(api, allow_private=True, headers_env={"X-Shop": "COOKIE"})
    with source.open(Path("unused")) as opened:
        assert opened.access.allow_private
        assert opened.access.headers == {"127.0.0.1": {"X-Shop": SECRET}}
        assert not shows_secret(opened)


# ---- Wikimedia Commons


def file_page(number: int, *, index: int | None = None, **more: Any) -> dict[str, Any]:
    """A page as the Action API gives it with formatversion=2."""
    name = f"Woman_{number}.jpg"
    info = {
        "size": 1234567,
        "width": 2000,
        "height": 3000,
        "thumburl": f"https://upload.wikimedia.org/wikipedia/commons/thumb/a/ab/{name}/960px-{name}",
        "thumbwidth": 960,
        "thumbheight": 1440,
        "url": f"https://upload.wikimedia.org/wikipedia/commons/a/ab/{name}",
        "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{name}",
        "descriptionshorturl": f"https://commons.wikimedia.org/w/index.php?curid={number}",
        "mime": "image/jpeg",
        "extmetadata": {
            "LicenseShortName": {"value": "CC BY-SA 4.0", "source": "commons-desc-page", "hidden": ""},
            "LicenseUrl": {"value": f"{CC}/licenses/by-sa/4.0", "source": "commons-desc-page", "hidden": ""},
            "UsageTerms": {"value": "Creative Commons Attribution-Share Alike 4.0", "source": "commons-desc-page"},
            "Artist": {"value": '<a href="//commons.wikimedia.org/wiki/User:J" title="User:J">Jane &amp; Co</a>'},
            "Categories": {"value": "Portraits of women|Quality images", "source": "commons-categories"},
            "Restrictions": {"value": "personality", "source": "commons-desc-page"},
        },
        **more,
    }
    page: dict[str, Any] = {"pageid": number, "ns": 6, "title": f"File:Woman {number}.jpg", "imagerepository": "local"}
    return {**page, "imageinfo": [info]} | ({"index": index} if index is not None else {})


def commons(api: Api, **more: Any) -> CommonsSource:
    return CommonsSource.model_validate(
        {"queries": ["women portrait"], "api_url": f"{api.url}/w/api.php", "lag_wait_s": 0, **more}
    )


def test_commons_asks_as_documented_and_tells_all_of_a_picture(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (200, {"batchcomplete": True, "query": {"pages": [file_page(7, index=1)]}})
    offers = list(stream(commons(api, min_side_px=512), visit))
    path, params, _ = api.asked[0]
    assert path == "/w/api.php"
    assert dict(params) == {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "maxlag": "5",
        "generator": "search",
        "gsrsearch": "women portrait filetype:bitmap filew:>511 fileh:>511",
        "gsrnamespace": "6",
        "gsrlimit": "50",
        "prop": "imageinfo",
        "iiprop": "url|size|mime|extmetadata",
        "iiurlwidth": "3840",
        "iiextmetadatafilter": "LicenseShortName|LicenseUrl|UsageTerms|Artist|Attribution|Credit|Categories"
        "|Restrictions",
    }
    assert offers == [
        Offer(
            "https://upload.wikimedia.org/wikipedia/commons/a/ab/Woman_7.jpg",
            "selfie",
            "commons",
            page_url="https://commons.wikimedia.org/wiki/File:Woman_7.jpg",
            license="CC-BY-SA-4.0",
            license_url=f"{CC}/licenses/by-sa/4.0",
            author="Jane & Co",
            extra={
                "title": "Woman 7.jpg",
                "provider": "wikimedia",
                "restrictions": "personality",
                "width": "2000",
                "height": "3000",
            },
        )
    ]


def test_commons_hands_the_continue_block_back_as_it_is(api: Api, visit: Gateway) -> None:
    answers: list[dict[str, Any]] = [
        {
            "continue": {"iicontinue": "Woman_2.jpg|20200101000000", "continue": "||"},
            "query": {
                "pages": [file_page(9, index=1), {"pageid": 2, "ns": 6, "title": "File:Woman 2.jpg", "index": 2}]
            },
        },
        {
            "batchcomplete": True,
            "continue": {"gsroffset": 50, "continue": "gsroffset||"},
            "query": {"pages": [{"pageid": 9, "title": "File:Woman 9.jpg", "index": 1}, file_page(2, index=2)]},
        },
        {"batchcomplete": True, "query": {"pages": [file_page(1, index=52), file_page(3, index=51)]}},
    ]
    api.answer = lambda path, params: (200, answers[len(api.asked) - 1])
    offers = list(stream(commons(api), visit))
    assert [(offer.extra or {})["title"] for offer in offers] == [f"Woman {n}.jpg" for n in (9, 2, 3, 1)]
    first = api.params(0)
    assert api.params(1) == {**first, "iicontinue": "Woman_2.jpg|20200101000000", "continue": "||"}
    assert api.params(2) == {**first, "gsroffset": "50", "continue": "gsroffset||"}
    assert len(api.asked) == 3


def test_commons_category(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (200, {"batchcomplete": True, "query": {"pages": [file_page(1)]}})
    source = commons(api, queries=["Category:Watercolor portraits"])
    assert len(list(stream(source, visit))) == 1
    asked = api.params(0)
    assert (asked["generator"], asked["gcmtitle"], asked["gcmtype"], asked["gcmlimit"]) == (
        "categorymembers",
        "Category:Watercolor portraits",
        "file",
        "50",
    )
    assert "gsrsearch" not in asked


def test_commons_keeps_a_file_type_that_the_query_names(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (200, {"batchcomplete": True})
    assert list(stream(commons(api, queries=["selfie filemime:image/png"]), visit)) == []
    assert api.params(0)["gsrsearch"] == "selfie filemime:image/png"


def test_commons_renderings_and_files_that_are_no_bitmaps(api: Api, visit: Gateway) -> None:
    pages = [
        file_page(1, width=9000),
        file_page(2, mime="image/tiff"),
        file_page(3, mime="image/svg+xml"),
        file_page(4, mime="image/tiff", thumburl=None),
        file_page(5, width=960),
        file_page(6, mime="video/webm", width=0, height=0),
    ]
    api.answer = lambda path, params: (200, {"query": {"pages": pages}})
    offers = list(stream(commons(api, max_width_px=960, queries=["Category:X"]), visit))
    assert api.params(0)["iiurlwidth"] == "960"
    assert ["/thumb/" in offer.url for offer in offers] == [True, True, True, False, False, False]
    assert (offers[0].extra or {})["rendered_width"] == "960"
    bad = Reason.NOT_AN_IMAGE
    assert refusals(offers) == [None, None, bad, bad, None, bad]
    with pytest.raises(ValidationError, match="max_width_px"):
        commons(api, max_width_px=1000)  # Wikimedia would answer 429


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        ("Portraits of women|AI-generated images of women", "commons:AI-generated images of women"),
        ("Images generated by Midjourney", "commons:Images generated by Midjourney"),
        ("PD-algorithm", "commons:PD-algorithm"),
        ("AI-upscaled images|Painters", None),
        ("", None),
    ],
)
def test_commons_categories_say_what_a_model_made(
    api: Api, visit: Gateway, categories: str, expected: str | None
) -> None:
    page = file_page(1, extmetadata={"Categories": {"value": categories}})
    api.answer = lambda path, params: (200, {"query": {"pages": [page]}})
    assert [offer.ai_generated for offer in stream(commons(api), visit)] == [expected]


@pytest.mark.parametrize(
    ("metadata", "license_id", "author"),
    [
        (
            {"LicenseShortName": "Public domain", "Artist": "<bdi>Vincent van Gogh</bdi>"},
            "public-domain",
            "Vincent van Gogh",
        ),
        (
            {"LicenseShortName": "CC BY 3.0 us", "Attribution": "Jane, <i>The Press</i>"},
            "CC-BY-3.0-US",
            "Jane, The Press",
        ),
        ({"LicenseShortName": "KOGL Type 1", "Credit": "Own\nwork"}, "KOGL Type 1", "Own work"),
        ({"Artist": 'Unknown<span style="display: none;">Unknown</span>'}, None, "Unknown"),
        ({"UsageTerms": "CC0"}, "CC0-1.0", None),
    ],
)
def test_commons_metadata(
    api: Api, visit: Gateway, metadata: dict[str, str], license_id: str | None, author: str | None
) -> None:
    page = file_page(1, extmetadata={key: {"value": value} for key, value in metadata.items()})
    api.answer = lambda path, params: (200, {"query": {"pages": [page]}})
    assert [(offer.license, offer.author) for offer in stream(commons(api), visit)] == [(license_id, author)]


LAG = {"error": {"code": "maxlag", "info": "Waiting for db1: 7 seconds lagged", "host": "db1", "lag": 7.1}}


def test_commons_waits_when_the_servers_are_behind(api: Api, visit: Gateway) -> None:
    good = {"batchcomplete": True, "query": {"pages": [file_page(1)]}}
    api.answer = lambda path, params: (200, LAG if len(api.asked) < 3 else good)
    assert len(list(stream(commons(api), visit))) == 1
    assert [api.params(n).get("requestid") for n in range(3)] == [None, "2", "3"]  # else a kept answer would come again


def test_commons_does_not_wait_for_ever(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (200, LAG)
    with pytest.raises(SourceError, match=r"Waiting for db1: 7 seconds lagged \(maxlag\)\): its servers are busy; run"):
        list(stream(commons(api), visit))
    assert len(api.asked) == 4


def test_commons_errors(api: Api, visit: Gateway) -> None:
    bad = {"error": {"code": "invalidcategory", "info": "The category name you entered is not valid.", "docref": "See"}}
    api.answer = lambda path, params: (200, bad)
    with pytest.raises(SourceError, match=r"not valid\. \(invalidcategory\)\): correct the query"):
        list(stream(commons(api, queries=["Category:"]), visit))
    more = {"continue": {"gsroffset": 50, "continue": "-||"}, "query": {"pages": [file_page(1)]}}
    api.asked.clear()
    api.answer = lambda path, params: (200, bad if len(api.asked) > 1 else more)
    assert refusals(list(stream(commons(api), visit))) == [None, Reason.HTTP_ERROR]


def test_commons_licence_filter_is_ours(api: Api, visit: Gateway) -> None:
    pages = [
        file_page(1),
        file_page(2, extmetadata={"LicenseShortName": {"value": "CC0"}}),
        file_page(3, extmetadata={}),
    ]
    api.answer = lambda path, params: (200, {"query": {"pages": pages}})
    no = Reason.LICENSE_NOT_ALLOWED
    assert refusals(list(stream(commons(api, licenses=["public-domain"]), visit))) == [no, None, no]


# ---- Flickr

FLICKR_LICENCES = {
    "licenses": {
        "license": [
            {"id": 0, "name": "All Rights Reserved", "url": ""},
            {"id": 4, "name": "Attribution License", "url": f"{CC}/licenses/by/2.0/"},
            {"id": 2, "name": "Attribution-NonCommercial License", "url": f"{CC}/licenses/by-nc/2.0/"},
            {"id": 7, "name": "No known copyright restrictions", "url": "https://www.flickr.com/commons/usage/"},
            {"id": 9, "name": "Public Domain Dedication (CC0)", "url": f"{CC}/publicdomain/zero/1.0/"},
            {"id": 11, "name": "CC BY 4.0", "url": f"{CC}/licenses/by/4.0/"},
        ]
    },
    "stat": "ok",
}


def photo(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "owner": "51035734193@N01",
        "secret": "653a19d017",
        "server": "3059",
        "farm": 4,
        "title": "Woman &amp; cat",
        "ispublic": 1,
        "isfriend": 0,
        "isfamily": 0,
        "license": "4",
        "ownername": "Jane",
        "tags": "woman portrait",
        "url_l": f"https://live.staticflickr.com/3059/{number}_l.jpg",
        "height_l": 1024,
        "width_l": "683",
        **more,
    }


def flickr_answers(
    photos: Callable[[int], list[dict[str, Any]]], pages: int
) -> Callable[[str, dict[str, str]], Answer]:
    def answer(path: str, params: dict[str, str]) -> Answer:
        if params["method"] == "flickr.photos.licenses.getInfo":
            return 200, FLICKR_LICENCES
        page = int(params["page"])
        found = {"page": page, "pages": pages, "perpage": 500, "total": "99", "photo": photos(page)}
        return 200, {"photos": found, "stat": "ok"}

    return answer


@pytest.fixture
def flickr(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FlickrSource]:
    monkeypatch.setenv("FLICKR_API_KEY", SECRET)
    given = {"queries": ["women portrait"], "api_url": f"{api.url}/services/rest/"}
    return lambda **more: FlickrSource.model_validate({**given, **more})


def test_flickr_asks_as_documented_and_tells_all_of_a_picture(
    api: Api, visit: Gateway, flickr: Callable[..., FlickrSource]
) -> None:
    original = {"url_o": "https://live.staticflickr.com/3059/1_o.png", "height_o": "3000", "width_o": "2000"}
    api.answer = flickr_answers(lambda page: [photo(1, **original)], 1)
    offers = list(stream(flickr(content=["photo", "other"]), visit))
    assert api.asked[0][1] == [
        ("method", "flickr.photos.licenses.getInfo"),
        ("format", "json"),
        ("nojsoncallback", "1"),
        ("api_key", SECRET),
    ]
    assert api.asked[1][0] == "/services/rest/"
    assert api.params(1) == {
        "method": "flickr.photos.search",
        "format": "json",
        "nojsoncallback": "1",
        "text": "women portrait",
        "media": "photos",
        "safe_search": "1",
        "sort": "relevance",
        "content_types": "0,2",
        "extras": "license,owner_name,tags,url_o,url_k,url_h,url_l,url_c,url_z,url_m",
        "per_page": "500",
        "page": "1",
        "api_key": SECRET,
    }
    assert offers == [
        Offer(
            "https://live.staticflickr.com/3059/1_o.png",
            "selfie",
            "flickr",
            page_url="https://www.flickr.com/photos/51035734193@N01/1/",
            license="CC-BY-2.0",
            license_url=f"{CC}/licenses/by/2.0/",
            author="Jane",
            extra={
                "title": "Woman & cat",
                "tags": "woman portrait",
                "provider": "flickr",
                "width": "2000",
                "height": "3000",
            },
        )
    ]
    assert not shows_secret(offers, visit.asks)


def test_flickr_filters_by_the_numbers_that_it_says_itself(
    api: Api, visit: Gateway, flickr: Callable[..., FlickrSource]
) -> None:
    api.answer = flickr_answers(lambda page: [photo(1, license="11"), photo(2, license="17")], 1)
    offers = list(stream(flickr(licenses=["CC-BY", "CC0"]), visit))
    assert api.params(1)["license"] == "4,9,11"
    assert [offer.license for offer in offers] == ["CC-BY-4.0", "Flickr licence 17"]
    assert refusals(offers) == [None, Reason.LICENSE_NOT_ALLOWED]
    with pytest.raises(SourceError, match="flickr knows none of the licences MIT"):
        list(stream(flickr(licenses=["MIT"]), visit))


def test_flickr_takes_the_largest_rendering(api: Api, visit: Gateway, flickr: Callable[..., FlickrSource]) -> None:
    none = dict.fromkeys(("url_l", "height_l", "width_l"))
    api.answer = flickr_answers(lambda page: [photo(1), photo(2, **none)], 1)
    offers = list(stream(flickr(min_side_px=700), visit))
    assert [offer.url for offer in offers] == [
        "https://live.staticflickr.com/3059/1_l.jpg",
        "https://www.flickr.com/photos/51035734193@N01/2/",
    ]
    assert refusals(offers) == [Reason.TOO_SMALL, Reason.BAD_ANSWER]


def test_flickr_stops_where_its_results_repeat(api: Api, visit: Gateway, flickr: Callable[..., FlickrSource]) -> None:
    api.answer = flickr_answers(lambda page: [photo(page)], 700)
    assert len(list(stream(flickr(), visit))) == 8  # 8 x 500 = 4,000 results
    assert [api.params(n)["page"] for n in range(1, len(api.asked))] == [str(n) for n in range(1, 9)]


def test_flickr_pages(api: Api, visit: Gateway, flickr: Callable[..., FlickrSource]) -> None:
    api.answer = flickr_answers(lambda page: [photo(page)], 2)
    offers = stream(flickr(page_size=100), visit)
    next(offers)
    assert len(api.asked) == 2
    assert len(list(offers)) == 1
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (
            100,
            f"Invalid API Key ({SECRET})",
            r"Invalid API Key \(\*\*\*\) \(code 100\)\): check the key in FLICKR_API_KEY$",
        ),
        (105, "Service currently unavailable", "code 105.*not available; run again later$"),
        (3, "Parameterless searches have been disabled", "code 3.*correct the query or the settings$"),
    ],
)
def test_flickr_says_no(
    api: Api, visit: Gateway, flickr: Callable[..., FlickrSource], code: int, message: str, expected: str
) -> None:
    api.answer = lambda path, params: (200, {"stat": "fail", "code": code, "message": message})
    with pytest.raises(SourceError, match=expected) as caught:
        list(stream(flickr(), visit))
    assert not shows_secret(caught.value)


def test_flickr_says_no_later(api: Api, visit: Gateway, flickr: Callable[..., FlickrSource]) -> None:
    good = flickr_answers(lambda page: [photo(page)], 3)
    no = {"stat": "fail", "code": 105, "message": f"Service currently unavailable {SECRET}"}
    api.answer = lambda path, params: (200, no) if params.get("page") == "2" else good(path, params)
    offers = list(stream(flickr(), visit))
    assert refusals(offers) == [None, Reason.HTTP_ERROR]
    assert offers[1].url.endswith("&per_page=500&page=2")
    assert offers[1].refused is not None
    assert "Service currently unavailable ***" in offers[1].refused.detail
    assert not shows_secret(offers, offers[1].refused.detail)


@pytest.mark.parametrize("body", [{"stat": "ok"}, {"photos": {}}, b"jsonFlickrApi({})"])
def test_flickr_other_answers(api: Api, visit: Gateway, flickr: Callable[..., FlickrSource], body: Any) -> None:
    good = flickr_answers(lambda page: [], 1)
    for method in ("flickr.photos.licenses.getInfo", "flickr.photos.search"):
        api.answer = lambda path, params, m=method: (200, body) if params["method"] == m else good(path, params)
        with pytest.raises(SourceError, match="not the documented JSON"):
            list(stream(flickr(), visit))


@pytest.mark.parametrize("value", [None, "", "  "])
def test_flickr_needs_a_key(
    visit: Gateway, flickr: Callable[..., FlickrSource], monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("FLICKR_API_KEY")
    if value is not None:
        monkeypatch.setenv("FLICKR_API_KEY", value)
    with pytest.raises(SourceError, match="environment variable FLICKR_API_KEY is not set"):
        stream(flickr(), visit)
    assert visit.asks == []


def test_a_key_too_short_to_be_hidden_is_refused(
    visit: Gateway, flickr: Callable[..., FlickrSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", "k")
    with pytest.raises(SourceError, match="FLICKR_API_KEY holds less than 8 characters"):
        stream(flickr(), visit)
    assert visit.asks == []


# ---- Any other search


@pytest.fixture
def shop_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", SECRET)


def numbered(api: Api, **more: Any) -> JsonSearchSource:
    """A service that counts its pages and lists photos."""
    return JsonSearchSource.model_validate(
        {
            "queries": ["women & men"],
            "url": f"{api.url}/v1/search?query={{query}}&page={{page}}&start={{offset}}",
            "params_env": {"key": "SHOP_KEY"},
            "paths": {
                "items": "photos",
                "picture": "src.original",
                "page": "url",
                "author": "photographer",
                "title": "alt",
                "width": "width",
                "height": "height",
                "license_url": "rights[0].href",
            },
            **more,
        }
    )


def shop_photo(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "width": 3000,
        "height": 4000,
        "url": f"/photo/{number}/",
        "photographer": "Jo <Doe>",
        "alt": "a face",
        "src": {"original": f"https://img.example/{number}.jpg", "tiny": "https://img.example/t.jpg"},
        "rights": [{"href": f"{CC}/publicdomain/zero/1.0/"}],
    }


@pytest.mark.usefixtures("shop_key")
def test_json_search_by_page_number(api: Api, visit: Gateway) -> None:
    def answer(path: str, params: dict[str, str]) -> Answer:
        page = int(params["page"])
        return 200, {"total": 4, "photos": [shop_photo(10 * page), shop_photo(10 * page + 1)] if page < 2 else []}

    api.answer = answer
    offers = list(stream(numbered(api, first_page=0), visit))
    assert [params for _, params, _ in api.asked] == [
        [("query", "women & men"), ("page", str(page)), ("start", str(2 * page)), ("key", SECRET)] for page in range(3)
    ]
    assert visit.asks[0].url == f"{api.url}/v1/search?query=women%20%26%20men&page=0&start=0"
    assert [offer.url for offer in offers] == [f"https://img.example/{n}.jpg" for n in (0, 1, 10, 11)]
    assert offers[0] == Offer(
        "https://img.example/0.jpg",
        "selfie",
        "json_search:127.0.0.1",
        page_url=f"{api.url}/photo/0/",
        license="CC0-1.0",
        license_url=f"{CC}/publicdomain/zero/1.0/",
        author="Jo",
        extra={"title": "a face", "width": "3000", "height": "4000"},
    )
    assert not shows_secret(offers, visit.asks)


def cursored(api: Api, **more: Any) -> JsonSearchSource:
    """A service whose answer is nested and gives a cursor; its key goes into a header."""
    return JsonSearchSource.model_validate(
        {
            "queries": ["selfie"],
            "url": f"{api.url}/search/{{query}}?cursor={{cursor}}",
            "first_cursor": "*",
            "headers_env": {"X-Key": "SHOP_KEY"},
            "paths": {"items": "data.hits[].image", "picture": "@", "next": "data.cursor"},
            **more,
        }
    )


@pytest.mark.usefixtures("shop_key")
def test_json_search_by_cursor(api: Api, visit: Gateway) -> None:
    cursors: dict[str, Any] = {"*": "/9j=&", "/9j=&": 17, "17": None}

    def answer(path: str, params: dict[str, str]) -> Answer:
        hits = [{"image": f"//img.example/{len(api.asked)}.jpg"}, {"other": 1}]
        return 200, {"data": {"hits": hits, "cursor": cursors[params["cursor"]]}}

    api.answer = answer
    source = cursored(api)
    offers = list(stream(source, visit))
    assert [dict(params)["cursor"] for _, params, _ in api.asked] == ["*", "/9j=&", "17"]
    assert {path for path, _, _ in api.asked} == {"/search/selfie"}
    assert [offer.url for offer in offers] == [f"http://img.example/{n}.jpg" for n in (1, 2, 3)]
    with source.open(Path("unused")) as opened:
        assert opened.access.headers == {"127.0.0.1": {"X-Key": SECRET}}


@pytest.mark.usefixtures("shop_key")
@pytest.mark.parametrize("start", ["", "http://127.0.0.1"])
def test_json_search_by_the_next_pages_address(api: Api, visit: Gateway, start: str) -> None:
    def answer(path: str, params: dict[str, str]) -> Answer:
        more = f"{api.url if start else ''}/v1/search?page=2&{urlencode({'key': 'old', 'token': SECRET})}&query=x"
        return 200, {"photos": [shop_photo(len(api.asked))], "next": more if len(api.asked) == 1 else ""}

    api.answer = answer
    source = numbered(api, paths={"items": "photos", "picture": "src.original", "next": "next"})
    assert len(list(stream(source, visit))) == 2
    assert api.asked[1][1] == [("page", "2"), ("query", "x"), ("key", SECRET)]
    assert visit.asks[1].url == f"{api.url}/v1/search?page=2&query=x"
    assert not shows_secret(visit.asks)


@pytest.mark.usefixtures("shop_key")
@pytest.mark.parametrize("elsewhere", ["https://evil.example/?page=2", "//evil.example/x", "http://127.0.0.1:1/x"])
def test_json_search_takes_the_keys_to_no_other_host(api: Api, visit: Gateway, elsewhere: str) -> None:
    later = {"photos": [shop_photo(1)], "next": elsewhere}
    api.answer = lambda path, params: (200, later)
    source = numbered(api, paths={"items": "photos", "picture": "src.original", "next": "next"})
    with pytest.raises(SourceError, match="next page is on another host"):
        list(stream(source, visit))
    assert len(visit.asks) == 1


@pytest.mark.usefixtures("shop_key")
def test_json_search_by_a_flag(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (200, {"photos": [shop_photo(len(api.asked))], "more": params["page"] != "3"})
    source = numbered(api, paths={"items": "photos", "picture": "src.original", "next": "more"}, page_size=25)
    assert len(list(stream(source, visit))) == 3
    assert [(dict(p)["page"], dict(p)["start"]) for _, p, _ in api.asked] == [("1", "0"), ("2", "25"), ("3", "50")]


@pytest.mark.usefixtures("shop_key")
def test_a_service_that_repeats_its_page_for_ever(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (200, {"photos": [shop_photo(1)]})
    assert len(list(stream(numbered(api), visit))) == 1
    assert len(api.asked) == 2


@pytest.mark.usefixtures("shop_key")
def test_json_search_without_pages_asks_once(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (200, [{"i": "a.jpg"}, {"i": 5}, {"i": True}, 7])
    source = numbered(api, url=f"{api.url}/all/{{query}}", paths={"items": "@", "picture": "i"})
    offers = list(stream(source, visit))
    assert len(api.asked) == 1
    assert [offer.url for offer in offers[:2]] == [f"{api.url}/all/a.jpg", f"{api.url}/all/5"]
    assert refusals(offers) == [None, None, Reason.BAD_ANSWER, Reason.BAD_ANSWER]


@pytest.mark.usefixtures("shop_key")
@pytest.mark.parametrize(
    "body", [b"", b"<html>", {"photos": {"a": 1}}, {"images": []}, b"[" * 100_000, b'{"photos": 5}', b"\xff"]
)
def test_json_search_other_answers(api: Api, visit: Gateway, body: Any) -> None:
    api.answer = lambda path, params: (200, body)
    with pytest.raises(SourceError, match="not the documented JSON"):
        list(stream(numbered(api), visit))


@pytest.mark.usefixtures("shop_key")
def test_json_search_a_wrong_key(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (403, {})
    with pytest.raises(SourceError, match=r"status 403.*check the key in SHOP_KEY$") as caught:
        list(stream(numbered(api), visit))
    assert not shows_secret(caught.value)  # the gateway's own words had it


def test_json_search_without_its_keys(api: Api, visit: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    with pytest.raises(SourceError, match=r"environment variable SHOP_KEY \(parameter key\) is not set"):
        stream(numbered(api), visit)
    with pytest.raises(SourceError, match="SHOP_KEY"):
        stream(cursored(api), visit)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "https://x.example/?q={query}&p={pages}"}, r"unknown {pages}; known: cursor, offset, page, query"),
        ({"url": "https://x.example/?p={page}"}, r"no {query} in it"),
        ({"paths": {"items": "a[", "picture": "b"}}, "'a\\[' is no JMESPath"),
        ({"paths": {"items": "a"}}, "Field required"),
        ({"queries": []}, "at least 1"),
        ({"queries": [" "]}, "at least 1 character"),
    ],
)
def test_json_search_params(api: Api, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        numbered(api, **change)


# ---- The command line


@pytest.mark.parametrize(
    ("text", "kind", "query"),
    [
        ("openverse:women portrait", OpenverseSource, "women portrait"),
        ("commons:Category:Portraits of women", CommonsSource, "Category:Portraits of women"),
        ("flickr: selfie ", FlickrSource, "selfie"),
    ],
)
def test_from_text(text: str, kind: type[Search], query: str) -> None:
    source = search_source(text, "anime", True)
    assert isinstance(source, kind)
    assert (source.queries, source.domain, source.allow_private) == ((query,), "anime", True)


def test_from_other_text() -> None:
    for text in ("https://example.org/gallery", "sources/selfies", "openverse", "Openverse women", "google:cats"):
        assert search_source(text, "selfie", False) is None
    with pytest.raises(SourceError, match="commons: : no query; write it as commons:women portrait"):
        search_source("commons: ", "selfie", False)


def test_plain() -> None:
    assert plain("  a\n b ") == "a b"
    assert plain("https://example.org/?a=1&amp;b=2") == "https://example.org/?a=1&b=2"
    assert plain("<p>one</p>\n<i>two</i>") == "one two"
    assert plain("<br>") is None
    assert plain(None) is None
    assert len(plain("x" * 900) or "") == 200
