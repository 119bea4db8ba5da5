"""The batches of the second network: windows of faces and of pictures without one, as the detector may leave them.

A face is off the middle and off its size by what the detector errs; colour, contrast, sharpness and noise vary. Windows
without a face are cut from the bank's scenes, in all sizes and turns: the second network is asked whether there is one
at all. Batch k is a function of the banks and k. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from pipelines.ahead import ahead
from pipelines.drawn_bank import SEED, Bank, open_bank
from pipelines.drawn_samples import GRAY
from pipelines.drawn_windows import Windows, open_windows
from pipelines.watermark_pictures import jpeg

FACES, EMPTY, CROP_PX, AROUND = 20, 8, 96, 1.5
"""Faces and windows without one of a batch, their sides, and in sizes of the face what they show."""
DOUBTS = 0.8
"""The share of doubts in what is empty."""
AHEAD = 8
_U8 = NDArray[np.uint8]
_F32 = NDArray[np.float32]
_Real = NDArray[np.floating[Any]]
_Row = tuple[_U8, _Real, _Real, _Real, _Real]


@dataclass(frozen=True)
class Crops:
    """(28, 96, 96, 3) windows, and of each the places of `PartsNet`, which of them count, and what is visible."""

    images: _U8
    places: _F32
    """(28, 26)."""
    weights: _F32
    """(28, 26)."""
    visible: _F32
    """(28, 4): the regions, and whether there is a face."""
    visible_weights: _F32
    """(28, 4)."""


Sources = tuple[Path, Path, Path | None]
"""The bank, its windows, and its doubts (`drawn_doubts`) once there are such."""


def crops(sources: Sources, steps: int, *, start: int = 0) -> Iterator[Crops]:
    """Batches `start` to `steps`, drawn ahead by another process."""
    return ahead(partial(_next, sources), start, steps, count=AHEAD)


@cache
def _opened(sources: Sources) -> tuple[Bank, Windows, _F32 | None]:
    bank, windows, doubts = sources
    return open_bank(bank), open_windows(windows), None if doubts is None else np.load(doubts)


def _next(sources: Sources, step: int) -> Crops:
    return draw_crops(step, *_opened(sources))


def draw_crops(step: int, bank: Bank, windows: Windows, doubts: _F32 | None = None) -> Crops:
    """The batch of that step; with doubts, most of the empty windows are such."""
    rng = np.random.default_rng([SEED, 4 if doubts is None else 6, step])
    rows: list[_Row] = [_face(rng, windows, int(rng.integers(len(windows.truth)))) for _ in range(FACES)]
    rows += [(_empty(rng, bank, doubts), np.zeros(26), np.zeros(26), np.zeros(4), np.eye(4)[3]) for _ in range(EMPTY)]
    images, *columns = (np.stack(column) for column in zip(*rows, strict=True))
    return Crops(images, *(column.astype(np.float32) for column in columns))


def _face(rng: np.random.Generator, windows: Windows, index: int) -> _Row:
    """A face about the middle and about as large as it will be shown; mirrored half of the times."""
    box, places, weights, visible, known = np.split(windows.truth[index], (4, 30, 56, 59))
    size = float(np.sqrt(np.prod(box[2:] - box[:2])))
    reach = AROUND / 2 * size * float(np.exp(rng.normal(0, 0.1)))
    centre = (box[:2] + box[2:]) / 2 + rng.normal(0, 0.07, 2) * size
    shown = cut(windows.images[index], centre - reach, 2 * reach)
    places = (places.reshape(13, 2) - centre) / reach
    if rng.random() < 0.5:
        shown, places = ImageOps.mirror(shown), mirrored(places)
    return _treated(rng, shown), places.ravel(), weights, np.append(visible, 1), np.append(known, 1)


def cut(image: _U8, corner: NDArray[np.floating], side: float) -> Image.Image:
    """A square of a picture in the size of crops; gray beyond its border."""
    scale = side / CROP_PX
    method = Image.Resampling.BILINEAR if scale > 0.7 else Image.Resampling.BICUBIC
    coefficients = (scale, 0, float(corner[0]), 0, scale, float(corner[1]))
    source = Image.fromarray(np.ascontiguousarray(image))
    return source.transform((CROP_PX, CROP_PX), Image.Transform.AFFINE, coefficients, method, fillcolor=(GRAY,) * 3)


def mirrored(places: _Real) -> _Real:
    """Places (13, 2) of the mirrored window."""
    other = places[[0, 1, 3, 2, 4, 6, 5, *range(7, 13)]] * np.array([-1, 1])
    for corner in (0, 7, 9, 11):
        other[[corner, corner + 1], 0] = other[[corner + 1, corner], 0]
    return np.asarray(other)


def _empty(rng: np.random.Generator, bank: Bank, doubts: _F32 | None) -> _U8:
    """A window of a scene, mostly of several the one that shows most; turned, its channels exchanged now and then."""
    if doubts is not None and len(doubts) and rng.random() < DOUBTS:
        index, x, y, size = doubts[rng.integers(len(doubts))]
        reach = AROUND / 2 * size * float(np.exp(rng.normal(0, 0.15)))
        middle = np.array([x, y]) + rng.normal(0, 0.1, 2) * size
        return _varied(rng, cut(bank.scenes[int(index)], middle - reach, 2 * reach))
    scene = bank.scenes[rng.integers(len(bank.scenes))]
    places = [_place(rng, len(scene)) for _ in range(1 if rng.random() < 0.25 else 4)]
    x, y, side = max(places, key=lambda p: float(scene[max(0, p[1]) : p[1] + p[2], max(0, p[0]) : p[0] + p[2]].std()))
    return _varied(rng, cut(scene, np.array([x, y]), side))


def _varied(rng: np.random.Generator, image: Image.Image) -> _U8:
    if rng.random() < 0.6:
        image = image.transpose(Image.Transpose(int(rng.integers(7))))
    if rng.random() < 0.3:
        image = Image.fromarray(np.asarray(image)[..., rng.permutation(3)])
    return _treated(rng, image)


def _place(rng: np.random.Generator, scene_px: int) -> tuple[int, int, int]:
    """Corner and side of a square that lies mostly within a scene."""
    side = int(np.exp(rng.uniform(np.log(32), np.log(scene_px * 1.15))))
    x, y = (int(v) for v in rng.integers(-side // 6, scene_px - side + side // 6 + 1, 2))
    return x, y, side


def _treated(rng: np.random.Generator, image: Image.Image) -> _U8:
    """Gray, other contrast, inverted, blurred, reduced, compressed or noisy: alike for faces and none."""
    pick = rng.random()
    if pick < 0.12:
        image = image.convert("L").convert("RGB")
    elif pick < 0.22:
        image = Image.fromarray(np.asarray(image)[..., rng.permutation(3)])
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.3))))
    elif rng.random() < 0.15:
        side = int(CROP_PX * rng.uniform(0.35, 0.8))
        image = image.resize((side, side), Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)
    if rng.random() < 0.15:
        image = jpeg(image, int(rng.integers(30, 90)))
    pixels = np.asarray(image)
    if rng.random() < 0.4:
        x = (pixels.astype(np.float32) / 255 - 0.5) * rng.uniform(0.5, 1.7) + 0.5 + rng.uniform(-0.15, 0.15, 3)
        pixels = (np.clip(x + rng.normal(0, rng.uniform(0, 0.03), x.shape), 0, 1) * 255).astype(np.uint8)
    return pixels
