"""The reduction behind exact hashes: Pillow's own, bit for bit, for any size, any pixels and either order of passes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scgan_data import lanczos_kernels

SIZES = [(256, 256), (257, 300), (904, 1107), (1107, 904), (3000, 260), (600, 1080), (600, 1200), (300, 900), (40, 70)]


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)


def extremes(width: int, height: int) -> NDArray[np.uint8]:
    """Black and white at random: sums leave 0 to 255 and are clipped."""
    return noise(width, height) // 128 * 255


def stripes(width: int, height: int) -> NDArray[np.uint8]:
    return np.tile((np.arange(width) // 17 % 2 * 255).astype(np.uint8), (height, 1))


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("pixels", [noise, extremes, stripes])
def test_it_is_pillows(pixels: object, size: tuple[int, int]) -> None:
    assert callable(pixels)
    luma = Image.fromarray(pixels(*size))
    assert lanczos_kernels.reduced(luma, 32) == luma.resize((32, 32), Image.Resampling.LANCZOS)


def test_it_is_pillows_at_any_size() -> None:
    rng = np.random.default_rng(1)
    for _ in range(150):
        width = int(rng.integers(200, 1500))
        luma = Image.fromarray(noise(width, int(width * rng.uniform(0.2, 2.2))))
        assert lanczos_kernels.reduced(luma, 32) == luma.resize((32, 32), Image.Resampling.LANCZOS), luma.size


def test_a_photograph_never_waits_for_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    luma = Image.fromarray(noise(904, 1107))
    monkeypatch.delattr(Image.Image, "resize")
    assert lanczos_kernels.reduced(luma, 32).size == (32, 32)
