"""The sample's web server: a built site over plain HTTP/1.1 on 127.0.0.1, with ETag and 304.

It appends every path that it is asked for to `requests.log`, so that "never requested" is measured and not believed.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HOST = "gallery.scgan.test"
"""The name in every recorded URL, whatever the port. (`.test` is reserved: it exists nowhere.)"""
REQUESTS = "requests.log"


class Behaviour(StrEnum):
    """How the server answers a path."""

    PLAIN = "plain"
    NOAI = "noai"
    NOT_FOUND = "not_found"
    ALWAYS_429 = "always_429"
    FIRST_429 = "first_429"


@dataclass(frozen=True)
class Route:
    """What lies behind a path."""

    file: str
    type: str
    behaviour: Behaviour = Behaviour.PLAIN


@contextmanager
def serve(folder: Path) -> Iterator[int]:
    """Serve a built site on 127.0.0.1; yields the port."""
    routes = json.loads((folder / "routes.json").read_text(encoding="utf-8"))
    shared = _Shared({p: Route(**r) for p, r in routes.items()}, folder)
    with _Server(("127.0.0.1", 0), partial(_Handler, shared)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Shared:
    """What all requests of a server share."""

    def __init__(self, routes: dict[str, Route], folder: Path) -> None:
        self.routes, self.folder = routes, folder
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def note(self, path: str) -> bool:
        """Log a request; whether it is the path's first one here."""
        with self._lock:
            with (self.folder / REQUESTS).open("a", encoding="utf-8") as log:
                log.write(path + "\n")
            is_first = path not in self._seen
            self._seen.add(path)
        return is_first


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, shared: _Shared, *args: Any) -> None:
        self._shared = shared
        super().__init__(*args)

    def do_GET(self) -> None:
        is_first = self._shared.note(self.path)
        route = self._shared.routes.get(self.path)
        if route is None or route.behaviour == Behaviour.NOT_FOUND:
            return self._say(404, b"not found\n", {"Content-Type": "text/plain"})
        if route.behaviour == Behaviour.ALWAYS_429 or (route.behaviour == Behaviour.FIRST_429 and is_first):
            wait_s = "1" if route.behaviour == Behaviour.FIRST_429 else "0"
            return self._say(429, b"slow down\n", {"Content-Type": "text/plain", "Retry-After": wait_s})
        headers = {"Content-Type": route.type, "ETag": f'"{route.file[:16]}"'}
        if route.behaviour == Behaviour.NOAI:
            headers["X-Robots-Tag"] = "noai, noimageai"
        if self.headers.get("If-None-Match") == headers["ETag"]:
            return self._say(304, b"", headers)
        return self._say(200, (self._shared.folder / "files" / route.file).read_bytes(), headers)

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the console: `requests.log` has it."""
