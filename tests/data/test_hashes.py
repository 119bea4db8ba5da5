"""The measurements of one decode: stable, orientation applied, and each undecodable file with its exact reason."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from scipy.ndimage import convolve
from skimage import data

from scgan_data import bare_hashes, glimpse, hash_matrices, hashes, images, lanczos_kernels
from scgan_data import jpeg as jpeg_file
from scgan_data.hashes import DecodeConfig, measure, sharpness_contrast
from scgan_data.records import Reason

Jpeg = Callable[..., bytes]


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_picture_is_measured(jpeg: Jpeg) -> None:
    file = jpeg(1)
    measured = measure(file, DecodeConfig())
    row = measured.columns
    image = Image.open(BytesIO(file)).convert("RGB")
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
    one, other = (measure(file, DecodeConfig()).columns for file in (save(upright, "PNG"), turned))
    assert (one["orientation"], other["orientation"]) == (1, 6)
    for name in ("pixel_id", "phash", "phash256", "thumbnail", "width", "sharpness"):
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
    file = {
        "page": b"<html>",
        "nothing": b"",
        "half": jpeg(3)[: len(jpeg(3)) // 2],
        "wide": save(Image.new("RGB", (400, 300)), "PNG"),
        "huge": bytes(30_000),
    }[what]
    measured = measure(file, DecodeConfig(max_bytes=20_000, max_pixels=100_000))
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


def test_each_view_has_the_hash_of_its_part(jpeg: Jpeg) -> None:
    luma = Image.open(BytesIO(jpeg(4, (200, 200)))).convert("L")
    found = hashes.of_parts(luma)["phash_views"]
    assert len(found) == 16 * len(hashes.VIEWS)
    for number, (x0, y0, x1, y1) in enumerate(hashes.VIEWS.values()):
        part = imagehash.phash(luma.crop((round(200 * x0), round(200 * y0), round(200 * x1), round(200 * y1))))
        assert imagehash.hex_to_hash(found[16 * number : 16 * number + 16]) - part <= 2


@pytest.mark.parametrize(
    ("edit", "view"), [("cut", "top left"), ("framed", "centre 90 %"), ("captioned", "without foot")]
)
def test_a_view_finds_what_the_whole_does_not(jpeg: Jpeg, edit: str, view: str) -> None:
    image = Image.fromarray(data.astronaut()).resize((200, 200))
    copy = {
        "cut": image.crop((0, 0, 180, 180)),
        "framed": ImageOps.expand(image, 11, "white"),
        "captioned": ImageOps.pad(image, (200, 232), centering=(0, 0)),
    }[edit]
    rows = [measure(save(picture, "PNG"), DecodeConfig()).columns for picture in (image, copy)]
    start = 16 * list(hashes.VIEWS).index(view)
    one, two = (imagehash.hex_to_hash(row["phash"]) for row in rows)
    parts = [imagehash.hex_to_hash(row["phash_views"][start : start + 16]) for row in rows]
    nearest = min(parts[0] - two, parts[1] - one)
    assert nearest <= 8 < one - two


def test_the_modes_differ_where_they_say(jpeg: Jpeg) -> None:
    image = Image.fromarray(data.astronaut()).resize((1200, 1000))
    file = save(image, "JPEG", quality=90)
    quick, exact = (bare_hashes.hashed(file, DecodeConfig(), mode) for mode in (bare_hashes.QUICK, bare_hashes.EXACT))
    collected = measure(file, DecodeConfig()).columns
    assert exact["phash"] == str(imagehash.phash(Image.open(BytesIO(file))))
    assert {exact["hash_mode"], quick["hash_mode"], collected["hash_mode"]} == {
        bare_hashes.EXACT,
        bare_hashes.QUICK,
        hashes.MODE,
    }
    assert {row["width"] for row in (quick, exact, collected)} == {1200}
    for name in ("phash_views", "file_bytes"):
        assert exact[name] == collected[name]
    assert exact["contrast"] == pytest.approx(collected["contrast"], rel=0.02)
    assert quick["contrast"] == pytest.approx(collected["contrast"], rel=0.05)
    assert set(quick) == set(exact) == set(collected) - {"pixel_id", "thumbnail", "sharpness"}
    wide = [imagehash.hex_to_hash(row["phash256"]) for row in (collected, exact, quick)]
    assert wide[0] - wide[1] <= 4 and wide[0] - wide[2] <= 16


@pytest.mark.parametrize("size", [(904, 1107), (1001, 777), (6150, 775)])
def test_quick_hashes_reckon_with_the_block_that_ends_beyond_the_edge(size: tuple[int, int]) -> None:
    away = []
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        image = Image.fromarray(getattr(data, name)()).resize(size, Image.Resampling.BICUBIC)
        file = save(image, "JPEG", quality=90)
        quick, whole = bare_hashes.hashed(file, DecodeConfig(), bare_hashes.QUICK), Image.open(BytesIO(file))
        assert imagehash.hex_to_hash(quick["phash"]) - imagehash.phash(whole) <= 2
        away.append(imagehash.hex_to_hash(quick["phash256"]) - imagehash.phash(whole, hash_size=16))
    assert np.mean(away) <= 4, away  # 7, 13 and 26 with that block taken for a whole one


@pytest.mark.parametrize("mode", [bare_hashes.QUICK, bare_hashes.EXACT])
def test_a_truncated_file_is_found_in_every_mode(jpeg: Jpeg, mode: str) -> None:
    file = save(Image.fromarray(data.astronaut()).resize((1200, 1000)), "JPEG", quality=90)
    said = bare_hashes.hashed(file[: -len(file) // 10], DecodeConfig(), mode)
    assert said["reason"] == Reason.TRUNCATED and "phash" not in said


def test_grey_stays_grey_in_quick_mode_but_not_where_it_is_transparent() -> None:
    grey = Image.fromarray(data.camera())
    for file in (save(grey, "PNG"), save(grey, "PNG", transparency=200)):
        quick, collected = bare_hashes.hashed(file, DecodeConfig(), bare_hashes.QUICK), measure(file, DecodeConfig())
        for name in ("width", "height", "phash_views"):
            assert quick[name] == collected.columns[name]


def test_sharpness_and_contrast_are_what_numpy_says(jpeg: Jpeg) -> None:
    grey = Image.open(BytesIO(jpeg(6, (200, 240)))).convert("L")
    pixels = np.asarray(grey).astype(float)
    laplacian = convolve(pixels, [[0, 1, 0], [1, -4, 1], [0, 1, 0]])[1:-1, 1:-1]
    assert sharpness_contrast(grey) == pytest.approx((laplacian.std() / pixels.std(), pixels.std()), rel=1e-12)


def test_the_modules_that_decide_are_named() -> None:
    assert set(hashes.MODULES) == {m.__name__ for m in (hashes, hash_matrices, glimpse, images, jpeg_file)}
    assert set(bare_hashes.MODULES) == {bare_hashes.__name__, lanczos_kernels.__name__, *hashes.MODULES}
