"""Faces in drawings: boxes, scores, the five points, and region boxes of eyes, nose and mouth.

A detector of our own (networks: `drawn_net`; trained by `pipelines/train_drawn` on rendered faces only), since those
made for photographs find a third of South Park's faces and a twentieth of The Simpsons'. Three steps:

- The picture is looked at in several sizes, each laid on a canvas with a margin. What the looks that can see a face of
  that size say of it, in the mean, makes it a candidate. Small pictures are enlarged: avatars' faces are often 64 px.
- Each candidate is looked at closely, enlarged to one size, as it is and mirrored: its score and box are the mean.
- A second network sees each that is left alone, says whether it is a face, and places its parts (`drawn_parts`). The
  score is how likely a face is by what both say. A region that is not visible is missing from `Face.regions`.

As in `retinaface`, every batch has exactly `BATCH` places, empty ones zero: the same picture gives the same bits
whatever its neighbours are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from scgan_data.faces.drawn_looks import F64, MARGIN_PX, Look, close_look, looks, size_of
from scgan_data.faces.drawn_parts import with_parts
from scgan_data.faces.face import Face

if TYPE_CHECKING:
    import torch

BATCH = 4
SEEN_PX = (16.0, 140.0)
"""Sizes of faces (root of the area) in a look that training showed well."""
MIN_SCORE = 0.3
"""Less than 1 % of 700 scenes of the training's kind, with other seeds, have a false face (5), and of 300 heads 3 are
missed. At .2 8 have and 2 are, at .5 3 and 4; of 500 anime faces 497, 493 and 491 are found at these three."""
FAINT = 0.05
"""What one look says counts from here."""
CANDIDATE = 0.25
"""What the first looks, in the mean, hold a face from here is looked at closely; what the close ones do, by the second
network."""
NMS_IOU, NMS_WITHIN = 0.4, 0.75
"""Of two faces the less sure goes where so much of their union is shared, or so much of it lies within the other."""


def detect(images: Sequence[Image.Image], *, min_score: float = MIN_SCORE, max_side_px: int = 640) -> list[list[Face]]:
    """The faces of each picture, best score first, in its pixels.

    `max_side_px` limits the looks (`drawn_looks`). Raises WeightsError.
    """
    seen = seen_first(images, min(CANDIDATE, min_score), max_side_px=max_side_px)
    return with_parts(images, seen, min_score)


def seen_first(images: Sequence[Image.Image], least: float, *, max_side_px: int = 640) -> list[list[tuple[float, F64]]]:
    """What the first network alone holds a face: scores over `least`, best first, and boxes (4,) in the picture."""
    whole = [(i, look) for i, image in enumerate(images) for look in looks(image, max_side_px)]
    sights: list[list[_Sight]] = [[] for _ in images]
    for (i, _), sight in zip(whole, _look_at([look for _, look in whole]), strict=True):
        sights[i].append(sight)
    candidates = [(i, box) for i, seen in enumerate(sights) for box in _candidates(seen)]
    close = _look_at([close_look(images[i], box, mirrored) for i, box in candidates for mirrored in (False, True)])
    found: list[list[tuple[float, F64]]] = [[] for _ in images]
    for k, (i, box) in enumerate(candidates):
        found[i] += _together(close[2 * k : 2 * k + 2], box)
    return [_merged(faces, least) for faces in found]


@dataclass(frozen=True)
class _Sight:
    """What one look says: scores (n,), boxes (n, 4) in the source."""

    scores: F64
    boxes: F64
    scale_xy: tuple[float, float]


def _look_at(looks: list[Look]) -> list[_Sight]:
    """What the network says of each, in batches of one canvas."""
    sights: dict[int, _Sight] = {}
    for canvas in sorted({look.canvas for look in looks}):
        members = [k for k, look in enumerate(looks) if look.canvas == canvas]
        for start in range(0, len(members), BATCH):
            part = members[start : start + BATCH]
            sights |= zip(part, _look_at_batch([looks[k] for k in part], canvas), strict=True)
    return [sights[k] for k in range(len(looks))]


def _look_at_batch(looks: list[Look], canvas: tuple[int, int]) -> list[_Sight]:
    import torch

    from scgan_data.faces import drawn_net

    tensor = torch.zeros(BATCH, 3, *canvas).to(memory_format=torch.channels_last)
    for i, look in enumerate(looks):
        h, w = (min(n, side - MARGIN_PX) for n, side in zip(look.pixels.shape[:2], canvas, strict=True))
        tensor[i, :, MARGIN_PX : MARGIN_PX + h, MARGIN_PX : MARGIN_PX + w] = torch.from_numpy(
            look.pixels[:h, :w].transpose(2, 0, 1).copy()
        )
    with torch.inference_mode():
        cells = drawn_net.shipped()[0](tensor)
    return [_decoded(cells[i], look) for i, look in enumerate(looks)]


def _decoded(cells: torch.Tensor, look: Look) -> _Sight:
    """One look's (31, h, w) cells: the peaks of the centres, in pixels of the source."""
    import torch
    from torch.nn.functional import max_pool2d

    from scgan_data.faces.drawn_net import BOX, HEAT, SIZE, STRIDE, UNIT_PX

    heat = cells[HEAT].sigmoid()
    rows, columns = ((heat > FAINT) & (heat == max_pool2d(heat[None, None], 3, 1, 1)[0, 0])).nonzero(as_tuple=True)
    at = cells[:, rows, columns].T.double().numpy()
    size = UNIT_PX * np.exp(np.clip(at[:, SIZE], -5, 5))
    centre = (torch.stack([columns, rows, columns, rows], 1).double().numpy() + 0.5) * STRIDE
    boxes = at[:, BOX] * size[:, None] + centre - MARGIN_PX
    if look.mirrored:
        boxes[:, [0, 2]] = look.pixels.shape[1] - boxes[:, [2, 0]]
    boxes = boxes / (look.scale_xy * 2) + look.corner_xy * 2
    return _Sight(heat[rows, columns].double().numpy(), boxes, look.scale_xy)


def _candidates(sights: list[_Sight]) -> list[F64]:
    """Boxes (4,) that the first looks hold to be faces, in the mean of those that can see them."""
    import torch
    from torchvision.ops import nms

    scores, boxes = (np.concatenate([getattr(s, name) for s in sights]) for name in ("scores", "boxes"))
    keep = nms(torch.from_numpy(boxes), torch.from_numpy(scores), NMS_IOU).numpy()
    return [boxes[k] for k in keep if _mean_score(sights, boxes[k], scores[k]) > CANDIDATE]


def _mean_score(sights: list[_Sight], box: F64, score: float) -> float:
    said = []
    for sight in sights:
        if SEEN_PX[0] <= size_of(box * (sight.scale_xy * 2)) <= SEEN_PX[1]:
            best = _alike(sight, box)
            said.append(0.0 if best is None else sight.scores[best])
    return float(np.mean(said)) if said else score


def _alike(sight: _Sight, box: F64) -> int | None:
    """The surest face of a look that shares enough with a box."""
    alike = [k for k in range(len(sight.boxes)) if _shares(sight.boxes[k], box)[0] >= NMS_IOU]
    return max(alike, key=lambda k: float(sight.scores[k]), default=None)


def _together(sights: list[_Sight], box: F64) -> list[tuple[float, F64]]:
    """Score and box of the face that the close looks at a candidate see, or nothing."""
    found = [(sight, best) for sight in sights if (best := _alike(sight, box)) is not None]
    if not found:
        return []
    scores = [float(sight.scores[k]) for sight, k in found]
    mean = np.average(np.stack([sight.boxes[k] for sight, k in found]), axis=0, weights=scores)
    return [(sum(scores) / len(sights), mean)]


def _merged(faces: list[tuple[float, F64]], min_score: float) -> list[tuple[float, F64]]:
    """The faces that are sure enough, none twice, best score first."""
    merged: list[tuple[float, F64]] = []
    for score, box in sorted((f for f in faces if f[0] > min_score), key=lambda f: -f[0]):
        shares = [_shares(box, surer) for _, surer in merged]
        if all(union < NMS_IOU and within < NMS_WITHIN for union, within in shares):
            merged.append((score, box))
    return merged


def _shares(one: F64, other: F64) -> tuple[float, float]:
    """The shared area of two boxes over their union, and over the first."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    first, second = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(both / max(1e-9, first + second - both)), float(both / max(1e-9, first))
