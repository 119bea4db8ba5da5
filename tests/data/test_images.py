"""The decoding gateway: whatever the bytes, a picture or an exact reason, and nothing of EXIF survives."""

import re
import subprocess
import sys
import tarfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from scgan_data import images
from scgan_data.hashes import DecodeConfig
from scgan_data.images import UndecodableError
from scgan_data.records import Reason

CASES = Path(__file__).parents[3] / "shared" / "cases"
RAW = b"II*\0\x10\0\0\0CR\2\0" + bytes(6)
ORIENTATION, GPS_IFD = 0x0112, 0x8825


def gradient(width: int = 60, height: int = 40) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 4 % 256, y * 6 % 256, (x + y) % 256], -1).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reason_of(data: bytes, **limits) -> Reason:
    with pytest.raises(UndecodableError) as caught:
        images.decode(data, **limits)
    return caught.value.reason


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_give_equal_pixels_and_ids(kind: str) -> None:
    picture = images.decode(encoded(gradient(), kind))
    assert picture.format == kind
    assert picture.pixel_id == images.decode(images.encode_png(gradient())).pixel_id


def test_what_is_no_picture_says_why() -> None:
    whole = encoded(gradient(), "JPEG", quality=90)
    assert reason_of(b"<html>not a picture</html>") is Reason.NOT_AN_IMAGE
    assert reason_of(b"") is Reason.NOT_AN_IMAGE
    assert reason_of(encoded(gradient(), "PPM")) is Reason.NOT_AN_IMAGE  # not on the list
    assert reason_of(whole[: len(whole) // 2]) is Reason.TRUNCATED
    assert reason_of(whole, max_bytes=100) is Reason.TOO_MANY_BYTES
    assert reason_of(whole, max_pixels=100) is Reason.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file (0 bytes)"),
        (b"\0\0\0\x20ftypheic\0\0\0\0mif1heic" + bytes(900), "HEIC, as phones save photographs: convert it to JPEG"),
        (b"\0\0\0\x20ftypisom\0\0\0\0isomavc1" + bytes(900), "a video: name it as a source of its own"),
        (b"\n<!DOCTYPE html><html>", "a web page (HTML)"),
        (b"%PDF-1.4", "a PDF"),
        (RAW, "a camera's raw file"),
        (b"hello", "no picture of an allowed format"),
    ],
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # as outside pytest, which sets filters of its own
def test_what_is_no_picture_is_named(data: bytes, words: str) -> None:
    with pytest.raises(UndecodableError, match=re.escape(words)) as caught:
        images.decode(data)
    assert caught.value.reason is Reason.NOT_AN_IMAGE


def test_a_damaged_file_prints_nothing_of_pillow_s() -> None:
    code = f"from scgan_data import images\ntry: images.decode({RAW!r})\nexcept images.UndecodableError: print('ok')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_a_decompression_bomb_is_refused_before_its_pixels_are_unpacked() -> None:
    bomb = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    bomb[16:24] = (100_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    assert reason_of(bytes(bomb)) is Reason.TOO_MANY_PIXELS
    assert DecodeConfig(max_pixels=images.MOST_PIXELS)
    with pytest.raises(
        ValidationError, match=f"less than or equal to {images.MOST_PIXELS}"
    ):  # Pillow would refuse it all the same
        DecodeConfig(max_pixels=images.MOST_PIXELS + 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_exif_dropped(orientation: int) -> None:
    turned = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    inverse = {None: None, 0: 0, 3: 3, 1: 1, 5: 5, 2: 4, 6: 6, 4: 2}[turned]
    source = gradient() if inverse is None else gradient().transpose(Image.Transpose(turned))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[GPS_IFD] = {1: "N", 2: (48.0, 51.0, 30.0)}
    stored = source if turned is None else gradient().transpose(Image.Transpose(inverse))
    picture = images.decode(encoded(stored, "PNG", exif=exif))
    kept = images.encode_png(picture.image)
    with Image.open(BytesIO(kept)) as back:
        assert not back.getexif() and not back.info
    assert picture.image.size in (gradient().size, gradient().size[::-1])


def test_transparency_is_laid_on_white_and_16_bits_are_scaled() -> None:
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert images.decode(encoded(clear, "PNG")).image.getpixel((0, 0)) == (255, 255, 255)
    wide = Image.fromarray(np.full((4, 4), 32896, np.uint16))
    assert images.decode(encoded(wide, "PNG")).image.getpixel((0, 0)) == (128, 128, 128)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_never_escapes_as_another_exception(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"]))
    damaged = bytearray(encoded(gradient(16, 16), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = images.decode(bytes(damaged))
    except UndecodableError as error:
        assert error.reason in Reason
    else:
        assert picture.image.mode == "RGB"


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent: real damaged files to measure on")
def test_real_damaged_files_decode_or_say_why() -> None:
    verdicts = []
    with tarfile.open(CASES / "faults" / "png_fuzz.tar") as archive:
        for member in archive:
            if member.isfile():
                data = archive.extractfile(member).read()
                try:
                    verdicts.append(images.decode(data).format)
                except UndecodableError as error:
                    verdicts.append(error.reason)
    assert len(verdicts) == 450 and Reason.BROKEN in verdicts


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent: real files in nine orientations")
def test_nine_orientations_are_one_picture() -> None:
    for shape in ("Landscape", "Portrait"):
        files = sorted((CASES / "faults" / "exif_orientation").rglob(f"*{shape}*")) or sorted(
            (CASES / "faults" / "exif_orientation").rglob(f"*{shape.lower()}*")
        )
        assert len(files) == 9
        thumbs = [np.asarray(images.load(f).resize((32, 32)), float) for f in files]
        assert max(np.abs(t - thumbs[0]).mean() for t in thumbs) < 4
