"""Faces in drawings: boxes, scores, the five points, and region boxes of eyes, nose and mouth.

A detector of our own (`drawn_net`, trained by `pipelines/train_drawn` on rendered faces only), since those made for
photographs find a third of South Park's faces and a twentieth of The Simpsons'. A picture is looked at in several
sizes, each laid on a canvas with a margin; of every look only faces of the sizes that training showed count, so that a
face may fill its picture or be a fortieth of it. Small pictures are enlarged: avatars' faces are often 64 px. What the
looks find is merged by non-maximum suppression. A region that is not visible is missing from `Face.regions`.

As in `retinaface`, every batch has exactly `BATCH` places, empty ones zero: the same picture gives the same bits
whatever its neighbours are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgan_data import weights
from scgan_data.faces.face import Box, Face
from scgan_data.records import Region

if TYPE_CHECKING:
    import torch

BATCH = 4
LOOKS = (1.0, 0.5, 0.25)
"""Sizes of the looks, as fractions of `max_side_px`."""
LEAST_SIDE_PX = 96
"""No look's longer side is smaller, but the largest."""
FACE_PX = (11.0, 150.0)
"""Sizes of faces (root of the area) that count in a look; no upper limit in the smallest, no lower in the largest."""
MARGIN_PX = 16
MIN_SCORE = 0.35
NMS_IOU, NMS_WITHIN = 0.4, 0.75
"""Of two faces the less sure goes where so much of their union is shared, or so much of it lies within the other."""
PARTS = (Region.EYES, Region.NOSE, Region.MOUTH)
"""In the order of the network's channels."""


def detect(images: Sequence[Image.Image], *, min_score: float = MIN_SCORE, max_side_px: int = 640) -> list[list[Face]]:
    """The faces of each picture, best score first, in its pixels.

    `max_side_px` is the longer side of the largest look at pictures that are larger; smaller ones are enlarged, but at
    most twice and to at most a quarter of it.
    """
    faces: list[list[Face]] = [[] for _ in images]
    looks = [(i, look) for i, image in enumerate(images) for look in _looks(image, max_side_px)]
    for canvas in sorted({look.canvas for _, look in looks}):
        members = [(i, look) for i, look in looks if look.canvas == canvas]
        for start in range(0, len(members), BATCH):
            part = members[start : start + BATCH]
            found = _detect_batch([look for _, look in part], canvas, min_score)
            for (i, _), more in zip(part, found, strict=True):
                faces[i] += more
    return [_merged(found) for found in faces]


@dataclass(frozen=True)
class _Look:
    """A picture on its canvas: pixels (h, w, 3) in -1..1, offset and scales back to the source, sizes that count."""

    pixels: NDArray[np.float32]
    canvas: tuple[int, int]
    scale_xy: tuple[float, float]
    sizes_px: tuple[float, float]


def _looks(image: Image.Image, max_side_px: int) -> list[_Look]:
    longer = max(image.size)
    largest = min(max_side_px, max(longer, min(2 * longer, max_side_px // 4)))
    sides = [largest]
    for fraction in LOOKS[1:]:
        side = round(max_side_px * fraction)
        if LEAST_SIDE_PX <= side < 0.8 * sides[-1]:
            sides.append(side)
    limits = [(0.0 if k == 0 else FACE_PX[0], np.inf if k == len(sides) - 1 else FACE_PX[1]) for k in range(len(sides))]
    return [_look(image, side, sizes) for side, sizes in zip(sides, limits, strict=True)]


def _look(image: Image.Image, side: int, sizes_px: tuple[float, float]) -> _Look:
    from scgan_data.faces.drawn_net import DEEPEST

    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    method = Image.Resampling.BILINEAR if scale <= 1 else Image.Resampling.BICUBIC
    rgb = image.convert("RGB")
    small = rgb if size == image.size else rgb.resize(size, method, reducing_gap=3.0)
    height, width = (-(-(n + 2 * MARGIN_PX) // DEEPEST) * DEEPEST for n in (size[1], size[0]))
    pixels = np.asarray(small, np.float32) / 127.5 - 1
    return _Look(pixels, (height, width), (size[0] / image.width, size[1] / image.height), sizes_px)


def _detect_batch(looks: list[_Look], canvas: tuple[int, int], min_score: float) -> list[list[Face]]:
    import torch

    tensor = torch.zeros(BATCH, 3, *canvas).to(memory_format=torch.channels_last)
    for i, look in enumerate(looks):
        h, w = look.pixels.shape[:2]
        tensor[i, :, MARGIN_PX : MARGIN_PX + h, MARGIN_PX : MARGIN_PX + w] = torch.from_numpy(
            look.pixels.transpose(2, 0, 1).copy()
        )
    with torch.inference_mode():
        cells = network()(tensor)
    return [_faces(cells[i], look, min_score) for i, look in enumerate(looks)]


def _faces(cells: torch.Tensor, look: _Look, min_score: float) -> list[Face]:
    """Decode one look's (31, h, w) cells: the peaks of the centres, in pixels of the source."""
    import torch
    from torch.nn.functional import max_pool2d

    from scgan_data.faces.drawn_net import BOX, HEAT, POINTS, REGIONS, SIZE, STRIDE, UNIT_PX, VISIBLE

    heat = cells[HEAT].sigmoid()
    peaks = (heat > min_score) & (heat == max_pool2d(heat[None, None], 3, 1, 1)[0, 0])
    rows, columns = peaks.nonzero(as_tuple=True)
    if not len(rows):
        return []
    at = cells[:, rows, columns].double().numpy()
    size = UNIT_PX * np.exp(np.clip(at[SIZE], -5, 5))
    centre = (torch.stack([columns, rows]).double().numpy() + 0.5) * STRIDE
    scale = np.array(look.scale_xy)[:, None]
    inside = (size >= look.sizes_px[0]) & (size <= look.sizes_px[1])

    def source(channels: slice) -> NDArray[np.float64]:
        """(points, 2, faces) in pixels of the source."""
        offsets = at[channels].reshape(-1, 2, len(size)) * size
        return np.asarray((offsets + centre - MARGIN_PX) / scale)

    scores = heat[rows, columns].double().numpy()
    box, points, regions = source(BOX), source(POINTS), source(REGIONS)
    return [
        Face(
            _box(box[..., k]),
            float(scores[k]),
            points[..., k],
            MappingProxyType(
                {r: _box(regions[2 * n : 2 * n + 2, :, k]) for n, r in enumerate(PARTS) if at[VISIBLE][n, k] > 0}
            ),
        )
        for k in np.flatnonzero(inside)
    ]


def _box(corners: NDArray[np.float64]) -> Box:
    """Two points (2, 2) as a box of at least nothing."""
    (x0, y0), (x1, y1) = np.minimum(corners[0], corners[1]), np.maximum(corners[0], corners[1])
    return float(x0), float(y0), float(x1), float(y1)


def _merged(faces: list[Face]) -> list[Face]:
    """Of boxes that overlap, the surest, and none that lies within a surer one; best score first."""
    import torch
    from torchvision.ops import nms

    if not faces:
        return []
    boxes = torch.tensor([face.xyxy for face in faces], dtype=torch.float64)
    keep = nms(boxes, torch.tensor([face.score for face in faces], dtype=torch.float64), NMS_IOU)
    merged: list[Face] = []
    for face in (faces[int(k)] for k in keep):
        if all(_share_within(face.xyxy, surer.xyxy) < NMS_WITHIN for surer in merged):
            merged.append(face)
    return merged


def _share_within(one: Box, other: Box) -> float:
    """The share of a box that lies within another."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high) / max(1e-9, (one[2] - one[0]) * (one[3] - one[1]))


@lru_cache(maxsize=1)
def network() -> torch.nn.Module:
    """The network, weights loaded. Raises WeightsError."""
    from scgan_data.faces import drawn_net

    return drawn_net.load(weights.find("drawn"))
