"""Faces seen closely, cut from the training's own samples, with the truth about their parts.

Batch k is a function of the bank and k; its samples are those that the detector is trained on, so that nothing more is
rendered for it. Needs no torch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.drawn_bank import SEED, Bank
from pipelines.drawn_batches import AHEAD, BATCH, _opened
from pipelines.drawn_samples import GRAY, Laid, draw_sample

CROPS, CROP_PX, AROUND = 32, 80, 1.6
"""Crops of a batch, their sides, and in sizes of the face what they show."""
LEAST_PX = 20
"""Smaller faces have no parts to speak of."""
_F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Crops:
    """(32, 80, 80, 3) faces, and of each the places of `PartsNet`, which of them are known, and what is visible."""

    images: NDArray[np.uint8]
    places: _F32
    """(32, 26)."""
    weights: _F32
    """(32, 26)."""
    visible: _F32
    """(32, 3)."""
    visible_weights: _F32
    """(32, 3)."""


def crops(bank: Path, steps: int, *, start: int = 0) -> Iterator[Crops]:
    """Batches `start` to `steps`, drawn ahead by another process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        waiting = deque(pool.submit(_next, bank, k) for k in range(start, min(start + AHEAD, steps)))
        for k in range(start, steps):
            if k + AHEAD < steps:
                waiting.append(pool.submit(_next, bank, k + AHEAD))
            yield waiting.popleft().result()


def _next(bank: Path, step: int) -> Crops:
    return draw_crops(step, _opened(bank))


def draw_crops(step: int, bank: Bank) -> Crops:
    """The batch of that step: faces of the detector's batch, as often as it takes."""
    rng = np.random.default_rng([SEED, 4, step])
    found: list[tuple[NDArray[np.uint8], Laid]] = []
    for k in range(BATCH):
        sample = draw_sample(np.random.default_rng([SEED, 3, step, k]), bank)
        found += [(sample.image, face) for face in sample.faces if face.taught and _size(face) >= LEAST_PX]
    chosen = [found[int(k) % len(found)] for k in rng.permutation(max(CROPS, len(found)))[:CROPS]]
    columns = zip(*(_crop(rng, image, face) for image, face in chosen), strict=True)
    return Crops(*(np.stack(column) for column in columns))


def _size(face: Laid) -> float:
    return float(np.sqrt(np.prod(face.box[2:] - face.box[:2])))


def _crop(
    rng: np.random.Generator, image: NDArray[np.uint8], face: Laid
) -> tuple[NDArray[np.uint8], _F32, _F32, _F32, _F32]:
    """A face about the middle and about as large as it will be shown, as the detector leaves it."""
    size = _size(face)
    reach = AROUND * size * np.exp(rng.normal(0, 0.1)) / 2
    centre = (face.box[:2] + face.box[2:]) / 2 + rng.normal(0, 0.07, 2) * size
    corner = centre - reach
    source = Image.fromarray(image)
    scale = 2 * reach / CROP_PX
    coefficients = (scale, 0, corner[0], 0, scale, corner[1])
    shape = (CROP_PX, CROP_PX)
    method = Image.Resampling.BICUBIC if scale < 1 else Image.Resampling.BILINEAR
    shown = source.transform(shape, Image.Transform.AFFINE, coefficients, method, fillcolor=(GRAY,) * 3)
    places = np.concatenate([face.box, face.points.ravel(), face.regions.ravel()]).reshape(13, 2)
    places = (places - centre) / reach
    known = face.visible & face.known
    points = 1.0 if face.known.all() else 0.3
    weights = np.concatenate([np.ones(4), np.full(10, points), np.repeat(known, 4)])
    f32 = np.float32
    flat = np.nan_to_num(places.ravel()).astype(f32)
    return np.asarray(shown), flat, weights.astype(f32), face.visible.astype(f32), face.known.astype(f32)
