"""Where the parts of a drawn face are: the second step of `drawn`.

The network sees each face alone, in one size, as it is and mirrored, and the mean of both counts. Mean IoU of the
regions of 100 portraits each (notionists, micah, toon-head, personas, none of them in training): .387, .509, .566 and
.519 with a layer from all features to all places; .465, .704, .580 and .614 looking for each place separately, on
larger faces and with training's truth defined as theirs is (eyes behind dark glasses are in it no more); .475, .724,
.593 and .603 since heads have hooked noses, creased chins and shaded necks too. What is left in notionists: a chin's
line is taken for a small mouth, of a long nose only the tip is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgan_data.faces.drawn_looks import F64, as_box, levels, size_of, window
from scgan_data.faces.face import Face
from scgan_data.records import Region

BATCH = 8
PARTS = (Region.EYES, Region.NOSE, Region.MOUTH)
"""In the order of the network's outputs."""
MIRRORED = (0, 1, 3, 2, 4, 6, 5, 7, 8, 9, 10, 11, 12)
"""The order of a mirrored face's places: its right eye is the left one."""
_F32 = NDArray[np.float32]


def with_parts(
    images: Sequence[Image.Image], found: list[list[tuple[float, F64]]], min_score: float
) -> list[list[Face]]:
    """Faces of the detector's scores and boxes, a list for each picture, with points and regions, best score first.

    A score becomes the geometric mean of itself and of what this network says; those that it leaves over `min_score`
    stay.
    """
    shown = [_crop(images[i], box) for i, faces in enumerate(found) for _, box in faces]
    said = _look_at([view for crop in shown for view in (crop, crop[:, ::-1])])
    placed = iter(_mean(said[k], said[k + 1]) for k in range(0, len(said), 2))
    seen = [[_face(score, box, next(placed)) for score, box in faces] for faces in found]
    return [sorted((f for f in faces if f.score > min_score), key=lambda f: -f.score) for faces in seen]


def _crop(image: Image.Image, box: F64) -> _F32:
    """(96, 96, 3): the face in the middle, zero beyond the picture."""
    from scgan_data.faces.drawn_net import PARTS_AROUND, PARTS_PX

    scale = PARTS_PX / (PARTS_AROUND * size_of(box))
    part, corner = window(image, box, PARTS_AROUND, scale)
    start = (np.array(corner) - (box[:2] + box[2:]) / 2) * scale + PARTS_PX / 2
    x, y = (int(np.clip(round(float(v)), 0, PARTS_PX - 1)) for v in start)
    pixels = levels(part)[: PARTS_PX - y, : PARTS_PX - x]
    canvas = np.zeros((PARTS_PX, PARTS_PX, 3), np.float32)
    canvas[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
    return canvas


def _look_at(views: list[_F32]) -> list[F64]:
    """The network's 30 outputs for each view."""
    import torch

    from scgan_data.faces import drawn_net

    said: list[F64] = []
    for start in range(0, len(views), BATCH):
        part = views[start : start + BATCH]
        tensor = torch.zeros(BATCH, 3, *views[0].shape[:2]).to(memory_format=torch.channels_last)
        for i, view in enumerate(part):
            tensor[i] = torch.from_numpy(view.transpose(2, 0, 1).copy())
        with torch.inference_mode():
            said += list(drawn_net.shipped()[1](tensor)[: len(part)].double().numpy())
    return said


def _mean(plain: F64, mirrored: F64) -> tuple[F64, F64]:
    """Places (13, 2), and logits of the regions' visibility and of being a face (4,), of both views together."""
    other = mirrored[:26].reshape(13, 2)[list(MIRRORED)] * (-1, 1)
    for corner in (0, 7, 9, 11):
        other[[corner, corner + 1], 0] = other[[corner + 1, corner], 0]
    return (plain[:26].reshape(13, 2) + other) / 2, (plain[26:] + mirrored[26:]) / 2


def _face(score: float, box: F64, placed: tuple[F64, F64]) -> Face:
    from scgan_data.faces.drawn_net import PARTS_AROUND

    places = placed[0] * (PARTS_AROUND * size_of(box) / 2) + (box[:2] + box[2:]) / 2
    regions = {part: as_box(places[7 + 2 * n : 9 + 2 * n].ravel()) for n, part in enumerate(PARTS) if placed[1][n] > 0}
    both = float(np.sqrt(score / (1 + np.exp(-placed[1][3]))))
    return Face(as_box(box), both, places[2:7], MappingProxyType(regions))
