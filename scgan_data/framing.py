"""framing: which square of a picture becomes its crop. Geometry only: five points, a face box, a size; no pixel.

s is the head's scale (`landmarks.head_scale`), about the distance of the eyes of a face seen from the front. A square
is a quad: x, y of its top left, bottom left, bottom right and top right corner in the parent's pixels, where pixel i
covers i to i + 1. It is the whole truth of a crop: `to_crop` and `to_parent` need it and the crop's size, no more.

`shoulder`, ours: side 4.6 s, the eyes .42 down, the middle of eyes and mouth in the vertical axis: from 1.93 s above
the eyes to 2.67 s below, upright, whole pixels. Measured, in s from the eyes' line: the chin at 1.78 (1.60 to 1.92 in
nine of ten; landmarks68, 376 faces), brows -.38, the face 2.28 wide; read off a ruler on 23 sample selfies: top of the
hair -2.0 (-2.5 to -1.3; a short-haired skull ends at -1.8), the neck meets the shoulders at 1.9 (1.5 to 2.2). So the
square holds the skull and .8 s of shoulder, and cuts off the top of the hair in 14 of the 23; `eyes_at` .45 would do so
in 8, and pad less, at .14 s less shoulder. It was kept: the sample's portraits are rendered to fit .42.
FFHQ-like portraits end 1.9 s below the eyes, celebrity crops 2.6: what is missing is padding.

`ffhq`: x' = right eye - left eye, y' = mouth - eyes; side max(4 |x'|, 3.6 |y'|), centre eyes + .1 y', turned to the
direction of x' plus y' turned by 90° (Karras, Aila, Laine, Lehtinen 2018, "Progressive Growing of GANs", appendix C,
as CelebA-HQ; the same in NVlabs/ffhq-dataset, download_ffhq.py, that shrinks and pads besides). The eyes are theirs:
means of the lids' points; our detector's are nearly that.

`photo2cartoon`: the eyes' line is made level; the box of 68 landmarks (height h, width w) grows by .8 h upwards, .3 h
downwards, .3 w to each side, then to a square about its centre (minivision-ai/photo2cartoon, utils/preprocess.py and
face_detect.py, MIT). Of five points that box is not known: it is taken from landmarks68's medians in the level frame,
top -.38 s and bottom 1.78 s from the eyes' line, middle at that of eyes and mouth. That gives 4.54 s, the eyes .465
down; the height decides in 99 % of the 376 faces. It does not follow the jaw of a turned head as theirs does.

`face`: the detector's box and a margin, made square: for what is trained on faces without hair.

Upright or level: `shoulder` and `face` stay upright (turning needs pixels that are not there, and a tilted head is
part of a selfie), the published two are level; `level` overrides either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scgan_data.landmarks import LEFT_EYE, MOUTH_LEFT, RIGHT_EYE, head_scale

Preset = Literal["shoulder", "ffhq", "photo2cartoon", "face"]
LEVEL: dict[Preset, bool] = {"shoulder": False, "ffhq": True, "photo2cartoon": True, "face": False}
"""Which presets turn a tilted head upright, where `level` does not say."""
BOX68 = (-0.38, 1.78)
"""Top and bottom of the 68 landmarks' box, in s from the eyes' line, in the level frame."""
WHOLE_FACE = (1.14, -1.3, 1.78)
"""Half the width, top (the hairline) and bottom (the chin) of a face, in s from the middle of the eyes."""
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """A preset and its settings."""

    preset: Preset = "shoulder"
    level: bool | None = None
    """Turn tilted heads upright; None: as the preset does."""
    side_factor: float = 4.6
    """`shoulder`: side over s."""
    eyes_at: float = 0.42
    """`shoulder`: height of the eyes from the top, as a fraction of the side."""
    margin: float = 0.15
    """`face`: added to each side of the box, as a fraction of its longer side."""


def quad_of(frame: Frame, landmarks: Points, face_xyxy: Sequence[float]) -> Points:
    """(4, 2) corners of the crop of a face with (5, 2) landmarks; an upright square has whole pixels, half-open."""
    level = LEVEL[frame.preset] if frame.level is None else frame.level
    if frame.preset == "shoulder" and not level:
        return quad_of_box(shoulder_square(landmarks, frame.side_factor, frame.eyes_at))
    eyes_only = frame.preset == "photo2cartoon"
    right = _direction(landmarks, eyes_only=eyes_only) if level else np.array([1.0, 0.0])
    centre, side = _square(frame, landmarks, face_xyxy, right)
    if not level:
        whole = max(2, round(side))
        x0, y0 = (round(float(c) - whole / 2) for c in centre)
        return quad_of_box((x0, y0, x0 + whole, y0 + whole))
    x, y = side / 2 * right, side / 2 * _down(right)
    return np.stack([centre - x - y, centre - x + y, centre + x + y, centre + x - y])


def _square(frame: Frame, landmarks: Points, box: Sequence[float], right: Points) -> tuple[Points, float]:
    """Centre and side; `right` is the unit vector along the square's upper edge."""
    eyes, mouth = landmarks[: RIGHT_EYE + 1].mean(0), landmarks[MOUTH_LEFT:].mean(0)
    middle = (eyes + mouth) / 2
    on_axis = eyes + right * ((middle - eyes) @ right)  # level with the eyes, in the axis of eyes and mouth
    s, down = head_scale(landmarks), _down(right)
    if frame.preset == "ffhq":
        across, along = landmarks[RIGHT_EYE] - landmarks[LEFT_EYE], mouth - eyes
        return eyes + 0.1 * along, float(max(4.0 * np.hypot(*across), 3.6 * np.hypot(*along), 2.0))
    if frame.preset == "photo2cartoon":
        height = BOX68[1] - BOX68[0]
        top, bottom = BOX68[0] - 0.8 * height, BOX68[1] + 0.3 * height
        return on_axis + down * s * (top + bottom) / 2, max(2.0, s * (bottom - top))
    if frame.preset == "face":
        x0, y0, x1, y1 = box
        return np.array([x0 + x1, y0 + y1]) / 2, max(2.0, (1 + 2 * frame.margin) * max(x1 - x0, y1 - y0))
    side = max(2.0, frame.side_factor * s)
    return on_axis + down * (0.5 - frame.eyes_at) * side, side


def _down(right: Points) -> Points:
    return np.array([-right[1], right[0]])


def _direction(landmarks: Points, *, eyes_only: bool) -> Points:
    """The head's own right: along the eyes, or the mean of that and of the line from eyes to mouth turned by 90°."""
    across = landmarks[RIGHT_EYE] - landmarks[LEFT_EYE]
    along = landmarks[MOUTH_LEFT:].mean(0) - landmarks[: RIGHT_EYE + 1].mean(0)
    vector = across if eyes_only else across + np.array([along[1], -along[0]])
    length = float(np.hypot(*vector))
    return vector / length if length else np.array([1.0, 0.0])


def shoulder_square(landmarks: Points, side_factor: float, eyes_at: float) -> tuple[int, int, int, int]:
    """The upright shoulder crop of (5, 2) landmarks, whole pixels, half-open; see the module's docstring."""
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    side = max(2, round(side_factor * head_scale(landmarks)))
    x0 = round(float(eyes[0] + mouth[0]) / 2 - side / 2)
    y0 = round(float(eyes[1]) - eyes_at * side)
    return x0, y0, x0 + side, y0 + side


def whole_face(landmarks: Points) -> list[float]:
    """The upright box (x0, y0, x1, y1) around a face of (5, 2) landmarks from hairline to chin, tilted as it may be."""
    half, top, bottom = WHOLE_FACE
    right = _direction(landmarks, eyes_only=False) * head_scale(landmarks)
    corners = [x * right + y * _down(right) for x in (-half, half) for y in (top, bottom)]
    return _around(landmarks[: RIGHT_EYE + 1].mean(0) + np.stack(corners))


def whole_square(size: tuple[int, int]) -> Points:
    """The largest centred square of a picture of (width, height), as a quad."""
    side = min(size)
    x0, y0 = (size[0] - side) // 2, (size[1] - side) // 2
    return quad_of_box((x0, y0, x0 + side, y0 + side))


def quad_of_box(xyxy: Sequence[float]) -> Points:
    """(4, 2) corners of an upright box."""
    x0, y0, x1, y1 = map(float, xyxy)
    return np.array([[x0, y0], [x0, y1], [x1, y1], [x1, y0]])


def box_of_quad(quad: ArrayLike) -> tuple[int, int, int, int] | None:
    """The half-open box of whole pixels that an upright quad is; None for a turned one or one between pixels."""
    corners = np.asarray(quad, np.float64).reshape(4, 2)
    if (corners != np.round(corners)).any() or (corners != quad_of_box((*corners[0], *corners[2]))).any():
        return None
    x0, y0, x1, y1 = (int(v) for v in (*corners[0], *corners[2]))
    return x0, y0, x1, y1


def side_of(quad: ArrayLike) -> float:
    """Length of the square's upper edge, in the parent's pixels."""
    corners = np.asarray(quad, np.float64).reshape(4, 2)
    return float(np.hypot(*(corners[3] - corners[0])))


def to_crop(points: ArrayLike, quad: ArrayLike, size: tuple[int, int]) -> Points:
    """(N, 2) points of the parent in the pixels of a crop of (width, height)."""
    origin, axes = _axes(quad)
    moved = np.linalg.solve(axes, (np.asarray(points, np.float64).reshape(-1, 2) - origin).T).T
    return np.asarray(moved * size, np.float64)


def to_parent(points: ArrayLike, quad: ArrayLike, size: tuple[int, int]) -> Points:
    """(N, 2) points of a crop of (width, height) in the parent's pixels; the inverse of `to_crop`."""
    origin, axes = _axes(quad)
    moved: Points = origin + (np.asarray(points, np.float64).reshape(-1, 2) / size) @ axes.T
    return moved


def _axes(quad: ArrayLike) -> tuple[Points, Points]:
    """The top left corner, and (2, 2) columns: the upper edge and the left edge as vectors."""
    corners = np.asarray(quad, np.float64).reshape(4, 2)
    return corners[0], np.stack([corners[3] - corners[0], corners[1] - corners[0]], axis=1)


def box_to_crop(xyxy: Sequence[float], quad: ArrayLike, size: tuple[int, int], *, clip: bool = False) -> list[float]:
    """A box of the parent as the upright box around it in the crop (larger than it where the quad is turned).

    With `clip` it is cut to the crop, and empty (x0 = x1 or y0 = y1) where it lies outside.
    """
    box = _around(to_crop(quad_of_box(xyxy), quad, size))
    if not clip:
        return box
    return [min(max(v, 0.0), float(side)) for v, side in zip(box, (*size, *size), strict=True)]


def box_to_parent(xyxy: Sequence[float], quad: ArrayLike, size: tuple[int, int]) -> list[float]:
    """A box of the crop as the upright box around it in the parent."""
    return _around(to_parent(quad_of_box(xyxy), quad, size))


def _around(points: Points) -> list[float]:
    return [float(v) for v in (*points.min(0), *points.max(0))]


def fraction_outside(quad: ArrayLike, size: tuple[int, int]) -> float:
    """The fraction of a quad's area outside a picture of (width, height)."""
    corners = np.asarray(quad, np.float64).reshape(4, 2)
    area = _area(corners)
    inside = corners
    for axis in (0, 1):
        inside = _cut(inside, axis, 0.0, 1.0)
        inside = _cut(inside, axis, float(size[axis]), -1.0)
    return min(1.0, max(0.0, 1.0 - _area(inside) / area)) if area else 0.0


def _cut(polygon: Points, axis: int, at: float, sign: float) -> Points:
    """What of a convex polygon lies on one side of a line (Sutherland and Hodgman)."""
    kept: list[Points] = []
    for one, two in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        a, b = sign * (one[axis] - at), sign * (two[axis] - at)
        if a >= 0:
            kept.append(one)
        if a * b < 0:
            crossing = one + (two - one) * (a / (a - b))
            crossing[axis] = at
            kept.append(crossing)
    return np.array(kept).reshape(-1, 2)


def _area(polygon: Points) -> float:
    if len(polygon) < 3:
        return 0.0
    after = np.roll(polygon, -1, axis=0)
    return abs(float((polygon[:, 0] * after[:, 1] - polygon[:, 1] * after[:, 0]).sum())) / 2
