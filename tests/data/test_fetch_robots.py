"""The gateway and a site's word: robots.txt is asked for first and once, and what it or a header forbids is not had."""

from __future__ import annotations

import time
from typing import Any

import pytest

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import Web
from scgan_data.web.request import Ask
from tests.data.gateway import CONFIG, LOCAL, at_once, attempt, get, reason


def test_robots_disallowed_is_never_requested(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: scgan-data\nDisallow: /no\n\nUser-agent: *\nDisallow: /\n")
    web_server.serve("/no/a", b"secret")
    web_server.serve("/yes", b"ok")
    with Web(CONFIG, LOCAL) as web:
        with pytest.raises(RefusedError) as caught:
            web.get(web_server.url + "/no/a")
        assert caught.value.reason == Reason.ROBOTS_DISALLOWED
        assert web.get(web_server.url + "/yes").body == b"ok"
    assert web_server.paths() == ["/robots.txt", "/yes"]


def test_a_redirect_to_a_disallowed_path_is_not_followed(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nDisallow: /secret")
    web_server.serve("/b", status=302, Location="/secret/a")
    assert reason(web_server.url + "/b")[0] == Reason.ROBOTS_DISALLOWED
    assert "/secret/a" not in web_server.paths()


def test_a_robots_txt_that_fails_forbids_all(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"", 500)
    web_server.serve("/a", b"x")
    assert reason(web_server.url + "/a") == (Reason.ROBOTS_DISALLOWED, 500)
    assert "/a" not in web_server.paths()


def test_robots_txt_that_fails_once_is_asked_for_again(web_server: Any) -> None:
    def fails_once(handler: Any) -> None:
        web_server.answer(handler, 503 if len(web_server.paths()) == 1 else 404, b"", Retry_After="0")

    web_server.routes["/robots.txt"] = fails_once
    web_server.serve("/a", b"x")
    assert get(web_server.url + "/a").rules == "robots.txt: none (404); x-robots-tag: none"
    assert web_server.paths() == ["/robots.txt", "/robots.txt", "/a"]


def test_robots_txt_is_asked_for_once_by_many_threads(web_server: Any) -> None:
    def slowly(handler: Any) -> None:
        time.sleep(0.2)
        web_server.answer(handler, 200, b"User-agent: *\nDisallow: /no")

    web_server.routes["/robots.txt"] = slowly
    web_server.serve("/a", b"x")
    with Web(CONFIG, LOCAL) as web:
        at_once(6, attempt, web, web_server.url + "/a")
    assert web_server.paths() == ["/robots.txt", *6 * ["/a"]]


def test_robots_txt_is_followed_five_times_and_read_to_its_limit(web_server: Any) -> None:
    for number in range(5):
        web_server.serve("/robots.txt" if not number else f"/r{number}", status=301, Location=f"/r{number + 1}")
    web_server.serve("/r5", b"User-agent: *\nDisallow: /no\n" + b"# long\n" * 100_000)
    web_server.serve("/a", b"x")
    assert get(web_server.url + "/a").rules == "robots.txt: allowed; x-robots-tag: none"
    assert reason(web_server.url + "/no")[0] == Reason.ROBOTS_DISALLOWED
    web_server.serve("/r5", status=302, Location="/r6")
    assert reason(web_server.url + "/a") == (Reason.TOO_MANY_REDIRECTS, 6)
    assert "/r6" not in web_server.paths()


def test_an_api_is_not_a_crawl(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nDisallow: /")
    web_server.serve("/api?q=a+b", b"{}")
    with Web(CONFIG, LOCAL) as web:
        answer = web.get(Ask(web_server.url + "/api", params={"q": "a b"}, is_api=True))
        assert answer.rules == "robots.txt: not asked (API); x-robots-tag: none"
        assert answer.url == web_server.url + "/api?q=a+b"
    assert web_server.paths() == ["/api?q=a+b"]


def test_noai_refuses_a_picture_before_its_body_and_is_told_of_a_page(web_server: Any) -> None:
    sent: list[int] = []

    def large(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("X-Robots-Tag", "otherbot: noindex")
        handler.send_header("X-Robots-Tag", "noai, nofollow")
        handler.end_headers()
        for _ in range(2000):
            sent.append(handler.wfile.write(b"x" * 10_000))

    web_server.routes["/large"] = large
    assert reason(web_server.url + "/large")[0] == Reason.NOAI
    assert sum(sent) < 20_000_000
    web_server.serve("/page", b"<html>", X_Robots_Tag="noai")
    with Web(CONFIG, LOCAL) as web:
        answer = web.get(Ask(web_server.url + "/page"))
    assert (answer.body, answer.robots) == (b"<html>", frozenset({"noai"}))
    assert answer.rules == "robots.txt: none (404); x-robots-tag: noai"
