"""What the gateway must never do: reach a private address, trust a wrong certificate, tell a secret to others."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scgan_data.errors import SourceError
from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import FetchConfig, Web
from scgan_data.web.request import Access, AgainError, Answer, Ask, Redirect

CONFIG = FetchConfig(contact="tests@example.org", retries=0, deadline_s=5, max_bytes=10_000, interval_s=0, ports=None)
SECRET = "s3cret/K+y=42"

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


class Listener:
    """One port on 127.0.0.1 and, where there is one, on ::1, that counts connections."""

    def __init__(self) -> None:
        self.connections: list[Any] = []
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port = int(self._sockets[0].getsockname()[1])
        with contextlib.suppress(OSError):
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for one in self._sockets:
            threading.Thread(target=self._count, args=(one,), daemon=True).start()

    def _count(self, one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.connections.append(one.accept())

    def close(self) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for connection, _ in self.connections:
            connection.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def refused(url: str, access: Access, config: FetchConfig = CONFIG) -> RefusedError:
    with Web(config, access) as web, pytest.raises(RefusedError) as caught:
        web.get(url)
    return caught.value


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


def test_a_name_is_resolved_once_and_its_address_kept(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolver(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.2", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    web_server.serve("/a", b"x", Connection="close")
    with Web(CONFIG, Access(allow_private=True)) as web:
        for _ in range(3):
            assert web.get(f"http://pinned.test:{web_server.port}/a").body == b"x"
    assert asked == ["pinned.test"]


def test_a_second_address_serves_where_the_first_does_not(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    url = web_server.serve("/a", b"x").replace("127.0.0.1", "two.test")
    with Web(CONFIG, Access(allow_private=True)) as web:
        assert web.get(url).body == b"x"


def test_only_so_many_connections_wait_to_be_used_again(web_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    peers: list[Any] = []

    def answer(handler: Any) -> None:
        peers.append(handler.client_address)
        web_server.answer(handler, 200, b"x")

    web_server.routes["/a"] = answer
    monkeypatch.setattr("scgan_data.web.connection.IDLE", 1)
    access = Access(connect_to=dict.fromkeys(("one.test", "two.test"), ("127.0.0.1", web_server.port)))
    with Web(CONFIG, access) as web:
        for name in ("one", "one", "two", "one"):
            web.get(f"http://{name}.test/a")
    assert peers[0] == peers[1]
    assert len(set(peers)) == 3


def test_ports_are_restricted_unless_private_addresses_are_allowed(web_server: Any) -> None:
    usual = FetchConfig(contact="tests@example.org", interval_s=0)
    told = refused("http://example.org:22/", Access(), usual)
    assert (told.reason, told.value) == (Reason.ADDRESS_FORBIDDEN, 22)
    with Web(usual, Access(allow_private=True)) as web:
        assert web.get(web_server.serve("/a", b"x")).body == b"x"


@pytest.fixture
def tls_server(web_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The server over TLS, with a certificate for shop.test that is trusted here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(_certificate(tmp_path, "shop.test")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    web_server.server.socket = context.wrap_socket(web_server.server.socket, server_side=True)
    web_server.serve("/a", b"x")
    return web_server


@pytest.mark.parametrize(("name", "works"), [("shop.test", True), ("other.test", False)])
def test_tls_verifies_the_name_though_the_address_is_pinned(name: str, works: bool, tls_server: Any) -> None:
    access = Access(connect_to={name: ("127.0.0.1", tls_server.port)})
    if works:
        with Web(CONFIG, access) as web:
            assert [web.get(f"https://{name}/a").body for _ in range(2)] == [b"x", b"x"]
    else:
        assert refused(f"https://{name}/a", access).reason == Reason.TLS_FAILED
        assert tls_server.paths() == []


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


def _say(server: socket.socket, text: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(text)


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


class ProxyServer:
    """A real forward proxy: absolute form and CONNECT; every name leads to one server on this machine."""

    def __init__(self, port: int) -> None:
        self.heads: list[str] = []
        self._to = ("127.0.0.1", port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self._open.append(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            while head := self._read_head(client):
                self.heads.append(head)
                with socket.create_connection(self._to) as server:
                    if head.startswith("CONNECT"):
                        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                        self._start(self._pump, server, client)
                        self._pump(client, server)
                        return
                    method, url, version = head.partition("\r\n")[0].split(" ")
                    path = "/" + url.split("/", 3)[3]
                    rest = head.partition("\r\n")[2]
                    server.sendall(f"{method} {path} {version}\r\nConnection: close\r\n{rest}".encode())
                    self._pump(server, client)

    def _read_head(self, client: socket.socket) -> str:
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            if not (more := client.recv(1)):
                return ""
            data += more
        return data.decode()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(10_000):
                sink.sendall(data)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for one in self._open:
            one.close()


@pytest.fixture
def proxy_server(web_server: Any) -> Iterator[ProxyServer]:
    made = ProxyServer(web_server.port)
    yield made
    made.close()


def through(proxy_server: ProxyServer, login: str = "") -> FetchConfig:
    return CONFIG.model_copy(update={"proxy": proxy_server.url.replace("//", f"//{login}")})


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
    told = refused("http://e.org/a", Access(), CONFIG.model_copy(update={"proxy": gone}))
    assert (told.reason, SECRET in told.detail) == (Reason.NOT_CONNECTED, False)
    told = refused("https://e.org/a", Access(), CONFIG.model_copy(update={"proxy": web_server.url}))
    assert (told.reason, "501" in told.detail) == (Reason.NOT_CONNECTED, True)
    for wrong in ("https://proxy.test:80", "proxy.test:3128", "http://proxy.test", f"socks5://u:{SECRET}@h:1"):
        with pytest.raises(SourceError, match=r"fetch\.proxy") as caught:
            Web(CONFIG.model_copy(update={"proxy": wrong}))
        assert SECRET not in str(caught.value)


def test_secret_headers_go_to_their_host_alone(web_server: Any) -> None:
    port = web_server.port
    web_server.serve("/a", status=302, Location=f"http://other.test/b/{SECRET}/c?a=1&echo={SECRET}")
    web_server.serve("/b/***/c?a=1", b"x")
    access = Access(
        connect_to={"shop.test": ("127.0.0.1", port), "other.test": ("127.0.0.1", port)},
        headers={"shop.test": {"cookie": f"session={SECRET}"}},
    )
    with Web(CONFIG, access) as web:
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
    with Web(CONFIG, Access(allow_private=True)) as web:
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
    with Web(CONFIG, access) as web, pytest.raises(SourceError, match="'Cookie'") as caught:
        web.get(web_server.url + "/a")
    assert "evil" not in str(caught.value)
    assert web_server.paths() == []


def test_a_failure_s_text_hides_what_the_server_repeats(web_server: Any) -> None:
    web_server.routes["/a"] = lambda handler: handler.wfile.write(f"ERROR bad key {SECRET}\r\n\r\n".encode())
    access = Access(allow_private=True, headers={"127.0.0.1": {"X-Key": SECRET}})
    with Web(CONFIG, access) as web, pytest.raises((RefusedError, AgainError)) as caught:
        web.get(web_server.url + "/a")
    assert SECRET not in str(caught.value)
