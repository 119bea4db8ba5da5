"""watermark: does a picture carry a visible mark (text across, a corner's logo, tiling, a caption), and where.

A small convolutional network (`watermark_net`), and one more that looks at pictures of few pixels too, trained by
`pipelines/train_watermark.py` on marks drawn by us over public-domain, CC0 and rendered pictures only, and shipped
(`watermark.npz`, `watermark-small.npz`); beside the pixels they see what the first layers of a published network,
fetched, make of them. A picture is looked at in `SCALES`; the score pools the strongest
cells of each look, the box frames the cells where the looks agree. An artist's signature is told from a mark by a rule
(`watermark_signature`) and counts or not by a switch. Figures, with every error looked at:
benchmarks/results/filter_marks.md.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from scgan_data import mark_text, watermark_signature, weights
from scgan_data.config import Config

if TYPE_CHECKING:
    from scgan_data.watermark_net import MarkNet, Published

OURS, PUBLISHED = ("watermark", "watermark-small"), "mobilenet-v2"
"""Our own parameters, which ship, and the published layers beside which they were trained."""
WEIGHTS = (*OURS, PUBLISHED)
SCALES = (0.6, 1.25)
"""A picture is looked at in these sizes, the smaller reduced from the larger: what is printed in a scene seldom looks
like a mark in both. With .75 for .6 earlier networks found fewer marks at the limit that one of 30 windows without
people exceeds, with 1 for 1.25 film stills had .947 for .987; mirror images among the looks did not help, at twice the
time."""
LEAST_LONGER_SIDE_PX = 128
"""Smaller pictures are enlarged: at 64 px a mark's strokes are thinner than any that were trained on."""
SMALL_SCALES = (0.75, 1.6, 2.0)
"""And they are looked at in these sizes of it, by both networks: average precision on anime faces of 64 px .987, on
selfies reduced to 64 and 90 px .975 and .992. By the second network alone, half of whose training pictures are drawn
faces, .989, .966 and .987; by the first alone .970, .975 and .993; by both in .75 and 1.6 .985, .969 and .988."""
STRONGEST = 16
"""The score of one look: the mean logit of so many cells, the highest, as training pools it. Of 8, 12, 24, 8 with 32
and 8 with 64 none is better: few find a small logo, many find text and tiling. The middle of a portrait, where no wall
stands, scored apart as well gained an earlier network text for what it cost logos; a share of the clean cells' logits
taken off moved nothing."""
EITHER = 0.25
"""How much more the surer look counts: 0 is the mean of the looks' logits, infinity the highest. Small tiles show in
the larger look alone: by the mean .71 of them were found on film stills at 1 % false, so .93; at .5 and 1 text on
selfies falls from .90 to .88 and .87. The box is of the mean: by the logits as pooled at .5 its overlap with a logo
fell from .52 to .48."""
MIN_SIDE_PX = 48
SECONDARY = 0.25
"""Cells that hang together belong to the mark's box where they hold so much of what the strongest group holds."""

Logits = NDArray[np.float32]
"""Of cells: (rows, columns)."""
Box = tuple[int, int, int, int]


class Mark(NamedTuple):
    """What is known of a picture's mark."""

    score: float
    """How sure it is that there is one, 0 to 1."""
    xyxy: Box | None
    """Where it is, in the picture's pixels; None where no cell is rather marked than not."""


class WatermarkConfig(Config):
    """What the score depends on, beside the network."""

    max_side_px: Annotated[int, Field(ge=64, le=2048)] = 256
    """Longer side to which larger pictures are reduced, at scale 1."""
    signatures: Literal["keep", "reject"] = "keep"
    """Whether an artist's signature counts as a mark (`reject`) or not (`keep`)."""
    text_recognition: bool = False
    """Whether text is read too (`mark_text`); a line that is a mark makes the score 1. Needs the extra `ocr`."""
    text_words: tuple[Annotated[str, Field(pattern=r"\w\w\w")], ...] = mark_text.WORDS
    """Words that make a line of text a mark, the agencies' names among them."""
    min_text_confidence: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Least confidence of the recognition in such a line."""


def find(picture: Image.Image, *, max_side_px: int = 256, keep_signatures: bool = False) -> Mark:
    """Score and box of an RGB picture's mark. `keep_signatures` takes what the rule calls a signature out of both."""
    looks = look(picture, max_side_px=max_side_px)
    box, cells = _strong(looks, picture.size)
    if box and keep_signatures and watermark_signature.is_signature(picture, box):
        looks = [_without(logits, cells) for logits in looks]
        box, _ = _strong(looks, picture.size)
    return Mark(pooled(looks), box)


def score(picture: Image.Image, *, max_side_px: int = 256) -> float:
    """The score alone, every mark counted."""
    return pooled(look(picture, max_side_px=max_side_px))


def look(picture: Image.Image, *, max_side_px: int = 256) -> list[Logits]:
    """The logits of cells of 8 x 8 pixels, one array a scale and network."""
    longest = max(LEAST_LONGER_SIDE_PX, *picture.size)
    small = max(picture.size) < LEAST_LONGER_SIDE_PX
    scales, nets = (SMALL_SCALES, OURS) if small else (SCALES, OURS[:1])
    fine, *coarse = sorted((_size(picture, min(max_side_px, longest) * scale) for scale in scales), reverse=True)
    finest = _resized(picture, fine)
    seen = [finest, *(_resized(finest, size) for size in coarse)]
    return [cells for reduced in seen for cells in _look(reduced, nets)]


def pooled(looks: list[Logits]) -> float:
    """The score of a picture, 0 to 1, from its looks."""
    logit = _together(np.array([np.sort(cells, axis=None)[-STRONGEST:].mean() for cells in looks]))
    return round(float(1 / (1 + np.exp(-logit))), 6)


def _together(logits: Logits) -> Logits:
    """Logits of several looks (looks, ...) as one: the logarithm of their mean exponential, at `EITHER`."""
    together: Logits = np.log(np.exp(EITHER * logits).mean(axis=0)) / EITHER
    return together


def _strong(looks: list[Logits], size: tuple[int, int]) -> tuple[Box | None, NDArray[np.bool_]]:
    """The box around cells that the mean of the looks calls marked, and these cells on the finest look's grid."""
    from scipy import ndimage

    rows, columns = max(cells.shape for cells in looks)
    fused = np.mean([_on_grid(cells, (columns, rows)) for cells in looks], axis=0)
    groups, count = ndimage.label(fused > 0, np.ones((3, 3)))
    if not count:
        return None, fused > 0
    held = ndimage.sum_labels(fused, groups, range(1, count + 1))
    cells: NDArray[np.bool_] = np.isin(groups, 1 + np.flatnonzero(held >= SECONDARY * held.max()))
    (y,), (x,) = np.nonzero(cells.any(1)), np.nonzero(cells.any(0))
    x0, y0 = int(x[0]) * size[0] // columns, int(y[0]) * size[1] // rows
    x1, y1 = -(-(int(x[-1]) + 1) * size[0] // columns), -(-(int(y[-1]) + 1) * size[1] // rows)
    return (x0, y0, x1, y1), cells


def _on_grid(cells: Logits, size: tuple[int, int]) -> Logits:
    resized = Image.fromarray(cells).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float32)


def _without(logits: Logits, cells: NDArray[np.bool_]) -> Logits:
    """Logits as if the cells and their neighbours were clean."""
    from scipy import ndimage

    grown = ndimage.binary_dilation(cells, np.ones((3, 3), dtype=bool), iterations=2)
    size = (logits.shape[1], logits.shape[0])
    hidden = np.asarray(Image.fromarray(grown).resize(size, Image.Resampling.NEAREST))
    return np.where(hidden, np.minimum(logits, np.float32(np.median(logits))), logits).astype(np.float32)


def _look(picture: Image.Image, names: tuple[str, ...]) -> list[Logits]:
    """Logits of cells of one size. One picture at a time: in a batch the last digits depend on its neighbours."""
    import torch

    pixels = np.array(picture, dtype=np.float32)
    x_nchw = torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)[None]  # channels last in memory
    with torch.inference_mode():
        seen = _published()(x_nchw)
        return [np.asarray(_net(name)(x_nchw, seen)[0].numpy()) for name in names]


def _size(picture: Image.Image, longest_px: float) -> tuple[int, int]:
    """Width and height with that longer side, no side shorter than the network can take."""
    scale = round(longest_px) / max(picture.size)
    width, height = (max(MIN_SIDE_PX, round(side * scale)) for side in picture.size)
    return width, height


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if size == picture.size:
        return picture
    return picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


@cache
def _net(name: str) -> MarkNet:
    from scgan_data import watermark_net

    return watermark_net.load(weights.find(name))


@cache
def _published() -> Published:
    from scgan_data import watermark_net

    return watermark_net.Published(weights.find(PUBLISHED))
