"""The measurements of one decode: stable, orientation applied, and each undecodable file with its exact reason."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import imagehash
import pytest
from PIL import Image, ImageFilter

from scgan_data import hashes, images
from scgan_data import jpeg as jpeg_file
from scgan_data.hashes import DecodeConfig, measure, sharpness_contrast
from scgan_data.records import Reason

Jpeg = Callable[..., bytes]


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_picture_is_measured(jpeg: Jpeg) -> None:
    data = jpeg(1)
    measured = measure(data, DecodeConfig())
    row = measured.columns
    image = Image.open(BytesIO(data)).convert("RGB")
    assert (row["width"], row["height"], row["format"], row["orientation"]) == (96, 120, "JPEG", 1)
    assert row["phash"] == str(imagehash.phash(image)) and len(row["phash"]) == 16
    assert row["phash256"] == str(imagehash.phash(image, hash_size=16)) and len(row["phash256"]) == 64
    assert row["hash_mode"] == hashes.MODE
    assert measured.kept is not None and images.decode(measured.kept).pixel_id == row["pixel_id"]
    assert row["contrast"] > 0 and row["sharpness"] > 0


def test_orientation_is_applied_before_anything_is_measured(jpeg: Jpeg) -> None:
    upright = Image.open(BytesIO(jpeg(2))).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned: rotate by 270 degrees to see it upright
    turned = save(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    one, other = (measure(data, DecodeConfig()).columns for data in (save(upright, "PNG"), turned))
    assert (one["orientation"], other["orientation"]) == (1, 6)
    for name in ("pixel_id", "phash", "phash256", "width", "sharpness"):
        assert one[name] == other[name]


@pytest.mark.parametrize(
    ("what", "reason", "value", "limit"),
    [
        ("page", Reason.NOT_AN_IMAGE, None, None),
        ("nothing", Reason.NOT_AN_IMAGE, None, None),
        ("half", Reason.TRUNCATED, None, None),
        ("wide", Reason.TOO_MANY_PIXELS, 120_000, 100_000),
        ("huge", Reason.TOO_MANY_BYTES, 30_000, 20_000),
    ],
)
def test_each_undecodable_file_has_its_reason(
    jpeg: Jpeg, what: str, reason: Reason, value: float | None, limit: float | None
) -> None:
    data = {
        "page": b"<html>",
        "nothing": b"",
        "half": jpeg(3)[: len(jpeg(3)) // 2],
        "wide": save(Image.new("RGB", (400, 300)), "PNG"),
        "huge": bytes(30_000),
    }[what]
    measured = measure(data, DecodeConfig(max_bytes=20_000, max_pixels=100_000))
    said = measured.columns
    assert (said["reason"], said["value"], said["limit"]) == (reason, value, limit)
    assert measured.kept is None and "phash" not in said


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
    assert set(hashes.MODULES) == {hashes.__name__, images.__name__, jpeg_file.__name__}
