"""The networks of `drawn`: is a face's centre in a cell of 8 x 8 pixels, how large is it; where exactly are its parts.

A residual body down to 1/32 of the resolution (faces fill up to the whole of a look) and back up to 1/8, in the manner
of feature pyramids but with one output only: looks of several sizes (`drawn`) do what further outputs would. A length
is in units of the face's own size, predicted beside it, so that small and large faces count alike. This module imports
torch; import it inside the function that needs it.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.fusion import fuse_conv_bn_eval

from scgan_data import weights

STRIDE = 8
"""Pixels of a cell."""
DEEPEST = 32
"""Sides of pictures are multiples of this."""
UNIT_PX = 32.0
"""The size whose logarithm is 0."""
HEAT, SIZE, BOX, POINTS, REGIONS, VISIBLE = 0, 1, slice(2, 6), slice(6, 16), slice(16, 28), slice(28, 31)
"""Channels of the output. Logit of a centre; log size; x0 y0 x1 y1 of the face, x y of five points, x0 y0 x1 y1 of
eyes, nose and mouth, all from the cell's centre in units of the size (root of the face's area); logits of the regions'
visibility."""
OUTPUTS = 31
PARTS_PX, PARTS_AROUND = 96, 1.5
"""Side of what `PartsNet` sees, and in sizes of the face that it shows."""
PLACES = 26
PARTS_OUTPUTS = PLACES + 3 + 1
"""Of `PartsNet`: box, points, regions as above, but from -1 to 1 across what it sees; logits of the regions'
visibility, and of there being a face at all."""


class Block(nn.Module):
    """Convolution, normalisation, ReLU; `residual` adds the input."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, residual: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, outputs, H / stride, W / stride)."""
        y: Tensor = self.norm(self.conv(x)).relu_()
        if not self.residual:
            return y
        return x + y if y.requires_grad else y.add_(x)

    def fuse(self) -> None:
        """Fold the normalisation into the convolution."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
        self.norm = nn.Identity()


def _level(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    """Half the resolution, then `depth` residual blocks."""
    rest = [Block(outputs, outputs, residual=True) for _ in range(depth)]
    return nn.Sequential(Block(inputs, outputs, stride=2), *rest)


class FaceNet(nn.Module):
    """Pictures to cells."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Block(3, 24, kernel=5, stride=2), _level(24, 40, 1))
        self.eighth = _level(40, 80, 2)
        self.sixteenth = _level(80, 128, 3)
        self.deepest = _level(128, 144, 2)
        self.from_deepest = Block(144, 128, kernel=1)
        self.middle = Block(128, 128, residual=True)
        self.from_middle = Block(128, 80, kernel=1)
        self.last = nn.Sequential(Block(80, 80, residual=True), Block(80, 80, residual=True), Block(80, 96))
        self.cells = nn.Conv2d(96, OUTPUTS, 1)
        with torch.no_grad():
            self.cells.weight.mul_(0.3)
            assert self.cells.bias is not None
            self.cells.bias.zero_()
            self.cells.bias[HEAT] = -4.0  # faces' centres are rare

    def forward(self, x: Tensor) -> Tensor:
        """x (N, 3, H, W) in -1..1, sides multiples of 32 -> (N, 31, H/8, W/8)."""
        found: Tensor = self.cells(self.features(x))
        return found

    def features(self, x: Tensor) -> Tensor:
        """All but the last layer: (N, 96, H/8, W/8)."""
        eighth = self.eighth(self.stem(x))
        sixteenth = self.sixteenth(eighth)
        deepest = self.from_deepest(self.deepest(sixteenth))
        middle = self.middle(sixteenth + interpolate(deepest, scale_factor=2.0))
        found: Tensor = self.last(eighth + interpolate(self.from_middle(middle), scale_factor=2.0))
        return found

    def fused(self) -> FaceNet:
        """The same function for inference, without normalisation layers."""
        net = FaceNet().eval()
        net.load_state_dict(self.state_dict())
        for block in net.modules():
            if isinstance(block, Block):
                block.fuse()
        return net


class PartsNet(nn.Module):
    """A face seen closely to the places of its parts, and to whether it is one.

    Each of the 26 places is looked for all over: a map of attention says where in the window it is decided, a second
    map how far from there it lies, and the place is their mean. (A layer from all features to 26 numbers learnt where
    parts mostly are, and shrank towards that on styles that it had not seen.)
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Block(3, 24, kernel=5, stride=2)
        self.quarter = _level(24, 40, 1)
        self.eighth = _level(40, 80, 2)
        self.deepest = _level(80, 128, 2)
        self.from_deepest = Block(128, 80, kernel=1)
        self.middle = Block(80, 80, residual=True)
        self.from_middle = Block(80, 40, kernel=1)
        self.last = nn.Sequential(Block(40, 40, residual=True), Block(40, 64))
        self.cells = nn.Conv2d(64, 2 * PLACES, 1)
        self.hidden = nn.Linear(2 * 128, 64)
        self.seen = nn.Linear(64, PARTS_OUTPUTS - PLACES)
        with torch.no_grad():
            self.cells.weight.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, 3, 96, 96) in -1..1 -> (N, 30)."""
        return self.told(*self.features(x))

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the convolutions see: (N, 64, 24, 24), and more roughly (N, 128, 6, 6)."""
        quarter = self.quarter(self.stem(x))
        eighth = self.eighth(quarter)
        deepest = self.deepest(eighth)
        middle = self.middle(eighth + interpolate(self.from_deepest(deepest), scale_factor=2.0))
        fine: Tensor = self.last(quarter + interpolate(self.from_middle(middle), scale_factor=2.0))
        return fine, deepest

    def told(self, fine: Tensor, deepest: Tensor) -> Tensor:
        """The outputs for these features."""
        attention, offsets = self.cells(fine).flatten(2).split(PLACES, dim=1)
        side = fine.shape[-1]
        middles = (torch.arange(side, device=fine.device) + 0.5) * (2 / side) - 1
        across, down = middles.repeat(side), middles.repeat_interleave(side)
        where = torch.stack([across, down]).repeat(PLACES // 2, 1)
        places = (attention.softmax(2) * (where + offsets)).sum(2)
        rough = torch.cat([deepest.mean((2, 3)), deepest.amax((2, 3))], 1)
        return torch.cat([places, self.seen(self.hidden(rough).relu())], 1)

    def fused(self) -> PartsNet:
        """The same function for inference, without normalisation layers."""
        net = PartsNet().eval()
        net.load_state_dict(self.state_dict())
        for block in net.modules():
            if isinstance(block, Block):
                block.fuse()
        return net


def save(faces: FaceNet, parts: PartsNet, file: Path) -> None:
    """Write trained networks' fused parameters at half precision; equal parameters give equal bytes."""
    nets = {"faces": faces.fused(), "parts": parts.fused()}
    arrays = {
        f"{name}.{key}": value.numpy().astype(np.float16)
        for name, net in nets.items()
        for key, value in net.state_dict().items()
    }
    with file.open("wb") as out:
        np.savez(out, **arrays)


@lru_cache(maxsize=1)
def shipped() -> tuple[FaceNet, PartsNet]:
    """The package's own networks. Raises WeightsError."""
    return load(weights.find("drawn"))


def load(file: Path) -> tuple[FaceNet, PartsNet]:
    """The shipped networks, ready for inference."""
    faces, parts = FaceNet().eval().fused(), PartsNet().eval().fused()
    with np.load(file, allow_pickle=False) as arrays:
        for name, net in (("faces.", faces), ("parts.", parts)):
            keys = [key for key in arrays.files if key.startswith(name)]
            net.load_state_dict({k.removeprefix(name): torch.from_numpy(arrays[k].astype(np.float32)) for k in keys})
            net.requires_grad_(False).to(memory_format=torch.channels_last)
    return faces, parts
