"""The banks that samples are composed from: drawn heads with their truth, and pictures without a face.

Drawn once, by two processes, and kept on disk; every entry is a function of its index. A bank makes a sample cheap (a
head of a style takes 70 ms, one of our own 30), and turning, mirroring, recolouring and covering make of each many.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.drawn_heads import Sprite, draw_head
from pipelines.drawn_pen import SPRITE_PX, Points
from pipelines.drawn_scenes import SCENE_PX, draw_faceless
from pipelines.drawn_styles import STYLES, draw_style
from scgan_data import workers

SEED = 20261125
TURNS = 24
"""A part is kept as its farthest points in so many directions."""
TRUTH = 4 * TURNS + 5
"""Points of a head: the face's, eyes', nose's and mouth's, and the five; x is NaN for what is not to be seen."""
STYLED = 4
"""Each so many-th head is of a style."""
DRAWING = (
    "pen", "parts", "eyes", "anime", "noses", "hair", "body", "looks", "heads", "styles", "living", "things", "scenes",
    "bank",
)  # fmt: skip
"""The modules (`drawn_*`) that decide what a bank holds."""
_U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Sizes:
    """How many heads and scenes a bank holds."""

    heads: int = 6000
    scenes: int = 2400


@dataclass(frozen=True)
class Bank:
    """Opened banks, read only as far as needed."""

    heads: _U8
    """(n, 208, 208, 4)."""
    truth: NDArray[np.float32]
    """(n, TRUTH, 2), pixels of the head's picture."""
    known: NDArray[np.bool_]
    """(n, 3): whether the truth about a region is known."""
    scenes: _U8
    """(m, 208, 208, 3)."""


def sources_hash(names: tuple[str, ...] = DRAWING) -> str:
    """What the drawn data depend on: a bank or checkpoint of other sources is not used."""
    here, digest = Path(__file__).parent, hashlib.sha256(repr(SEED).encode())
    for name in names:
        digest.update((here / f"drawn_{name}.py").read_bytes())
    return digest.hexdigest()[:12]


def draw_bank(folder: Path, sizes: Sizes) -> Path:
    """The bank's folder, drawn unless it is there; equal for equal sources on one machine."""
    out = folder / f"bank-{sources_hash()}-{sizes.heads}-{sizes.scenes}"
    if not (out / "known.npy").is_file():
        out.mkdir(parents=True, exist_ok=True)
        with workers.pool(2) as pool:
            scenes = np.lib.format.open_memmap(
                out / "scenes.npy", "w+", np.uint8, (sizes.scenes, SCENE_PX, SCENE_PX, 3)
            )
            for k, scene in enumerate(pool.map(scene_at, range(sizes.scenes), chunksize=20)):
                scenes[k] = scene
            heads = np.lib.format.open_memmap(out / "heads.npy", "w+", np.uint8, (sizes.heads, SPRITE_PX, SPRITE_PX, 4))
            truth, known = np.zeros((sizes.heads, TRUTH, 2), np.float32), np.zeros((sizes.heads, 3), bool)
            for k, (rgba, points, sure) in enumerate(pool.map(head_at, range(sizes.heads), chunksize=20)):
                heads[k], truth[k], known[k] = rgba, points, sure
        heads.flush()
        scenes.flush()
        np.save(out / "truth.npy", truth)
        np.save(out / "known.npy", known)
    return out


def open_bank(folder: Path) -> Bank:
    """What `draw_bank` left."""
    arrays = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("heads", "truth", "known", "scenes"))
    return Bank(*arrays)


def scene_at(index: int) -> _U8:
    """A picture without a face."""
    return np.asarray(draw_faceless(np.random.default_rng([SEED, 1, index])))


def head_at(index: int) -> tuple[_U8, NDArray[np.float32], tuple[bool, bool, bool]]:
    """A head: its picture, its truth, and which regions' truth is known."""
    rng = np.random.default_rng([SEED, 2, index])
    sprite = draw_head(rng) if index % STYLED else draw_style(rng, STYLES[index // STYLED % len(STYLES)])
    return np.asarray(sprite.rgba), truth_of(sprite), sprite.known


def truth_of(sprite: Sprite) -> NDArray[np.float32]:
    """A sprite's points as the bank keeps them, (TRUTH, 2)."""
    parts = [_extremes(part) for part in (sprite.face, *sprite.regions)]
    return np.concatenate([*parts, sprite.points]).astype(np.float32)


def _extremes(points: Points | None) -> Points:
    if points is None:
        return np.full((TURNS, 2), np.nan)
    turns = np.linspace(0, 2 * np.pi, TURNS, endpoint=False)
    along = points @ np.stack([np.cos(turns), np.sin(turns)])
    return np.asarray(points[along.argmax(0)])
