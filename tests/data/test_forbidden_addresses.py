"""No URL, redirect or robots.txt leads to a private address or an unusual port: none even opens a connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import pytest

from scgan_data.records import Reason
from scgan_data.web.fetch import FetchConfig, Web
from scgan_data.web.request import Access
from tests.data.gateway import refused
from tests.data.servers import Listener

# {port} is a port that a listener of this test has on 127.0.0.1 and ::1. Ports are not restricted here, so that it is
# the address that each of these is refused for.
HOSTILE = [
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://a.localhost:{port}/",
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.0.0.01:{port}/",
    "http://１２７.0.0.1:{port}/",
    "http://127。0。0。1:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[fd00::1]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://[2001:db8::1]:{port}/",
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://example.org@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@example.org/",
    "http://example.org:pw@127.0.0.1:{port}/",
    "http://example.org\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.org/",
    "http://127.0.0.1:{port}\t/",
    "http://127.0.0.1%00.example.org:{port}/",
    "http://127.0.0.1%2f@example.org:{port}/",
    "http://127.0.0.1:{port}:80/",
    "http://[::1]example.org:{port}/",
    "http://example.org[::1]:{port}/",
    "http://example.org:0/",
    "http://example.org:99999/",
    "http://example.org:-80/",
    "http:///nohost",
    "http://[::1",
    "file:///etc/passwd",
    "file://127.0.0.1:{port}/etc/passwd",
    "ftp://127.0.0.1:{port}/a",
    "gopher://127.0.0.1:{port}/a",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "//127.0.0.1:{port}/a",
]
BARE = ["", "no url", "127.0.0.1:{port}/", "http://127.0.0.1:{port}\r\n/", "http://127.0.0.1\x00:{port}/"]


def test_the_listener_counts(listener: Listener) -> None:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as one, contextlib.suppress(OSError):
            one.connect((address, listener.port))
    deadline = threading.Event()
    while len(listener.connections) < len(listener._sockets) and not deadline.wait(0.01):
        pass
    assert len(listener.connections) == len(listener._sockets)


@pytest.mark.parametrize("url", HOSTILE + BARE)
def test_no_hostile_url_opens_a_connection(listener: Listener, url: str) -> None:
    assert refused(url.format(port=listener.port), Access()).reason == Reason.ADDRESS_FORBIDDEN
    assert listener.connections == []


@pytest.mark.parametrize("location", HOSTILE)
def test_no_redirect_to_a_hostile_url_opens_a_connection(web_server: Any, listener: Listener, location: str) -> None:
    sent = location.format(port=listener.port).encode().decode("latin-1")
    web_server.routes["/a"] = lambda handler: web_server.answer(handler, 302, Location=sent)
    public = Access(connect_to={"gallery.test": ("127.0.0.1", web_server.port)})
    assert refused("http://gallery.test/a", public).reason == Reason.ADDRESS_FORBIDDEN
    assert web_server.paths() == ["/robots.txt", "/a"]
    assert listener.connections == []


def test_a_robots_txt_that_redirects_to_a_private_address_is_not_followed(web_server: Any, listener: Listener) -> None:
    web_server.serve("/robots.txt", status=302, Location=f"http://127.0.0.1:{listener.port}/")
    public = Access(connect_to={"gallery.test": ("127.0.0.1", web_server.port)})
    assert refused("http://gallery.test/a", public).reason == Reason.ADDRESS_FORBIDDEN
    assert web_server.paths() == ["/robots.txt"]
    assert listener.connections == []


def test_ports_are_restricted_unless_private_addresses_are_allowed(web_server: Any) -> None:
    usual = FetchConfig(contact="tests@example.org", interval_s=0)
    told = refused("http://example.org:22/", Access(), usual)
    assert (told.reason, told.value) == (Reason.ADDRESS_FORBIDDEN, 22)
    with Web(usual, Access(allow_private=True)) as web:
        assert web.get(web_server.serve("/a", b"x")).body == b"x"
