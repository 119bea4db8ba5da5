"""One form of a URL, one reading of it, and addresses that are public or refused."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scgan_data.records import Reason
from scgan_data.web import address
from scgan_data.web.address import NoSuchNameError, RefusedError, canonical, check, is_public, parse, resolve


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (" HTTP://Example.ORG:80/a%20b/ü?q=ä#x ", "http://example.org/a%20b/%C3%BC?q=%C3%A4"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example./", "https://xn--bcher-kva.example/"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://example.org:443", "https://example.org/"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("http://example.org:/a", "http://example.org/a"),
        ("http://example.org./a", "http://example.org/a"),
        ("http://e.org/a/./b/../c/%2e%2E/d", "http://e.org/a/d"),
        ("http://e.org/../../a", "http://e.org/a"),
        ("http://e.org/a/b/..", "http://e.org/a/"),
        ("http://e.org/a/.", "http://e.org/a/"),
        ("http://e.org/.hidden/..a", "http://e.org/.hidden/..a"),
        ("http://e.org/%7euser/%41%2f%c3%bc", "http://e.org/~user/A%2F%C3%BC"),
        ("http://e.org/100%/a%zz", "http://e.org/100%25/a%25zz"),
        ("http://e.org/a?b=2&a=1&b=1", "http://e.org/a?b=2&a=1&b=1"),
        ("http://e.org?q=a b", "http://e.org/?q=a%20b"),
        ("http://e.org/?u=http://x/../y", "http://e.org/?u=http://x/../y"),
        ('http://e.org/a"<b>', "http://e.org/a%22%3Cb%3E"),
        ("http://[2606:4700:0:0::1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ("http://a_b.example/", "http://a_b.example/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),
        ("no url", "no url"),
    ],
)
def test_urls_have_one_form(url: str, expected: str) -> None:
    assert canonical(url) == expected


@given(st.text(alphabet="abz019%./?&=#:-_~ üẞ*+[]@\\\t", max_size=30))
def test_the_canonical_form_is_its_own(tail: str) -> None:
    once = canonical("http://example.org/" + tail)
    assert canonical(once) == once


@given(
    st.builds(
        "{}://{}{}".format,
        st.sampled_from(["http", "https", "HTTP", "ftp"]),
        st.text(alphabet="abZ0129.:-_@[]/", max_size=12),
        st.text(alphabet="abZ09%./?&=#:;-_~ü*+!$'(),[]@|\\", max_size=20),
    )
)
def test_the_short_way_reads_a_url_as_the_long_one_does(url: str) -> None:
    short = _read(url)
    plain, address._PLAIN = address._PLAIN, re.compile("(?!)()()()")
    try:
        assert _read(url) == short
    finally:
        address._PLAIN = plain


def _read(url: str) -> Any:
    try:
        return parse(url)
    except RefusedError as refused:
        return refused.detail


@pytest.mark.parametrize(
    "url",
    [
        "http://a..b/",
        "http://-%41/",
        "http://a b/",
        "http://a%20b/",
        "http://a,b/",
        "http://[::1]evil.example/",
        "http://evil[::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[127.0.0.1]/",
        "http://example.org:80:80/",
        "http://example.org:+80/",
        "http://example.org:８０/",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 130 + "example/",
        "http://user:pw@example.org/",
        "http://@example.org/",
        "http://127.0.0.1.:99999/",
        "http://1.2.3.4.5/",
        "http://1.2.3/",
        "http://0x7f000001/",
        "http://0x/",
        "http://017700000001/",
        "http://127.0.0.01/",
        "http://example.0x1/",
        "http://exa\x00mple.org/",
        "http://example.org/\ud800",
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(url: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse(url)
    assert caught.value.reason == Reason.ADDRESS_FORBIDDEN


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::808:808", False),
        ("2002:808:808::1", False),
        ("2002:7f00:1::", False),
        ("2001:0:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("2001:db8::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("100::1", False),
        ("0.0.0.0", False),
        ("0.1.2.3", False),
        ("127.9.9.9", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.0.0.8", False),
        ("192.0.2.1", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
        ("198.51.100.1", False),
        ("203.0.113.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
    ],
)
def test_public_addresses(address: str, expected: bool) -> None:
    assert is_public(address) is expected


def test_one_private_address_among_public_ones_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*addresses: str) -> None:
        entries: list[Any] = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 0)) for a in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)

    answer("8.8.8.8", "8.8.8.8", "1.1.1.1")
    assert resolve("two.example", allow_private=False) == ("8.8.8.8", "1.1.1.1")
    answer("8.8.8.8", "10.0.0.1")
    with pytest.raises(RefusedError) as caught:
        resolve("two.example", allow_private=False)
    assert caught.value.reason == Reason.ADDRESS_FORBIDDEN
    assert resolve("two.example", allow_private=True) == ("8.8.8.8", "10.0.0.1")


@pytest.mark.parametrize(("code", "is_final"), [(socket.EAI_NONAME, True), (socket.EAI_AGAIN, False)])
def test_a_name_that_does_not_exist_and_name_servers_that_do_not_answer(
    code: int, is_final: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(code, "no")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(RefusedError) as caught:
        resolve("gone.example", allow_private=False)
    assert caught.value.reason == Reason.NAME_NOT_FOUND
    assert isinstance(caught.value, NoSuchNameError) is is_final


def test_ports_and_this_machine_are_refused_without_a_name_server() -> None:
    ports = (80, 443)
    for url in ("http://example.org:22/", "http://localhost/", "http://a.localhost/", "http://10.1.1.1/"):
        with pytest.raises(RefusedError):
            check(parse(url), allow_private=False, ports=ports)
        check(parse(url), allow_private=True, ports=ports)
    check(parse("http://example.org:22/"), allow_private=False, ports=None)
    check(parse("https://example.org/"), allow_private=False, ports=ports)
