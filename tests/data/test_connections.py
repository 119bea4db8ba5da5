"""Connections: to addresses looked up once, under certificates that are verified, kept and used again."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import Web
from scgan_data.web.request import Access, Answer
from tests.data.gateway import CONFIG, LOCAL, ONCE, attempt, refused
from tests.data.servers import Listener


def test_a_name_is_resolved_once_and_its_address_kept(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolver(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.2", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    web_server.serve("/a", b"x", Connection="close")
    with Web(ONCE, Access(allow_private=True)) as web:
        for _ in range(3):
            assert web.get(f"http://pinned.test:{web_server.port}/a").body == b"x"
    assert asked == ["pinned.test"]


def test_a_second_address_serves_where_the_first_does_not(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    url = web_server.serve("/a", b"x").replace("127.0.0.1", "two.test")
    with Web(ONCE, Access(allow_private=True)) as web:
        assert web.get(url).body == b"x"


def test_only_so_many_connections_wait_to_be_used_again(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    peers: list[Any] = []

    def answer(handler: Any) -> None:
        peers.append(handler.client_address)
        web_server.answer(handler, 200, b"x")

    web_server.routes["/a"] = answer
    monkeypatch.setattr("scgan_data.web.connection.IDLE", 1)
    access = Access(connect_to=dict.fromkeys(("one.test", "two.test"), ("127.0.0.1", web_server.port)))
    with Web(ONCE, access) as web:
        for name in ("one", "one", "two", "one"):
            web.get(f"http://{name}.test/a")
    assert peers[0] == peers[1]
    assert len(set(peers)) == 3


@pytest.mark.parametrize(("name", "works"), [("shop.test", True), ("other.test", False)])
def test_tls_verifies_the_name_though_the_address_is_pinned(name: str, works: bool, tls_server: Any) -> None:
    access = Access(connect_to={name: ("127.0.0.1", tls_server.port)})
    if works:
        with Web(ONCE, access) as web:
            assert [web.get(f"https://{name}/a").body for _ in range(2)] == [b"x", b"x"]
    else:
        assert refused(f"https://{name}/a", access).reason == Reason.TLS_FAILED
        assert tls_server.paths() == []


def _say(server: socket.socket, text: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(text)


def test_a_certificate_that_nobody_trusts_and_no_tls_at_all(
    tls_server: Any, monkeypatch: pytest.MonkeyPatch, listener: Listener
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    access = Access(connect_to={"shop.test": ("127.0.0.1", tls_server.port)})
    assert refused("https://shop.test/a", access).reason == Reason.TLS_FAILED
    with socket.create_server(("127.0.0.1", 0)) as plain:
        threading.Thread(target=lambda: _say(plain, b"HTTP/1.1 400 Bad Request\r\n\r\n"), daemon=True).start()
        access = Access(connect_to={"shop.test": ("127.0.0.1", plain.getsockname()[1])})
        assert refused("https://shop.test/a", access).reason == Reason.TLS_FAILED


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
        web.get(web_server.url + "/a")
        with pytest.raises(RefusedError, match="404"):
            web.get(web_server.url + "/missing")
        web.get(web_server.url + "/a")
        assert len(peers) == 1
        for _ in range(3):
            assert web.get(web_server.url + "/last").body == b"x"
        assert web.get(web_server.url + "/a").body == b"x"


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
