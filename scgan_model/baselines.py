"""Comparison systems that need no training, as plain functions selfie -> cartoon.

Image Binarization is the first row of the paper's Table 2: each photograph becomes black and white at its own Otsu
threshold (Otsu 1979: the grey level that maximises the variance between the two classes). It has no inverse, so it has
no cycle error.
"""

from __future__ import annotations

import torch
from skimage.filters import threshold_otsu
from torch import Tensor

from scgan_model.metrics import grey_levels


def binarize(selfies: Tensor) -> Tensor:
    """Black (-1) and white (1) pictures at each selfie's Otsu threshold of the BT.601 grey value.

    (B, 3, H, W) in [-1, 1] -> the same shape and range. A picture of one grey level becomes black.
    """
    grey = grey_levels(selfies).round().clamp(0, 255).to(torch.uint8)
    thresholds = [int(threshold_otsu(picture)) for picture in grey.cpu().numpy()]
    white = grey > torch.tensor(thresholds, dtype=torch.uint8, device=grey.device).view(-1, 1, 1)
    return (white[:, None].to(selfies) * 2 - 1).expand_as(selfies).contiguous()
