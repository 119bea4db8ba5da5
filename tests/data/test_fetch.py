"""The gateway against a real server: each fault has its exact reason, and a host is asked no more than it allows."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import threading
import time
import zlib
from itertools import pairwise
from typing import Any

import pytest

from scgan_data.errors import SourceError, StoppedError
from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import FetchConfig, Web
from scgan_data.web.request import Access, AgainError, Answer, Ask, Redirect

LOCAL = Access(allow_private=True, interval_s=0.0)
CONFIG = FetchConfig(contact="tests@example.org", retries=1, deadline_s=5, max_bytes=10_000)


def get(url: str, config: FetchConfig = CONFIG, access: Access = LOCAL, **known: str) -> Answer:
    with Web(config, access) as web:
        return web.get(url, **known)


def reason(url: str, config: FetchConfig = CONFIG, access: Access = LOCAL) -> tuple[str, float | None]:
    with pytest.raises(RefusedError) as caught:
        get(url, config, access)
    return caught.value.reason, caught.value.value


def test_a_plain_answer_comes_whole(web_server: Any) -> None:
    url = web_server.serve("/a.jpg", b"bytes", ETag='"1"')
    answer = get(url + "#part")
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"bytes", '"1"')
    assert web_server.paths() == ["/robots.txt", "/a.jpg"]
    assert web_server.requests[1][2]["User-Agent"] == "scgan-data/1 (+tests@example.org)"
    assert web_server.requests[1][2]["Host"] == f"127.0.0.1:{web_server.port}"


def test_validators_are_sent_and_304_is_an_answer(web_server: Any) -> None:
    url = web_server.serve("/a.jpg", status=304)
    assert get(url, etag='"1"', last_modified="yesterday").status == 304
    headers = web_server.requests[-1][2]
    assert (headers["If-None-Match"], headers["If-Modified-Since"]) == ('"1"', "yesterday")


@pytest.mark.parametrize(
    ("status", "expected"), [(404, Reason.HTTP_ERROR), (403, Reason.HTTP_ERROR), (410, Reason.HTTP_ERROR)]
)
def test_an_error_status_is_said(web_server: Any, status: int, expected: Reason) -> None:
    assert reason(web_server.serve("/a", b"gone", status)) == (expected, status)
    assert web_server.paths().count("/a") == 1


def test_500_is_tried_again_then_said(web_server: Any) -> None:
    assert reason(web_server.serve("/a", b"oops", 500)) == (Reason.HTTP_ERROR, 500)
    assert web_server.paths().count("/a") == 2


def test_429_waits_as_asked_then_succeeds(web_server: Any) -> None:
    def busy_once(handler: Any) -> None:
        if web_server.paths().count("/a") == 1:
            web_server.answer(handler, 429, Retry_After="1")
        else:
            web_server.answer(handler, 200, b"ok")

    web_server.routes["/a"] = busy_once
    assert get(web_server.url + "/a").body == b"ok"
    first, second = (when for path, when, _ in web_server.requests if path == "/a")
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


def test_announced_and_unannounced_bytes_are_capped(web_server: Any) -> None:
    def endless(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 1000)

    web_server.routes["/endless"] = endless
    assert reason(web_server.serve("/big", b"x" * 20_000)) == (Reason.TOO_MANY_BYTES, 20_000)
    assert reason(web_server.url + "/endless")[0] == Reason.TOO_MANY_BYTES


def test_a_compressed_bomb_is_capped_by_what_it_unpacks_to(web_server: Any) -> None:
    bomb = gzip.compress(bytes(5_000_000))
    assert len(bomb) < CONFIG.max_bytes
    assert reason(web_server.serve("/bomb", bomb, Content_Encoding="gzip"))[0] == Reason.TOO_MANY_BYTES
    assert reason(web_server.serve("/no", b"no gzip", Content_Encoding="gzip"))[0] == Reason.BAD_ANSWER
    for coding, body in (("gzip", gzip.compress(b"text")), ("deflate", zlib.compress(b"text")), ("identity", b"text")):
        url = web_server.serve("/" + coding, body, Content_Encoding=coding)
        assert get(url).body == b"text"
        assert web_server.requests[-1][2]["Accept-Encoding"] == "identity"
    with Web(CONFIG, LOCAL) as web:
        assert web.get(Ask(web_server.url + "/gzip")).body == b"text"
    assert "gzip" in web_server.requests[-1][2]["Accept-Encoding"]


@pytest.mark.parametrize("where", ["headers", "body", "nothing"])
def test_a_transfer_ends_at_its_deadline(web_server: Any, where: str) -> None:
    def drip(handler: Any) -> None:
        if where != "nothing":
            handler.send_response(200)
            handler.end_headers() if where == "body" else handler.flush_headers()
        for _ in range(100):
            if where != "nothing":
                handler.wfile.write(b"X")
            time.sleep(0.1)

    web_server.routes["/slow"] = drip
    started = time.monotonic()
    config = CONFIG.model_copy(update={"deadline_s": 0.6})
    assert reason(web_server.url + "/slow", config)[0] == Reason.TIMED_OUT
    assert 0.6 <= time.monotonic() - started < 3.0


def closes_after(handler: Any, body: bytes, length: int = 1000) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = True


def raw(text: bytes) -> Any:
    def answer(handler: Any) -> None:
        handler.wfile.write(text)
        handler.close_connection = True

    return answer


def test_a_body_shorter_than_announced_is_broken(web_server: Any) -> None:
    web_server.routes["/short"] = lambda handler: closes_after(handler, b"x" * 10)
    assert reason(web_server.url + "/short") == (Reason.TRANSFER_BROKEN, 10)
    assert web_server.paths().count("/short") == 2


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"\x00\x01 no HTTP at all\r\n\r\n", Reason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456", Reason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n123456", Reason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000 + b"\r\n", Reason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n", Reason.BAD_ANSWER),
        (b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-3/4\r\nContent-Length: 4\r\n\r\n1234", Reason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Reason.BAD_ANSWER),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            Reason.BAD_ANSWER,
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\n", Reason.BAD_ANSWER),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000, Reason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Reason.TRANSFER_BROKEN),
        (b"HTTP/1.1 200 OK\r\nServer: cut off in its hea", Reason.TRANSFER_BROKEN),
        (b"", Reason.TRANSFER_BROKEN),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", Reason.HTTP_ERROR),
        (b"HTTP/1.1 302 Found\r\n\r\n", Reason.HTTP_ERROR),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n", Reason.ADDRESS_FORBIDDEN),
    ],
)
def test_answers_that_are_none(web_server: Any, answer: bytes, expected: Reason) -> None:
    web_server.routes["/a"] = raw(answer)
    assert reason(web_server.url + "/a", CONFIG.model_copy(update={"retries": 0}))[0] == expected


def test_a_body_without_a_length_ends_with_the_connection(web_server: Any) -> None:
    web_server.routes["/a"] = raw(b"HTTP/1.0 200 OK\r\n\r\nall of it")
    assert get(web_server.url + "/a").body == b"all of it"
    web_server.routes["/b"] = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n")
    assert get(web_server.url + "/b").body == b"all"


def test_a_refused_connection_and_an_unknown_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert reason(f"http://127.0.0.1:{port}/a")[0] == Reason.NOT_CONNECTED
    with Web(CONFIG, LOCAL) as web:
        for path in ("a", "b"):
            with pytest.raises(RefusedError) as caught:
                web.get(f"http://nothing.invalid/{path}")
            assert caught.value.reason == Reason.NAME_NOT_FOUND


def test_redirects_are_followed_and_counted(web_server: Any) -> None:
    web_server.serve("/a", b"end")
    web_server.serve("/b", status=302, Location="/a")
    web_server.serve("/c", status=308, Location="/ü".encode().decode("latin-1"))
    web_server.serve("/%C3%BC", b"found")
    web_server.serve("/loop", status=301, Location="/loop#again")
    for number in range(9):
        web_server.serve(f"/{number}", status=307, Location=f"/{number + 1}")
    answer = get(web_server.url + "/b")
    assert (answer.url, answer.body) == (web_server.url + "/a", b"end")
    assert get(web_server.url + "/c").body == b"found"
    assert reason(web_server.url + "/loop") == (Reason.TOO_MANY_REDIRECTS, None)
    assert web_server.paths().count("/loop") == 1
    assert reason(web_server.url + "/0") == (Reason.TOO_MANY_REDIRECTS, 6)
    assert "/6" not in web_server.paths()


def test_a_redirect_to_a_disallowed_path_is_not_followed(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nDisallow: /secret")
    web_server.serve("/b", status=302, Location="/secret/a")
    assert reason(web_server.url + "/b")[0] == Reason.ROBOTS_DISALLOWED
    assert "/secret/a" not in web_server.paths()


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


def test_a_robots_txt_that_fails_forbids_all(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"", 500)
    web_server.serve("/a", b"x")
    assert reason(web_server.url + "/a") == (Reason.ROBOTS_DISALLOWED, 500)
    assert "/a" not in web_server.paths()


def test_crawl_delay_spaces_requests(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nCrawl-delay: 0.4\n")
    web_server.serve("/a", b"x")
    with Web(CONFIG, LOCAL) as web:
        for _ in range(3):
            web.get(web_server.url + "/a")
    times = [when for path, when, _ in web_server.requests if path == "/a"]
    assert all(later - earlier >= 0.3 for earlier, later in pairwise(times))


def test_environment_proxies_are_ignored(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(web_server.serve("/a", b"x")).body == b"x"


def test_public_sites_need_a_contact() -> None:
    with pytest.raises(SourceError, match=r"collect\.fetch\.contact is not set"):
        Web(FetchConfig(), Access())


def acquire(web: Web, url: str) -> Any:
    host = web.host(url)
    while (wait_s := host.acquire()) > 0:
        time.sleep(min(wait_s, 0.05))
    return host


def attempt(web: Web, url: str, **given: Any) -> Answer | Redirect:
    host = acquire(web, url)
    try:
        return web.attempt(url, **given)
    finally:
        host.release()


def test_crawl_delay_holds_for_threads_that_ask_at_once(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nCrawl-delay: 0.3\n")
    web_server.serve("/a", b"x")
    with Web(CONFIG, LOCAL) as web:
        threads = [threading.Thread(target=web.get, args=(web_server.url + "/a",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert web.get(web_server.url + "/a").rules == (
            "robots.txt: allowed, 0.3 s between requests; x-robots-tag: none"
        )
    assert web_server.paths() == ["/robots.txt", *5 * ["/a"]]
    times = [when for path, when, _ in web_server.requests if path == "/a"]
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(times))


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
    times = [when for path, when, _ in web_server.requests if path == "/a"]
    before = 60 * 20 / (times[20] - times[0])
    after = 60 * 5 / (times[-1] - rejected[0])
    assert times[21] - rejected[0] >= 0.95
    assert times[24] - times[21] >= 0.2
    assert after < before, (before, after)


def test_a_pause_is_the_whole_host_s(web_server: Any) -> None:
    web_server.serve("/busy", b"", 429, Retry_After="1")
    web_server.serve("/a", b"x")
    with Web(CONFIG, LOCAL) as web:
        with pytest.raises(AgainError) as caught:
            attempt(web, web_server.url + "/busy")
        assert (caught.value.refused.reason, caught.value.wait_s) == (Reason.RATE_LIMITED, 1.0)
        web.get(web_server.url + "/a")
    busy, other = (when for path, when, _ in web_server.requests if path in ("/busy", "/a"))
    assert other - busy >= 0.95


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
    times = [when for path, when, _ in web_server.requests if path == "/a"]
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


def test_robots_txt_is_asked_for_once_by_many_threads(web_server: Any) -> None:
    def slowly(handler: Any) -> None:
        time.sleep(0.2)
        web_server.answer(handler, 200, b"User-agent: *\nDisallow: /no")

    web_server.routes["/robots.txt"] = slowly
    web_server.serve("/a", b"x")
    with Web(CONFIG, LOCAL) as web:
        threads = [threading.Thread(target=attempt, args=(web, web_server.url + "/a")) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
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


def test_robots_txt_that_fails_once_is_asked_for_again(web_server: Any) -> None:
    def fails_once(handler: Any) -> None:
        web_server.answer(handler, 503 if len(web_server.paths()) == 1 else 404, b"", Retry_After="0")

    web_server.routes["/robots.txt"] = fails_once
    web_server.serve("/a", b"x")
    assert get(web_server.url + "/a").rules == "robots.txt: none (404); x-robots-tag: none"
    assert web_server.paths() == ["/robots.txt", "/robots.txt", "/a"]


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


def test_connections_are_used_again_and_a_stale_one_costs_no_attempt(web_server: Any) -> None:
    peers = set()

    def answer(handler: Any) -> None:
        peers.add(handler.client_address)
        web_server.answer(handler, 404 if handler.path == "/missing" else 200, b"x")

    def last_words(handler: Any) -> None:
        answer(handler)
        handler.close_connection = True  # without saying so

    web_server.routes |= {"/a": answer, "/missing": answer, "/last": last_words}
    with Web(CONFIG.model_copy(update={"retries": 0}), LOCAL) as web:
        for path in ("/a", "/missing", "/a"):
            with_suppressed(web, web_server.url + path)
        assert len(peers) == 1
        for _ in range(3):
            assert web.get(web_server.url + "/last").body == b"x"
        assert web.get(web_server.url + "/a").body == b"x"


def with_suppressed(web: Web, url: str) -> None:
    try:
        web.get(url)
    except RefusedError as refused:
        assert refused.reason == Reason.HTTP_ERROR


def test_an_answer_that_breaks_a_used_connection_is_asked_for_once_more_at_once(web_server: Any) -> None:
    """The server may close a kept-alive connection while the request is on its way."""

    def hang_up_on_the_second(handler: Any) -> None:
        if web_server.paths().count("/b") == 1:
            handler.close_connection = True
            return
        web_server.answer(handler, 200, b"x")

    web_server.serve("/a", b"x")
    web_server.routes["/b"] = hang_up_on_the_second
    with Web(CONFIG, LOCAL) as web:
        web.get(web_server.url + "/a")
        assert isinstance(attempt(web, web_server.url + "/b"), Answer)
    assert web_server.paths().count("/b") == 2


def test_stopping_cuts_what_is_under_way(web_server: Any) -> None:
    started = threading.Event()

    def never(handler: Any) -> None:
        started.set()
        time.sleep(3)

    web_server.routes["/never"] = never
    caught: list[BaseException] = []

    def work(web: Web) -> None:
        try:
            web.get(web_server.url + "/never")
        except BaseException as error:
            caught.append(error)

    with Web(CONFIG, LOCAL) as web:
        thread = threading.Thread(target=work, args=(web,))
        thread.start()
        assert started.wait(5)
        web.stop()
        thread.join(2)
        assert not thread.is_alive()
        with pytest.raises(StoppedError):
            web.get(web_server.url + "/a")
    assert [type(error) for error in caught] == [StoppedError]


def test_a_failing_attempt_tells_its_caller(web_server: Any) -> None:
    url = web_server.serve("/a", b"oops", 502)
    with Web(CONFIG, LOCAL) as web:
        with pytest.raises(AgainError) as caught:
            attempt(web, url)
        assert (caught.value.refused.reason, caught.value.refused.value) == (Reason.HTTP_ERROR, 502)
        web_server.serve("/b", status=302, Location="ftp://elsewhere/")
        assert attempt(web, web_server.url + "/b") == Redirect("ftp://elsewhere/")
