"""Wikimedia Commons, against a server on 127.0.0.1 that answers as the Action API does."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.sources.commons import CommonsSource
from tests.data.searches import (
    CC,
    Api,
    Gateway,
    refusals,
    stream,
)


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


LAG = {"error": {"code": "maxlag", "info": "Waiting for db1: 7 seconds lagged", "host": "db1", "lag": 7.1}}


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


def test_commons_where_a_page_says_nothing_params_do(api: Api, visit: Gateway) -> None:
    api.answer = lambda path, params: (200, {"query": {"pages": [file_page(1, extmetadata={})]}})
    source = commons(api, license="MIT", license_url="https://mit.example/")
    assert [(offer.license, offer.license_url) for offer in stream(source, visit)] == [("MIT", "https://mit.example/")]
