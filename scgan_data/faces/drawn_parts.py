"""Where the parts of a drawn face are: the second step of `drawn`.

The network sees each face alone, in one size, in five windows that differ a little, each as it is and mirrored; a
place is the median of what they show. Mean IoU of the regions of 100 portraits each (notionists, micah, toon-head,
personas, none of them in training): .387, .509, .566 and .519 with a layer from all features to all places; .465, .704,
.580 and .614 looking for each place separately, on larger faces and with training's truth defined as theirs is (eyes
behind dark glasses are in it no more); .475, .724, .593 and .603 since heads have hooked noses, creased chins and
shaded necks too; .491, .725, .595 and .616 by five windows instead of one (their mean, or three sizes, gave less);
.579, .793, .646 and .659 after twice as many steps on twice as many faces; .607, .796, .645 and .679 since it meets
what the first network doubts for 3,000 steps instead of 700: it had been trained too briefly; .637, .825, .679 and .715
after twice as many steps again, and with anime's heads among those of training. All parts gained but notionists' mouth
(.515 to .438), for which a chin's line is taken the more often.
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

WINDOWS = ((1.0, 0.0, 0.0), (0.9, 0.05, 0.05), (0.9, -0.05, -0.05), (1.12, 0.05, -0.05), (1.12, -0.05, 0.05))
"""How a face is shown: the window's size in that of the first one, and how far it is moved in sizes of the face."""
ODDS = (1.57, 1.06, -4.44)
"""Weights of the first network's log odds of a face and of the second one's, and a constant: `python -m
pipelines.fit_drawn_score`, on 500 faces of the training's kind and 1,480 things that the first network sees. By the
geometric mean of both probabilities, until then, a face that one network held sure could not make up for the other's
doubt: where 1 % of scenes have a false face, the networks of that time found 98 % of 400 portraits in unseen styles and
88 % of 500 anime faces, by these odds all but one and 92 %. Both close looks apart, the first looks, the least sure
window and how far the windows' places lie apart add nothing to these two; the face's size does no more than a lower
limit does."""
PARTS = (Region.EYES, Region.NOSE, Region.MOUTH)
"""In the order of the network's outputs."""
MIRRORED = (0, 1, 3, 2, 4, 6, 5, 7, 8, 9, 10, 11, 12)
"""The order of a mirrored face's places: its right eye is the left one."""
_F32 = NDArray[np.float32]


def with_parts(
    images: Sequence[Image.Image], found: list[list[tuple[float, F64]]], min_score: float
) -> list[list[Face]]:
    """Faces of the detector's scores and boxes, a list for each picture, with points and regions, best score first.

    A score becomes `chance` of itself and of what this network says; those that it leaves over `min_score` stay.
    """
    seen = [[_face(image, score, box) for score, box in faces] for image, faces in zip(images, found, strict=True)]
    return [sorted((f for f in faces if f.score > min_score), key=lambda f: -f.score) for faces in seen]


def chance(score: float, logit: float) -> float:
    """How likely a face is, 0 to 1, by the first network's score and the second one's logit."""
    first, second, constant = ODDS
    odds = first * np.log(score / (1 - score)) + second * logit + constant
    return float(1 / (1 + np.exp(-odds)))


def _face(image: Image.Image, score: float, box: F64) -> Face:
    places, logits = parts_of(image, box)
    regions = {part: as_box(places[7 + 2 * n : 9 + 2 * n].ravel()) for n, part in enumerate(PARTS) if logits[n] > 0}
    return Face(as_box(box), chance(score, float(logits[3])), places[2:7], MappingProxyType(regions))


def parts_of(image: Image.Image, box: F64) -> tuple[F64, F64]:
    """Places (13, 2) in the picture, medians of those that the windows show, and the means of their logits (4,)."""
    windows = [_window(box, *window) for window in WINDOWS]
    said = _look_at([_crop(image, window) for window in windows])
    placed = [_mean(said[2 * k], said[2 * k + 1], window) for k, window in enumerate(windows)]
    places = np.median([places for places, _ in placed], axis=0)
    return places, np.mean([logits for _, logits in placed], axis=0)


def _window(box: F64, scale: float, x: float, y: float) -> F64:
    """A square (4,) of `scale` times the box's size, its middle moved by x and y sizes."""
    size = size_of(box)
    middle = (box[:2] + box[2:]) / 2 + np.array([x, y]) * size
    return np.concatenate([middle - scale * size / 2, middle + scale * size / 2])


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


def _look_at(crops: list[_F32]) -> F64:
    """The network's 30 outputs for each, as it is and then mirrored. Always one face: neighbours change last digits."""
    import torch

    from scgan_data.faces import drawn_net

    views = np.stack([view for crop in crops for view in (crop, crop[:, ::-1])])
    x_nchw = torch.from_numpy(views).permute(0, 3, 1, 2)  # channels last in memory
    with torch.inference_mode():
        said: F64 = drawn_net.shipped()[1](x_nchw).double().numpy()
    return said


def _mean(plain: F64, mirrored: F64, window: F64) -> tuple[F64, F64]:
    """Places (13, 2) in the picture, and logits of the regions' visibility and of being a face (4,), of both views."""
    from scgan_data.faces.drawn_net import PARTS_AROUND

    other = mirrored[:26].reshape(13, 2)[list(MIRRORED)] * (-1, 1)
    for corner in (0, 7, 9, 11):
        other[[corner, corner + 1], 0] = other[[corner + 1, corner], 0]
    places = (plain[:26].reshape(13, 2) + other) / 2
    in_picture = places * (PARTS_AROUND * size_of(window) / 2) + (window[:2] + window[2:]) / 2
    return in_picture, (plain[26:] + mirrored[26:]) / 2
