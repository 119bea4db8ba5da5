"""VGG19's convolutions, frozen, as the measure of content of Eq. 7 (and of the style baselines).

The weights are the original Caffe ones as 8-bit k-means codes (20 MB, `weights.find("vgg19")`): a table of 256 values
and a code for each weight. Indexing the tables with the codes takes .1 s; the publisher's own loader, which goes
through Python lists, 8 s. They expect BGR from 0 to 255 minus the means of ImageNet; `forward` does that, so callers
hand over what the generators give.

Layers are named `convB_N` and `reluB_N`; `LAYERS` maps them to torchvision's `features.N` (conv4_4 is 25), so that a
file of torchvision's weights would fit the same indices.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from scgan_data import weights
from scgan_data.errors import WeightsError

BLOCKS = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512))
MEAN_BGR = (103.939, 116.779, 123.68)
SCALE_PHOTOGRAPHS = 256
"""Photographs that the scale of Eq. 7 is taken from: at 64 px four disjoint sets of 75 lie within 1.8 % of
their mean."""


def _names() -> list[str]:
    names = []
    for block, widths in enumerate(BLOCKS, start=1):
        for conv in range(1, len(widths) + 1):
            names += [f"conv{block}_{conv}", f"relu{block}_{conv}"]
        names.append(f"pool{block}")
    return names


LAYERS: dict[str, int] = {name: index for index, name in enumerate(_names())}
"""Layer names to indices of `VGG19.features`."""


class VGG19(nn.Module):
    """The layers up to the last one asked for, in evaluation mode and without gradients of their own."""

    mean: Tensor

    def __init__(self, layers: Sequence[str] = ("conv4_4",), *, file: Path | None = None) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.features = nn.Sequential(*_modules()[: 1 + max(LAYERS[name] for name in layers)])
        self.register_buffer("mean", torch.tensor(MEAN_BGR).view(1, 3, 1, 1))
        _fill(self.features, file or weights.find("vgg19"))
        self.to(memory_format=torch.channels_last).eval().requires_grad_(False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) RGB in [-1, 1] to the activations (B, C, h, w) of each layer asked for, by name."""
        x = (x.flip(1) + 1) * 127.5 - self.mean
        found = {}
        for name, module in zip(LAYERS, self.features, strict=False):
            x = module(x)
            if name in self.layers:
                found[name] = x
        return found


def _modules() -> list[nn.Module]:
    """Convolutions, ReLUs (not in place: a layer before its ReLU may be asked for) and pools in torchvision's order."""
    modules: list[nn.Module] = []
    inner = 3
    for widths in BLOCKS:
        for outer in widths:
            modules += [nn.Conv2d(inner, outer, 3, padding=1), nn.ReLU()]
            inner = outer
        modules.append(nn.MaxPool2d(2, 2))
    return modules


def _fill(features: nn.Sequential, file: Path) -> None:
    """Copy the file's weights into the convolutions: `table[codes]`. Raises WeightsError."""
    try:
        codes = torch.load(file, map_location="cpu", weights_only=True)
        for name, module in zip(LAYERS, features, strict=False):
            if isinstance(module, nn.Conv2d):
                key = f"block{name[4]}_conv{name[6]}"
                module.weight.data.copy_(codes[f"{key}_W_table"][codes[f"{key}_W_q"].long()])
                assert module.bias is not None
                module.bias.data.copy_(codes[f"{key}_b"])
    except Exception as error:  # torch.load raises a handful of types for bytes that are not what they should be
        raise WeightsError(f"{file} does not hold VGG19's convolutions: {type(error).__name__}") from error


@torch.no_grad()
def activation_scale(vgg: VGG19, photographs: Tensor, *, batch: int = 16) -> dict[str, float]:
    """mean |VGG_l(x)| of photographs (N, 3, H, W) uint8 for each of the network's layers: the scale of Eq. 7.

    One constant a layer, resolution and origin of weights; it goes into the checkpoint. The first
    `SCALE_PHOTOGRAPHS` stand for all (they lie in the order of their content's hash, as good as random).
    """
    sums = dict.fromkeys(vgg.layers, 0.0)
    photographs = photographs[:SCALE_PHOTOGRAPHS]
    for part in torch.split(photographs, batch):
        x = part.to(vgg.mean.device).float() / 127.5 - 1
        for name, activation in vgg(x).items():
            sums[name] += activation.abs().mean(dim=(1, 2, 3)).sum().item()
    return {name: total / len(photographs) for name, total in sums.items()}
