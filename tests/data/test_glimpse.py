"""The stored thumbnail: small, the same every time, true to the picture's colours, and no text breaks its reading."""

import base64

import numpy as np
import pytest
from PIL import Image
from skimage import data

from scgan_data import glimpse, images


def test_a_thumbnail_keeps_the_colours() -> None:
    picture = Image.fromarray(data.coffee())
    text = glimpse.pack(picture)
    small = glimpse.unpack(text)
    assert text == glimpse.pack(picture.copy()) and text.isascii() and len(text) < 1200
    assert small is not None and small.size == (glimpse.SIDE, glimpse.SIDE) and small.mode == "RGB"
    asked = np.asarray(picture.resize(small.size, Image.Resampling.BOX), np.int16)
    assert np.abs(np.asarray(small, np.int16) - asked).mean() < 8


@pytest.mark.parametrize("size", [(1, 1), (7, 900), (2000, 30)])
def test_every_size_has_one(size: tuple[int, int]) -> None:
    found = glimpse.unpack(glimpse.pack(Image.new("RGB", size, "orange")))
    assert found is not None and np.abs(np.asarray(found, np.int16) - (255, 165, 0)).max() < 8


def test_noise_stays_within_the_limit() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (glimpse.SIDE, glimpse.SIDE, 3), np.uint8)
    assert len(base64.b64decode(glimpse.pack(Image.fromarray(noise)))) < glimpse.MAX_BYTES / 2
    assert glimpse.unpack(glimpse.pack(Image.fromarray(noise))) is not None


def test_what_is_no_thumbnail_is_none() -> None:
    other = base64.b64encode(images.encode_png(Image.new("RGB", (16, 16)))).decode()
    larger = base64.b64encode(images.encode_png(Image.new("RGB", (64, 64)))).decode()
    for text in ("", "é", "not base64!", "AAAA", other, larger, glimpse.pack(Image.new("RGB", (9, 9)))[:40]):
        assert glimpse.unpack(text) is None
