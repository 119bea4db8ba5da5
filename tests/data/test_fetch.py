"""The gateway against a real server: what an answer brings, and each fault with its exact reason."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from typing import Any

import pytest

from scgan_data.errors import SourceError, StoppedError
from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import FetchConfig, Web
from scgan_data.web.request import Access, AgainError, Ask, Redirect
from tests.data.gateway import CONFIG, LOCAL, attempt, get, raw, reason


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


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_error_status_is_said(web_server: Any, status: int) -> None:
    assert reason(web_server.serve("/a", b"gone", status)) == (Reason.HTTP_ERROR, status)
    assert web_server.paths().count("/a") == 1


def test_500_is_tried_again_then_said(web_server: Any) -> None:
    assert reason(web_server.serve("/a", b"oops", 500)) == (Reason.HTTP_ERROR, 500)
    assert web_server.paths().count("/a") == 2


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


def test_a_body_shorter_than_announced_is_broken(web_server: Any) -> None:
    web_server.routes["/short"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 10)
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


def test_environment_proxies_are_ignored(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(web_server.serve("/a", b"x")).body == b"x"


def test_public_sites_need_a_contact() -> None:
    with pytest.raises(SourceError, match=r"collect\.fetch\.contact is not set"):
        Web(FetchConfig(), Access())


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
