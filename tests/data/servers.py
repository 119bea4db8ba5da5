"""Real servers on 127.0.0.1 for the tests: of pages and pictures, one that only counts who connects, a proxy."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class WebServer:
    """A real server on 127.0.0.1: `routes` maps a path to a function of the request handler; requests are noted."""

    def __init__(self) -> None:
        self.routes: dict[str, Callable[[Any], None]] = {}
        self.prefixes: dict[str, Callable[[Any], None]] = {}
        self.requests: list[tuple[str, float, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.requests.append((self.path, time.monotonic(), dict(self.headers)))
                outer.route(self.path)(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                if not isinstance(sys.exception(), ConnectionError):
                    super().handle_error(request, client_address)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def route(self, path: str) -> Callable[[Any], None]:
        """Who answers a path: its own route, else one that it begins with, else nobody."""
        begun = (answer for prefix, answer in self.prefixes.items() if path.startswith(prefix))
        return self.routes.get(path) or next(begun, lambda handler: self.answer(handler, 404, b"no"))

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.requests]

    def times(self, path: str) -> list[float]:
        """When a path was asked for, in seconds of `time.monotonic`."""
        return [when for asked, when, _ in self.requests if asked == path]

    def answer(self, handler: Any, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; underscores in header names become hyphens."""
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if status != 304:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def serve(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Give a path a plain answer; returns its URL."""
        self.routes[path] = lambda handler: self.answer(handler, status, body, **headers)
        return self.url + path


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


def certificate(folder: Path, name: str) -> Path:
    """Write cert.pem, which vouches for itself and for one name, and key.pem."""
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
