"""A host is asked no more than it allows: Crawl-delay, 429 and Retry-After, and a rest for one that fails."""

from __future__ import annotations

import datetime as dt
import time
from itertools import pairwise
from typing import Any

import pytest

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import Web
from scgan_data.web.request import AgainError
from tests.data.gateway import CONFIG, LOCAL, at_once, attempt, get, raw, reason


def test_429_waits_as_asked_then_succeeds(web_server: Any) -> None:
    def busy_once(handler: Any) -> None:
        if web_server.paths().count("/a") == 1:
            web_server.answer(handler, 429, Retry_After="1")
        else:
            web_server.answer(handler, 200, b"ok")

    web_server.routes["/a"] = busy_once
    assert get(web_server.url + "/a").body == b"ok"
    first, second = web_server.times("/a")
    assert 1.0 <= second - first < 3.0


def test_429_for_ever_is_rate_limited(web_server: Any) -> None:
    assert reason(web_server.serve("/a", b"", 429, Retry_After="0")) == (Reason.RATE_LIMITED, 429)
    assert web_server.paths().count("/a") == 2


def test_a_host_that_asks_for_an_hour_is_left_alone(web_server: Any) -> None:
    url = web_server.serve("/a", b"", 503, Retry_After="3600")
    with Web(CONFIG, LOCAL) as web:
        for path in ("/a", "/b", "/c"):
            with pytest.raises(RefusedError) as caught:
                web.get(web_server.url + path)
            assert caught.value.reason == Reason.RATE_LIMITED
    assert url and web_server.paths() == ["/robots.txt", "/a"]


def test_a_pause_is_the_whole_host_s(web_server: Any) -> None:
    web_server.serve("/busy", b"", 429, Retry_After="1")
    web_server.serve("/a", b"x")
    with Web(CONFIG, LOCAL) as web:
        with pytest.raises(AgainError) as caught:
            attempt(web, web_server.url + "/busy")
        assert (caught.value.refused.reason, caught.value.wait_s) == (Reason.RATE_LIMITED, 1.0)
        web.get(web_server.url + "/a")
    (busy,), (other,) = web_server.times("/busy"), web_server.times("/a")
    assert other - busy >= 0.95


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_requests_a_minute_before_and_after_429(web_server: Any, form: str) -> None:
    """One that the host cannot stand: after its 429 there is the pause that it asked for, then wider spacing."""
    rejected: list[float] = []

    def strict(handler: Any) -> None:
        if web_server.paths().count("/a") == 21:
            rejected.append(time.monotonic())
            later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
            text = "1" if form == "seconds" else later.strftime("%a, %d %b %Y %H:%M:%S GMT")
            web_server.answer(handler, 429, Retry_After=text)
        else:
            web_server.answer(handler, 200, b"x")

    web_server.routes["/a"] = strict
    with Web(CONFIG, LOCAL) as web:
        for _ in range(26):
            web.get(web_server.url + "/a")
    times = web_server.times("/a")
    before = 60 * 20 / (times[20] - times[0])
    after = 60 * 5 / (times[-1] - rejected[0])
    assert times[21] - rejected[0] >= 0.95
    assert times[24] - times[21] >= 0.2
    assert after < before, (before, after)


def test_crawl_delay_spaces_requests(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nCrawl-delay: 0.4\n")
    web_server.serve("/a", b"x")
    with Web(CONFIG, LOCAL) as web:
        for _ in range(3):
            web.get(web_server.url + "/a")
    times = web_server.times("/a")
    assert all(later - earlier >= 0.3 for earlier, later in pairwise(times))


def test_crawl_delay_holds_for_threads_that_ask_at_once(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nCrawl-delay: 0.3\n")
    web_server.serve("/a", b"x")
    with Web(CONFIG, LOCAL) as web:
        at_once(4, web.get, web_server.url + "/a")
        assert web.get(web_server.url + "/a").rules == (
            "robots.txt: allowed, 0.3 s between requests; x-robots-tag: none"
        )
    assert web_server.paths() == ["/robots.txt", *5 * ["/a"]]
    times = web_server.times("/a")
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(times))


def test_the_breaker_leaves_a_dead_host_alone(web_server: Any) -> None:
    web_server.routes["/a"] = raw(b"")
    web_server.serve("/robots.txt", b"", Connection="close")
    config = CONFIG.model_copy(update={"failures_before_break": 3, "break_s": 0.3, "retries": 0})
    said = []
    with Web(config, LOCAL) as web:
        for _ in range(8):
            with pytest.raises(RefusedError) as caught:
                web.get(web_server.url + "/a")
            said.append((caught.value.reason, caught.value.value))
    assert said == [*4 * [(Reason.TRANSFER_BROKEN, None)], *4 * [(Reason.HOST_GIVEN_UP, 4)]]
    times = web_server.times("/a")
    assert len(times) == 4
    assert times[3] - times[2] >= 0.3


def test_a_host_that_comes_back_is_used_again(web_server: Any) -> None:
    def down_at_first(handler: Any) -> None:
        if len(web_server.paths()) <= 3:
            raw(b"")(handler)
        else:
            web_server.answer(handler, 200, b"x")

    web_server.routes["/a"] = web_server.routes["/robots.txt"] = down_at_first
    config = CONFIG.model_copy(update={"failures_before_break": 3, "break_s": 0.2, "retries": 9, "max_wait_s": 0.3})
    assert get(web_server.url + "/a", config).body == b"x"
