"""watermark: does a picture carry a visible mark (text across, a corner's logo, tiling), from 0 to 1.

A small convolutional network (`watermark_net`), trained by `pipelines/train_watermark.py` on marks drawn by us over
public-domain, CC0 and rendered pictures only, and shipped as `watermark.npz` (290 kB). FIGURES
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
SCALES = (1.0, 0.75, 1.4)
"""A picture is looked at in three sizes, as far as they stay within the largest, and the scores averaged."""
STRONGEST = 25
"""The score of one look is the mean logit of so many cells, the highest."""
MIN_SIDE_PX = 48


class WatermarkConfig(Config):
    """What the score depends on, beside the network."""

    max_side_px: Annotated[int, Field(ge=64, le=2048)] = 384
    """Longer side to which larger pictures are reduced; smaller ones stay as they are."""


def score_batch(batch: pd.DataFrame, config: WatermarkConfig) -> pd.DataFrame:
    """The per-image function: rows with `path` to `watermark_score`, 0 to 1."""
    scores = [score(images.load(path), max_side_px=config.max_side_px) for path in batch["path"]]
    return pd.DataFrame({"watermark_score": scores}, dtype=float)


def score(picture: Image.Image, *, max_side_px: int = 384) -> float:
    """How sure the network is that an RGB picture carries a mark, 0 to 1."""
    longest = min(max_side_px, max(picture.size))
    sides = [longest, *(round(longest * s) for s in SCALES[1:] if longest * s <= max_side_px)]
    logits = [np.sort(_look(picture, side), axis=None)[-STRONGEST:].mean() for side in sides]
    return round(float(1 / (1 + np.exp(-np.mean(logits)))), 6)


def where(picture: Image.Image, *, max_side_px: int = 384) -> NDArray[np.float32]:
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
