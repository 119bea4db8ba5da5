"""Batches of one size for a RetinaFace network: canvases, places, device.

Pictures are laid on canvases whose sides are multiples of a step, and grouped by canvas, so that a batch is one tensor
and the anchors of a size are computed once. A batch of a canvas always has the same number of places, empty ones zero:
the same picture then gives the same bits whatever its neighbours are, which a resumed run relies on (batches of varying
size differ in the last digits, enough to move a crop by a pixel).

The number of places goes by the canvas's area, since a batch pays only as long as its activations stay in the cache.
MobileNet, one thread, milliseconds a picture with 1, 2, 4, 8 places: 5.6, 4.8, 4.9, 4.2 at 256 × 256; 14.1, 13.1, 13.1,
14.3 at 448 × 448; 33, 34, 39, 51 at 640 × 832. In NCHW, which torch has by default, 6.9 and 23 with 8 places at the
first two sizes, 7.5 and 17 with one; onnxruntime 3.8 and 11.5. Convolution fused with its LeakyReLU (what torch.compile
emits for oneDNN) gave the last 3 %, freezing by torch.jit less, so neither is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    import torch

ANCHOR_SIZES = ((16, 32), (64, 128), (256, 512))
ANCHOR_STRIDES = (8, 16, 32)
CPU_PLACES, CPU_BATCH_PX = 4, 2**19
CUDA_PLACES, CUDA_BATCH_PX = 64, 2**25


@dataclass(frozen=True)
class Placed:
    """A picture on its canvas: pixels (h, w, 3) float32 as the network wants them, and the way back to the source."""

    pixels: NDArray[np.float32]
    canvas: tuple[int, int]
    """Height, width."""
    offset: int
    """Of the picture on the canvas, from the left and from the top."""
    scale: NDArray[np.float64]
    """(2,) canvas pixels for a source pixel, x and y."""

    def to_source(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) canvas coordinates to source coordinates."""
        moved: NDArray[np.float64] = (xy - self.offset) / self.scale
        return moved


@dataclass(frozen=True)
class Raw:
    """What a network says of one picture: (A, 4) boxes, (A,) scores, (A, 10) points, relative to (A, 4) anchors."""

    boxes: torch.Tensor
    scores: torch.Tensor
    points: torch.Tensor
    anchors: torch.Tensor


Normalise = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def place(image: Image.Image, normalise: Normalise, *, max_side_px: int, margin: float, step_px: int) -> Placed:
    """A picture, reduced to at most `max_side_px`, with an empty border of `margin` times its longer side all round."""
    scale = min(1.0, max_side_px / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    offset = round(margin * max(size))
    height, width = (-(-(n + 2 * offset) // step_px) * step_px for n in (size[1], size[0]))
    return Placed(normalise(np.asarray(small.convert("RGB"))), (height, width), offset, np.array(size) / image.size)


def run(placed: Sequence[Placed], network: torch.nn.Module) -> Iterator[tuple[int, Raw]]:
    """The network's answers with the index of the picture, canvas by canvas.

    The network maps (B, 3, H, W) to boxes (B, A, 4), logits (B, A, 2), points (B, A, 10).
    """
    import torch

    device = next(network.parameters()).device
    for canvas in sorted({p.canvas for p in placed}):
        members = [i for i, p in enumerate(placed) if p.canvas == canvas]
        places = places_of(canvas, device.type)
        for start in range(0, len(members), places):
            part = members[start : start + places]
            with torch.inference_mode():
                boxes, logits, points = network(_tensor([placed[i] for i in part], canvas, places).to(device))
                scores = logits.softmax(-1)[..., 1]
            boxes, scores, points = (t.float().cpu() for t in (boxes, scores, points))
            for k, i in enumerate(part):
                yield i, Raw(boxes[k], scores[k], points[k], anchors(canvas))


def places_of(canvas: tuple[int, int], device_type: str) -> int:
    """How many pictures a batch of that canvas (height, width) holds, always."""
    most, pixels = (CUDA_PLACES, CUDA_BATCH_PX) if device_type == "cuda" else (CPU_PLACES, CPU_BATCH_PX)
    return max(1, min(most, pixels // (canvas[0] * canvas[1])))


def to_device(network: torch.nn.Module) -> torch.nn.Module:
    """The network on the GPU where there is one, in the memory layout in which it is fastest."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    moved: torch.nn.Module = network.eval().to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def _tensor(placed: list[Placed], canvas: tuple[int, int], places: int) -> torch.Tensor:
    """(places, 3, H, W), channels last in memory."""
    import torch

    pixels = np.zeros((places, *canvas, 3), np.float32)
    for target, p in zip(pixels, placed, strict=False):
        h, w = p.pixels.shape[:2]
        target[p.offset : p.offset + h, p.offset : p.offset + w] = p.pixels
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


@lru_cache(maxsize=64)
def anchors(canvas: tuple[int, int]) -> torch.Tensor:
    """(A, 4) centre-size anchors as fractions of the canvas (height, width).

    As the package's `priorbox` makes them, which is a Python loop of 64 ms at 640 px; bit-equal to it.
    """
    import torch

    levels = []
    for sizes, stride in zip(ANCHOR_SIZES, ANCHOR_STRIDES, strict=True):
        rows, columns = (-(-n // stride) for n in canvas)
        y, x, size = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, np.array(sizes, float), indexing="ij")
        height, width = canvas
        level = np.stack([x * stride / width, y * stride / height, size / width, size / height], -1)
        levels.append(level.reshape(-1, 4))
    return torch.from_numpy(np.concatenate(levels).astype(np.float32))
