"""Heads of a bank laid on a picture, and what of each is then to be seen: the truth that a sample is taught with.

A head is mirrored, turned, bent and recoloured, covers others and is covered. A part of which half is covered or cut
off counts as not visible; a face of which too much is gone is neither taught nor held to be no face.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.drawn_bank import TURNS, Bank
from pipelines.drawn_pen import hue, ring

SAMPLE_PX = 192
LEAST_SIDE_PX = 10
"""Of a face that is taught."""
_F32 = NDArray[np.float32]


@dataclass
class Laid:
    """A face in a picture, in its pixels."""

    box: _F32
    """(4,) x0, y0, x1, y1, cut at the picture's border."""
    points: _F32
    """(5, 2)."""
    regions: _F32
    """(3, 4), NaN where there is none."""
    visible: NDArray[np.bool_]
    """(3,)."""
    known: NDArray[np.bool_]
    """(3,): whether the truth about a region is known."""
    taught: bool = True
    """False where too much of the face is covered or cut off."""
    hidden: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), bool))
    """(192, 192): where something covers it."""


def lay(
    rng: np.random.Generator,
    bank: Bank,
    image: Image.Image,
    place: tuple[float, tuple[float, float], tuple[int, int, int, int]],
    faces: list[Laid],
) -> None:
    """Lay a head on the picture where it covers no other face much."""
    size, at, window = place
    index = int(rng.integers(len(bank.heads)))
    truth = np.array(bank.truth[index], dtype=np.float64)
    face = truth[:TURNS]
    low, high = face.min(0), face.max(0)
    scale = size / np.sqrt(np.prod(high - low))
    matrix, mirrored = _matrix(rng, scale)
    shift = np.asarray(at) - matrix @ ((low + high) / 2)
    moved = truth @ matrix.T + shift
    laid = _laid(moved, np.array(bank.known[index]), window, mirrored)
    if any(_overlap(laid.box, other.box) > 0.3 for other in faces):
        return
    head = _recoloured(rng, Image.fromarray(_lengthened(rng, bank.heads[index])))
    shrink = max(1, int(0.8 / scale))
    if shrink > 1:
        head = head.reduce(shrink)
    inverse = np.linalg.inv(matrix)
    offset = -inverse @ shift
    coefficients = [v / shrink for v in (*inverse[0], offset[0], *inverse[1], offset[1])]
    layer = head.transform(image.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    image.paste(layer, (0, 0), layer)
    opaque = np.asarray(layer)[..., 3] > 128
    for other in faces:
        other.hidden |= opaque
    faces.append(laid)


def _lengthened(rng: np.random.Generator, head: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The body that is cut off at the sprite's lower border, often carried on downwards."""
    if rng.random() < 0.4:
        return head
    return np.pad(head, ((0, int(rng.integers(20, 400))), (0, 0), (0, 0)), mode="edge")


def _matrix(rng: np.random.Generator, scale: float) -> tuple[NDArray[np.float64], bool]:
    """Turn, mirror, stretch and size."""
    roll = np.radians(rng.uniform(-48, 48) if rng.random() < 0.25 else rng.normal(0, 10))
    c, s = np.cos(roll), np.sin(roll)
    stretch = np.exp(rng.normal(0, 0.07))
    mirrored = bool(rng.random() < 0.5)
    bend = np.array([[stretch, rng.normal(0, 0.05)], [0, 1 / stretch]])
    flip = np.diag([-1.0 if mirrored else 1.0, 1.0])
    return scale * np.array([[c, -s], [s, c]]) @ bend @ flip, mirrored


def _laid(
    moved: NDArray[np.float64], known: NDArray[np.bool_], window: tuple[int, int, int, int], mirrored: bool
) -> Laid:
    border = np.array([window[:2], window[2:]], dtype=np.float64)
    boxes = np.stack([moved[k * TURNS : (k + 1) * TURNS] for k in range(4)])
    whole = np.concatenate([boxes.min(1), boxes.max(1)], 1)
    cut = np.concatenate([np.clip(whole[:, :2], *border), np.clip(whole[:, 2:], *border)], 1)
    points = moved[4 * TURNS :]
    if mirrored:
        points = points[[1, 0, 2, 4, 3]]
    left = _area(cut) / np.maximum(_area(whole), 1e-6)
    visible = ~np.isnan(whole[1:, 0]) & (np.nan_to_num(left[1:]) > 0.5)
    taught = bool(left[0] > 0.5 and (cut[0, 2:] - cut[0, :2]).min() >= LEAST_SIDE_PX)
    f32 = np.float32
    hidden = np.zeros((SAMPLE_PX, SAMPLE_PX), bool)
    return Laid(cut[0].astype(f32), points.astype(f32), cut[1:].astype(f32), visible, known, taught, hidden)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1))


def _overlap(one: _F32, other: _F32) -> float:
    """Shared area over the smaller box's."""
    both = np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])])
    areas = _area(np.stack([both, one, other]).astype(np.float64))
    return float(areas[0] / max(1.0, min(areas[1], areas[2])))


def _recoloured(rng: np.random.Generator, head: Image.Image) -> Image.Image:
    """Now and then other colours: channels exchanged, gray, darker or lighter."""
    pick = rng.random()
    if pick < 0.6:
        return head
    pixels = np.asarray(head).copy()
    if pick < 0.7:
        pixels[..., :3] = pixels[..., :3] @ np.array([0.3, 0.59, 0.11])[:, None]
    elif pick < 0.8:
        pixels[..., :3] = pixels[..., rng.permutation(3)]
    else:
        tint = rng.uniform(0.5, 1.2, 3)
        pixels[..., :3] = np.clip(pixels[..., :3] * tint, 0, 255)
    return Image.fromarray(pixels)


def cover(rng: np.random.Generator, image: Image.Image, faces: list[Laid]) -> None:
    """Something before a face: a hand, a thing, a bar."""
    face = faces[rng.integers(len(faces))]
    x, y = (float(v) for v in rng.uniform(face.box[:2], face.box[2:]))
    size = float(np.sqrt(np.prod(face.box[2:] - face.box[:2])))
    rx, ry = size * rng.uniform(0.12, 0.4, 2)
    shape = ring(x, y, float(rx), float(ry), power=float(rng.uniform(1.2, 6)), turn=float(rng.uniform(0, 3)))
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon([float(v) for v in shape.ravel()], fill=255)
    image.paste(hue(rng, (0, 1), (0, 1)), (0, 0), mask)
    opaque = np.asarray(mask) > 128
    for other in faces:
        other.hidden |= opaque


def judge(face: Laid) -> None:
    """What is covered is not visible; a face most of which is covered is not taught."""
    if not face.hidden.any():
        return

    def share(box: _F32) -> float:
        x0, y0, x1, y1 = (int(v) for v in np.round(box))
        part = face.hidden[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        return float(part.mean()) if part.size else 1.0

    face.taught &= share(face.box) < 0.5
    for k in range(3):
        if face.visible[k]:
            face.visible[k] = share(face.regions[k]) < 0.5
