"""Figures of merit as pure functions of tensors: KID with an interval, average gradient, cycle error.

KID: Bińkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs" (ICLR 2018). Average gradient: Table 3 of the scGAN
paper. Cycle error: the distance of the paper's Eq. 4, measured on held-out pictures. Shapes: features (N, D) and
(M, D), bootstrap weights (R, N) and (R, M), pictures (B, 3, H, W) in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scgan_model import losses

LUMA = (0.299, 0.587, 0.114)
"""Grey of RGB: ITU-R BT.601."""


@dataclass(frozen=True)
class Kid:
    """A KID with its percentile bootstrap interval."""

    value: float
    low: float
    high: float


def polynomial_kernel(x: Tensor, y: Tensor) -> Tensor:
    """k(x, y) = (x·y / D + 1)³ for every pair, as KID defines it: (N, M), float64."""
    return (x.double() @ y.double().T / x.shape[1] + 1) ** 3


def kid(x: Tensor, y: Tensor, *, replicates: int = 1000, confidence: float = 0.95, seed: int = 0) -> Kid:
    """Unbiased MMD² between two feature sets (N, D) and (M, D), with an interval.

    KID = Σ_{i≠j} k(x_i, x_j) / (N(N-1)) + Σ_{i≠j} k(y_i, y_j) / (M(M-1)) - 2 Σ_{ij} k(x_i, y_j) / (NM): unbiased,
    so equal distributions may give a slightly negative value. The interval is the percentile bootstrap over the
    pictures of both sets; pairs of a picture with itself are left out, or k(x, x) would bias every replicate. In a
    simulation (60 against 200 Gaussian vectors, 150 draws) the 95 % interval held the truth in 98 % of draws for a
    small distance, 94 % for a large one, and always for none, where it is too wide. It speaks of the pictures, not
    of training seeds.
    """
    if min(len(x), len(y)) < 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"expected (N>1, D) and (M>1, D), got {tuple(x.shape)} and {tuple(y.shape)}")
    kernels = polynomial_kernel(x, x), polynomial_kernel(y, y), polynomial_kernel(x, y)
    value = float(_weighted_mmd2(*kernels, torch.ones(1, len(x)), torch.ones(1, len(y))))
    generator = torch.Generator().manual_seed(seed)
    counts = [_resampled_counts(len(f), replicates, generator) for f in (x, y)]
    drawn = _weighted_mmd2(*kernels, *counts)
    tail = (1 - confidence) / 2
    low, high = torch.nanquantile(drawn, torch.tensor([tail, 1 - tail], dtype=torch.float64)).tolist()
    return Kid(value, low, high)


def _resampled_counts(n: int, replicates: int, generator: torch.Generator) -> Tensor:
    """How often each of n pictures is drawn in n draws with replacement: (R, n)."""
    drawn = torch.randint(n, (replicates, n), generator=generator)
    return torch.zeros(replicates, n).scatter_add_(1, drawn, torch.ones(replicates, n))


def _weighted_mmd2(kxx: Tensor, kyy: Tensor, kxy: Tensor, x_weights: Tensor, y_weights: Tensor) -> Tensor:
    """The unbiased MMD² of weighted pictures, (R,), for weights (R, N) and (R, M); ones give the plain estimate."""
    u, v = x_weights.to(kxx), y_weights.to(kyy)
    cross = ((u @ kxy) * v).sum(1) / (u.sum(1) * v.sum(1))
    return _mean_of_pairs(kxx, u) + _mean_of_pairs(kyy, v) - 2 * cross


def _mean_of_pairs(kernel: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean of k over pairs of different pictures, (R,)."""
    off = kernel - torch.diag(torch.diagonal(kernel))
    pairs = weights.sum(1) ** 2 - (weights**2).sum(1)
    return ((weights @ off) * weights).sum(1) / pairs


def grey_levels(pictures: Tensor) -> Tensor:
    """BT.601 grey values in 0-255 of pictures in [-1, 1]: (B, 3, H, W) -> (B, H, W)."""
    return ((pictures + 1) * 127.5 * pictures.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1)


def average_gradient(pictures: Tensor) -> Tensor:
    """The sharpness figure of the paper's Table 3, one a picture (B,), in grey levels a pixel.

    AG = 1 / ((H-1)(W-1)) Σ sqrt((Δx² + Δy²) / 2), with Δ the forward differences of the BT.601 grey value in 0-255.
    It depends on the resolution: compare pictures of one size only.
    """
    grey = grey_levels(pictures)
    dx = grey[:, :-1, 1:] - grey[:, :-1, :-1]
    dy = grey[:, 1:, :-1] - grey[:, :-1, :-1]
    return ((dx**2 + dy**2) / 2).sqrt().mean(dim=(1, 2))


def cycle_error(x: Tensor, reconstruction: Tensor) -> Tensor:
    """mean |G_BA(G_AB(x)) - x| over channels and pixels, one a picture (B,), in units of the range [-1, 1]."""
    return (reconstruction - x).abs().mean(dim=(1, 2, 3))


def region_cycle_errors(x: Tensor, reconstruction: Tensor, boxes: Tensor) -> Tensor:
    """The same inside each region: boxes (B, 3, 4) in the order of `records.ATTENTIVE` -> (B, 3); NaN for an empty box.

    Pixels belong to a box as in training's Eq. 4 (`losses.region_masks`).
    """
    found = losses.region_masks(boxes, *x.shape[-2:]).sum(dim=(2, 3)) > 0
    return losses.region_errors(x, reconstruction, boxes).where(found, torch.nan)


def mean_or_none(values: Tensor) -> float | None:
    """The mean of the known numbers among them, None where there is none."""
    known = values[~values.isnan()]
    return float(known.double().mean()) if len(known) else None
