"""What the first network takes for faces in the bank's scenes, which hold none: the second network learns from these.

Windows cut at random taught it little (it found faces in what the first network had found faces in: buttons in a row
on a body, dials, rings with pieces out); those that it was shown then are the hard ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d, pad

from pipelines.drawn_bank import open_bank
from scgan_data.faces.drawn_net import BOX, DEEPEST, HEAT, SIZE, STRIDE, UNIT_PX, FaceNet

SCALES, CHUNK, LEAST, MOST = (1.0, 0.6), 16, 0.12, 4
"""Sizes that scenes are looked at in, so many at once; the score that makes a doubt, and at most so many a look."""


def find_doubts(net: FaceNet, bank: Path, out: Path) -> Path:
    """The file `out`, written unless it is there: (n, 4) scene, x and y of the middle, size, pixels of the scene."""
    if not out.is_file():
        found = np.concatenate([[np.zeros(4)], *_doubts(net.fused(), open_bank(bank).scenes)])[1:]
        np.save(out, found.astype(np.float32))
    return out


@torch.inference_mode()
def _doubts(net: FaceNet, scenes: NDArray[np.uint8]) -> Iterator[NDArray[np.float64]]:
    for first in range(0, len(scenes), CHUNK):
        x = torch.from_numpy(np.array(scenes[first : first + CHUNK])).permute(0, 3, 1, 2).float() / 127.5 - 1
        for scale in SCALES:
            small = x if scale == 1 else interpolate(x, scale_factor=scale, mode="bilinear", antialias=True)
            side = -(-small.shape[-1] // DEEPEST) * DEEPEST
            cells = net(pad(small, (0, side - small.shape[-1], 0, side - small.shape[-1])))
            for k, cell in enumerate(cells):
                yield np.array([(first + k, *(v / scale for v in doubt)) for doubt in _peaks(cell)]).reshape(-1, 4)


def _peaks(cells: Tensor) -> list[tuple[float, float, float]]:
    """The surest (31, h, w) cells' boxes: middle and size."""
    heat = cells[HEAT].sigmoid()
    peaks = ((heat > LEAST) & (heat == max_pool2d(heat[None, None], 3, 1, 1)[0, 0])).nonzero().tolist()
    found = []
    for row, column in sorted(peaks, key=lambda at: -float(heat[at[0], at[1]]))[:MOST]:
        unit = UNIT_PX * float(cells[SIZE, row, column].clamp(-5, 5).exp())
        x0, y0, x1, y1 = (float(v) * unit for v in cells[BOX, row, column])
        size = float(np.sqrt(max(1.0, (x1 - x0) * (y1 - y0))))
        found.append(((column + 0.5) * STRIDE + (x0 + x1) / 2, (row + 0.5) * STRIDE + (y0 + y1) / 2, size))
    return found
