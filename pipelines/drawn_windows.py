"""Faces seen closely, with the truth about their parts: a bank on disk for the second network's training.

Cut from the detector's own samples they cost twice as much (only six samples in ten show a face of 48 px or more, and
smaller ones have no parts to speak of) and were less sharp; so they are rendered, few, and shown often.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.drawn_bank import SEED, Bank, open_bank
from pipelines.drawn_laying import SAMPLE_PX, Laid
from pipelines.drawn_samples import draw_close
from scgan_data import workers

TRUTH = 4 + 26 + 26 + 3 + 3
"""The face's box, places, their weights, what is visible, and whether that is known."""
_U8 = NDArray[np.uint8]
_F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Windows:
    """Read only as far as needed."""

    images: _U8
    """(n, 192, 192, 3)."""
    truth: _F32
    """(n, 62): boxes and places in pixels, and the rest of `TRUTH`."""


def draw_windows(bank: Path, out: Path, windows: int) -> Path:
    """The folder `out`, filled unless it is there, by two processes."""
    if not (out / "truth.npy").is_file():
        out.mkdir(parents=True, exist_ok=True)
        images = np.lib.format.open_memmap(out / "images.npy", "w+", np.uint8, (windows, SAMPLE_PX, SAMPLE_PX, 3))
        truth = np.zeros((windows, TRUTH), np.float32)
        with workers.pool(2) as pool:
            for k, (image, true) in enumerate(pool.map(partial(window_at, bank), range(windows), chunksize=20)):
                images[k], truth[k] = image, true
        images.flush()
        np.save(out / "truth.npy", truth)
    return out


def open_windows(folder: Path) -> Windows:
    """What `draw_windows` left."""
    return Windows(np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "truth.npy"))


@cache
def _opened(bank: Path) -> Bank:
    return open_bank(bank)


def window_at(bank: Path, index: int) -> tuple[_U8, _F32]:
    """An entry of the bank, a function of its index."""
    sample = draw_close(np.random.default_rng([SEED, 5, index]), _opened(bank))
    return sample.image, truth_of(sample.faces[0])


def truth_of(face: Laid) -> _F32:
    """A face's row of `Windows.truth`."""
    places = np.nan_to_num(np.concatenate([face.box, face.points.ravel(), face.regions.ravel()]))
    known = face.visible & face.known
    weights = np.concatenate([np.ones(4), np.full(10, 1.0 if face.known.all() else 0.3), np.repeat(known, 4)])
    return np.concatenate([face.box, places, weights, face.visible, face.known]).astype(np.float32)
