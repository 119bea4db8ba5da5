"""Any other search that answers JSON: by page, cursor, address or flag, and its keys for its host alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.json_search import JsonSearchSource
from tests.data.searches import (
    CC,
    SECRET,
    Answer,
    Api,
    Gateway,
    refusals,
    shows_secret,
    stream,
)


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
def test_an_item_that_a_path_does_not_fit_is_one_item(api: Api, visit: Gateway) -> None:
    photos = [{"src": "a", "tags": ["x", "y"]}, {"src": "b", "tags": None}, {"src": 3, "tags": ["z"]}]
    api.answer = lambda path, params: (200, {"photos": photos})
    paths = {"items": "photos", "picture": "join('', ['/', src])", "title": "join(', ', tags)"}
    offers = list(stream(numbered(api, url=f"{api.url}/{{query}}", paths=paths), visit))
    assert [(offer.extra or {}).get("title") for offer in offers] == ["x, y", None, "z"]
    assert refusals(offers) == [None, None, Reason.BAD_ANSWER]


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
