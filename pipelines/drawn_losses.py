"""How far found boxes are from true ones."""

from __future__ import annotations

from torch import Tensor


def unshared(found: Tensor, true: Tensor, dim: int = 1) -> Tensor:
    """One less the generalised IoU (Rezatofighi et al. 2019) of boxes, x0 y0 x1 y1 along `dim`."""
    x0, y0, x1, y1 = found.unbind(dim)
    u0, v0, u1, v1 = true.unbind(dim)
    both = (x1.minimum(u1) - x0.maximum(u0)).clamp(min=0) * (y1.minimum(v1) - y0.maximum(v0)).clamp(min=0)
    union = (x1 - x0).clamp(min=0) * (y1 - y0).clamp(min=0) + (u1 - u0) * (v1 - v0) - both
    hull = (x1.maximum(u1) - x0.minimum(u0)).clamp(min=0) * (y1.maximum(v1) - y0.minimum(v0)).clamp(min=0)
    least = 1e-4
    return 1 - both / union.clamp(min=least) + (hull - union) / hull.clamp(min=least)
