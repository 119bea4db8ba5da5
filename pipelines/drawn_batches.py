"""The batches that the detector of drawn faces is trained on: samples and what the network should say of each cell.

Batch k is a function of the bank and k, so a run that was killed goes on at the same batches; the next ones are drawn
by another process. Needs no torch, so that the process that draws starts quickly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.ahead import ahead
from pipelines.drawn_bank import SEED, Bank, open_bank
from pipelines.drawn_crops import mirrored
from pipelines.drawn_laying import SAMPLE_PX, Laid
from pipelines.drawn_samples import draw_sample

BATCH, CELLS, STRIDE_PX = 16, SAMPLE_PX // 8, 8
AHEAD = 8
RENDERED = 4800
"""How many batches are drawn anew: with longer training they are shown again, every second time mirrored."""
LENGTHS = 1 + 4 + 10 + 12
"""Log size, box, points, regions: the network's channels 1 to 27."""


@dataclass(frozen=True)
class Batch:
    """(16, 192, 192, 3) pictures and the truth of (24, 24) cells."""

    images: NDArray[np.uint8]
    heat: NDArray[np.float32]
    """(16, 24, 24): 1 at a centre, falling off around it."""
    counted: NDArray[np.float32]
    """(16, 24, 24): 0 where a face is that is neither taught nor held to be none."""
    lengths: NDArray[np.float32]
    """(16, 27, 24, 24), 0 where unknown."""
    weights: NDArray[np.float32]
    """(16, 27, 24, 24): how much each length counts."""
    visible: NDArray[np.float32]
    """(16, 3, 24, 24)."""
    visible_weights: NDArray[np.float32]
    """(16, 3, 24, 24)."""


def batches(bank: Path, steps: int, *, start: int = 0) -> Iterator[Batch]:
    """Batches `start` to `steps`, drawn ahead by another process."""
    return ahead(partial(_next, bank), start, steps, count=AHEAD)


@cache
def _opened(folder: Path) -> Bank:
    return open_bank(folder)


def _next(bank: Path, step: int) -> Batch:
    return draw_batch(step, _opened(bank))


def draw_batch(step: int, bank: Bank) -> Batch:
    """The batch of that step."""
    again, drawn = divmod(step, RENDERED)
    samples = [draw_sample(np.random.default_rng([SEED, 3, drawn, k]), bank) for k in range(BATCH)]
    cells = [_cells(sample.faces) for sample in samples]
    columns = [np.stack(column) for column in zip(*cells, strict=True)]
    batch = Batch(np.stack([sample.image for sample in samples]), *columns)
    return mirror(batch) if again % 2 else batch


def mirror(batch: Batch) -> Batch:
    """The same pictures as a mirror shows them: the right eye's place becomes the left one's."""
    said = mirrored(np.arange(1.0, LENGTHS).reshape(13, 2)).ravel()
    order, sign = np.append(0, np.abs(said)).astype(int), np.append(1, np.sign(said)).astype(np.float32)
    lengths = batch.lengths[:, order, :, ::-1] * sign[:, None, None]
    flat = (value[..., ::-1] for value in (batch.heat, batch.counted))
    seen = (value[..., ::-1] for value in (batch.visible, batch.visible_weights))
    parts = (batch.images[:, :, ::-1], *flat, lengths, batch.weights[:, order, :, ::-1], *seen)
    return Batch(*(np.ascontiguousarray(part) for part in parts))


def _cells(faces: list[Laid]) -> tuple[NDArray[np.float32], ...]:
    """What a picture's cells should say: the fields of `Batch` after the images."""
    grid = (CELLS, CELLS)
    heat, counted = np.zeros(grid, np.float32), np.ones(grid, np.float32)
    lengths, weights = np.zeros((LENGTHS, *grid), np.float32), np.zeros((LENGTHS, *grid), np.float32)
    visible, visible_weights = np.zeros((3, *grid), np.float32), np.zeros((3, *grid), np.float32)
    centres = (np.arange(CELLS, dtype=np.float32) + 0.5) * STRIDE_PX
    for face in sorted(faces, key=lambda f: f.taught):
        x0, y0, x1, y1 = face.box
        if not face.taught:
            inside = (centres[:, None] > y0 - 4) & (centres[:, None] < y1 + 4)
            counted[inside & (centres > x0 - 4) & (centres < x1 + 4)] = 0
            continue
        size = float(np.sqrt((x1 - x0) * (y1 - y0)))
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        spread = max(0.6 * STRIDE_PX, 0.09 * size)
        bump = np.exp(-((centres - cx) ** 2 + (centres[:, None] - cy) ** 2) / (2 * spread**2)).astype(np.float32)
        row, column = (int(np.clip(v // STRIDE_PX, 0, CELLS - 1)) for v in (cy, cx))
        bump[row, column] = 1.0
        best = bump > heat
        heat = np.maximum(heat, bump)
        counted[row, column] = 1.0
        near = best & (bump > 0.35)
        values, sure = _lengths(face, size)
        for y, x in zip(*np.nonzero(near), strict=True):
            here = np.array([centres[x], centres[y]], np.float32)
            lengths[:, y, x] = np.concatenate([[np.log(size / 32)], (values - np.tile(here, 13)) / size])
            weights[:, y, x] = sure * bump[y, x]
            visible[:, y, x] = face.visible
            visible_weights[:, y, x] = face.known * bump[y, x]
    lengths[weights == 0] = 0
    return heat, counted, lengths, weights, visible, visible_weights


def _lengths(face: Laid, size: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Box, points and regions in pixels, (26,), and the weight of the log size and each, (27,)."""
    values = np.concatenate([face.box, face.points.ravel(), face.regions.ravel()])
    points = 1.0 if face.known.all() else 0.3
    shown = np.repeat(face.visible & face.known, 4)
    sure = np.concatenate([np.ones(5), np.full(10, points), shown]).astype(np.float32)
    return np.nan_to_num(values), sure
