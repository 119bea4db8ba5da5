"""Every kind of source through the command line, as a user types it: real files, real sockets, the rows looked at.

The services are servers on 127.0.0.1 that answer as their documentation says; their addresses are settings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from scgan_data import files, manifest

Jpeg = Callable[..., bytes]
KEY = "s3cr3t-k3y"
FETCH = {"contact": "tests@example.org", "interval_s": 0, "retries": 0, "deadline_s": 10}


def collect(folder: Path, *arguments: object, **environment: str) -> pd.DataFrame:
    command = [sys.executable, "-m", "scgan_data.cli", "collect", "out", "--workers", "1", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stderr + done.stdout
    return manifest.read(folder / "out")


def on_disk(folder: Path, jpeg: Jpeg) -> dict[str, bytes]:
    """A folder, a list, an archive and a dataset; the bytes of their pictures by source."""
    (folder / "photos").mkdir()
    (folder / "photos" / "a.jpg").write_bytes(jpeg(1))
    (folder / "photos" / "metadata.csv").write_text("file_name,author,license\na.jpg,Ann,CC0\n")
    with zipfile.ZipFile(folder / "shots.zip", "w") as archive:
        archive.writestr("deep/b.jpg", jpeg(2))
    (folder / "hub" / "data").mkdir(parents=True)
    cell = {"bytes": jpeg(3), "path": "c.jpg"}
    pq.write_table(
        pa.table({"image": [cell], "label": ["x"]}), folder / "hub" / "data" / "train-00000-of-00001.parquet"
    )
    return {"folder": jpeg(1), "archive": jpeg(2), "huggingface": jpeg(3)}


def test_what_lies_on_disk(tmp_path: Path, web_server: Any, jpeg: Jpeg) -> None:
    expected = on_disk(tmp_path, jpeg)
    url = web_server.serve("/list/d.jpg", jpeg(4))
    (tmp_path / "list.csv").write_text(f"url,caption,photographer\n{url},a woman,Dora\n")
    page = web_server.serve(
        "/gallery/",
        b'<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">by</a>'
        b'<a href="/gallery/e.jpg"><img src="t.jpg"></a>',
    )
    web_server.serve("/gallery/e.jpg", jpeg(5))
    named = ("photos", "shots.zip", "hub", "list.csv", page)
    rows = collect(
        tmp_path,
        *(part for text in named for part in ("--from", text)),
        "--allow-private",
        *(part for key, value in FETCH.items() for part in ("--set", f"fetch.{key}={value}")),
    )
    by_kind = {str(row["source"]).split(":")[0]: row for row in rows.to_dict(orient="records")}
    assert set(rows["status"]) == {"kept"} and len(rows) == 5
    for kind, content in (expected | {"urls": jpeg(4), "page": jpeg(5)}).items():
        assert by_kind[kind]["id"] == files.id_of_bytes(content), kind
    assert (by_kind["folder"]["author"], by_kind["folder"]["license"]) == ("Ann", "CC0-1.0")
    assert by_kind["archive"]["source_url"] == "shots.zip!/deep/b.jpg"
    assert json.loads(by_kind["huggingface"]["extra"])["label"] == "x"
    assert (by_kind["urls"]["author"], json.loads(by_kind["urls"]["extra"])) == ("Dora", {"caption": "a woman"})
    assert (by_kind["page"]["license"], by_kind["page"]["page_url"]) == ("CC-BY-4.0", page)
    assert by_kind["urls"]["rules"] == "robots.txt: none (404); x-robots-tag: none"


def test_a_clip(tmp_path: Path) -> None:
    av = pytest.importorskip("av", reason="the extra `video` is not installed")
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 96
        for number in range(20):
            tile = Image.radial_gradient("L").resize((48, 48)).rotate(90 * (number // 10))
            picture = Image.new("RGB", (96, 96), (90, 30 + 9 * (number // 10), 60))
            picture.paste(tile.convert("RGB"), (48 * (number // 10), 10))
            for packet in stream.encode(av.VideoFrame.from_image(picture)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    rows = collect(tmp_path, "--from", "clip.mp4")
    assert len(rows) >= 1 and set(rows["source"]) == {"video:clip.mp4"}
    assert rows["source_url"].str.match(r"clip\.mp4!/t=\d+\.\d+").all() and set(rows["format"]) == {"PNG"}


def searches(web_server: Any, jpeg: Jpeg) -> list[dict[str, Any]]:
    """Entries of params.yaml for four services that answer on this server."""
    base, pictures = web_server.url, {n: web_server.serve(f"/p/{n}.jpg", jpeg(10 + n)) for n in range(4)}

    def says(path: str, answer: Callable[[dict[str, list[str]]], Any]) -> None:
        def respond(handler: Any) -> None:
            asked = parse_qs(urlsplit(handler.path).query)
            web_server.answer(handler, 200, json.dumps(answer(asked)).encode())

        web_server.prefixes[path] = respond

    openverse = {
        "url": pictures[0],
        "foreign_landing_url": f"{base}/land",
        "creator": "Jane",
        "license": "by-sa",
        "license_version": "2.0",
        "license_url": "https://creativecommons.org/licenses/by-sa/2.0/",
    }
    says("/ov/", lambda asked: {"result_count": 1, "page_count": 1, "page_size": 20, "page": 1, "results": [openverse]})
    info = {
        "url": pictures[1],
        "descriptionurl": f"{base}/File:1",
        "mime": "image/jpeg",
        "width": 96,
        "height": 120,
        "size": 9000,
        "extmetadata": {"LicenseShortName": {"value": "Public domain"}, "Artist": {"value": "<b>M</b>"}},
    }
    says("/wiki", lambda asked: {"query": {"pages": [{"pageid": 1, "title": "File:1.jpg", "imageinfo": [info]}]}})
    licences = {
        "licenses": {
            "license": [
                {"id": "4", "name": "Attribution License", "url": "https://creativecommons.org/licenses/by/2.0/"}
            ]
        },
        "stat": "ok",
    }
    photo = {"id": "7", "owner": "o", "ownername": "Jo", "license": "4", "title": "t", "url_l": pictures[2]}
    found = {"photos": {"page": 1, "pages": 1, "perpage": 500, "total": "1", "photo": [photo]}, "stat": "ok"}
    says("/flickr", lambda asked: licences if "getInfo" in asked["method"][0] else found)
    shop = {"photos": [{"src": {"original": pictures[3]}, "photographer": "Sam", "url": f"{base}/shop/3"}]}
    says("/shop/search", lambda asked: shop if asked["page"] == ["1"] and asked["key"] == [KEY] else {"photos": []})
    paths = {"items": "photos", "picture": "src.original", "author": "photographer", "page": "url"}
    common: dict[str, Any] = {"queries": ["women portrait"], "allow_private": True}
    return [
        {"kind": "openverse", "api_url": f"{base}/ov/", **common},
        {"kind": "commons", "api_url": f"{base}/wiki", **common},
        {"kind": "flickr", "api_url": f"{base}/flickr", **common},
        {
            "kind": "json_search",
            "url": f"{base}/shop/search?q={{query}}&page={{page}}",
            "paths": paths,
            "params_env": {"key": "SHOP_KEY"},
            "license": "shop",
            **common,
        },
    ]


def test_searches(tmp_path: Path, web_server: Any, jpeg: Jpeg) -> None:
    sources = searches(web_server, jpeg)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"collect": {"sources": sources, "fetch": FETCH}}))
    rows = collect(tmp_path, FLICKR_API_KEY=KEY, SHOP_KEY=KEY)
    said = {
        str(row["source"]).split(":")[0]: (row["license"], row["author"], row["query"], row["id"])
        for row in rows.to_dict(orient="records")
    }
    ids = [files.id_of_bytes(jpeg(10 + number)) for number in range(4)]
    assert said == {
        "openverse": ("CC-BY-SA-2.0", "Jane", "women portrait", ids[0]),
        "commons": ("public-domain", "M", "women portrait", ids[1]),
        "flickr": ("CC-BY-2.0", "Jo", "women portrait", ids[2]),
        "json_search": ("shop", "Sam", "women portrait", ids[3]),
    }
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), f"{file} holds a key"
    assert (rows["status"] == "kept").all()
