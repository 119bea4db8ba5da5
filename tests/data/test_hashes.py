"""The measurements of one decode: stable, orientation applied, and each undecodable file with its exact reason."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import imagehash
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from scgan_data import hashes, images
from scgan_data.hashes import DecodeConfig, measure, sharpness_contrast
from scgan_data.manifest import id_of_bytes
from scgan_data.records import Reason

Jpeg = Callable[..., bytes]


def rows_of(folder: Path, files: list[bytes]) -> pd.DataFrame:
    for number, data in enumerate(files):
        (folder / f"{number}.bin").write_bytes(data)
    paths = [str(folder / f"{number}.bin") for number in range(len(files))]
    return pd.DataFrame({"id": [id_of_bytes(data) for data in files], "path": paths, "domain": "selfie"})


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_picture_is_measured(tmp_path: Path, jpeg: Jpeg) -> None:
    data = jpeg(1)
    row = measure(rows_of(tmp_path, [data]), DecodeConfig()).iloc[0]
    image = Image.open(BytesIO(data)).convert("RGB")
    assert (row["width"], row["height"], row["format"], row["reason"]) == (96, 120, "JPEG", None)
    assert row["phash"] == str(imagehash.phash(image)) and len(row["phash"]) == 16
    assert row["phash256"] == str(imagehash.phash(image, hash_size=16)) and len(row["phash256"]) == 64
    assert images.decode(row["png"]).pixel_id == row["pixel_id"]
    assert row["contrast"] > 0 and row["sharpness"] > 0


def test_orientation_is_applied_before_anything_is_measured(tmp_path: Path, jpeg: Jpeg) -> None:
    upright = Image.open(BytesIO(jpeg(2))).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned: rotate by 270 degrees to see it upright
    turned = save(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    measured = measure(rows_of(tmp_path, [save(upright, "PNG"), turned]), DecodeConfig())
    for name in ("pixel_id", "phash", "phash256", "width", "sharpness"):
        assert measured[name].nunique() == 1


def test_each_undecodable_file_has_its_reason(tmp_path: Path, jpeg: Jpeg) -> None:
    data = jpeg(3)
    files = [b"<html>", b"", data[: len(data) // 2], save(Image.new("RGB", (400, 300)), "PNG"), bytes(30_000), data]
    rows = rows_of(tmp_path, files)
    rows.loc[5, "path"] = str(tmp_path / "missing")
    measured = measure(rows, DecodeConfig(max_bytes=20_000, max_pixels=100_000))
    assert list(measured["reason"]) == [
        Reason.NOT_AN_IMAGE,
        Reason.NOT_AN_IMAGE,
        Reason.TRUNCATED,
        Reason.TOO_MANY_PIXELS,
        Reason.TOO_MANY_BYTES,
        Reason.FILE_UNREADABLE,
    ]
    assert list(measured["value"])[3:5] == [120_000, 30_000]
    assert list(measured["limit"])[3:5] == [100_000, 20_000]
    assert measured["png"].isna().all() and measured["phash"].isna().all()
    assert list(measured["id"]) == list(rows["id"])


def test_sharpness_falls_with_blur_and_not_with_light_or_size(jpeg: Jpeg) -> None:
    noise = Image.effect_noise((300, 300), 60).filter(ImageFilter.GaussianBlur(1))
    sharp, _ = sharpness_contrast(noise)
    blurred, _ = sharpness_contrast(noise.filter(ImageFilter.GaussianBlur(4)))
    dim, dim_contrast = sharpness_contrast(noise.point(lambda v: v // 2))
    assert blurred < sharp / 4
    assert dim == pytest.approx(sharp, rel=0.05) and dim_contrast < 20
    assert sharpness_contrast(Image.new("L", (50, 50), 9)) == (0, 0)
    assert sharpness_contrast(Image.new("L", (2, 2), 9)) == (0, 0)


def test_the_modules_that_decide_are_named() -> None:
    assert set(hashes.MODULES) == {hashes.__name__, images.__name__}
