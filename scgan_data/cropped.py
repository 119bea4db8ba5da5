"""One square cut from a picture: its transform, what is measured of its face, and the manifest's columns for it.

The measurements are of the source picture, so that a crop's size changes none of them: a face too small there is the
commonest cause of soft training data. A `Decision` is a picture that gives no crop, and why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scgan_data import files, framing, hashes, images
from scgan_data.faces.face import Face
from scgan_data.occlusion import occlusion
from scgan_data.pose import yaw_pitch_deg
from scgan_data.records import Origin, Reason

FACE_PX = 96
"""Longer side to which a face is reduced for its sharpness; a smaller one is not enlarged."""


@dataclass(frozen=True)
class Decision:
    """Why a picture gives no crop."""

    reason: Reason
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Crop:
    """A square cut from a picture, and what was measured of its face there."""

    image: Image.Image
    quad: NDArray[np.float64]
    """(4, 2) corners in the source's pixels: top left, bottom left, bottom right, top right."""
    preset: str
    """How it was framed, `whole` for a picture kept as it was."""
    padding: float
    """Fraction of its area outside the picture."""
    face: Face | None
    source: Image.Image
    number: int = 1
    """Which of the picture's faces it is, from 1, the largest first."""

    @property
    def scale(self) -> float:
        """Crop pixels for a source pixel."""
        return self.image.width / framing.side_of(self.quad)

    def to_crop(self, points_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) source pixels to crop pixels."""
        return framing.to_crop(points_xy, self.quad, self.image.size)

    @cached_property
    def measured(self) -> dict[str, float]:
        """The columns that the limits are about."""
        if self.face is None:
            return {"padding": self.padding}
        yaw, pitch = yaw_pitch_deg(self.face.landmarks)
        return {
            "eye_distance_px": self.face.eye_distance_px,
            "face_cut": cut_off(self.face, self.source.size),
            "roll_deg": self.face.roll_deg,
            "yaw_deg": yaw,
            "pitch_deg": pitch,
            "face_sharpness": face_sharpness(self.source, self.face),
            "occlusion": occlusion(self.source, self.face.landmarks),
            "padding": self.padding,
        }


def cut_off(face: Face, size: tuple[int, int]) -> float:
    """How much of a face lies outside a picture of (width, height): of its box's area or of its points, the more."""
    outside = ((face.landmarks < 0) | (face.landmarks > np.array(size))).any(1)
    return max(framing.fraction_outside(framing.quad_of_box(face.xyxy), size), float(outside.mean()))


def face_sharpness(picture: Image.Image, face: Face) -> float:
    """`hashes`' sharpness of the face's box, as far as it lies in the picture, its longer side at most FACE_PX."""
    (x0, y0, x1, y1), (width, height) = face.xyxy, picture.size
    box = (max(0, math.floor(x0)), max(0, math.floor(y0)), min(width, math.ceil(x1)), min(height, math.ceil(y1)))
    if box[2] - box[0] < 3 or box[3] - box[1] < 3:
        return 0.0
    luma = picture.crop(box).convert("L")
    luma.thumbnail((FACE_PX, FACE_PX), Image.Resampling.BOX)
    return hashes.sharpness_contrast(luma)[0]


def columns(answer: Crop | Decision, source_id: str) -> dict[str, Any]:
    """One result row."""
    if isinstance(answer, Decision):
        decided = {"reason": answer.reason.value, "value": answer.value, "limit": answer.limit}
        return {"id": source_id, "png": None, **decided}
    png = images.encode_png(answer.image)
    row: dict[str, Any] = {
        "id": files.id_of_bytes(png),
        "parent_id": source_id,
        "pixel_id": images.Picture(answer.image, "PNG").pixel_id,
        "width": answer.image.width,
        "height": answer.image.height,
        "crop_preset": answer.preset,
        "crop_quad": answer.quad.ravel().tolist(),
        "crop_scale": answer.scale,
        "reason": None,
        "png": png,
        **answer.measured,
    }
    return row if answer.face is None else row | _face_columns(answer, answer.face)


def _face_columns(crop: Crop, face: Face) -> dict[str, Any]:
    """What is known of the face, in the crop's pixels; region boxes where the detector saw regions itself."""
    row: dict[str, Any] = {
        "face_number": crop.number,
        "face_score": face.score,
        "face_xyxy": framing.box_to_crop(face.xyxy, crop.quad, crop.image.size),
        "landmarks": crop.to_crop(face.landmarks).ravel().tolist(),
    }
    if face.regions:
        row |= {"regions_score": face.score, "regions_origin": Origin.DETECTOR.value}
    for region, xyxy in face.regions.items():
        x0, y0, x1, y1 = framing.box_to_crop(xyxy, crop.quad, crop.image.size, clip=True)
        row[f"{region}_xyxy"] = [x0, y0, x1, y1] if x1 > x0 and y1 > y0 else None
    return row
