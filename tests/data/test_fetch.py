"""The URL gateway against a real server: each fault has its exact reason, and nothing private is ever connected to."""

from __future__ import annotations

import datetime as dt
import gzip
import socket
import ssl
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scgan_data.address import RefusedError, canonical, is_public, parse
from scgan_data.errors import SourceError
from scgan_data.fetch import Access, Answer, FetchConfig, Web
from scgan_data.host import retry_after_s
from scgan_data.records import Reason

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
    assert (answer.status, answer.body, answer.headers["ETag"]) == (200, b"bytes", '"1"')
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
            return web_server.answer(handler, 429, Retry_After="1")
        return web_server.answer(handler, 200, b"ok")

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


def test_retry_after_in_both_forms() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    assert retry_after_s("120") == 120
    assert retry_after_s(later.strftime("%a, %d %b %Y %H:%M:%S GMT")) == pytest.approx(90, abs=3)
    assert retry_after_s("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    assert retry_after_s("soon") is None
    assert retry_after_s(None) is None


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
    assert get(web_server.serve("/good", gzip.compress(b"text"), Content_Encoding="gzip")).body == b"text"


@pytest.mark.parametrize("where", ["headers", "body", "nothing"])
def test_a_transfer_ends_at_its_deadline(web_server: Any, where: str) -> None:
    def drip(handler: Any) -> None:
        if where == "body":
            handler.send_response(200)
            handler.end_headers()
        for _ in range(100):
            if where != "nothing":
                handler.wfile.write(b"X")
            time.sleep(0.1)

    web_server.routes["/slow"] = drip
    started = time.monotonic()
    config = CONFIG.model_copy(update={"deadline_s": 0.6})
    assert reason(web_server.url + "/slow", config)[0] == Reason.TIMED_OUT
    assert 0.6 <= time.monotonic() - started < 3.0


def test_a_body_shorter_than_announced_is_no_answer(web_server: Any) -> None:
    def short(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"x" * 10)
        handler.close_connection = True

    web_server.routes["/short"] = short
    assert reason(web_server.url + "/short")[0] == Reason.FETCH_FAILED
    assert web_server.paths().count("/short") == 2


def test_garbage_and_a_refused_connection_are_fetch_failed(web_server: Any) -> None:
    web_server.routes["/garbage"] = lambda handler: handler.wfile.write(b"\x00\x01 no HTTP at all\r\n\r\n")
    assert reason(web_server.url + "/garbage")[0] == Reason.FETCH_FAILED
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert reason(f"http://127.0.0.1:{port}/a")[0] == Reason.FETCH_FAILED
    assert reason("http://nothing.invalid/a")[0] == Reason.FETCH_FAILED


def test_redirects_are_followed_and_counted(web_server: Any) -> None:
    web_server.serve("/a", b"end")
    web_server.serve("/b", status=302, Location="/a")
    web_server.serve("/loop", status=301, Location="/loop")
    answer = get(web_server.url + "/b")
    assert (answer.url, answer.body) == (web_server.url + "/a", b"end")
    assert reason(web_server.url + "/loop") == (Reason.FETCH_FAILED, 6)


def test_a_redirect_to_a_disallowed_path_is_not_followed(web_server: Any) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nDisallow: /secret")
    web_server.serve("/b", status=302, Location="/secret/a")
    assert reason(web_server.url + "/b")[0] == Reason.ROBOTS_DISALLOWED
    assert "/secret/a" not in web_server.paths()


HOSTILE = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://2130706433:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://127.1:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://10.0.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://example.org@127.0.0.1:{port}/",
    "http://example.org\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\t/",
    "http://example.org:0/",
    "http://example.org:99999/",
    "http:///nohost",
    "http://[::1",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/a",
    "gopher://127.0.0.1:{port}/a",
    "data:image/png;base64,AAAA",
    "//127.0.0.1:{port}/a",
    "no url",
    "",
]


@pytest.fixture
def listener() -> Any:
    """A loopback port that counts connections (IPv4)."""
    connections: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def count() -> None:
            while True:
                try:
                    connections.append(server.accept())
                except OSError:
                    return

        threading.Thread(target=count, daemon=True).start()
        yield server.getsockname()[1], connections
        server.shutdown(socket.SHUT_RDWR)
    for connection, _ in connections:
        connection.close()


def test_no_hostile_url_opens_a_connection(listener: Any) -> None:
    port, connections = listener
    with Web(CONFIG, Access()) as web:
        for url in HOSTILE:
            with pytest.raises(RefusedError) as caught:
                web.get(url.format(port=port))
            assert caught.value.reason == Reason.ADDRESS_FORBIDDEN, url
    assert connections == []


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:{port}/", "//localhost:{port}/", "file:///etc/passwd", "http://u@x/"]
)
def test_a_public_page_cannot_redirect_to_a_private_address(web_server: Any, listener: Any, location: str) -> None:
    port, connections = listener
    web_server.serve("/a", status=302, Location=location.format(port=port))
    public = Access(interval_s=0.0, connect_to={"gallery.test": ("127.0.0.1", web_server.port)})
    assert reason("http://gallery.test/a", access=public)[0] == Reason.ADDRESS_FORBIDDEN
    assert connections == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("fe80::1%eth0", False),
        ("2001:0:7f00:1::", False),
        ("240.0.0.1", False),
        ("ff02::1", False),
    ],
)
def test_public_addresses(address: str, expected: bool) -> None:
    assert is_public(address) is expected


def test_urls_have_one_form() -> None:
    assert canonical(" HTTP://Example.ORG:80/a%20b/ü?q=ä#x ") == "http://example.org/a%20b/%C3%BC?q=%C3%A4"
    assert canonical("https://bücher.example/") == "https://xn--bcher-kva.example/"
    assert canonical("no url") == "no url"
    assert parse("http://[2606:4700::1111]:8080/").netloc == "[2606:4700::1111]:8080"


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
    assert all(later - earlier >= 0.38 for earlier, later in pairwise(times))


def test_environment_proxies_are_ignored(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(web_server.serve("/a", b"x")).body == b"x"


def test_public_sites_need_a_contact() -> None:
    with pytest.raises(SourceError, match=r"collect\.fetch\.contact is not set"):
        Web(FetchConfig(), Access())


@pytest.mark.parametrize(("name", "works"), [("shop.test", True), ("other.test", False)])
def test_tls_verifies_the_name_though_the_address_is_pinned(
    name: str, works: bool, tmp_path: Path, web_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(_certificate(tmp_path, "shop.test")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    web_server.server.socket = context.wrap_socket(web_server.server.socket, server_side=True)
    web_server.serve("/a", b"x")
    access = Access(interval_s=0.0, connect_to={name: ("127.0.0.1", web_server.port)})
    if works:
        assert get(f"https://{name}/a", access=access).body == b"x"
    else:
        assert reason(f"https://{name}/a", CONFIG.model_copy(update={"retries": 0}), access)[0] == Reason.FETCH_FAILED
        assert web_server.paths() == []


def _certificate(folder: Path, name: str) -> Path:
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    built = (
        built.serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    )
    built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(built.sign(key, hashes.SHA256()).public_bytes(pem))
    kind, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, kind, lock))
    return folder / "cert.pem"
