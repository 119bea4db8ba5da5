"""crop: one face a picture, cut to head and shoulders, square, all pictures of one size.

The shoulder crop, from RetinaFace's five points: s is the head's scale (`landmarks.head_scale`), about the distance of
the eyes of a face seen from the front. The crop is the upright square of side `side_factor` s (4.6: crown, hair and
shoulder line of an adult) with the middle of eyes and mouth in its vertical axis and the eyes at `eyes_at` (.42) of its
height. What lies outside the picture is filled by reflection, recorded as a fraction of the square's area, and limited.
The same formula for photographs and drawings: a difference of framing is the first thing that a GAN would learn.

No rotation: a tilted head stays tilted up to `max_roll_deg`, since turning it would need pixels that are not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pydantic import AfterValidator, Field

from scgan_data import files, images, manifest, weights
from scgan_data.config import Config, PerDomain, limit_for
from scgan_data.faces import retinaface
from scgan_data.faces.face import Face
from scgan_data.landmarks import head_scale
from scgan_data.records import SELFIE, Reason
from scgan_data.runner import Work, per_image
from scgan_data.stage import StageFolder, version_of

MODULES = tuple(f"scgan_data.{name}" for name in ("crop", "faces", "images", "landmarks"))


SIDE_FACTOR, EYES_AT = 4.6, 0.42
"""The shoulder crop's."""


def _each(value: PerDomain, *, least: float, most: float) -> PerDomain:
    """Every number of a setting within its range; there is none for off. Raises ValueError."""
    for number in value.values() if isinstance(value, dict) else (value,):
        if number is None or not least < number < most:
            raise ValueError(f"{number} is not between {least} and {most}")
    return value


class CropConfig(Config):
    """Section `crop` of params.yaml."""

    size_px: Annotated[int, Field(ge=16, le=2048)] = 256
    """Side of the crops."""
    detector: Literal["retinaface-mobilenet"] = "retinaface-mobilenet"
    """Which face detector (weights.py)."""
    min_score: PerDomain = {"selfie": 0.9, "drawn": 0.5}
    """Least score of a face. Of 49 portraits the least sure had .992; a dog's face reached .81."""
    max_side_px: Annotated[int, Field(ge=64)] = 640
    """Longer side to which pictures are reduced for detection."""
    second_look_px: PerDomain = {"drawn": 128.0}
    """Longer side for a second look where no face was found. A detector made for photographs finds flat drawings better
    when they are small: of 150 avataaars at 240 px it finds 86 %, at 128 px 99 %."""
    side_factor: Annotated[PerDomain, AfterValidator(partial(_each, least=1, most=12))] = 4.6
    """Side of the crop over the head's scale s, 1 to 12; a domain that a mapping does not name has 4.6."""
    eyes_at: Annotated[PerDomain, AfterValidator(partial(_each, least=0, most=1))] = 0.42
    """Height of the eyes in the crop, from its top, 0 to 1; a domain that a mapping does not name has .42."""
    second_face: Annotated[float, Field(ge=0, le=1)] = 0.35
    """A further face counts when its size is at least this fraction of the largest one's."""
    min_eye_distance_px: PerDomain = 12.0
    """Least distance of the eyes in the source picture."""
    max_roll_deg: PerDomain = 30.0
    """Most tilt of the eyes' line."""
    max_padding: PerDomain = 0.3
    """Most of the crop's area that may lie outside the picture. Portraits cut as tightly as FFHQ's (four eye distances)
    lie outside by .27 in the median, sample selfies by .03."""
    padding: Literal["reflect", "edge"] = "reflect"
    """How that area is filled."""
    framed: tuple[str, ...] = ()
    """Domains (`drawn`: every style) whose pictures are framed as the shoulder crop already: kept whole, as a centred
    square; the face still decides and gives the boxes. A detector made for photographs places drawn eyes so roughly
    that crops by them vary by a tenth in scale, and the demo's cartoons come out as half photographs."""
    faceless: tuple[str, ...] = ()
    """Domains (`drawn`: every style) whose pictures without a found face are kept whole, as a centred square."""


@dataclass(frozen=True)
class Decision:
    """Why a picture gives no crop."""

    reason: Reason
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Crop:
    """A square cut: `xyxy` in source pixels (may reach outside), padding as a fraction of its area."""

    image: Image.Image
    xyxy: tuple[int, int, int, int]
    padding: float
    face: Face | None
    faces: int

    @property
    def scale(self) -> float:
        """Crop pixels for a source pixel."""
        return self.image.width / (self.xyxy[2] - self.xyxy[0])

    def to_crop(self, points_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) source pixels to crop pixels."""
        moved: NDArray[np.float64] = (points_xy - np.array(self.xyxy[:2], float)) * self.scale
        return moved


def run(rows: pd.DataFrame, config: CropConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """Every kept row becomes its crop (a new id, the old one as parent) or is rejected; rejected rows pass through."""
    weights.find(config.detector)  # once, here, rather than by every worker
    version = version_of(MODULES, [weights.WEIGHTS[config.detector].sha256])
    kept = manifest.kept(rows)
    done = per_image(kept, Work(crop_batch, config, version), folder, workers=workers)
    done = manifest.decide(done, "crop")
    home = [
        str(folder.home / files.content_path(i)) if status == "kept" else path
        for i, status, path in zip(done["id"], done["status"], done["path"], strict=True)
    ]
    done["path"] = home
    return pd.concat([done, rows.drop(kept.index)], ignore_index=True)


def crop_batch(batch: pd.DataFrame, config: CropConfig) -> pd.DataFrame:
    """The per-image function: rows with `path`, `domain`, `id` to result columns and `png`."""
    pictures = [images.load(path) for path in batch["path"]]
    found: list[list[Face]] = [[] for _ in pictures]
    for domain in sorted(batch["domain"].unique()):
        members = [i for i, d in enumerate(batch["domain"]) if d == domain]
        for i, f in zip(members, find_faces([pictures[i] for i in members], domain, config), strict=True):
            found[i] = f
    answers = [
        cut(picture, faces, domain, config)
        for picture, faces, domain in zip(pictures, found, batch["domain"], strict=True)
    ]
    return pd.DataFrame(
        [
            _columns(answer, source_id, faces)
            for answer, source_id, faces in zip(answers, batch["id"], found, strict=True)
        ]
    )


def find_faces(pictures: list[Image.Image], domain: str, config: CropConfig) -> list[list[Face]]:
    """The faces of pictures of one domain, with a second look at those that seem to have none."""
    score, closer = limit_for(config.min_score, domain) or 0.0, limit_for(config.second_look_px, domain)
    found = retinaface.detect(pictures, min_score=score, max_side_px=config.max_side_px)
    empty = [i for i, faces in enumerate(found) if not faces]
    if closer is not None and empty:
        again = retinaface.detect([pictures[i] for i in empty], min_score=score, max_side_px=int(closer))
        for i, faces in zip(empty, again, strict=True):
            found[i] = faces
    return found


def cut(picture: Image.Image, faces: list[Face], domain: str, config: CropConfig) -> Crop | Decision:
    """The crop of a picture with these faces, or why there is none. The picture is RGB, upright."""
    grown = _grown(faces, config.second_face)
    if not grown:
        keeps = _is_among(domain, config.faceless)
        return _centre_square(picture, None, config) if keeps else Decision(Reason.NO_FACE, 0.0, 1.0)
    if len(grown) > 1:
        return Decision(Reason.SEVERAL_FACES, float(len(grown)), 1.0)
    face = grown[0]
    checks = (
        (Reason.FACE_TOO_SMALL, face.eye_distance_px, limit_for(config.min_eye_distance_px, domain), -1),
        (Reason.TILTED, abs(face.roll_deg), limit_for(config.max_roll_deg, domain), 1),
    )
    for reason, value, limit, sign in checks:
        if limit is not None and sign * (value - limit) > 0:
            return Decision(reason, value, limit)
    if _is_among(domain, config.framed):
        return _centre_square(picture, face, config)
    xyxy = shoulder_square(face.landmarks, *formula(config, domain))
    outside = fraction_outside(xyxy, picture.size)
    most = limit_for(config.max_padding, domain)
    if most is not None and outside > most:
        return Decision(Reason.PADDED, outside, most)
    return Crop(extract(picture, xyxy, config.size_px, config.padding), xyxy, outside, face, 1)


def formula(config: CropConfig, domain: str) -> tuple[float, float]:
    """A domain's `side_factor` and `eyes_at`."""
    side, eyes = limit_for(config.side_factor, domain), limit_for(config.eyes_at, domain)
    return SIDE_FACTOR if side is None else side, EYES_AT if eyes is None else eyes


def _grown(faces: list[Face], least: float) -> list[Face]:
    """The faces that count, largest first: a passer-by far behind does not make a picture one of several people."""

    def side(face: Face) -> float:
        x0, y0, x1, y1 = face.xyxy
        return float(max(x1 - x0, y1 - y0))

    ranked = sorted(faces, key=side, reverse=True)
    return [face for face in ranked if side(face) >= least * side(ranked[0])]


def shoulder_square(landmarks: NDArray[np.float64], side_factor: float, eyes_at: float) -> tuple[int, int, int, int]:
    """The shoulder crop of (5, 2) landmarks, whole pixels, half-open; see the module's docstring."""
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    side = max(2, round(side_factor * head_scale(landmarks)))
    x0 = round(float(eyes[0] + mouth[0]) / 2 - side / 2)
    y0 = round(float(eyes[1]) - eyes_at * side)
    return x0, y0, x0 + side, y0 + side


def fraction_outside(xyxy: tuple[int, int, int, int], size: tuple[int, int]) -> float:
    """The fraction of a box's area outside a picture of (width, height)."""
    x0, y0, x1, y1 = xyxy
    inside = max(0, min(x1, size[0]) - max(x0, 0)) * max(0, min(y1, size[1]) - max(y0, 0))
    return 1.0 - inside / ((x1 - x0) * (y1 - y0))


def extract(
    picture: Image.Image, xyxy: tuple[int, int, int, int], size_px: int, padding: Literal["reflect", "edge"]
) -> Image.Image:
    """The box as a square of `size_px`, anti-aliased; outside the picture filled."""
    x0, y0, x1, y1 = xyxy
    width, height = picture.size
    left, top, right, bottom = max(0, -x0), max(0, -y0), max(0, x1 - width), max(0, y1 - height)
    inner = picture.crop((max(0, x0), max(0, y0), min(width, x1), min(height, y1)))
    if left or top or right or bottom:
        pixels = np.pad(np.asarray(inner), ((top, bottom), (left, right), (0, 0)), mode=padding)
        inner = Image.fromarray(pixels)
    return inner.resize((size_px, size_px), Image.Resampling.LANCZOS)


def _is_among(domain: str, names: tuple[str, ...]) -> bool:
    return domain in names or (domain != SELFIE and "drawn" in names)


def _centre_square(picture: Image.Image, face: Face | None, config: CropConfig) -> Crop:
    side = min(picture.size)
    x0, y0 = (picture.width - side) // 2, (picture.height - side) // 2
    xyxy = (x0, y0, x0 + side, y0 + side)
    return Crop(extract(picture, xyxy, config.size_px, config.padding), xyxy, 0.0, face, int(face is not None))


def _columns(answer: Crop | Decision, source_id: str, faces: list[Face]) -> dict[str, Any]:
    """One result row."""
    if isinstance(answer, Decision):
        decided = {"reason": answer.reason.value, "value": answer.value, "limit": answer.limit}
        return {"id": source_id, "png": None, "faces": len(faces), **decided}
    png = images.encode_png(answer.image)
    row: dict[str, Any] = {
        "id": files.id_of_bytes(png),
        "parent_id": source_id,
        "pixel_id": images.Picture(answer.image, "PNG").pixel_id,
        "width": answer.image.width,
        "height": answer.image.height,
        "faces": answer.faces,
        "crop_xyxy": [float(v) for v in answer.xyxy],
        "padding": answer.padding,
        "reason": None,
        "png": png,
    }
    if answer.face is not None:
        corners = answer.to_crop(np.array(answer.face.xyxy).reshape(2, 2))
        row |= {
            "face_score": answer.face.score,
            "face_xyxy": corners.ravel().tolist(),
            "landmarks": answer.to_crop(answer.face.landmarks).ravel().tolist(),
            "eye_distance_px": answer.face.eye_distance_px,
            "roll_deg": answer.face.roll_deg,
        }
    return row
