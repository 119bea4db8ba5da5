"""The watermark detector's network: which cells of 8 x 8 pixels carry a mark.

It sees the pixels and, beside them, what the first layers of a published network make of them at 1/2, 1/4 and 1/8
(`Published`: torchvision's MobileNetV2, ImageNet, fixed and fetched as published, no part of what ships). Three
reducing convolutions take both in, four residual ones of 96 channels follow, a view of some 170 pixels. The picture's
score pools its strongest cells, and training sees such a score (`pooled`) beside every cell: a head of its own for the
whole picture found 87 % of marks where pooled cells found 91. 388,465 parameters of our own. This module imports
torch; import it inside the function that needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights

NORM_EPSILON = 1e-5
BLOCKS, TAPPED = (1, 2, 1, 2, 1, 1), (0, 2, 5)
"""Strides of the published blocks after the stem, and which of them are looked at."""
Layer = tuple[Tensor, Tensor]
"""Weight and bias of a convolution."""
STRIDE = 8
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the pictures in 0..1 that the published layers were trained on, a channel."""
STRONGEST = 16
"""In training, a picture's logit is the mean logit of so many cells, the highest."""


class Block(nn.Module):
    """Convolution, normalisation, ReLU; `residual` adds the input."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1, residual: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, outputs, H / stride, W / stride)."""
        y: Tensor = self.norm(self.conv(x)).relu_()
        if not self.residual:
            return y
        return x + y if y.requires_grad else y.add_(x)  # in place: an eighth of the time for inference

    def fuse(self) -> None:
        """Fold the normalisation into the convolution."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
        self.norm = nn.Identity()


class Published:
    """MobileNetV2's stem and first six inverted residual blocks (Sandler et al. 2018), normalisations folded in.

    Laid out here, not by torchvision, whose import would cost each worker as long as torch's own.
    """

    def __init__(self, file: Path) -> None:
        state = torch.load(file, map_location="cpu", weights_only=True)
        values = iter(state.values())  # of each convolution: its weight, four of the normalisation, a count
        self.convolutions = [_folded(*(next(values) for _ in range(6))) for _ in range(1 + 2 + 3 * 5)]

    def __call__(self, x: Tensor) -> list[Tensor]:
        """x (N, 3, H, W) in -1..1 -> (N, 16, H/2, W/2), (N, 24, H/4, W/4), (N, 32, H/8, W/8)."""
        mean, spread = (x.new_tensor(v).view(1, 3, 1, 1) for v in (MEAN, SPREAD))
        layers = iter(self.convolutions)
        y = _convolved(((x + 1) / 2 - mean) / spread, *next(layers), stride=2).clamp_(0, 6)
        seen = []
        for k, stride in enumerate(BLOCKS):
            before, y = y, y if k == 0 else _convolved(y, *next(layers)).clamp_(0, 6)  # the first does not widen
            y = _convolved(y, *next(layers), stride=stride).clamp_(0, 6)
            y = _convolved(y, *next(layers))
            if y.shape == before.shape:
                y = y.add_(before)
            if k in TAPPED:
                seen.append(y)
        return seen


def _folded(weight: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, _: Tensor) -> Layer:
    folded, bias = fuse_conv_bn_weights(weight, None, mean, variance, NORM_EPSILON, scale, shift)
    return folded.detach().contiguous(memory_format=torch.channels_last), bias.detach()


def _convolved(x: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1) -> Tensor:
    """A convolution of all channels, or, where a kernel has one, of each by itself; the edges padded with zeros."""
    return conv2d(x, weight, bias, stride, weight.shape[-1] // 2, groups=x.shape[1] // weight.shape[1])


class MarkNet(nn.Module):
    """Pictures, and what `Published` sees in them, to logits of cells."""

    def __init__(self) -> None:
        super().__init__()
        self.reducing = nn.ModuleList(
            (Block(3, 24, kernel=5, stride=2), Block(24 + 16, 32, stride=2), Block(32 + 24, 64, stride=2))
        )
        self.blocks = nn.Sequential(
            Block(64 + 32, 96, kernel=1),
            Block(96, 96, residual=True),
            Block(96, 96, dilation=2, residual=True),
            Block(96, 96, dilation=4, residual=True),
            Block(96, 96, dilation=2, residual=True),
        )
        self.cells = nn.Conv2d(96, 1, 1)

    def forward(self, x: Tensor, seen: Sequence[Tensor]) -> Tensor:
        """x (N, 3, H, W) in -1..1, seen `Published` of it -> logits of cells (N, H/8, W/8)."""
        return self.judged(self.features(x, seen))

    def features(self, x: Tensor, seen: Sequence[Tensor]) -> Tensor:
        """All but the last layer: (N, 96, H/8, W/8)."""
        for block, beside in zip(self.reducing, seen, strict=True):
            x = torch.cat([block(x), beside], 1)
        y: Tensor = self.blocks(x)
        return y

    def judged(self, features: Tensor) -> Tensor:
        """The last layer: logits of cells."""
        cells: Tensor = self.cells(features)
        return cells[:, 0]

    def fused(self) -> MarkNet:
        """The same function for inference, without normalisation layers."""
        net = MarkNet().eval()
        net.load_state_dict(self.state_dict())
        for block in (*net.reducing, *net.blocks):
            assert isinstance(block, Block)
            block.fuse()
        return net


def pooled(cells: Tensor) -> Tensor:
    """Logits of cells (N, H, W) -> of pictures (N,)."""
    flat = cells.flatten(1)
    return flat.topk(min(STRONGEST, flat.shape[1]), dim=1).values.mean(1)


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
