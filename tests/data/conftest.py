"""Fixtures of the data tests."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scgan_data import annotate, files, images, manifest
from scgan_data.sample.portraits import portraits


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


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def jpeg() -> Callable[..., bytes]:
    """Makes a distinct photograph-like JPEG from a number."""

    def make(number: int, size: tuple[int, int] = (96, 120)) -> bytes:
        rng = np.random.default_rng(number)
        coarse = Image.fromarray(rng.integers(0, 255, (6, 5, 3), dtype=np.uint8))
        buffer = BytesIO()
        coarse.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()

    return make


@pytest.fixture
def portraits_stage(tmp_path: Path) -> Callable[..., Path]:
    """Makes a stage's folder of rendered portraits, boxed by `annotate`'s rule; the last has no points, no box."""

    def make(count: int = 4, name: str = "06", **columns: Any) -> Path:
        rows = []
        for n, picture in enumerate(portraits(count, seed=5)):
            png = images.encode_png(picture)
            file = tmp_path / "crops" / f"{n}.png"
            files.write_bytes(file, png)
            marks = np.array([[80, 95], [140, 97.3], [110, 128.7], [90, 150], [131, 151]]) + n / 7
            known = n < count - 1
            boxes = annotate.region_boxes(marks, picture.size, annotate.AnnotateConfig()) if known else {}
            rows.append(
                {
                    "id": files.id_of_bytes(png),
                    "domain": ("avataaars", "ink", "micah", "selfie")[n],
                    "path": str(file),
                    "width": picture.width,
                    "height": picture.height,
                    "status": "kept",
                    "split": "test" if n == 2 else "train",
                    "license": "CC-BY-4.0" if n % 2 else None,
                    "license_url": "https://creativecommons.org/licenses/by/4.0/" if n % 2 else None,
                    "author": f"Ann Ö. {n}",
                    "source_url": f"https://example.org/{n}",
                    "landmarks": marks.ravel().tolist() if known else None,
                    "face_xyxy": [70.5, 60.0, 150.0, 170.25] if known else None,
                    "regions_score": 0.9 if known else None,
                    **{f"{region}_xyxy": box for region, box in boxes.items()},
                    **columns,
                }
            )
        manifest.write(tmp_path / name, manifest.table(rows))
        return tmp_path / name

    return make
