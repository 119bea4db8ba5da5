"""What the collection benchmark fetches: two sets of JPEGs, about 5 and 100 KB each, served by nginx on 127.0.0.1.

The pictures are crops of scikit-image's photographs. A second port of the site takes connections and never answers.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

SETS = {"5 KB": ((144, 176), 68, 8000), "100 KB": ((720, 900), 90, 1600)}
"""Width and height, JPEG quality, distinct pictures (equal ones are decoded once only)."""
_CONFIG = """
worker_processes 1; daemon off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; keepalive_requests 10000000; types {{ image/jpeg jpg; }}
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  server {{ listen 127.0.0.1:{port}; root {home}/www; location = /status {{ stub_status; }} }}
}}
"""


@dataclass(frozen=True)
class Site:
    """A running site."""

    home: Path
    port: int
    silent_port: int

    def requests(self) -> int:
        """Requests that nginx has had so far, this one included."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status") as answer:
            return int(answer.read().split()[9])

    def urls(self, name: str, count: int) -> list[str]:
        """So many distinct URLs of a set; a picture that comes twice has another query."""
        distinct = SETS[name][2]
        folder = f"http://127.0.0.1:{self.port}/{_folder(name)}"
        return [f"{folder}/{i % distinct}.jpg?v={i // distinct}" for i in range(count)]

    def silent_urls(self, count: int) -> list[str]:
        """URLs of a server that takes connections and never answers."""
        return [f"http://127.0.0.1:{self.silent_port}/{i}.jpg" for i in range(count)]


@contextmanager
def site(home: Path) -> Iterator[Site]:
    """Make the pictures and serve them."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(nginx).is_file():
        sys.exit("nginx is not installed: the benchmark compares both tools against it (apt-get install nginx-light)")
    home.chmod(0o755)  # nginx serves as another user
    for name, (size, quality, count) in SETS.items():
        _draw(home / "www" / _folder(name), size, quality, count)
    with ExitStack() as stack:
        port = _free_port()
        (home / "nginx.conf").write_text(_CONFIG.format(home=home, port=port), encoding="utf-8")
        process = subprocess.Popen([nginx, "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")])
        stack.callback(process.wait)
        stack.callback(process.terminate)
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        _wait_for(port)
        yield Site(home, port, silent.getsockname()[1])


def _folder(name: str) -> str:
    return name.replace(" ", "").lower()


def _draw(folder: Path, size: tuple[int, int], quality: int, count: int) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    photographs = [Image.fromarray(picture) for picture in (data.astronaut(), data.coffee(), data.chelsea())]
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        side = int(rng.integers(min(photograph.size) // 2, min(photograph.size)))
        x, y = (int(rng.integers(0, extent - side + 1)) for extent in photograph.size)
        buffer = BytesIO()
        cut = photograph.crop((x, y, x + side, y + side)).resize(size, Image.Resampling.BICUBIC)
        cut.save(buffer, "JPEG", quality=quality)
        (folder / f"{number}.jpg").write_bytes(buffer.getvalue())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("nginx did not start")
