"""annotate: the boxes of eyes, nose and mouth, the bounding boxes of Eq. 3, in the crop's pixels.

From the five landmarks by fixed proportions of the head's scale s (`landmarks`): each box spans its landmarks and grows
by a margin a side. The proportions are the medians over 376 faces with 68-point truth, made symmetric left to right;
without padding their mean IoU with the tight hulls is .64 (eyes), .63 (nose) and .59 (mouth), with the default padding
.44, .50 and .47 (benchmarks/faces.py; in five-fold cross-validation, before the symmetry, .64, .65 and .60). `padding`
adds the same to every side: a loss should see the lid and the lip's edge. A box that lies more than half outside the
crop, or landmarks out of order (eyes above nose above mouth), give no box: Eq. 4 weighs it 0.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from scgan_data import manifest
from scgan_data.config import Config
from scgan_data.landmarks import LEFT_EYE, MOUTH_LEFT, MOUTH_RIGHT, NOSE, RIGHT_EYE, head_scale
from scgan_data.records import ATTENTIVE, Origin, Region
from scgan_data.runner import Work, per_image
from scgan_data.stage import StageFolder, version_of

MODULES = ("scgan_data.annotate", "scgan_data.landmarks")

MARGINS: dict[Region, tuple[float, float, float, float]] = {
    Region.EYES: (0.19, 0.03, 0.19, 0.095),
    Region.NOSE: (0.165, -0.05, 0.165, 0.23),
    Region.MOUTH: (0.025, 0.035, 0.025, 0.23),
}
"""Growth of each box beyond its landmarks on the left, top, right and bottom, in units of s."""


class AnnotateConfig(Config):
    """Section `annotate` of params.yaml."""

    padding: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Added to each side of each box, as a fraction of the head's scale s."""
    min_inside: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A box with less of its area inside the crop is left out."""


def run(rows: pd.DataFrame, config: AnnotateConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """Fill the region columns of kept rows; rows without landmarks get none."""
    kept = manifest.kept(rows)
    work = Work(annotate_batch, config, version_of(MODULES), batch_size=512)
    done = per_image(kept, work, folder, workers=workers)
    return pd.concat([done, rows.drop(kept.index)], ignore_index=True)


def annotate_batch(batch: pd.DataFrame, config: AnnotateConfig) -> pd.DataFrame:
    """The per-image function: rows with `landmarks`, `width`, `height`, `face_score` to region columns."""
    return pd.DataFrame(
        [
            _columns(marks, (w, h), score, config)
            for marks, w, h, score in zip(
                batch["landmarks"], batch["width"], batch["height"], batch["face_score"], strict=True
            )
        ]
    )


def _columns(
    landmarks: NDArray[np.float64] | None, size: tuple[int, int], score: float, config: AnnotateConfig
) -> dict[str, Any]:
    boxes: dict[Region, list[float] | None] = dict.fromkeys(Region)
    if landmarks is not None:
        boxes = region_boxes(np.asarray(landmarks, float).reshape(5, 2), size, config)
    some = any(box is not None for box in boxes.values())
    return {
        **{f"{region}_xyxy": box for region, box in boxes.items()},
        "regions_score": score if some else None,
        "regions_origin": Origin.LANDMARKS.value if some else None,
    }


def region_boxes(
    landmarks: NDArray[np.float64], size: tuple[int, int], config: AnnotateConfig
) -> dict[Region, list[float] | None]:
    """Boxes (x0, y0, x1, y1) of (5, 2) landmarks, clipped to a picture of (width, height); None for not visible."""
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    if not eyes[1] < landmarks[NOSE, 1] < mouth[1]:
        return dict.fromkeys(Region)
    nose_root = (eyes + landmarks[NOSE]) / 2  # a turned head moves the tip but not the root
    spans = {
        Region.EYES: landmarks[[LEFT_EYE, RIGHT_EYE]],
        Region.NOSE: np.array([[nose_root[0], eyes[1]], landmarks[NOSE]]),
        Region.MOUTH: landmarks[[MOUTH_LEFT, MOUTH_RIGHT]],
    }
    return {region: _box(spans[region], MARGINS[region], head_scale(landmarks), size, config) for region in ATTENTIVE}


def _box(
    span: NDArray[np.float64],
    margins: tuple[float, float, float, float],
    scale: float,
    size: tuple[int, int],
    config: AnnotateConfig,
) -> list[float] | None:
    left, top, right, bottom = (scale * (margin + config.padding) for margin in margins)
    (x0, y0), (x1, y1) = span.min(0) - np.array([left, top]), span.max(0) + np.array([right, bottom])
    clipped = [max(0.0, x0), max(0.0, y0), min(float(size[0]), x1), min(float(size[1]), y1)]
    inside = max(0.0, clipped[2] - clipped[0]) * max(0.0, clipped[3] - clipped[1])
    return clipped if inside > config.min_inside * (x1 - x0) * (y1 - y0) else None
