"""The batches that the watermark detector is trained on: windows of clean pictures, each clean and under a mark.

Pairs learn several times faster than independent pictures: all that differs is the mark. A bank of pictures is drawn
once and kept on disk; every batch draws marks of its own, lays them, and publishes both halves of a pair alike
(resampled, compressed, or neither). Batch k is a function of the bank and k, so a run that was killed, or is to go
further, goes on at the same batches. Needs no torch, so that the processes that draw start quickly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.ahead import ahead
from pipelines.watermark_marks import RGB, Coverage, draw_mark, lay
from pipelines.watermark_pictures import draw_clean, jpeg
from scgan_data import workers
from scgan_data.files import write_bytes

SEED = 20240607
PICTURE_PX, CROP_PX, PAIRS = 208, 144, 8
STRIDE_PX = 8
"""Side of the cells, the network's stride."""
EASY_STEPS = 600
"""Over the first so many steps the least opacity falls from .65 to .15."""
AHEAD = 6
SMALL_PX = (56, 120)
"""A small picture has so few pixels when the mark is laid, and is then enlarged: what the detector sees of a picture of
64 px, in which a mark's strokes are thinner than a pixel."""
_CLEAN = ("scenes", "toons", "walls", "things", "people", "pictures", "clutter", "heaps", "painted")
_ANIME = ("hair", "anime", "anime_head", "anime_face")
_DRAWING = (
    *(f"watermark_{name}" for name in ("fonts", "glyphs", "marks", *_CLEAN, *_ANIME)),
    *(f"drawn_{name}" for name in ("pen", "parts", "noses", "hair", "body", "looks", "heads", "living", "things")),
)
"""The modules that decide what the bank holds."""


@dataclass(frozen=True)
class Batch:
    """(16, 144, 144, 3) pictures and the (16, 18, 18) cells that a mark touches."""

    images: RGB
    cells: NDArray[np.bool_]


class Mix(NamedTuple):
    """What a network is trained on."""

    small: float
    """The share of pairs whose picture is small."""
    close: float
    """The share of the bank that is close faces, drawn ones, over what `draw_clean` takes anyway."""


MIXES = {"large": Mix(small=0.25, close=0.0), "small": Mix(small=1.0, close=0.5)}
"""Of the network that looks at every picture, and of the one that looks at small pictures beside it."""


def sources_hash(names: tuple[str, ...] = (*_DRAWING, "watermark_batches")) -> str:
    """What the drawn data depend on: a bank or checkpoint of other sources is not used."""
    here, digest = Path(__file__).parent, hashlib.sha256(repr((SEED, PICTURE_PX)).encode())
    for name in names:
        digest.update((here / f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]


def draw_bank(folder: Path, count: int, *, close: float = 0.0, selfies: bool = False) -> Path:
    """The file of (n, 208, 208, 3) clean pictures, drawn by two processes unless it is there; equal for equal sources.

    Raises WeightsError where a font or the sample cannot be had.
    """
    kind = f"-close-{close}" * (close > 0) + "-selfies" * selfies
    file = folder / f"pictures-{sources_hash(_DRAWING)}-{count}{kind}.npy"
    if not file.is_file():
        with workers.pool(2) as pool:
            drawn = pool.map(partial(draw_picture, close=close, selfies=selfies), range(count), chunksize=20)
            bank = np.stack(list(drawn))
        buffer = BytesIO()
        np.save(buffer, bank)
        write_bytes(file, buffer.getvalue())
    return file


def draw_picture(index: int, *, close: float = 0.0, selfies: bool = False) -> RGB:
    """An entry of the bank, a function of its index."""
    return draw_clean(np.random.default_rng([SEED, 1, index]), PICTURE_PX, close=close, selfies=selfies)


def batches(bank: Path, small: float, steps: int, *, start: int = 0) -> Iterator[Batch]:
    """Batches `start` to `steps`, a share of them of small pictures, drawn ahead by another process."""
    return ahead(partial(_next, bank, small), start, steps, count=AHEAD)


@cache
def _opened(bank: Path) -> RGB:
    return np.asarray(np.load(bank, mmap_mode="r"))


def _next(bank: Path, small: float, step: int) -> Batch:
    return draw_batch(np.random.default_rng([SEED, 3, step]), _opened(bank), small, max(0.0, 1 - step / EASY_STEPS))


def draw_batch(rng: np.random.Generator, bank: RGB, small: float, ease: float = 0.0) -> Batch:
    """Pairs: a window of a picture clean, and the same under a mark. `ease` 1 to 0 lifts the least opacity."""
    images, cells = [], []
    for _ in range(PAIRS):
        image, mark = _window(rng, bank), draw_mark(rng, CROP_PX)
        laid, least = CROP_PX, ease
        if rng.random() < small:
            laid, least = int(rng.integers(*SMALL_PX)), max(ease, 0.25)  # fainter than .25 nobody sees there
            image = _resized(bank[rng.integers(len(bank))], laid)
        fate = int(rng.integers(2**32))
        for under in (image, lay(rng, image, _thinner(mark, laid), least)):
            images.append(_resized(published(np.random.default_rng(fate), under), CROP_PX))
        side = CROP_PX // STRIDE_PX
        touched = (mark.max(2) > 64).reshape(side, STRIDE_PX, side, STRIDE_PX).any(axis=(1, 3))
        cells += [np.zeros_like(touched), touched]
    return Batch(np.stack(images), np.stack(cells))


def _resized(image: RGB, side: int) -> RGB:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))


def _thinner(mark: Coverage, side: int) -> Coverage:
    """A mark for a picture of fewer pixels; a font's strokes keep a little more ink than an average would leave."""
    if side == len(mark):
        return mark
    planes = (Image.fromarray(np.ascontiguousarray(mark[..., k])) for k in range(2))
    reduced = np.dstack([np.asarray(plane.resize((side, side), Image.Resampling.BOX)) for plane in planes])
    return np.minimum(255, reduced * 1.25).astype(np.uint8)


def _window(rng: np.random.Generator, bank: RGB) -> RGB:
    """A window of a picture, or a whole one reduced; mirrored, its channels exchanged now and then."""
    picture = bank[rng.integers(len(bank))]
    if rng.random() < 0.3:
        image = _resized(picture, CROP_PX)
    else:
        y, x = rng.integers(0, PICTURE_PX - CROP_PX + 1, 2)
        image = picture[y : y + CROP_PX, x : x + CROP_PX]
    image = image[:, ::-1] if rng.random() < 0.25 else image  # rarely: text printed in scenes must stay legible
    return image[..., rng.permutation(3)] if rng.random() < 0.2 else image


def published(rng: np.random.Generator, image: RGB) -> RGB:
    """What happens to marked and clean pictures alike on their way: resampled, compressed, or neither."""
    out = Image.fromarray(image)
    if rng.random() < 0.3:
        side = int(out.width * rng.uniform(0.6, 0.95))
        out = out.resize((side, side), Image.Resampling.BICUBIC).resize(out.size, Image.Resampling.BICUBIC)
    if rng.random() < 0.65:
        out = jpeg(out, int(rng.integers(50, 97)))
    return np.asarray(out)
