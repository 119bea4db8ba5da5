"""The batches that the watermark detector is trained on: windows of clean pictures, each clean and under a mark.

Pairs learn several times faster than independent pictures: all that differs is the mark. A bank of pictures and one of
marks are drawn once; every batch lays marks in new colours and opacities, and publishes both halves of a pair alike
(resampled, compressed, or neither). Batch k is a function of the banks and k. Needs no torch, so that the processes
that draw start quickly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.watermark_marks import Coverage, draw_mark
from pipelines.watermark_pictures import draw_clean, jpeg

SEED = 20240607
PICTURE_PX, CROP_PX, PAIRS = 208, 144, 12
STRIDE_PX = 8
"""Side of the cells, the network's stride."""
RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class Banks:
    """(n, 208, 208, 3) clean pictures and (n, 144, 144, 2) marks."""

    pictures: RGB
    marks: Coverage


@dataclass(frozen=True)
class Batch:
    """(24, 144, 144, 3) pictures and the (24, 18, 18) cells that a mark touches."""

    images: RGB
    cells: NDArray[np.bool_]


def draw_banks(count: int) -> Banks:
    """Clean pictures and marks, drawn by two processes; the same whatever their number."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        pictures = list(pool.map(partial(draw_one, "picture"), range(count), chunksize=20))
        marks = list(pool.map(partial(draw_one, "mark"), range(count), chunksize=20))
    return Banks(np.stack(pictures), np.stack(marks))


def draw_one(kind: Literal["picture", "mark"], index: int) -> NDArray[np.uint8]:
    """An entry of a bank, a function of its index."""
    if kind == "picture":
        return draw_clean(np.random.default_rng([SEED, 1, index]), PICTURE_PX)
    return draw_mark(np.random.default_rng([SEED, 2, index]), CROP_PX)


def batches(steps: int, banks: Banks) -> Iterator[Batch]:
    """One batch a step, drawn ahead by another process; batch k depends on k alone."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_keep, initargs=(banks,)) as pool:
        waiting = deque(pool.submit(_next, k, steps) for k in range(min(4, steps)))
        for k in range(steps):
            if k + 4 < steps:
                waiting.append(pool.submit(_next, k + 4, steps))
            yield waiting.popleft().result()


def _keep(banks: Banks) -> None:
    _kept.append(banks)


_kept: list[Banks] = []


def _next(step: int, steps: int) -> Batch:
    ease = max(0.0, 1 - step / (0.25 * steps))
    return draw_batch(np.random.default_rng([SEED, 3, step]), _kept[-1], ease)


def draw_batch(rng: np.random.Generator, banks: Banks, ease: float = 0.0) -> Batch:
    """Pairs: a window of a picture clean, and the same under a mark. `ease` 1 to 0 lifts the least opacity."""
    images, cells = [], []
    for _ in range(PAIRS):
        picture, mark = (bank[rng.integers(len(bank))] for bank in (banks.pictures, banks.marks))
        y, x = rng.integers(0, PICTURE_PX - CROP_PX + 1, 2)
        image = picture[y : y + CROP_PX, x : x + CROP_PX]
        image = image[:, ::-1] if rng.random() < 0.5 else image
        image = image[..., rng.permutation(3)] if rng.random() < 0.2 else image
        fate = int(rng.integers(2**32))
        for under in (image, lay(rng, image, mark, ease)):
            images.append(published(np.random.default_rng(fate), under))
        side = CROP_PX // STRIDE_PX
        touched = (mark[..., 0] > 64).reshape(side, STRIDE_PX, side, STRIDE_PX).any(axis=(1, 3))
        cells += [np.zeros_like(touched), touched]
    return Batch(np.stack(images), np.stack(cells))


def lay(rng: np.random.Generator, image: RGB, mark: Coverage, ease: float = 0.0) -> RGB:
    """The picture under the mark in a random colour and opacity, visible but mostly see-through."""
    if not mark.any():
        return image
    least = 0.15 + 0.5 * ease
    glyphs = mark[..., :1] / np.float32(255)
    second = mark[..., 1:] / np.float32(255)
    colour, opacity = _ink(rng), float(rng.uniform(least, 0.7 if rng.random() < 0.6 else 1.0))
    under = image.astype(np.float32)
    inked = mark[..., 0] > 128
    step = np.abs(colour - under[inked]).mean() * opacity if inked.any() else 255.0
    if step < 14:  # invisible: the other end of the scale
        colour = np.full(3, 255.0 if under[inked].mean() < 128 else 0.0, np.float32)
        opacity = max(opacity, 0.3)
    over = under + (colour - under) * (glyphs * opacity)
    over += ((255 - colour) - over) * (second * opacity * float(rng.uniform(0.3, 1)))
    return np.clip(over, 0, 255).astype(np.uint8)


def _ink(rng: np.random.Generator) -> NDArray[np.float32]:
    pick = rng.random()
    if pick < 0.5:
        return np.full(3, rng.uniform(225, 256), np.float32)
    if pick < 0.7:
        return np.full(3, rng.uniform(0, 40), np.float32)
    return (np.full(3, rng.uniform(60, 200)) if pick < 0.8 else rng.uniform(0, 256, 3)).astype(np.float32)


def published(rng: np.random.Generator, image: RGB) -> RGB:
    """What happens to marked and clean pictures alike on their way: resampled, compressed, or neither."""
    out = Image.fromarray(image)
    if rng.random() < 0.25:
        side = int(CROP_PX * rng.uniform(0.6, 0.95))
        out = out.resize((side, side), Image.Resampling.BICUBIC).resize(out.size, Image.Resampling.BICUBIC)
    if rng.random() < 0.65:
        out = jpeg(out, int(rng.integers(55, 97)))
    return np.asarray(out)
