"""What all keyword searches do alike, here on Openverse: pages on demand, failures, keys, params' word, --from."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.sources.answers import plain
from scgan_data.sources.argument import source_from_argument
from scgan_data.sources.commons import CommonsSource
from scgan_data.sources.flickr import FlickrSource
from scgan_data.sources.openverse import OpenverseSource
from scgan_data.sources.search import Search
from tests.data.searches import (
    CC,
    SECRET,
    Answer,
    Api,
    Gateway,
    openverse,
    openverse_page,
    picture,
    refusals,
    shows_secret,
    stream,
)


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


def test_access(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOKIE", SECRET)
    source = openverse(api, allow_private=True, headers_env={"X-Shop": "COOKIE"})
    with source.open(Path("unused")) as opened:
        assert opened.access.allow_private
        assert opened.access.headers == {"127.0.0.1": {"X-Shop": SECRET}}
        assert not shows_secret(opened)


@pytest.mark.parametrize(
    ("text", "kind", "query"),
    [
        ("openverse:women portrait", OpenverseSource, "women portrait"),
        ("commons:Category:Portraits of women", CommonsSource, "Category:Portraits of women"),
        ("flickr: selfie ", FlickrSource, "selfie"),
    ],
)
def test_from_text(text: str, kind: type[Search], query: str) -> None:
    source = source_from_argument(text, "anime", allow_private=True)
    assert isinstance(source, kind)
    assert (source.queries, source.domain, source.allow_private) == ((query,), "anime", True)


def test_from_other_text() -> None:
    for text in ("sources/selfies", "openverse", "Openverse women", "google:cats"):
        with pytest.raises(SourceError, match=f"--from {text}: nothing that is there"):
            source_from_argument(text, "selfie")
    with pytest.raises(SourceError, match="commons: : no query; write it as commons:women portrait"):
        source_from_argument("commons: ", "selfie")


def test_plain() -> None:
    assert plain("  a\n b ") == "a b"
    assert plain("https://example.org/?a=1&amp;b=2") == "https://example.org/?a=1&b=2"
    assert plain("<p>one</p>\n<i>two</i>") == "one two"
    assert plain("<br>") is None
    assert plain(None) is None
    assert len(plain("x" * 900) or "") == 200
