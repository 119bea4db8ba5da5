"""What a person looks at while a model trains: a grid of test selfies, and how well the cycle gives them back.

Both are in fp32 and in evaluation mode whatever the training's precision, on the same selfies every time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from scgan_data import files, images
from scgan_model.data import to_range
from scgan_model.networks import Networks

CELL_PX = 128
"""Pictures smaller than this are enlarged by a whole factor, pixel by pixel: no smoothing hides a checkerboard."""


@torch.no_grad()
def cycle_error(networks: Networks, selfies: Tensor, *, batch: int = 32) -> float:
    """mean |G_BA(G_AB(x)) - x| over selfies (N, 3, R, R) uint8, in units of [-1, 1]."""
    total = 0.0
    with _evaluating(networks):
        for part in torch.split(selfies, batch):
            x = to_range(part)
            total += (networks.g_ba(networks.g_ab(x)) - x).abs().mean(dim=(1, 2, 3)).sum().item()
    return total / len(selfies)


@torch.no_grad()
def cartoons(networks: Networks, selfies: Tensor, *, batch: int = 32) -> Tensor:
    """Cartoons (N, 3, R, R) in [-1, 1] of selfies (N, 3, R, R) uint8."""
    with _evaluating(networks):
        return torch.cat([networks.g_ab(to_range(part)) for part in torch.split(selfies, batch)])


@torch.no_grad()
def write_grid(file: Path, networks: Networks, selfies: Tensor) -> None:
    """A PNG with a column a selfie (N, 3, R, R) uint8 and the rows input, cartoon, reconstruction."""
    with _evaluating(networks):
        x = to_range(selfies)
        drawn = networks.g_ab(x)
        rebuilt = networks.g_ba(drawn)
    rows = [torch.cat(list(row), dim=-1) for row in (x, drawn, rebuilt)]
    grid = ((torch.cat(rows, dim=-2) + 1) * 127.5).round().clamp(0, 255).byte()
    scale = max(1, CELL_PX // selfies.shape[-1])
    pixels = grid.permute(1, 2, 0).cpu().numpy().repeat(scale, axis=0).repeat(scale, axis=1)
    files.write_bytes(file, images.encode_png(Image.fromarray(np.ascontiguousarray(pixels))))


class _evaluating:  # noqa: N801 - reads as a word: `with _evaluating(networks)`
    """Both generators in evaluation mode for a while."""

    def __init__(self, networks: Networks) -> None:
        self._generators = (networks.g_ab, networks.g_ba)

    def __enter__(self) -> None:
        for generator in self._generators:
            generator.eval()

    def __exit__(self, *_: object) -> None:
        for generator in self._generators:
            generator.train()
