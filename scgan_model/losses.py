"""Every term of Eq. 8 as a pure function of tensors, each naming its equation.

Norms are means over pixels and channels, so that the weights of Eq. 8 hold at every resolution; where the paper leaves
a form open, both readings are here and `config.LossConfig` chooses. Pictures are (B, 3, H, W) in [-1, 1]; boxes are
(B, 3, 4), the regions in the order of `records.ATTENTIVE`, (x0, y0, x1, y1) half-open in the pictures' pixels. A box
without area (a region that is hidden, or that nobody found) weighs 0: sums over a batch are divided by B all the same,
so that the gradient of a picture does not depend on which others it was drawn with.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def gan_generator(fake_scores: Tensor, form: str) -> Tensor:
    """The generator's half of Eq. 2 for scores (B, 1, h, w) of its fakes.

    vanilla: -E log D(G(x)), the non-saturating form; lsgan: E (D(G(x)) - 1)².
    """
    if form == "vanilla":
        return F.softplus(-fake_scores).mean()
    return (fake_scores - 1).square().mean()


def gan_discriminator(real_scores: Tensor, fake_scores: Tensor, form: str) -> Tensor:
    """The discriminator's half of Eq. 1 and 2, halved as in pix2pix, so that it learns no faster than its opponent.

    vanilla: -½ (E log D(y) + E log(1 - D(G(x)))); lsgan: ½ (E (D(y) - 1)² + E D(G(x))²).
    """
    if form == "vanilla":
        return (F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()) / 2
    return ((real_scores - 1).square().mean() + fake_scores.square().mean()) / 2


def cycle(real: Tensor, rebuilt: Tensor) -> Tensor:
    """Eq. 5, and the whole-picture term of Eq. 4: ‖rebuilt - real‖₁."""
    return (rebuilt - real).abs().mean()


def attentive_cycle(real: Tensor, rebuilt: Tensor, boxes: Tensor, lambdas: Sequence[float], reduction: str) -> Tensor:
    """Eq. 4 with x^j as the region of the reconstruction: Σ_j λ_j ‖G_BA(G_AB(x))^j - x^j‖₁.

    `lambdas` weigh the whole picture, eyes, nose, mouth.
    """
    whole = lambdas[0] * cycle(real, rebuilt)
    eyes, nose, mouth = region_errors(real, rebuilt, boxes, reduction).mean(dim=0).unbind()
    return whole + lambdas[1] * eyes + lambdas[2] * nose + lambdas[3] * mouth


def region_errors(real: Tensor, rebuilt: Tensor, boxes: Tensor, reduction: str = "mean") -> Tensor:
    """(B, 3): |rebuilt - real| of each region, as `mean` over its own pixels or as `sum` over the whole's pixels."""
    height, width = real.shape[-2:]
    masks = region_masks(boxes, height, width)
    with _exact(real):
        inside = torch.einsum("bhw,brhw->br", (rebuilt - real).abs().mean(dim=1), masks)
    return inside / (masks.sum(dim=(2, 3)).clamp(min=1) if reduction == "mean" else height * width)


def region_masks(boxes: Tensor, height: int, width: int) -> Tensor:
    """(B, 3, 4) boxes to (B, 3, H, W) masks of 0 and 1: a pixel belongs to a box that holds its centre."""
    x = torch.arange(width, device=boxes.device) + 0.5
    y = torch.arange(height, device=boxes.device) + 0.5
    x0, y0, x1, y1 = (edge.unsqueeze(-1) for edge in boxes.unbind(-1))
    columns = (x >= x0) & (x < x1)
    rows = (y >= y0) & (y < y1)
    return (rows.unsqueeze(-1) & columns.unsqueeze(-2)).to(boxes.dtype)


def region_crops(pictures: Tensor, boxes: Tensor, size_px: int) -> Tensor:
    """(B * 3, 3, size, size): each region cut out and resized bilinearly, for Eq. 4 by feeding crops."""
    height, width = pictures.shape[-2:]
    scale = boxes.new_tensor([width, height, width, height])
    x0, y0, x1, y1 = (boxes / scale * 2 - 1).flatten(0, 1).unbind(-1)
    zero = torch.zeros_like(x0)
    rows = [
        torch.stack([(x1 - x0) / 2, zero, (x0 + x1) / 2], -1),
        torch.stack([zero, (y1 - y0) / 2, (y0 + y1) / 2], -1),
    ]
    shape = [len(x0), 3, size_px, size_px]
    with _exact(pictures):
        grid = F.affine_grid(torch.stack(rows, dim=1), shape, align_corners=False)
    return F.grid_sample(pictures.repeat_interleave(3, dim=0), grid, padding_mode="border", align_corners=False)


def _exact(like: Tensor) -> torch.autocast:
    """Out of the step's autocast, which takes every product of matrices in bf16, those inside einsum and affine_grid
    too: a region's loss would be off by .3 %, a crop by .23 px at 256 px."""
    return torch.autocast(like.device.type, enabled=False)


def fed_crops_cycle(
    crops: Tensor, rebuilt: Tensor, boxes: Tensor, lambdas: Sequence[float], *, reduction: str, picture_px: int
) -> Tensor:
    """The region terms of Eq. 4, Σ_j λ_j ‖G_BA(G_AB(x^j)) - x^j‖₁, with crops x^j (B * 3, 3, S, S) fed to the networks.

    As a `sum` a crop counts by its share of the picture's area, `picture_px` squared.
    """
    areas = ((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])).clamp(min=0)
    share = (areas > 0).to(areas.dtype) if reduction == "mean" else areas / picture_px**2
    eyes, nose, mouth = ((rebuilt - crops).abs().mean(dim=(1, 2, 3)).view_as(areas) * share).mean(dim=0).unbind()
    return lambdas[1] * eyes + lambdas[2] * nose + lambdas[3] * mouth


def total_variation(cartoon: Tensor, form: str) -> Tensor:
    """Eq. 6: |∇G_AB(x)|, as |dx| + |dy|, sqrt(dx² + dy²) or dx² + dy², each a mean."""
    dx = cartoon[..., :, 1:] - cartoon[..., :, :-1]
    dy = cartoon[..., 1:, :] - cartoon[..., :-1, :]
    if form == "anisotropic":
        return dx.abs().mean() + dy.abs().mean()
    if form == "squared":
        return dx.square().mean() + dy.square().mean()
    squares = dx[..., :-1, :].square() + dy[..., :, :-1].square()
    return (squares + 1e-12).sqrt().mean()  # the root has no gradient at 0


def perceptual(fake_activation: Tensor, real_activation: Tensor, scale: float) -> Tensor:
    """Eq. 7: ‖VGG_l(G_AB(x)) - VGG_l(x)‖₁ / scale.

    With `scale` the mean |VGG_l| of the training photographs (`vgg.activation_scale`) this is a relative error, about 1
    for unrelated pictures. With 1, the raw norm: conv4_4 of the default weights is about 1,000 at 64 px and 490 at 256,
    so that γ = .5 drowns every other loss (tried: purple noise).
    """
    return (fake_activation.float() - real_activation.float()).abs().mean() / scale
