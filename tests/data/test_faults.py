"""What servers do, and what the row then says: one table, every fault in one collection, the rest of it unharmed."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from scgan_data import collect, files, manifest, stage
from scgan_data.collect import CollectConfig
from scgan_data.hashes import DecodeConfig
from scgan_data.records import Reason, Status
from scgan_data.sources.urls import UrlsSource
from scgan_data.web.fetch import FetchConfig
from tests.data.faulty_servers import (
    DEADLINE_S,
    GOOD,
    bad_chunks,
    breaks_once_with_range,
    chunked,
    cut_off,
    drips,
    endless,
    first,
    raw,
    says,
    short,
    stalls,
)

Jpeg = Callable[..., bytes]
FETCH = FetchConfig(
    contact="tests@example.org",
    threads=16,
    retries=1,
    deadline_s=DEADLINE_S,
    interval_s=0,
    max_bytes=50_000,
    max_wait_s=2,
    failures_before_break=1000,
)
DECODE = DecodeConfig(max_bytes=50_000, max_pixels=1_000_000)


def picture(kind: str, size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, kind, **options)
    return buffer.getvalue()


WIDE = picture("PNG", (1200, 900))
TABLE: dict[str, tuple[Callable[..., None], Reason | None]] = {
    "whole": (says(200, GOOD), None),
    "chunked": (chunked, None),
    "wrong type": (says(200, GOOD, Content_Type="text/html"), None),
    "html called jpeg": (says(200, b"<html>", Content_Type="image/jpeg"), Reason.NOT_AN_IMAGE),
    "nothing": (says(200, b""), Reason.NOT_AN_IMAGE),
    "svg": (says(200, b"<svg xmlns='http://www.w3.org/2000/svg'/>"), Reason.NOT_AN_IMAGE),
    "half a jpeg": (lambda s, h, d: s.answer(h, 200, d[: len(d) // 2]), Reason.TRUNCATED),
    "broken png": (says(200, picture("PNG").replace(b"IDATx", b"IDAT\xff")), Reason.BROKEN),
    "too many pixels": (says(200, WIDE), Reason.TOO_MANY_PIXELS),
    "announced too large": (says(200, bytes(60_000)), Reason.TOO_MANY_BYTES),
    "endless": (endless, Reason.TOO_MANY_BYTES),
    "gzip": (lambda s, h, d: s.answer(h, 200, gzip.compress(d), Content_Encoding="gzip"), None),
    "gzip bomb": (says(200, gzip.compress(bytes(5_000_000)), Content_Encoding="gzip"), Reason.TOO_MANY_BYTES),
    "no gzip": (says(200, b"not gzip at all", Content_Encoding="gzip"), Reason.BAD_ANSWER),
    "short": (short, Reason.TRANSFER_BROKEN),
    "cut off": (cut_off, Reason.TRANSFER_BROKEN),
    "breaks, has ranges": (breaks_once_with_range, None),
    "silent": (stalls("headers"), Reason.TIMED_OUT),
    "stalls in the body": (stalls("body"), Reason.TIMED_OUT),
    "a byte a moment in the headers": (drips("headers"), Reason.TIMED_OUT),
    "a byte a moment in the body": (drips("body"), Reason.TIMED_OUT),
    "no http": (raw(b"\x00\x01 hello\r\n\r\n"), Reason.BAD_ANSWER),
    "bad status line": (raw(b"HTTP/1.1 abc OK\r\n\r\n"), Reason.BAD_ANSWER),
    "bad chunks": (bad_chunks, Reason.BAD_ANSWER),
    "closes at once": (raw(b""), Reason.TRANSFER_BROKEN),
    "204": (says(204), Reason.NOT_AN_IMAGE),
    "304 unasked": (says(304), Reason.HTTP_ERROR),
    "400": (says(400), Reason.HTTP_ERROR),
    "401": (says(401), Reason.HTTP_ERROR),
    "403": (says(403, b"no"), Reason.HTTP_ERROR),
    "404": (says(404, b"no"), Reason.HTTP_ERROR),
    "410": (says(410), Reason.HTTP_ERROR),
    "451": (says(451), Reason.HTTP_ERROR),
    "500": (says(500), Reason.HTTP_ERROR),
    "500 once": (first(500), None),
    "429 once": (first(429, Retry_After="0"), None),
    "429 always": (says(429, Retry_After="0"), Reason.RATE_LIMITED),
    "503 always": (says(503, Retry_After="0"), Reason.RATE_LIMITED),
    "redirect to a good one": (says(302, Location="/whole"), None),
    "redirect to itself": (says(301, Location="/redirect%20to%20itself"), Reason.TOO_MANY_REDIRECTS),
    "redirect to a file": (says(302, Location="file:///etc/passwd"), Reason.ADDRESS_FORBIDDEN),
    "redirect to data": (says(302, Location="data:image/png;base64,AAAA"), Reason.ADDRESS_FORBIDDEN),
    "redirect to nowhere": (says(302, Location="http://nothing.invalid/a"), Reason.NAME_NOT_FOUND),
    "redirect without a place": (says(302), Reason.HTTP_ERROR),
    "redirect to a disallowed path": (says(302, Location="/no/a"), Reason.ROBOTS_DISALLOWED),
    "noai": (says(200, GOOD, X_Robots_Tag="noai"), Reason.NOAI),
    "noimageai": (says(200, GOOD, X_Robots_Tag="noimageai, noai"), Reason.NOAI),
    "noindex": (says(200, GOOD, X_Robots_Tag="noindex"), Reason.NOAI),
    "noai for us": (says(200, GOOD, X_Robots_Tag="scgan-data: noai"), Reason.NOAI),
    "tdm reservation": (says(200, GOOD, tdm_reservation="1"), Reason.NOAI),
    "tdm reservation lifted": (says(200, GOOD, tdm_reservation="0"), None),
    "noai for others": (says(200, GOOD, X_Robots_Tag="otherbot: noai"), None),
    "no/disallowed": (says(200, GOOD), Reason.ROBOTS_DISALLOWED),
}
REQUESTED_NEVER = ("/no/disallowed", "/no/a")


def test_the_table_is_long_enough() -> None:
    assert sum(reason is not None for _, reason in TABLE.values()) >= 30


def test_every_fault_has_its_exact_reason_and_harms_nothing_else(tmp_path: Path, web_server: Any, jpeg: Jpeg) -> None:
    web_server.serve("/robots.txt", b"User-agent: *\nDisallow: /no/")
    for number, (name, (answer, _)) in enumerate(TABLE.items()):
        data = jpeg(number)
        web_server.routes["/" + name.replace(" ", "%20")] = lambda h, a=answer, d=data: a(web_server, h, d)
    urls = [f"{web_server.url}/{name}" for name in TABLE]
    (tmp_path / "list.txt").write_text("\n".join(urls))
    config = CollectConfig(
        sources=(UrlsSource(path=tmp_path / "list.txt", allow_private=True),), fetch=FETCH, decode=DECODE
    )
    with stage.open_stage("collect", tmp_path / "out") as folder:
        folder.commit(collect.run(config, folder, workers=1))
    rows = manifest.read(tmp_path / "out").set_index("source_url")
    said = {name: rows.loc[url.replace(" ", "%20"), "reason"] for name, url in zip(TABLE, urls, strict=True)}
    expected = {name: None if reason is None else reason.value for name, (_, reason) in TABLE.items()}
    assert {name: None if not isinstance(r, str) else r for name, r in said.items()} == expected
    assert not set(REQUESTED_NEVER) & set(web_server.paths())
    good = rows[rows["status"] == Status.KEPT]
    assert len(good) == sum(reason is None for reason in expected.values())
    for row in good.itertuples():
        with Image.open(str(row.path)) as image:
            assert image.size == (row.width, row.height)
    resumed = rows.loc[f"{web_server.url}/breaks,%20has%20ranges", "id"]
    assert resumed == files.id_of_bytes(jpeg(list(TABLE).index("breaks, has ranges")))


@pytest.mark.parametrize("name", ["closed port", "unknown name", "no tls"])
def test_hosts_that_cannot_be_reached(tmp_path: Path, web_server: Any, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    url, reason = {
        "closed port": (f"http://127.0.0.1:{port}/a", Reason.NOT_CONNECTED),
        "unknown name": ("http://nothing.invalid/a", Reason.NAME_NOT_FOUND),
        "no tls": (f"https://127.0.0.1:{web_server.port}/a", Reason.TLS_FAILED),
    }[name]
    (tmp_path / "list.txt").write_text(url)
    config = CollectConfig(
        sources=(UrlsSource(path=tmp_path / "list.txt", allow_private=True),), fetch=FETCH, decode=DECODE
    )
    with stage.open_stage("collect", tmp_path / "out") as folder:
        (row,) = next(collect.run(config, folder, workers=1)).to_dict(orient="records")
    assert row["reason"] == reason
