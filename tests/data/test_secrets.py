"""Keys, cookies and headers: sent to the host that they are meant for, and in no record and no error of ours."""

from __future__ import annotations

from typing import Any

import pytest

from scgan_data.errors import SourceError
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import Web
from scgan_data.web.request import Access, AgainError, Answer, Ask, Redirect
from tests.data.gateway import ONCE, SECRET, through
from tests.data.servers import ProxyServer


def test_secret_headers_go_to_their_host_alone(web_server: Any) -> None:
    port = web_server.port
    web_server.serve("/a", status=302, Location=f"http://other.test/b/{SECRET}/c?a=1&echo={SECRET}")
    web_server.serve("/b/***/c?a=1", b"x")
    access = Access(
        connect_to={"shop.test": ("127.0.0.1", port), "other.test": ("127.0.0.1", port)},
        headers={"shop.test": {"cookie": f"session={SECRET}"}},
    )
    with Web(ONCE, access) as web:
        answer = web.get("http://shop.test/a")
    sent = {(headers["Host"], path): headers.get("Cookie") for path, _, headers in web_server.requests}
    assert sent["shop.test", "/a"] == f"session={SECRET}"
    assert sent["other.test", "/b/***/c?a=1"] is None
    assert SECRET not in repr((access, answer, sent.keys()))


def test_secret_headers_are_not_sent_in_the_clear_to_public_hosts(web_server: Any, proxy_server: ProxyServer) -> None:
    web_server.serve("/a", b"x")
    with Web(through(proxy_server), Access(headers={"shop.test": {"Cookie": SECRET}})) as web:
        web.get("http://shop.test/a")
    assert all("Cookie" not in headers for _, _, headers in web_server.requests)


def test_an_api_key_is_sent_and_never_shown(web_server: Any) -> None:
    """The server echoes it in a redirect to itself, in headers, and in a redirect to another host."""
    key = "s3cret%2FK%2By%3D42"
    web_server.serve(f"/api?q=1&key={key}", status=302, Location=f"/v2?q=1&key={key}", X_Echo=SECRET)
    web_server.serve(f"/v2?q=1&key={key}", b"{}", Link=f"<{web_server.url}/v2?key={key}>; rel=self", X_Echo=SECRET)
    web_server.serve(f"/away?key={key}", status=302, Location=f"http://elsewhere.test:{web_server.port}/?k={key}")
    web_server.serve(f"/no?key={key}", status=403)
    secret: dict[str, Any] = {"secret_params": {"key": SECRET}, "secret_headers": {"X-Key": SECRET}, "is_api": True}
    ask = Ask(web_server.url + "/api", params={"q": "1"}, **secret)
    away = Ask(web_server.url + "/away", **secret)
    shown = [repr(ask), repr(away)]
    with Web(ONCE, Access(allow_private=True)) as web:
        answer = web.get(ask)
        assert (answer.body, answer.url) == (b"{}", web_server.url + "/v2?q=1")
        assert web_server.requests[-1][2]["X-Key"] == SECRET
        redirect = web.attempt(away.url, ask=away)
        assert redirect == Redirect(f"http://elsewhere.test:{web_server.port}/")
        with pytest.raises(RefusedError) as caught:
            web.get(Ask(web_server.url + "/no", **secret))
        shown += [repr(answer), repr(redirect), str(caught.value), caught.value.detail]
        web_server.serve("/else", b"x")
        other = web.attempt(web_server.url.replace("127.0.0.1", "localhost") + "/else", ask=away)
        assert isinstance(other, Answer)
    assert "X-Key" not in web_server.requests[-1][2]
    assert web_server.requests[-1][0] == "/else"
    assert not any(form in text for form in (SECRET, key, key.lower()) for text in shown), shown


def test_a_secret_that_cannot_be_sent_is_named_and_not_shown(web_server: Any) -> None:
    access = Access(allow_private=True, headers={"127.0.0.1": {"Cookie": "a\r\nHost: evil"}})
    with Web(ONCE, access) as web, pytest.raises(SourceError, match="'Cookie'") as caught:
        web.get(web_server.url + "/a")
    assert "evil" not in str(caught.value)
    assert web_server.paths() == []


def test_a_failure_s_text_hides_what_the_server_repeats(web_server: Any) -> None:
    web_server.routes["/a"] = lambda handler: handler.wfile.write(f"ERROR bad key {SECRET}\r\n\r\n".encode())
    access = Access(allow_private=True, headers={"127.0.0.1": {"X-Key": SECRET}})
    with Web(ONCE, access) as web, pytest.raises((RefusedError, AgainError)) as caught:
        web.get(web_server.url + "/a")
    assert SECRET not in str(caught.value)
