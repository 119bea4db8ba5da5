"""The drawing of `whatif`: exactly the pictures that a change would flip, both ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgan_data import contact_sheet, files
from scgan_data.contact_sheet import PAPER, Tile
from scgan_data.errors import ManifestError
from scgan_data.limits.change import Change

MOST = 200
"""Pictures on a half of a sheet; of more, a random choice."""


def draw(change: Change, file: Path, *, most: int = MOST) -> Path | None:
    """A sheet of what would be kept above what would be rejected, written to `file`; None where nothing flips."""
    try:
        halves = [_half(change, to_kept, most) for to_kept in (True, False)]
    except FileNotFoundError as error:
        raise ManifestError(
            f"{error.filename} is not there; `dvc pull` brings pictures that this folder names"
        ) from None
    drawn = [half for half in halves if half is not None]
    if not drawn:
        return None
    files.write_bytes(file, contact_sheet.encode(stacked(drawn)))
    return file


def _half(change: Change, to_kept: bool, most: int) -> Image.Image | None:
    flipped = change.flips(to_kept=to_kept)
    if not len(flipped):
        return None
    rows = change.rows[flipped]
    chosen = _some(len(rows), most)
    paths = change.table.paths(rows[chosen])
    outcome = change.before if to_kept else change.after
    tiles = [
        Tile(path, f"{change.outcomes[outcome[f]]} {change.values[f]:.3g}", _boxes(box))
        for path, f, box in zip(paths, flipped[chosen], change.table.texts("watermark_xyxy", rows[chosen]), strict=True)
        if path is not None
    ]
    word = "would be kept, now rejected" if to_kept else "would be rejected, now kept"
    shown = f"{len(flipped)}" if len(chosen) == len(flipped) else f"{len(chosen)} of {len(flipped)}"
    return contact_sheet.draw(tiles, f"{change.stage}: {shown} {word}")


def _some(count: int, most: int) -> NDArray[np.int64]:
    """Which of `count` are drawn, in order. All, mostly: `numpy.random` alone takes 35 ms to import."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def _boxes(box: list[float] | None) -> tuple[list[float], ...]:
    return () if box is None else (box,)


def stacked(sheets: list[Image.Image]) -> Image.Image:
    """Sheets below each other."""
    whole = Image.new("RGB", (max(s.width for s in sheets), sum(s.height for s in sheets)), PAPER)
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height
    return whole
