"""crop: faces, each cut to a square, all pictures of one size, framed alike in every domain.

How is `framing`'s (`preset`: shoulder, ffhq, photo2cartoon, face), the pixels are `extract`'s, the pose is `pose`'s.
The same formula for photographs and drawings: a difference of framing is the first thing that a GAN would learn.

Everything is measured, in the source picture, before anything is decided: the distance of the eyes, tilt, turn and
nod, how much of the face the border cuts off, how sharp it is, whether something covers a part of it (`occlusion`), how
much would be padded. The decisions are pure functions of these columns (`limits.crop_rules`): a moved limit detects
nothing again, `whatif crop.…` answers from the manifest, and what lies near a limit is in doubt and on a contact sheet,
as in `filter`. A person's accept stands over every limit.

The transform is in the row: `crop_quad`, four corners in the parent's pixels, with the crop's width and height is all
that `framing.to_crop` and `to_parent` need. A rejected row keeps its picture; its points, its face's box and the quad
that was not cut are in the picture's own pixels.

Several faces: `reject` the picture (default: who is meant?), cut the `largest`, or `each` into a row of its own, with
its own id, the same parent and a `face_number`; small ones behind (`second_face`) do not count.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from PIL import Image
from pydantic import AfterValidator, Field

from scgan_data import extract, files, framing, images, manifest
from scgan_data.config import ByDomain, PerDomain, limit_for
from scgan_data.cropped import Crop, Decision, columns
from scgan_data.faces import detectors
from scgan_data.faces.detectors import DetectionConfig
from scgan_data.faces.face import Face
from scgan_data.limits import decision, doubt_sheet
from scgan_data.limits.crop_rules import CropLimits
from scgan_data.records import SELFIE, Reason, Region, Status, with_doubt
from scgan_data.runner import Work, per_image
from scgan_data.stage import CROP_FILE, StageFolder, version_of
from scgan_data.verdicts import read_verdicts, words

MEASURES = tuple(
    f"scgan_data.{name}"
    for name in ("crop", "cropped", "extract", "faces", "framing", "hashes", "images", "landmarks", "occlusion", "pose")
)
"""What decides the measurements and the pixels."""
MODULES = (
    *MEASURES,
    "scgan_data.contact_sheet",
    "scgan_data.limits.crop_rules",
    "scgan_data.limits.decision",
    "scgan_data.limits.doubt",
    "scgan_data.limits.doubt_sheet",
    "scgan_data.limits.rules",
    "scgan_data.verdicts",
)
"""What decides the result. An edit of what only decides detects nothing again."""
SIDE_FACTOR, EYES_AT = 4.6, 0.42
"""The shoulder crop's."""


def _each(value: PerDomain, *, least: float, most: float) -> PerDomain:
    """Every number of a setting within its range; there is none for off. Raises ValueError."""
    for number in value.values() if isinstance(value, dict) else (value,):
        if number is None or not least < number < most:
            raise ValueError(f"{number} is not between {least} and {most}")
    return value


class CropConfig(DetectionConfig, CropLimits, extra="forbid"):
    """Section `crop` of params.yaml; how faces are found is `faces.detectors.DetectionConfig`'s part of it."""

    size_px: Annotated[int, Field(ge=16, le=2048)] = 256
    """Side of the crops."""
    preset: framing.Preset = "shoulder"
    """How faces are framed (`framing`); the same in every domain."""
    level: bool | None = None
    """Turn tilted heads upright; null: as the preset does (ffhq and photo2cartoon do)."""
    side_factor: Annotated[PerDomain, AfterValidator(partial(_each, least=1, most=12))] = 4.6
    """`shoulder`: side of the crop over the head's scale s, 1 to 12; a domain not in a mapping has 4.6."""
    eyes_at: Annotated[PerDomain, AfterValidator(partial(_each, least=0, most=1))] = 0.42
    """`shoulder`: height of the eyes in the crop, from its top, 0 to 1; a domain not in a mapping has .42."""
    face_margin: Annotated[float, Field(ge=0, le=2)] = 0.15
    """`face`: added to each side of the face's box, as a fraction of its longer side."""
    several: Literal["reject", "largest", "each"] = "reject"
    """Of a picture with several faces: reject it, cut the largest, or each into a row of its own."""
    second_face: Annotated[float, Field(ge=0, le=1)] = 0.35
    """A further face counts when its size is at least this fraction of the largest one's."""
    padding: extract.Padding = "reflect"
    """How what lies outside the picture is filled: mirrored as far as the face, blurred beyond; the edge repeated; or
    mirrored and blurred from the border on (soft)."""
    framed: Annotated[tuple[str, ...], ByDomain()] = ()
    """Domains (`drawn`: every style) whose pictures are framed as the shoulder crop already: kept whole, as a centred
    square; the face still decides and gives the boxes. A detector made for photographs places drawn eyes so roughly
    that crops by them vary by a tenth in scale, and the demo's cartoons come out as half photographs."""
    faceless: Annotated[tuple[str, ...], ByDomain()] = ()
    """Domains (`drawn`: every style) whose pictures without a found face are kept whole, as a centred square."""
    sheet_pictures: Annotated[int, Field(ge=0, le=400)] = 60
    """Pictures on each domain's sheet of the doubtful; 0 makes none."""


LIMITS = tuple(rule.key for rule in CropLimits.RULES)
DECIDES = {
    **dict.fromkeys(LIMITS),
    "doubt": {},
    "sheet_pictures": 0,
    **{k: CropLimits.model_fields[k].default for k in ("doubtful", "verdicts")},
}
"""The settings that only decide, as they are while faces are measured and cut."""


def run(rows: pd.DataFrame, config: CropConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """Every kept row becomes its crop (a new id, the old one as parent) or is rejected; rejected rows pass through."""
    version = version_of(MEASURES, detectors.fingerprints(config))  # fetches weights here rather than in every worker
    kept = manifest.kept(rows).reset_index(drop=True)
    work = Work(crop_batch, config.model_copy(update=DECIDES), version)
    done = per_image(kept, work, folder, workers=workers)
    sources = kept.loc[done.index].reset_index(drop=True)
    done = manifest.decide(done.reset_index(drop=True), "crop")
    spoken = words(read_verdicts(config.verdicts))
    said = done["id"].map(spoken).fillna(sources["id"].map(spoken))
    earlier = sources["doubt"].where(said.isna())  # of the whole picture: still open
    done = decision.decide(done, config, said, stage="crop")
    _sheets(done[done["doubt"].notna()], config, folder)
    settings = config.model_dump(mode="json", exclude={*DECIDES, "resnet50_file"})  # the file is this machine's own
    files.write_json(folder.extras / CROP_FILE, settings)
    done["doubt"] = [with_doubt(e, d) if isinstance(d, str) else e for e, d in zip(earlier, done["doubt"], strict=True)]
    made, is_kept = done["crop_quad"].notna(), done["status"] == Status.KEPT
    folder.set_aside(done["id"][made & ~is_kept], done["id"][made & is_kept])
    done = _uncut(done, sources)
    done["path"] = [
        str(folder.home / files.content_path(i)) if status == Status.KEPT else path
        for i, status, path in zip(done["id"], done["status"], done["path"], strict=True)
    ]
    return pd.concat([done, rows[rows["status"] != Status.KEPT]], ignore_index=True)


def _sheets(doubtful: pd.DataFrame, config: CropConfig, folder: StageFolder) -> None:
    """The doubtful as they were cut, whether they are kept or not."""
    paths = [str(folder.picture(i) or path) for i, path in zip(doubtful["id"], doubtful["path"], strict=True)]
    doubt_sheet.write(doubtful.assign(path=paths), config, folder, most=config.sheet_pictures)


def _uncut(rows: pd.DataFrame, sources: pd.DataFrame) -> pd.DataFrame:
    """Rejected rows are about their source picture again: its id and size, points and the face's box in its pixels."""
    back = rows["crop_quad"].notna() & (rows["status"] == Status.REJECTED)
    for name, carry in (("landmarks", framing.to_parent), ("face_xyxy", framing.box_to_parent)):
        rows[name] = [
            np.ravel(carry(cell, quad, (int(width), int(height)))).tolist() if has and cell is not None else cell
            for has, cell, quad, width, height in zip(
                back, rows[name], rows["crop_quad"], rows["width"], rows["height"], strict=True
            )
        ]
    for name in ("id", "parent_id", "pixel_id", "width", "height"):
        rows[name] = sources[name].where(back, rows[name])
    for name in ("regions_score", "regions_origin", *(f"{region}_xyxy" for region in Region)):
        rows[name] = rows[name].astype(object).where(~back, None)
    return manifest.table(rows)


def crop_batch(batch: pd.DataFrame, config: CropConfig) -> pd.DataFrame:
    """The per-image function: rows with `path`, `domain`, `id` to result columns and `png`, one row a face."""
    pictures = [images.load(path) for path in batch["path"]]
    found: list[list[Face]] = [[] for _ in pictures]
    for domain in sorted(batch["domain"].unique()):
        members = [i for i, d in enumerate(batch["domain"]) if d == domain]
        for i, f in zip(members, find_faces([pictures[i] for i in members], domain, config), strict=True):
            found[i] = f
    rows = []
    for place, (source_id, domain) in enumerate(zip(batch["id"], batch["domain"], strict=True)):
        count = len(_grown(found[place], config.second_face))
        for answer in cuts(pictures[place], found[place], domain, config):
            rows.append({"_of": place, "faces": count, **columns(answer, source_id)})
    return pd.DataFrame(rows)


def find_faces(pictures: list[Image.Image], domain: str, config: CropConfig) -> list[list[Face]]:
    """The faces of pictures of one domain, by that domain's detector."""
    return detectors.find(pictures, domain, config)


def cut(picture: Image.Image, faces: list[Face], domain: str, config: CropConfig) -> Crop | Decision:
    """The one crop of a picture with these faces, or why there is none; where each face has one, the largest's.

    The picture is RGB, upright.
    """
    return cuts(picture, faces, domain, config)[0]


def cuts(picture: Image.Image, faces: list[Face], domain: str, config: CropConfig) -> list[Crop | Decision]:
    """A crop, or why there is none, for each face that `several` asks for, the largest first; at least one answer."""
    grown = _grown(faces, config.second_face)
    if not grown:
        keeps = _is_among(domain, config.faceless)
        return [_whole(picture, None, config) if keeps else Decision(Reason.NO_FACE, 0.0, 1.0)]
    if len(grown) > 1 and config.several == "reject":
        return [Decision(Reason.SEVERAL_FACES, float(len(grown)), 1.0)]
    if _is_among(domain, config.framed):  # one frame, whatever is in it
        return [_within(_whole(picture, grown[0], config), domain, config)]
    chosen = grown if config.several == "each" else grown[:1]
    return [_within(_framed(picture, face, n, domain, config), domain, config) for n, face in enumerate(chosen, 1)]


def _framed(picture: Image.Image, face: Face, number: int, domain: str, config: CropConfig) -> Crop:
    frame = framing.Frame(config.preset, config.level, *formula(config, domain), config.face_margin)
    quad = framing.quad_of(frame, face.landmarks, face.xyxy)
    outside = framing.fraction_outside(quad, picture.size)
    image = extract.extract(picture, quad, config.size_px, config.padding, framing.whole_face(face.landmarks))
    return Crop(image, quad, config.preset, outside, face, picture, number)


def formula(config: CropConfig, domain: str) -> tuple[float, float]:
    """A domain's `side_factor` and `eyes_at`."""
    side, eyes = limit_for(config.side_factor, domain), limit_for(config.eyes_at, domain)
    return SIDE_FACTOR if side is None else side, EYES_AT if eyes is None else eyes


def _whole(picture: Image.Image, face: Face | None, config: CropConfig) -> Crop:
    quad = framing.whole_square(picture.size)
    return Crop(extract.extract(picture, quad, config.size_px), quad, "whole", 0.0, face, picture)


def _within(crop: Crop, domain: str, config: CropConfig) -> Crop | Decision:
    """The crop, or the first limit that it breaks."""
    for rule in config.RULES:
        limit = limit_for(getattr(config, rule.key), domain)
        if limit is None:
            continue
        value = rule.values({name: np.array([crop.measured[name]]) for name in rule.columns})
        if rule.beyond(value, np.array([limit]))[0]:
            return Decision(rule.reason, float(value[0]), limit)
    return crop


def _grown(faces: list[Face], least: float) -> list[Face]:
    """The faces that count, largest first: a passer-by far behind does not make a picture one of several people."""

    def side(face: Face) -> float:
        x0, y0, x1, y1 = face.xyxy
        return float(max(x1 - x0, y1 - y0))

    ranked = sorted(faces, key=side, reverse=True)
    return [face for face in ranked if side(face) >= least * side(ranked[0])]


def _is_among(domain: str, names: tuple[str, ...]) -> bool:
    return domain in names or (domain != SELFIE and "drawn" in names)
