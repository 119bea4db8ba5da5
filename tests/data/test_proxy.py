"""A real forward proxy: asked in absolute form or for a tunnel, under the same rules for URLs, its login not shown."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import Web
from scgan_data.web.request import Access
from tests.data.gateway import ONCE, SECRET, refused, through
from tests.data.servers import ProxyServer


def test_a_proxy_is_asked_in_absolute_form_and_resolves_the_name(web_server: Any, proxy_server: ProxyServer) -> None:
    web_server.serve("/a", b"x")
    with Web(through(proxy_server), Access()) as web:
        answer = web.get("http://nowhere.invalid/a")
    assert (answer.body, answer.via_proxy) == (b"x", True)
    assert [head.partition(" HTTP/")[0] for head in proxy_server.heads] == [
        "GET http://nowhere.invalid/robots.txt",
        "GET http://nowhere.invalid/a",
    ]
    assert web_server.requests[-1][2]["Host"] == "nowhere.invalid"


def test_https_goes_through_a_tunnel_and_tls_ends_at_the_site(tls_server: Any, proxy_server: ProxyServer) -> None:
    with Web(through(proxy_server, "team:pass%2Fword@"), Access()) as web:
        assert web.get("https://shop.test/a").via_proxy
        assert web.get("https://shop.test/a").body == b"x"
        with pytest.raises(RefusedError) as caught:
            web.get("https://other.test/a")
        assert caught.value.reason == Reason.TLS_FAILED
    assert proxy_server.heads[0].startswith("CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n")
    assert "Proxy-Authorization: Basic dGVhbTpwYXNzL3dvcmQ=" in proxy_server.heads[0]
    assert all("roxy" not in name for _, _, headers in tls_server.requests for name in headers)
    assert len(proxy_server.heads) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost/", "http://[::ffff:10.0.0.1]/", "ftp://e.org/"])
def test_the_rules_for_urls_hold_for_a_proxy_too(proxy_server: ProxyServer, url: str) -> None:
    assert refused(url, Access(), through(proxy_server)).reason == Reason.ADDRESS_FORBIDDEN
    assert proxy_server.heads == []


def test_a_proxy_that_is_not_there_or_says_no(web_server: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        gone = f"http://user:{SECRET.replace('/', '%2F')}@127.0.0.1:{unused.getsockname()[1]}"
    told = refused("http://e.org/a", Access(), ONCE.model_copy(update={"proxy": gone}))
    assert (told.reason, SECRET in told.detail) == (Reason.NOT_CONNECTED, False)
    told = refused("https://e.org/a", Access(), ONCE.model_copy(update={"proxy": web_server.url}))
    assert (told.reason, "501" in told.detail) == (Reason.NOT_CONNECTED, True)
    for wrong in ("https://proxy.test:80", "proxy.test:3128", "http://proxy.test", f"socks5://u:{SECRET}@h:1"):
        with pytest.raises(SourceError, match=r"fetch\.proxy") as caught:
            Web(ONCE.model_copy(update={"proxy": wrong}))
        assert SECRET not in str(caught.value)
