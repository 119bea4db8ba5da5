"""Openverse, against a server on 127.0.0.1 that answers as it documents."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from tests.data.searches import (
    CC,
    SECRET,
    Api,
    Gateway,
    openverse,
    openverse_page,
    picture,
    refusals,
    shows_secret,
    stream,
)


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
