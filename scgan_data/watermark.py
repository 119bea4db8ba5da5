"""watermark: does a picture carry a visible mark (text across, a corner's logo, tiling), from 0 to 1.

A small convolutional network (`watermark_net`), trained by `pipelines/train_watermark.py` on marks drawn by us over
public-domain, CC0 and rendered pictures only, and shipped as `watermark.npz` (290 kB). The score pools the strongest
cells of three sizes: with 3 % of the sample's selfies rejected that found 91 % of 180 marks of the demo's kind, the
network's own verdict on the picture 87 %, and at one size 74 % (of 240). Classical features (top-hat densities,
autocorrelation: 21 of them in a logistic regression fitted on the same kind of picture) found 10 to 67 % by kind on
selfies and 85 to 99 % on drawings, where the network finds 92 % and more. Figures: benchmarks/results/watermark.md.
Weak: faint lines of text over hair, and stills full of edges (subtitles, signs, a station's logo among them).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from scgan_data import images, weights
from scgan_data.config import Config

if TYPE_CHECKING:
    from scgan_data.watermark_net import MarkNet

WEIGHTS = "watermark"
SCALES = (0.75, 1.0, 1.4)
"""A picture is looked at in three sizes, and the scores averaged."""
STRONGEST = 25
"""The score of one look is the mean logit of so many cells, the highest."""
MIN_SIDE_PX = 48


class WatermarkConfig(Config):
    """What the score depends on, beside the network."""

    max_side_px: Annotated[int, Field(ge=64, le=2048)] = 256
    """Longer side to which larger pictures are reduced (at scale 1); smaller ones stay as they are."""


def score_batch(batch: pd.DataFrame, config: WatermarkConfig) -> pd.DataFrame:
    """The per-image function: rows with `path` to `watermark_score`, 0 to 1."""
    scores = [score(images.load(path), max_side_px=config.max_side_px) for path in batch["path"]]
    return pd.DataFrame({"watermark_score": scores}, dtype=float)


def score(picture: Image.Image, *, max_side_px: int = 256) -> float:
    """How sure the network is that an RGB picture carries a mark, 0 to 1."""
    longest = min(max_side_px, max(picture.size))
    logits = [np.sort(_look(picture, round(longest * s)), axis=None)[-STRONGEST:].mean() for s in SCALES]
    return round(float(1 / (1 + np.exp(-np.mean(logits)))), 6)


def where(picture: Image.Image, *, max_side_px: int = 256) -> NDArray[np.float32]:
    """How sure it is of each cell of 8 x 8 pixels, 0 to 1: (H/8, W/8) of the reduced picture."""
    cells = _look(picture, min(max_side_px, max(picture.size)))
    return np.asarray(1 / (1 + np.exp(-cells)), dtype=np.float32)


def _look(picture: Image.Image, longest_px: int) -> NDArray[np.float32]:
    """Logits of cells in one size. One picture at a time: in a batch the last digits depend on its neighbours."""
    import torch

    pixels = np.array(_resized(picture, longest_px), dtype=np.float32)
    x_nchw = torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)[None]  # channels last in memory
    with torch.inference_mode():
        cells, _ = _net()(x_nchw)
    return np.asarray(cells[0].numpy())


def _resized(picture: Image.Image, longest_px: int) -> Image.Image:
    """The picture with that longer side, and no side shorter than the network can take."""
    scale = longest_px / max(picture.size)
    width, height = (max(MIN_SIDE_PX, round(side * scale)) for side in picture.size)
    if (width, height) == picture.size:
        return picture
    return picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)


@cache
def _net() -> MarkNet:
    from scgan_data import watermark_net

    return watermark_net.load(weights.find(WEIGHTS))
