"""The collect stage end to end: exact reasons, nothing fetched twice, killed runs go on, grown sources cost little."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from scgan_data import collect, files, images, manifest, stage
from scgan_data.collect import CollectConfig, Source
from scgan_data.errors import SourceError
from scgan_data.hashes import DecodeConfig
from scgan_data.records import Reason, Status
from scgan_data.sample.plants import Kind, Plants
from scgan_data.sample.score import score
from scgan_data.sources.folder import FolderSource
from scgan_data.sources.page import PageSource
from scgan_data.sources.sample import SampleSource
from scgan_data.sources.urls import UrlsSource
from scgan_data.web.fetch import FetchConfig

Jpeg = Callable[..., bytes]
FETCH = FetchConfig(contact="tests@example.org", retries=1, deadline_s=2, interval_s=0, max_bytes=50_000)


def run(home: Path, *sources: Source, fetch: FetchConfig = FETCH) -> pd.DataFrame:
    config = CollectConfig(sources=sources, fetch=fetch, decode=DecodeConfig(max_bytes=50_000, max_pixels=1_000_000))
    with stage.open_stage("collect", home) as folder:
        folder.commit(collect.run(config, folder, workers=1))
    return manifest.read(home)


def by_name(rows: pd.DataFrame) -> dict[str, Any]:
    names = [str(url).rsplit("/", 1)[-1] for url in rows["source_url"]]
    plain = rows.astype(object).where(rows.notna(), None)
    return dict(zip(names, plain.to_dict(orient="records"), strict=True))


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    drop = ["retrieved_at", "path"]
    pd.testing.assert_frame_equal(one.drop(columns=drop), other.drop(columns=drop))


def test_a_folders_files_are_rows_each_with_its_reason(tmp_path: Path, jpeg: Jpeg) -> None:
    pictures = tmp_path / "in"
    pictures.mkdir()
    data = jpeg(1)
    (pictures / "good.jpg").write_bytes(data)
    (pictures / "twin.jpg").write_bytes(data)
    (pictures / "cut.jpg").write_bytes(data[: len(data) // 2])
    (pictures / "page.jpg").write_bytes(b"<html>")
    (pictures / "huge.jpg").write_bytes(bytes(60_000))
    Image.new("RGB", (1200, 900)).save(pictures / "wide.jpg", "PNG")
    (pictures / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(pictures / "pipe.jpg")
    (pictures / os.fsdecode(b"caf\xe9.jpg")).write_bytes(jpeg(3))
    rows = run(tmp_path / "out", FolderSource(path=pictures, domain="anime", license="CC0"))
    named = by_name(rows)
    assert {name: row["reason"] for name, row in named.items() if row["status"] == Status.REJECTED} == {
        "cut.jpg": Reason.TRUNCATED,
        "page.jpg": Reason.NOT_AN_IMAGE,
        "huge.jpg": Reason.TOO_MANY_BYTES,
        "wide.jpg": Reason.TOO_MANY_PIXELS,
        "gone.jpg": Reason.FILE_UNREADABLE,
        "pipe.jpg": Reason.FILE_UNREADABLE,
    }
    assert (named["huge.jpg"]["value"], named["huge.jpg"]["limit"]) == (60_000, 50_000)
    assert named["good.jpg"]["id"] == named["twin.jpg"]["id"] == files.id_of_bytes(data)
    assert len(rows) == 9 and set(rows["domain"]) == {"anime"} and set(rows["license"]) == {"CC0-1.0"}
    for row in manifest.kept(rows).to_dict(orient="records"):
        assert Path(row["path"]) == tmp_path / "out" / files.content_path(row["id"], ".jpg")
        assert images.decode(Path(row["path"]).read_bytes()).pixel_id == row["pixel_id"]
    assert not any((tmp_path / ".out.work" / "raw").rglob(files.id_of_bytes(data)))


def test_every_fault_of_a_list_has_its_exact_reason(tmp_path: Path, web_server: Any, jpeg: Jpeg) -> None:
    def stall(handler: Any) -> None:
        time.sleep(4)

    web_server.serve("/robots.txt", b"User-agent: *\nDisallow: /no/")
    web_server.serve("/good.jpg", jpeg(1))
    web_server.serve("/moved.jpg", status=302, Location="/good.jpg")
    web_server.serve("/noai.jpg", jpeg(2), X_Robots_Tag="noimageai")
    web_server.serve("/cut.jpg", jpeg(3)[:900])
    web_server.serve("/page.jpg", b"<html>")
    web_server.serve("/big.jpg", bytes(60_000))
    web_server.serve("/busy.jpg", status=429, Retry_After="0")
    web_server.serve("/loop.jpg", status=302, Location="/loop.jpg")
    web_server.serve("/no/a.jpg", jpeg(4))
    web_server.routes["/stall.jpg"] = stall
    names = ["good", "moved", "noai", "cut", "page", "big", "busy", "loop", "no/a", "stall", "missing"]
    urls = [f"{web_server.url}/{name}.jpg" for name in names]
    urls += ["file:///etc/passwd.jpg", "http://nothing.invalid/lost.jpg", "no-url.jpg", urls[0]]
    (tmp_path / "list.txt").write_text("\n".join(urls))
    named = by_name(run(tmp_path / "out", UrlsSource(path=tmp_path / "list.txt", allow_private=True)))
    assert {name: row["reason"] for name, row in named.items()} == {
        "good.jpg": None,
        "moved.jpg": None,
        "noai.jpg": Reason.NOAI,
        "cut.jpg": Reason.TRUNCATED,
        "page.jpg": Reason.NOT_AN_IMAGE,
        "big.jpg": Reason.TOO_MANY_BYTES,
        "busy.jpg": Reason.RATE_LIMITED,
        "loop.jpg": Reason.TOO_MANY_REDIRECTS,
        "a.jpg": Reason.ROBOTS_DISALLOWED,
        "stall.jpg": Reason.TIMED_OUT,
        "missing.jpg": Reason.HTTP_ERROR,
        "passwd.jpg": Reason.ADDRESS_FORBIDDEN,
        "lost.jpg": Reason.NAME_NOT_FOUND,
        "no-url.jpg": Reason.ADDRESS_FORBIDDEN,
    }
    assert named["missing.jpg"]["value"] == 404 and named["stall.jpg"]["limit"] == 2
    assert named["noai.jpg"]["id"] == files.id_of_url(f"{web_server.url}/noai.jpg")
    assert "/no/a.jpg" not in web_server.paths()
    assert all(row["rejected_by"] == "collect" for row in named.values() if row["reason"])


def test_a_gallery_is_walked_and_what_its_pages_say_is_kept(tmp_path: Path, web_server: Any, jpeg: Jpeg) -> None:
    html = (
        '<meta name="author" content="Ann"><a rel="license" href="/by">CC BY</a><a href="/1.jpg"><img src="t.jpg"></a>'
    )
    web_server.serve("/g/", html.encode() + b'<a rel="next" href="?page=2">2</a>')
    web_server.serve("/g/?page=2", b'<meta name="robots" content="noai"><img src="/2.jpg"><a href="?page=3">3</a>')
    web_server.serve("/1.jpg", jpeg(1))
    rows = run(tmp_path / "out", PageSource(url=web_server.url + "/g/", domain="anime", allow_private=True))
    named = by_name(rows)
    assert {name: row["reason"] for name, row in named.items()} == {
        "1.jpg": None,
        "2.jpg": Reason.NOAI,
        "?page=3": Reason.HTTP_ERROR,
    }
    one = named["1.jpg"]
    assert (one["license"], one["license_url"], one["author"]) == ("CC-BY", web_server.url + "/by", "Ann")
    assert one["page_url"] == web_server.url + "/g/"
    assert "/2.jpg" not in web_server.paths()


def test_a_gallery_whose_first_page_is_not_had_stops_with_a_line_and_can_be_tried_again(
    tmp_path: Path, web_server: Any
) -> None:
    source = PageSource(url=web_server.url + "/g/", allow_private=True)
    with pytest.raises(SourceError, match=r"/g/ cannot be had \(http_error: HTTP 404\): check the address"):
        run(tmp_path / "out", source)
    web_server.serve("/g/", b"<p>empty")
    assert len(run(tmp_path / "out", source)) == 0


def test_public_urls_need_a_contact(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("http://example.org/a.jpg")
    with pytest.raises(SourceError, match="contact is not set"):
        run(tmp_path / "out", UrlsSource(path=tmp_path / "list.txt"), fetch=FetchConfig())


def test_a_finished_collection_is_asked_for_again_conditionally(tmp_path: Path, web_server: Any, jpeg: Jpeg) -> None:
    def picture(number: int) -> None:
        def answer(handler: Any) -> None:
            known = handler.headers.get("If-None-Match") == f'"{number}"'
            web_server.answer(handler, 304 if known else 200, b"" if known else jpeg(number), ETag=f'"{number}"')

        web_server.routes[f"/{number}.jpg"] = answer

    def gallery(count: int) -> None:
        for number in range(count):
            picture(number)
        web_server.serve("/g/", "".join(f'<img src="/{number}.jpg">' for number in range(count)).encode())

    gallery(20)
    source = PageSource(url=web_server.url + "/g/", allow_private=True)
    first = run(tmp_path / "out", source)
    web_server.requests.clear()
    pd.testing.assert_frame_equal(run(tmp_path / "out", source), first)
    conditional = [headers for path, _, headers in web_server.requests if path.endswith(".jpg")]
    assert len(conditional) == 20 and all("If-None-Match" in headers for headers in conditional)

    gallery(23)
    web_server.serve("/0.jpg", status=500)
    web_server.serve("/1.jpg", status=404)
    web_server.serve("/2.jpg", jpeg(100))
    web_server.serve("/3.jpg", jpeg(3), X_Robots_Tag="noai")
    web_server.requests.clear()
    grown = run(tmp_path / "out", source)
    names = grown["source_url"].str.rsplit("/", n=1).str[-1]
    assert len(grown) == 24 and list(names[names.duplicated()]) == ["2.jpg"], "the older version stays"
    assert set(grown.loc[names == "2.jpg", "id"]) == {files.id_of_bytes(jpeg(2)), files.id_of_bytes(jpeg(100))}
    rejected = grown[grown["status"] == Status.REJECTED]
    assert dict(zip(names[rejected.index], rejected["reason"], strict=True)) == {"3.jpg": Reason.NOAI}
    bodies = [path for path, _, headers in web_server.requests if "If-None-Match" not in headers]
    assert sorted(path for path in bodies if path.endswith("jpg")) == ["/20.jpg", "/21.jpg", "/22.jpg"]


def test_a_picture_in_hand_outlives_a_moment_without_network(tmp_path: Path, web_server: Any, jpeg: Jpeg) -> None:
    web_server.serve("/a.jpg", jpeg(1))
    (tmp_path / "list.txt").write_text(web_server.url + "/a.jpg")
    source = UrlsSource(path=tmp_path / "list.txt", allow_private=True)
    first = run(tmp_path / "out", source)
    web_server.serve("/a.jpg", status=429, Retry_After="0")
    pd.testing.assert_frame_equal(run(tmp_path / "out", source), first)


def test_the_sample_is_collected_like_any_site(tmp_path: Path) -> None:
    plants = Plants(
        exact_copies=2, near_copies=5, watermarked=3, faceless=2, several_faces=1, small=1, blurred=1, truncated=2,
        not_images=3, disallowed=2, behind_disallowed_page=2, noai=1, not_found=1, always_429=1, first_429=1,
    )  # fmt: skip
    source = SampleSource(selfies=30, portraits=12, plants=plants)
    config = CollectConfig(sources=(source,), fetch=FetchConfig(retries=2))
    with stage.open_stage("collect", tmp_path / "out") as folder:
        folder.commit(collect.run(config, folder, workers=1))
    rows = manifest.read(tmp_path / "out")
    truth = pd.read_json(tmp_path / "out" / "truth.json").to_dict(orient="records")
    table = score(truth, rows).set_index(["domain", "kind"])
    for domain in ("selfie", "avataaars"):
        here = (Kind.TRUNCATED, Kind.NOT_AN_IMAGE, Kind.DISALLOWED, Kind.DISALLOWED_PAGE, Kind.BEHIND_DISALLOWED_PAGE)
        for kind in (*here, Kind.NOAI, Kind.NOT_FOUND, Kind.ALWAYS_429, Kind.FIRST_429):
            assert table.loc[(domain, kind), "found"] == table.loc[(domain, kind), "planted"], (domain, kind)
    clean = {entry["url"] for entry in truth if entry["kind"] == Kind.CLEAN}
    assert (rows.loc[rows["source_url"].isin(clean), "status"] == Status.KEPT).all()
    assert set(rows["source_url"].str.split("/").str[2]) == {"gallery.scgan.test"}
    assert set(rows.loc[rows["domain"] == "selfie", "license"].dropna()) == {"CelebA: non-commercial research only"}
    limited = rows.loc[rows["reason"] == Reason.RATE_LIMITED, "value"]
    assert list(limited) == [429, 429]


def test_the_modules_that_decide_exist() -> None:
    assert stage.version_of(collect.MODULES) != stage.version_of(collect.MODULES[1:])
