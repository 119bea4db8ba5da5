"""A bare folder of pictures through dedup: a row for every file, the right hashes, nothing read twice or lost."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable, Hashable
from io import BytesIO
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter
from skimage import data as pictures

from scgan_data import bare, bare_hashes, collect, flow, hashes, images, manifest
from scgan_data.bare import BareConfig
from scgan_data.collect import CollectConfig
from scgan_data.dedup import DedupConfig
from scgan_data.errors import ScganError
from scgan_data.filter import FilterConfig
from scgan_data.records import Reason
from scgan_data.sources.folder import FolderSource
from scgan_data.stage import open_stage

Jpeg = Callable[..., bytes]
FUZZ = Path(__file__).parents[3] / "shared" / "cases" / "faults" / "png_fuzz.tar"
NAMES = ("astronaut", "coffee", "chelsea", "rocket", "camera")


def photograph(name: str) -> Image.Image:
    return Image.fromarray(getattr(pictures, name)()).convert("RGB").resize((900, 700))


def rows_of(src: Path, dst: Path, config: BareConfig | None = None) -> dict[str, dict[Hashable, Any]]:
    with open_stage("dedup", dst) as folder:
        rows = bare.rows(src, config or BareConfig(), folder, workers=1)
    return {Path(row["source_url"]).name: row for row in rows.to_dict("records")}


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        photograph(name).save(folder / f"{name}.jpg", quality=92)
    return folder


def test_every_file_is_a_row(tmp_path: Path, gallery: Path, jpeg: Jpeg) -> None:
    (gallery / "deep" / "er").mkdir(parents=True)
    (gallery / "deep" / "er" / "a.jpg").write_bytes(jpeg(1))
    (gallery / "half.jpg").write_bytes(jpeg(2)[:900])
    (gallery / "note.txt").write_text("no picture")
    (gallery / "large.png").write_bytes(bytes(300_000))
    (gallery / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (gallery / "coffee.json").write_text('{"license": "https://creativecommons.org/licenses/by/4.0/", "author": "Ann"}')
    os.mkfifo(gallery / "pipe.jpg")
    Path(os.fsdecode(bytes(gallery) + b"/na\xffme.jpg")).write_bytes(jpeg(3))
    config = BareConfig(decode=hashes.DecodeConfig(max_bytes=250_000))
    rows = rows_of(gallery, tmp_path / "out", config)
    assert {name: row["reason"] for name, row in rows.items() if row["status"] == "rejected"} == {
        "half.jpg": Reason.TRUNCATED,
        "note.txt": Reason.NOT_AN_IMAGE,
        "large.png": Reason.TOO_MANY_BYTES,
        "gone.jpg": Reason.FILE_UNREADABLE,
        "pipe.jpg": Reason.FILE_UNREADABLE,
        "na\\xffme.jpg": Reason.FILE_UNREADABLE,
    }
    assert {row["rejected_by"] for row in rows.values() if row["status"] == "rejected"} == {"dedup"}
    assert (rows["large.png"]["value"], rows["large.png"]["limit"]) == (300_000, 250_000)
    assert {name for name, row in rows.items() if row["status"] == "kept"} == {"a.jpg", *(f"{n}.jpg" for n in NAMES)}
    assert (rows["coffee.jpg"]["author"], rows["coffee.jpg"]["license"]) == ("Ann", "CC-BY-4.0")
    assert rows["a.jpg"]["path"] == str(gallery / "deep" / "er" / "a.jpg")


def test_exact_hashes_are_imagehashs_and_quick_ones_are_near(tmp_path: Path, gallery: Path) -> None:
    exact = rows_of(gallery, tmp_path / "e", BareConfig(hashing="exact"))
    quick = rows_of(gallery, tmp_path / "q")
    for name, row in exact.items():
        with Image.open(gallery / name) as picture:
            whole = imagehash.phash(picture)
        assert row["phash"] == str(whole) and row["hash_mode"] == "phash/L"
        near = quick[name]
        assert imagehash.hex_to_hash(near["phash"]) - whole <= 4 and near["hash_mode"] == "phash/L/reduced"
        assert (near["width"], near["height"]) == (900, 700)
        assert near["id"] == row["id"]


def test_sharpness_at_reduced_size_is_that_of_the_whole(gallery: Path) -> None:
    for file in gallery.iterdir():
        collected = hashes.measure(file.read_bytes(), hashes.DecodeConfig()).columns
        found = bare_hashes.sharpness(file, (900, 700), hashes.DecodeConfig())
        assert found == pytest.approx(collected["sharpness"], rel=0.05)


def test_pixel_ids_are_made_where_pixels_may_be_equal(tmp_path: Path, gallery: Path) -> None:
    photograph("coffee").save(gallery / "one.png")
    photograph("coffee").save(gallery / "two.png", compress_level=1)
    rows = rows_of(gallery, tmp_path / "out")
    (pixel_id,) = {rows[name]["pixel_id"] for name in ("one.png", "two.png")}
    assert pixel_id == images.decode((gallery / "one.png").read_bytes()).pixel_id
    assert pd.isna([row["pixel_id"] for name, row in rows.items() if name.endswith("jpg")]).all()


def test_only_what_is_new_is_read(tmp_path: Path, gallery: Path, monkeypatch: pytest.MonkeyPatch, jpeg: Jpeg) -> None:
    first = rows_of(gallery, tmp_path / "out")
    (gallery / "new.jpg").write_bytes(jpeg(5))
    read: list[str] = []
    true = Path.read_bytes

    def noted(self: Path) -> bytes:
        read.append(self.name)
        return true(self)

    monkeypatch.setattr(Path, "read_bytes", noted)
    second = rows_of(gallery, tmp_path / "out")
    assert [name for name in read if name.endswith("jpg")] == ["new.jpg"]
    assert {name: row["id"] for name, row in second.items() if name in first} == {n: r["id"] for n, r in first.items()}


def test_the_number_of_workers_changes_nothing(tmp_path: Path, gallery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(70):
        shutil.copy(gallery / "rocket.jpg", gallery / f"{number}.jpg")
    monkeypatch.setattr(bare, "BATCH", 40)
    tables = []
    for workers in (1, 2, 5):  # one thread, two, and two processes of three
        with open_stage("dedup", tmp_path / f"out{workers}") as folder:
            tables.append(bare.rows(gallery, BareConfig(), folder, workers=workers))
    assert tables[0].equals(tables[1]) and tables[0].equals(tables[2]) and len(tables[0]) == 75


def test_dedup_takes_a_bare_folder_and_leaves_it_as_it_is(tmp_path: Path, gallery: Path) -> None:
    photograph("coffee").save(gallery / "again.jpg", quality=60)
    before = {file: file.read_bytes() for file in gallery.iterdir()}
    flow.run_configured("dedup", DedupConfig(bare=BareConfig(domain="ink")), gallery, tmp_path / "out", workers=1)
    rows = manifest.read(tmp_path / "out")
    assert set(rows["domain"]) == {"ink"} and set(rows["hash_mode"]) == {bare_hashes.QUICK}
    (copy,) = rows[rows["status"] == "rejected"].to_dict("records")
    assert copy["reason"] == "near_duplicate" and Path(copy["path"]).name in ("again.jpg", "coffee.jpg")
    assert {file: file.read_bytes() for file in gallery.iterdir()} == before


def test_the_sharper_copy_stays_though_quick_hashing_cannot_see_it(tmp_path: Path, gallery: Path) -> None:
    clear = photograph("coffee")
    clear.save(gallery / "coffee.jpg", quality=60)
    clear.filter(ImageFilter.GaussianBlur(4)).save(gallery / "blurred.jpg", quality=100)
    assert (gallery / "blurred.jpg").stat().st_size > (gallery / "coffee.jpg").stat().st_size  # by bytes it would stay
    flow.run_configured("dedup", DedupConfig(), gallery, tmp_path / "out", workers=1)
    rows = {Path(row["source_url"]).name: row for row in manifest.read(tmp_path / "out").to_dict("records")}
    assert (rows["blurred.jpg"]["reason"], rows["coffee.jpg"]["status"]) == ("near_duplicate", "kept")
    assert {name for name, row in rows.items() if not np.isnan(row["sharpness"])} == {"blurred.jpg", "coffee.jpg"}


def test_filter_measures_the_sharpness_that_quick_hashing_left_out(tmp_path: Path, gallery: Path) -> None:
    photograph("coffee").filter(ImageFilter.GaussianBlur(30)).save(gallery / "blurred.jpg", quality=92)
    flow.run_configured("dedup", DedupConfig(max_difference=None), gallery, tmp_path / "out", workers=1)
    assert manifest.read(tmp_path / "out")["sharpness"].isna().all()
    flow.run_configured("filter", FilterConfig(), tmp_path / "out", tmp_path / "filtered", workers=1)
    for row in manifest.read(tmp_path / "filtered").to_dict("records"):
        luma = hashes.reduced(images.load(row["path"]).convert("L"))
        assert row["sharpness"] == pytest.approx(hashes.sharpness_contrast(luma)[0], abs=1e-6)
        assert (row["reason"] == Reason.BLURRED) == (Path(row["source_url"]).name == "blurred.jpg")


def test_what_dedup_wrote_below_the_folder_is_no_picture_of_it(tmp_path: Path, gallery: Path) -> None:
    for _ in range(2):
        flow.run_configured("dedup", DedupConfig(), gallery, gallery / "out", workers=1)
        assert len(manifest.read(gallery / "out")) == 5


def test_a_folder_is_never_replaced_by_its_own_result(tmp_path: Path, gallery: Path) -> None:
    (tmp_path / "empty").mkdir()
    for src, dst, words in (
        (gallery, gallery, "replaced whole"),
        (gallery, tmp_path, "replaced whole"),
        (tmp_path / "empty", tmp_path / "out", "neither"),
    ):
        with pytest.raises(ScganError, match=words):
            flow.run_configured("dedup", DedupConfig(), src, dst, workers=1)
    assert len(list(gallery.iterdir())) == 5


def test_a_collected_folder_needs_no_picture_for_its_hashes(tmp_path: Path, gallery: Path) -> None:
    settings = CollectConfig(sources=(FolderSource(path=gallery),))
    flow.run_configured("collect", settings, None, tmp_path / "01", workers=1)
    rows = manifest.read(tmp_path / "01")
    for path in rows["path"]:
        Path(path).unlink()
    flow.run_configured("dedup", DedupConfig(), tmp_path / "01", tmp_path / "02", workers=1)
    done = manifest.read(tmp_path / "02")
    assert len(done) == 5 and set(done["status"]) == {"kept"} and done["group_id"].nunique() == 5
    assert set(done["phash"]) == set(rows["phash"])


@pytest.mark.skipif(not FUZZ.is_file(), reason="needs the fuzzed PNG files of ../shared")
def test_450_fuzzed_files_each_have_a_row_and_its_reason(tmp_path: Path) -> None:
    with tarfile.open(FUZZ) as tar:
        tar.extractall(tmp_path / "png", filter="data")
    config = CollectConfig(sources=(FolderSource(path=tmp_path / "png"),))
    with open_stage("collect", tmp_path / "01") as folder:
        folder.commit(collect.run(config, folder, workers=1))
    with open_stage("dedup", tmp_path / "02") as folder:
        hashed = bare.rows(tmp_path / "png", BareConfig(), folder, workers=1)
    collected = manifest.read(tmp_path / "01")
    reasons, again = (dict(zip(t["source_url"], t["reason"].fillna("kept"), strict=True)) for t in (collected, hashed))
    assert reasons == again and len(reasons) == 450
    for url, reason in reasons.items():
        assert reason == reason_of(Path(url).read_bytes())


def reason_of(data: bytes) -> str:
    try:
        images.decode(data)
    except images.UndecodableError as error:
        return error.reason
    return "kept"


def test_a_jpeg_in_grey_or_turned_is_hashed_at_reduced_size_too(jpeg: Jpeg) -> None:
    upright = photograph("chelsea")
    exif = Image.Exif()
    exif[0x0112] = 6
    turned, grey, plain = BytesIO(), BytesIO(), BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", exif=exif, quality=92)
    upright.convert("L").save(grey, "JPEG", quality=92)
    upright.save(plain, "JPEG", quality=92)
    config = hashes.DecodeConfig()
    one, *others = (bare_hashes.hashed(f.getvalue(), config, bare_hashes.QUICK) for f in (plain, turned, grey))
    for other in others:
        assert (other["width"], other["height"]) == (900, 700)
        assert imagehash.hex_to_hash(other["phash"]) - imagehash.hex_to_hash(one["phash"]) <= 2
