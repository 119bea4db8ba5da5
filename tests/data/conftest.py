"""Fixtures of the data tests."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data as pictures

from scgan_data import annotate, files, images, manifest
from scgan_data.exchange import importing
from scgan_data.exchange.formats import Format
from scgan_data.sample.portraits import portraits
from tests.data.copies import four_and_their_copies
from tests.data.reviewing import Visitor, annotated, served
from tests.data.searches import Api, Gateway
from tests.data.servers import Listener, ProxyServer, WebServer, certificate
from tests.data.turned_clock import Clock


@pytest.fixture(scope="session")
def woman() -> Image.Image:
    return Image.fromarray(pictures.astronaut())  # public domain (NASA)


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return four_and_their_copies(tmp_path_factory.mktemp("01"))


@pytest.fixture
def web_server() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def tls_server(web_server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """The server over TLS, with a certificate for shop.test that is trusted here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path, "shop.test")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    web_server.server.socket = context.wrap_socket(web_server.server.socket, server_side=True)
    web_server.serve("/a", b"x")
    return web_server


@pytest.fixture
def proxy_server(web_server: WebServer) -> Iterator[ProxyServer]:
    made = ProxyServer(web_server.port)
    yield made
    made.close()


@pytest.fixture
def api(web_server: WebServer) -> Api:
    return Api(web_server)


@pytest.fixture
def visit() -> Gateway:
    return Gateway()


@pytest.fixture
def clock() -> Clock:
    return Clock()


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
def torch_settings() -> Iterator[None]:
    """One thread, as the pool's workers have it, and no setting of a training's left behind."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="session")
def four_portraits() -> list[Image.Image]:
    return list(portraits(4, seed=5))


@pytest.fixture
def portraits_stage(tmp_path: Path, four_portraits: list[Image.Image]) -> Callable[..., Path]:
    """Makes a stage's folder of up to four portraits, boxed by `annotate`'s rule; the last has no points, no box."""

    def make(count: int = 4, name: str = "06", **columns: Any) -> Path:
        rows = []
        for n, picture in enumerate(four_portraits[:count]):
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


@pytest.fixture
def review_folder(tmp_path: Path, jpeg: Callable[..., bytes]) -> Path:
    return annotated(tmp_path, jpeg)


@pytest.fixture
def verdicts_file(tmp_path: Path) -> Path:
    return tmp_path / "review" / "verdicts.jsonl"


@pytest.fixture
def anna(review_folder: Path, verdicts_file: Path) -> Iterator[Visitor]:
    with served(review_folder, verdicts_file) as visitor:
        yield visitor


@pytest.fixture
def boxed_stage(portraits_stage: Callable[..., Path]) -> Path:
    return portraits_stage(4, split="train")


@pytest.fixture
def take(tmp_path: Path, boxed_stage: Path) -> Callable[..., importing.News]:
    """Imports a file that another tool wrote of `boxed_stage` into verdicts.jsonl."""

    def run(file: Path, kind: Format = Format.COCO, **options: Any) -> importing.News:
        return importing.import_file(file, boxed_stage, kind, tmp_path / "verdicts.jsonl", **options)

    return run
