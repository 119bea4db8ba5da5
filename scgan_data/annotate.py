"""annotate: the boxes of eyes, nose and mouth, the bounding boxes of Eq. 3, in the crop's pixels.

Where the detector saw regions itself (`crop` writes them with the origin `detector`) they are kept; else they follow
from the five points by proportions fitted on real faces (`regions.boxes`), or, with `points: dense`, from a landmark
model's outlines (`regions.dense`). Every box, wherever it comes from, has then to be plausible (`regions.plausible`):
one that is not, or that the crop's edge cuts by half, is a region "not visible", named in `regions_hidden`, and Eq. 4
weighs it 0. A null box that is not named there is one that nobody knows: no face was found, or nobody looked for that
part.

`regions_score` is the detector's score times the least margin of the boxes that are left, 1 for a usual face well
inside the crop and 0 at a limit. A margin within `doubt_zone` of its limit, on either side, puts the row in doubt
beside what earlier stages doubted; `doubt` is for the page that people review, and rejects nothing.

`padding` adds the same to every side of a box at the end: the truth that the boxes are fitted to is the hull of points
on the lids and the lips' edge, and a loss should see the edge whole. It costs overlap with that truth:
benchmarks/regions.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from scgan_data import manifest
from scgan_data.config import Config
from scgan_data.landmarks import head_scale
from scgan_data.records import (
    ATTENTIVE,
    REGIONS_IN_DOUBT,
    SELFIE,
    Origin,
    Region,
    hidden_text,
    with_doubt,
)
from scgan_data.regions import boxes, dense, plausible
from scgan_data.runner import Work, per_image
from scgan_data.stage import StageFolder, version_of

MODULES = ("scgan_data.annotate", "scgan_data.landmarks", "scgan_data.regions")

Real = NDArray[np.float64]
_READ = ("landmarks", "face_score", "width", "height", "doubt", "regions_origin", *(f"{r}_xyxy" for r in Region))
"""What decides a row's result beside its picture: another detector may give other points for equal crops."""


class AnnotateConfig(Config):
    """Section `annotate` of params.yaml."""

    regions: tuple[Region, ...] = ATTENTIVE
    """Which to box. Five points give eyes, nose, mouth, left_eye, right_eye and eyebrows; hair and glasses come only
    from a detector that sees them, or from people. Training uses the first three."""
    points: Literal["five", "dense"] = "five"
    """What the boxes follow from where the detector saw no regions: its five points, or the landmark models of the
    extra `dense`."""
    keep_detected: bool = True
    """Whether a detector's own boxes are kept; else they are made from the points too."""
    padding: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Added to each side of each box, as a fraction of the head's scale s."""
    min_inside: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A region with less of its box inside the crop is not visible."""
    doubt_zone: Annotated[float, Field(ge=0, le=1)] = 0.2
    """How near its limit a margin is doubtful: .2 is within a fifth of the way from the limit to the usual, or as far
    beyond it."""


def run(rows: pd.DataFrame, config: AnnotateConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """Fill the region columns of kept rows; rows without landmarks get none."""
    kept = manifest.kept(rows)
    size = 512 if config.points == "five" else 16
    work = Work(annotate_batch, config, _version(config), batch_size=size, reads=_READ)
    done = per_image(kept, work, folder, workers=workers)
    return pd.concat([done, rows.drop(kept.index)], ignore_index=True)


def _version(config: AnnotateConfig) -> str:
    weights = dense.check() if config.points == "dense" else ""
    return version_of(MODULES, [boxes.table_id(), weights])


def annotate_batch(batch: pd.DataFrame, config: AnnotateConfig) -> pd.DataFrame:
    """The per-image function: rows as `crop` leaves them to region columns and `doubt`."""
    return pd.DataFrame([_columns(row, config) for row in batch.to_dict("records")])


def _columns(row: Mapping[Any, Any], config: AnnotateConfig) -> dict[str, Any]:
    size = (0, 0) if pd.isna(row["width"]) else (int(row["width"]), int(row["height"]))  # no size, no box inside it
    points = None if row["landmarks"] is None else np.asarray(row["landmarks"], float).reshape(5, 2)
    found, origin = _found(row, points, config)
    margins = _margins(found, points, size, row["domain"], config)
    seen = {region: box for region, box in found.items() if margins[region] > 0}
    missed = _missed(found, origin, config) | (found.keys() - seen.keys())
    pad = config.padding * head_scale(points) if points is not None else 0.0
    near = any(abs(margin) < config.doubt_zone for margin in margins.values())
    earlier = row["doubt"] if isinstance(row["doubt"], str) else None
    return {
        **{f"{region}_xyxy": _padded(seen[region], pad, size) if region in seen else None for region in Region},
        "regions_hidden": hidden_text(missed),
        "regions_score": _score(row["face_score"], [margins[region] for region in seen]) if seen else None,
        "regions_origin": origin.value if found else None,
        "doubt": with_doubt(earlier, REGIONS_IN_DOUBT) if near else earlier,
    }


def _found(row: Mapping[Any, Any], points: Real | None, config: AnnotateConfig) -> tuple[dict[Region, Real], Origin]:
    """The chosen regions' boxes (4,), not padded and not clipped, and where they come from."""
    if config.keep_detected and row["regions_origin"] == Origin.DETECTOR:
        given = {region: row[f"{region}_xyxy"] for region in config.regions}
        return {region: np.asarray(box, float) for region, box in given.items() if box is not None}, Origin.DETECTOR
    if points is None:
        return {}, Origin.LANDMARKS
    if config.points == "dense" and (drawn := dense.of_file(row["path"], points)):
        return {region: box for region, box in drawn.items() if region in config.regions}, Origin.DENSE
    fitted = boxes.boxes(points[None])
    return {region: fitted[region][0] for region in config.regions if region in fitted}, Origin.LANDMARKS


def _missed(found: Mapping[Region, Real], origin: Origin, config: AnnotateConfig) -> set[Region]:
    """The attentive regions that a detector which sees regions looked for, and did not see."""
    looked = set(ATTENTIVE) & set(config.regions) if found and origin is Origin.DETECTOR else set()
    return looked - found.keys()


def _margins(
    found: Mapping[Region, Real], points: Real | None, size: tuple[int, int], domain: str, config: AnnotateConfig
) -> dict[Region, float]:
    likely = (
        plausible.margins(found, points, drawn=domain != SELFIE) if points is not None else dict.fromkeys(found, 1.0)
    )
    return {
        region: min(likely[region], plausible.inside_margin(box, size, config.min_inside))
        for region, box in found.items()
    }


def _score(face_score: float | None, margins: list[float]) -> float:
    """0 to 1; a face without a score (imported) counts as sure."""
    sure = 1.0 if face_score is None or np.isnan(face_score) else float(face_score)
    return sure * min(margins)


def _padded(box: Real, pad: float, size: tuple[int, int]) -> list[float]:
    """The box grown by `pad` pixels a side and clipped to a picture of (width, height)."""
    low, high = np.maximum(box[:2] - pad, 0.0), np.minimum(box[2:] + pad, size)
    return [*map(float, low), *map(float, high)]


def region_boxes(points: Real, size: tuple[int, int], config: AnnotateConfig) -> dict[Region, list[float] | None]:
    """Boxes from a photograph's (5, 2) points alone, in a picture of (width, height); None for not visible."""
    row: dict[str, Any] = {"landmarks": points.ravel(), "width": size[0], "height": size[1], "domain": SELFIE}
    row |= {"regions_origin": None, "face_score": None, "doubt": None}
    columns = _columns(row, config.model_copy(update={"points": "five"}))
    return {region: columns[f"{region}_xyxy"] for region in config.regions}
