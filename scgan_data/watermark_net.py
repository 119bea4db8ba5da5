"""The watermark detector's network: which cells of 8 x 8 pixels carry a mark, and whether the picture does.

Seven convolutions of at most 64 channels, 1/8 of the resolution, a view of 137 pixels. A second head judges the whole
picture; it helps in training, but the score that ships pools the cells (`watermark.score`). 144,762 parameters, 11 ms
for 256 x 256 pixels on one thread. This module imports torch; import it inside the function that needs it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

STRIDE = 8


def _block(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class MarkNet(nn.Module):
    """Pictures to logits. `fused` turns each convolution and its normalisation into one layer, as shipped."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(3, 24, kernel=5, stride=2),
            _block(24, 24),
            _block(24, 48, stride=2),
            _block(48, 48),
            _block(48, 64, stride=2),
            _block(64, 64, dilation=2),
            _block(64, 64, dilation=4),
        )
        self.cells = nn.Conv2d(64, 1, 1)
        self.verdict = nn.Sequential(nn.Linear(130, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (N, 3, H, W) in -1..1 -> logits of cells (N, H/8, W/8) and of pictures (N,)."""
        features = self.body(x)
        cells = self.cells(features)
        flat, logits = features.flatten(2), cells.flatten(1)
        looked_at = (flat * logits.softmax(1)[:, None]).sum(2)
        share = torch.stack([logits.amax(1), logits.sigmoid().mean(1)], 1)
        verdict = self.verdict(torch.cat([looked_at, flat.mean(2), share], 1))
        return cells[:, 0], verdict[:, 0]

    def fused(self) -> MarkNet:
        """The same function for inference, without normalisation layers."""
        net = MarkNet().eval()
        net.load_state_dict(self.state_dict())
        for k, block in enumerate(net.body):
            assert isinstance(block, nn.Sequential)
            conv, norm = block[0], block[1]
            assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            net.body[k] = nn.Sequential(fuse_conv_bn_eval(conv, norm), nn.Identity(), nn.ReLU())
        return net


def save(net: MarkNet, file: Path) -> None:
    """Write a trained network's fused parameters at half precision; equal parameters give equal bytes."""
    arrays = {name: value.numpy().astype(np.float16) for name, value in net.fused().state_dict().items()}
    with file.open("wb") as out:
        np.savez(out, **arrays)


def load(file: Path) -> MarkNet:
    """The shipped network, ready for inference."""
    net = MarkNet().eval().fused()
    with np.load(file, allow_pickle=False) as arrays:
        net.load_state_dict({name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files})
    return net.requires_grad_(False).to(memory_format=torch.channels_last)
