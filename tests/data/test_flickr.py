"""Flickr, against a server on 127.0.0.1 that answers as its API documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.flickr import FlickrSource
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
