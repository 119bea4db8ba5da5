"""Looks at a picture: turned as a whole, or a window upright around one face, each with its exact way back.

A view is a picture of its own and the affine map from its pixels to those of the source, so that whatever a detector
finds in it is carried back without rounding. Coordinates are continuous, pixel (0, 0) covering 0 to 1, as everywhere.
What lies outside the source is filled with the mean colour that RetinaFace subtracts (its zero).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgan_data.faces.face import Box, Face
from scgan_data.landmarks import head_scale

FILL_RGB = (123, 117, 104)
MIRRORED_ORDER = (1, 0, 2, 4, 3)
"""The five points of a mirrored face: left and right change names."""


@dataclass(frozen=True)
class View:
    """A picture, and (2, 3) `to_source`: source x, y = `to_source` @ (x, y, 1) of the view."""

    image: Image.Image
    to_source: NDArray[np.float64]

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right changed places."""
        return bool(np.linalg.det(self.to_source[:, :2]) < 0)


def turned(image: Image.Image, degrees: float, side_px: int) -> View:
    """The whole picture turned clockwise, its longer side reduced to at most `side_px` before; nothing is cut off."""
    scale = min(1.0, side_px / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image if size == image.size else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    turn = _rotation(-degrees)
    width, height = np.ceil(np.abs(turn) @ size - 1e-9).astype(int)
    offset = np.array(size) / 2 - turn @ (np.array([width, height]) / 2)
    seen = _through(small, np.column_stack([turn, offset]), (int(width), int(height)))
    to_full = np.array(image.size) / size
    return View(seen, np.column_stack([turn, offset]) * to_full[:, None])


def window(image: Image.Image, landmarks: NDArray[np.float64], *, head_px: float, side_px: int) -> View:
    """The square of `side_px` around (5, 2) landmarks, eyes level, the head's scale being `head_px` in it."""
    across = landmarks[1] - landmarks[0]
    step = head_scale(landmarks) / head_px
    turn = _rotation(math.degrees(math.atan2(across[1], across[0]))) * step
    to_source = np.column_stack([turn, landmarks.mean(0) - turn @ [side_px / 2, side_px / 2]])
    factor = int(step)
    if factor < 2:
        return View(_through(image, to_source, (side_px, side_px)), to_source)
    small, corner = _reduced(image, to_source, side_px, factor)
    inner = to_source.copy()
    inner[:, 2] -= corner
    return View(_through(small, inner / factor, (side_px, side_px)), to_source)


def mirrored(view: View) -> View:
    """The same, left and right exchanged."""
    flip = np.array([[-1.0, 0.0, view.image.width], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return View(view.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), view.to_source @ flip)


def _reduced(
    image: Image.Image, to_source: NDArray[np.float64], side_px: int, factor: int
) -> tuple[Image.Image, tuple[int, int]]:
    """What a window sees of a picture, by the mean of `factor` × `factor` pixels, and its corner in the source."""
    corners = np.array([[0, 0, 1], [side_px, 0, 1], [0, side_px, 1], [side_px, side_px, 1]]) @ to_source.T
    low = np.clip(np.floor(corners.min(0) / factor) * factor - factor, 0, None).astype(int)
    high = np.minimum(np.ceil(corners.max(0)) + 2 * factor, image.size).astype(int)
    low = np.minimum(low, high - 1)
    box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
    return image.reduce(factor, box=box), (box[0], box[1])


def back(face: Face, view: View) -> Face:
    """A face of the view in the source's pixels; the box of a turned one is upright again and of the same area."""
    points = face.landmarks @ view.to_source[:, :2].T + view.to_source[:, 2]
    if view.is_mirrored:
        points = points[list(MIRRORED_ORDER)]
    regions = {region: _box_back(box, view) for region, box in face.regions.items()}
    return replace(face, xyxy=_box_back(face.xyxy, view), landmarks=points, regions=regions)


def _box_back(box: Box, view: View) -> Box:
    low, high = np.array(box[:2]), np.array(box[2:])
    linear = view.to_source[:, :2]
    centre = linear @ ((low + high) / 2) + view.to_source[:, 2]
    hull = np.abs(linear) @ (high - low)
    area = abs(float(np.linalg.det(linear))) * float(np.prod(high - low))
    half = hull * math.sqrt(area / max(float(np.prod(hull)), 1e-9)) / 2
    return (*(centre - half).tolist(), *(centre + half).tolist())


def _rotation(degrees: float) -> NDArray[np.float64]:
    """(2, 2): clockwise on the screen; exact for quarter turns."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if degrees % 90 == 0:
        cos, sin = float(round(cos)), float(round(sin))
    return np.array([[cos, -sin], [sin, cos]])


def _through(image: Image.Image, to_image: NDArray[np.float64], size: tuple[int, int]) -> Image.Image:
    return image.transform(
        size, Image.Transform.AFFINE, tuple(to_image.ravel()), Image.Resampling.BICUBIC, fillcolor=FILL_RGB
    )
