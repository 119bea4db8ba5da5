"""Kept JPEGs: the same pixels, and nothing of what the file said."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scgan_data import hashes, images
from scgan_data.jpeg import without_metadata

Jpeg = Callable[..., bytes]
CASES = Path(__file__).parents[3] / "shared" / "cases" / "faults"


def saved(mode: str = "RGB", **options: object) -> bytes:
    rng = np.random.default_rng(3)
    small = Image.fromarray(rng.integers(0, 255, (9, 7, 3), dtype=np.uint8))
    buffer = BytesIO()
    small.resize((90, 70), Image.Resampling.BICUBIC).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"subsampling": 0, "quality": 97},
        {"subsampling": 2, "optimize": True},
        {"mode": "L"},
        {"mode": "CMYK"},
        {"keep_rgb": True},
        {"restart_marker_blocks": 2},
        {"icc_profile": b"profile" * 20_000},
    ],
)
def test_the_pixels_stay(options: dict[str, object]) -> None:
    data = saved(**options)  # type: ignore[arg-type]
    plain = without_metadata(data)
    assert plain is not None and len(plain) <= len(data)
    assert images.decode(plain).pixel_id == images.decode(data).pixel_id


def test_nothing_else_does() -> None:
    exif = Image.Exif()
    exif[0x013B] = "Ann Artist"
    exif.get_ifd(0x8825)[1] = "N-GPS"
    data = saved(exif=exif, comment=b"a comment", xmp=b"<x:xmpmeta>secret</x:xmpmeta>", dpi=(300, 300))
    data += b"behind the picture" + saved(exif=exif)
    plain = without_metadata(data)
    assert plain is not None
    for said in (b"Ann Artist", b"N-GPS", b"a comment", b"secret", b"behind", b"Exif", b"xmp"):
        assert said in data and said not in plain
    with Image.open(BytesIO(plain)) as image:
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"} and not image.getexif()
    assert without_metadata(plain) == plain


def test_what_cannot_be_followed_to_its_end_is_left_to_others() -> None:
    data = saved()
    assert without_metadata(b"\x89PNG") is None
    assert without_metadata(b"") is None
    assert without_metadata(data[:-2]) is None
    assert without_metadata(data[:300]) is None


@given(st.binary(max_size=200), st.integers(2, 600))
def test_hostile_bytes_raise_nothing(junk: bytes, at: int) -> None:
    data = saved()
    for hostile in (b"\xff\xd8" + junk, data[:at] + junk + data[at:]):
        plain = without_metadata(hostile)
        assert plain is None or (plain[:2], plain[-2:]) == (b"\xff\xd8", b"\xff\xd9")


def test_a_turned_photograph_is_kept_upright_and_silent(jpeg: Jpeg) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = BytesIO()
    Image.open(BytesIO(jpeg(1))).save(buffer, "JPEG", exif=exif)
    picture = images.decode(buffer.getvalue())
    kept, suffix = hashes.stored(buffer.getvalue(), picture)
    assert (suffix, picture.orientation, picture.image.size) == (".png", 6, (120, 96))
    assert images.decode(kept).pixel_id == picture.pixel_id


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not here")
def test_real_camera_files_keep_their_pixels_and_no_gps() -> None:
    count = 0
    for file in sorted(CASES.rglob("*.jp*g")):
        data = file.read_bytes()
        try:
            picture = images.decode(data)
        except images.UndecodableError:
            continue
        kept, _ = hashes.stored(data, picture)
        assert images.decode(kept).pixel_id == picture.pixel_id
        assert b"Exif" not in kept[:4096] and b"GPS" not in kept[:4096]
        count += 1
    assert count >= 20
