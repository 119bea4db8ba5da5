"""Layout: bars and frames, seams between pictures, and lines of text on panels, which no camera and no painter makes.

All is measured on one reduced copy (`planes`: longer side at most 256 pixels), in 4 ms of one core with `drawn` for a
picture of 512. Figures: benchmarks/results/filter_quality.md; no limit rejects one of the sample's 999 selfies.

- `border`. A bar is a run of lines of one colour, from the edge inwards, which ends at once along most of its length.
  That end tells it from paper and plain walls: where an avatar begins on white, a few pixels of a line change. Only
  pairs of opposite sides count. (Where two fifths of the length were enough, the straight sides of a hat before a dark
  wall made one of 1,200 portraits bordered.) Of bars .89 to .98 and of frames .95 to 1 are found; the others are as
  dark or as bright as what they border on.
- `collage`. At a seam the picture jumps from one column to the next in nearly every row, more than it does on either
  side, and both sides hold something. A wall's edge or a door frame does that too, in up to .83 of the rows of a
  selfie; press photographs (3 of 30) and stills of animated films (6 of 104) have some beyond the limits. Drawings on
  white paper side by side have no seam: two of three such sheets are missed.
- `screenshot`. Text on a panel is a short run of lines with marks between clean lines of one colour. Two of them over
  the whole width make a suspicion, those within thirds of the width are then counted too (a page's columns).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 256
LEAST_PX = 16
"""In a copy with a shorter side than that no layout is looked for."""
NEAR = 12
"""Levels of 255 within which JPEG leaves a plain colour."""
BLEED = 0.1
"""Levels more for a channel, for each level between the strongest and the weakest channel of a bar: JPEG halves the
resolution of colour, and that of a bright frame bleeds. Without it 12 of 12 magenta frames of 10 px were missed at
quality 70."""
FILLED = 0.97
"""Least share of a bar's line that has the bar's colour."""
ENDS = 0.7
"""Least share of a bar's length along which it ends within three pixels."""
STEP = 8
"""Least jump at a seam, in levels."""
APART = (3, 6)
"""A seam's jump is compared with those so many pixels beside it: at one distance alone the other edge of a gutter that
is as wide would hide it."""
MARGIN = 0.2
"""Seams are looked for this far from the sides, as a share."""
PLAIN = 10
"""Levels within which a line of a panel is of one colour ..."""
CLEAN = 0.985
"""... in at least this share."""
TEXT_LINES = 10
"""So many lines of text are a certain screenshot."""

Planes = NDArray[np.int16]
"""(3, H, W), 0 to 255: channels first, which is four times as fast here."""
Grey = NDArray[np.int16]
"""(H, W)."""


def planes(picture: Image.Image) -> Planes:
    """An RGB picture reduced to the side that all is measured at (mean of boxes); smaller ones stay as they are."""
    scale = SIDE_PX / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BOX, reducing_gap=1.0)
    return np.ascontiguousarray(np.asarray(picture).transpose(2, 0, 1), dtype=np.int16)


def border(picture: Planes) -> float:
    """Share of the area in bars of one colour along opposite sides, 0 to 1."""
    _, high, wide = picture.shape
    if min(high, wide) < LEAST_PX:
        return 0.0
    top, bottom, left, right = (_depth(side) for side in _sides(picture))
    if top + bottom >= high or left + right >= wide:
        return 0.0  # one colour all over: flat, no frame
    above, below, _, _ = _sides(picture[:, :, left : wide - right])
    _, _, before, behind = _sides(picture[:, top : high - bottom])
    high_bars = top + bottom if _ends(above, top) and _ends(below, bottom) else 0
    wide_bars = left + right if _ends(before, left) and _ends(behind, right) else 0
    return float(1 - (high - high_bars) * (wide - wide_bars) / (high * wide))


def _sides(picture: Planes) -> tuple[Planes, Planes, Planes, Planes]:
    """The picture as lines from its top, bottom, left and right side inwards."""
    turned = picture.swapaxes(1, 2)
    return picture, picture[:, ::-1], turned, turned[:, ::-1]


def _depth(lines: Planes) -> int:
    """How many lines have the median colour of the first."""
    colour, at_once = np.median(lines[:, 0], axis=1).astype(np.int16)[:, None, None], 8
    for start in range(0, lines.shape[1], at_once):
        filled = _is_near(lines[:, start : start + at_once], colour).mean(axis=1) >= FILLED
        if not filled.all():
            return start + int(np.argmin(filled))
    return int(lines.shape[1])


def _is_near(lines: Planes, colour: Planes) -> NDArray[np.bool_]:
    """Which pixels have a colour (3, 1, 1) but for what JPEG does to it."""
    apart = lines - colour
    luma = (19 * apart[0] + 38 * apart[1] + 7 * apart[2]) >> 6  # ITU-R 601 in sixty-fourths: 16 bits hold it
    most = NEAR + BLEED * np.ptp(colour)
    near: NDArray[np.bool_] = (np.abs(luma) <= NEAR) & (np.abs(apart).max(axis=0) <= most)
    return near


def _ends(lines: Planes, depth: int) -> bool:
    """Whether there is a bar of so many lines, and what follows differs from it at once, along enough of its length."""
    if depth == 0:
        return False
    off = np.abs(lines[:, depth : depth + 3] - lines[:, depth - 1, None]).max(axis=0).max(axis=0)
    return bool((off > 1.25 * NEAR).mean() >= ENDS)


def collage(picture: Planes) -> float:
    """How much of the height or width the best straight seam runs through, 0 to 1."""
    if min(picture.shape[1:]) < LEAST_PX:
        return 0.0
    across = np.abs(picture[:, :, 2:] - picture[:, :, :-2]).max(axis=0)
    down = np.abs(picture[:, 2:] - picture[:, :-2]).max(axis=0)
    return max(_seam(across, picture[1]), _seam(np.ascontiguousarray(down.T), picture[1].T))


def _seam(jumps: Grey, green: Grey) -> float:
    """The share of rows that jump at the best column; jumps (H, W - 2) are over two pixels."""
    rows = np.maximum(*(_jumping(jumps, apart) for apart in APART))
    first, last = int(MARGIN * len(rows)), int((1 - MARGIN) * len(rows))
    column = first + int(np.argmax(rows[first:last]))
    share = float(rows[column])
    parts = green[:, :column], green[:, column + 3 :]
    return share if share < 0.5 or all(_holds_something(part) for part in parts) else 0.0


def _jumping(jumps: Grey, apart: int) -> NDArray[np.float64]:
    """The share of rows that jump at each column, or the next, more than they do so far to its left and right."""
    beside = np.pad(jumps, ((0, 0), (apart, apart)), mode="edge")
    around = np.maximum(beside[:, : -2 * apart], beside[:, 2 * apart :])
    hits = (jumps > STEP) & (2 * jumps > 3 * around)
    shares: NDArray[np.float64] = (hits[:, :-1] | hits[:, 1:]).mean(axis=0)
    return shares


def _holds_something(part: Grey) -> bool:
    """Not one colour: such a part is a bar or a wall."""
    plain = np.abs(part - int(np.median(part))) <= NEAR
    return bool(part.std() >= NEAR and plain.mean() <= 0.9)


def screenshot(picture: Planes) -> float:
    """How many lines of text lie on panels of one colour, from 0 to 1 (`TEXT_LINES` or more)."""
    if min(picture.shape[1:]) < LEAST_PX:
        return 0.0
    whole = _text_lines(picture)
    if whole < 2:
        return 0.0
    third = picture.shape[2] // 3
    columns = (picture[:, :, k * third : (k + 1) * third] for k in range(3))
    return min(1.0, (whole + max(map(_text_lines, columns))) / TEXT_LINES)


def _text_lines(picture: Planes) -> int:
    """Runs of lines with marks, at most an eighth of the height, between clean lines of the same colour."""
    high, wide = picture.shape[1:]
    colour = np.partition(picture, wide // 2, axis=2)[:, :, wide // 2, None]
    clean = np.flatnonzero((np.abs(picture - colour).max(axis=0) <= PLAIN).mean(axis=1) >= CLEAN)
    return sum(
        _is_text(picture[:, above + 1 : below], colour[:, above, None])
        for above, below in pairwise(clean)
        if 1 < below - above <= high // 8 and np.abs(colour[:, above] - colour[:, below]).max() <= PLAIN
    )


def _is_text(lines: Planes, paper: Planes) -> bool:
    """Marks that stand out from the paper, and leave part of each line free."""
    off = np.abs(lines - paper).max(axis=0)
    return bool((off > 3 * NEAR).mean() >= 0.005 and (off > NEAR).mean(axis=1).max() <= 0.6)
