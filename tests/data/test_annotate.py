"""The stage: which boxes are taken, padded, clipped, hidden and doubted, and that nothing is reused wrongly."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scgan_data import annotate, manifest, schema
from scgan_data.annotate import AnnotateConfig, region_boxes
from scgan_data.records import ATTENTIVE, Origin, Region, hidden_in, hidden_text, with_doubt
from scgan_data.regions import boxes
from scgan_data.stage import open_stage

FACE = np.array([[24.0, 27.0], [40.0, 27.0], [32.0, 36.0], [26.0, 44.0], [38.0, 44.0]])
TIGHT = AnnotateConfig(padding=0)
SEEN = {"eyes_xyxy": [20.0, 23, 44, 31], "nose_xyxy": [29.0, 29, 35, 38], "mouth_xyxy": [26.0, 41, 38, 47]}


def row(**changes: Any) -> dict[str, Any]:
    common = {"id": "a", "domain": "selfie", "status": "kept", "width": 64, "height": 64, "face_score": 0.9}
    return common | {"landmarks": FACE.ravel().tolist()} | changes


def answer(config: AnnotateConfig = TIGHT, **changes: Any) -> dict[str, Any]:
    """What the per-image function says of one row."""
    (one,) = annotate.annotate_batch(manifest.table([row(**changes)]), config).to_dict("records")
    return {str(name): value for name, value in one.items()}


def test_boxes_are_the_fitted_ones_with_the_same_padding_on_every_side() -> None:
    s = max(16.0, 0.92 * 17.0)
    tight, padded = (region_boxes(FACE, (64, 64), AnnotateConfig(padding=p)) for p in (0, 0.1))
    for region in ATTENTIVE:
        assert tight[region] == pytest.approx(boxes.boxes(FACE[None])[region][0].tolist())
        assert padded[region] == pytest.approx(np.array(tight[region]) + 0.1 * s * np.array([-1, -1, 1, 1]))


def test_the_default_is_the_three_attentive_regions() -> None:
    found = answer()
    assert {r for r in Region if found[f"{r}_xyxy"] is not None} == set(ATTENTIVE)
    assert found["regions_hidden"] is None and found["regions_origin"] == "landmarks" and found["doubt"] is None
    assert found["regions_score"] == pytest.approx(0.9)


def test_further_regions_where_the_points_know_them() -> None:
    found = answer(AnnotateConfig(regions=tuple(Region)))
    assert {r for r in Region if found[f"{r}_xyxy"] is None} == {Region.HAIR, Region.GLASSES}
    left, right, both = (found[f"{r}_xyxy"] for r in (Region.LEFT_EYE, Region.RIGHT_EYE, Region.EYES))
    assert both[0] < left[2] < right[0] < both[2]
    assert found["regions_hidden"] is None, "nobody looked for hair: unknown, not hidden"
    alone = answer(AnnotateConfig(regions=(Region.MOUTH,)))
    assert alone["mouth_xyxy"] is not None and alone["eyes_xyxy"] is None and alone["regions_hidden"] is None


def test_what_the_edge_cuts_is_clipped_doubted_and_hidden_by_degrees() -> None:
    top, bottom = boxes.boxes(FACE[None])[Region.MOUTH][0][[1, 3]]

    def cut(share: float) -> dict[str, Any]:
        """The answer where `share` of the mouth is below the picture."""
        down = 64 - bottom + share * (bottom - top)
        return answer(landmarks=(FACE + np.array([0, down])).ravel().tolist())

    slightly, half, mostly = cut(0.2), cut(0.45), cut(0.8)
    assert slightly["mouth_xyxy"][3] == 64 and slightly["regions_hidden"] is None and slightly["doubt"] is None
    assert slightly["regions_score"] == pytest.approx(0.9 * 0.6)
    assert half["mouth_xyxy"] is not None and half["doubt"] == "regions"
    assert mostly["mouth_xyxy"] is None and mostly["regions_hidden"] == "mouth" and mostly["doubt"] is None
    assert mostly["regions_score"] == pytest.approx(0.9), "of the regions that are left"
    assert mostly["eyes_xyxy"] is not None


def test_points_that_are_no_face_hide_everything() -> None:
    found = answer(landmarks=FACE[[3, 1, 2, 0, 4]].ravel().tolist())
    assert hidden_in(found["regions_hidden"]) == set(ATTENTIVE)
    assert found["regions_score"] is None and all(found[f"{r}_xyxy"] is None for r in Region)


def test_no_face_is_unknown_and_not_hidden() -> None:
    found = answer(landmarks=None, face_score=None)
    assert found["regions_hidden"] is None and found["regions_origin"] is None and found["regions_score"] is None


def test_a_detectors_boxes_are_kept_padded_and_judged() -> None:
    seen = SEEN | {"regions_origin": "detector", "domain": "ink"}
    found = answer(AnnotateConfig(padding=0.125), **seen)
    assert found["regions_origin"] == Origin.DETECTOR and found["regions_hidden"] is None
    assert found["nose_xyxy"] == pytest.approx([27, 27, 37, 40])
    assert answer(AnnotateConfig(keep_detected=False), **seen)["regions_origin"] == Origin.LANDMARKS
    without = answer(**seen | {"nose_xyxy": None})
    assert without["nose_xyxy"] is None and without["regions_hidden"] == "nose", "it looked and saw none"
    above = answer(**seen | {"mouth_xyxy": [26.0, 11, 38, 17]})
    assert hidden_in(above["regions_hidden"]) == {Region.NOSE, Region.MOUTH} and above["eyes_xyxy"] is not None


def test_earlier_doubts_stay() -> None:
    assert answer(doubt="watermarked")["doubt"] == "watermarked"
    low = boxes.boxes(FACE[None])[Region.MOUTH][0]
    down = 64 - low[3] + 0.45 * (low[3] - low[1])
    found = answer(doubt="watermarked", landmarks=(FACE + np.array([0, down])).ravel().tolist())
    assert found["doubt"] == "watermarked,regions"
    assert with_doubt(found["doubt"], "regions") == "watermarked,regions" and with_doubt(None, "regions") == "regions"


def test_hidden_regions_as_text_and_back() -> None:
    some = {Region.MOUTH, Region.EYES, Region.GLASSES}
    assert hidden_text(some) == "eyes,mouth,glasses" and hidden_in("eyes,mouth,glasses") == some
    assert hidden_text([]) is None and hidden_in(None) == hidden_in(float("nan")) == frozenset()


def test_the_stage_fills_kept_rows_only(tmp_path: Path) -> None:
    rows = manifest.table([row(), row(id="b", landmarks=None), row(id="c", status="rejected", reason="blurred")])
    with open_stage("annotate", tmp_path / "05") as folder:
        done = annotate.run(rows, AnnotateConfig(), folder, workers=1).set_index("id")
    assert len(done.loc["a", "eyes_xyxy"]) == 4 and done.loc["a", "regions_origin"] == "landmarks"
    assert done.loc["a", "regions_score"] == pytest.approx(0.9)
    for other in "bc":
        assert done.loc[other, "eyes_xyxy"] is None and pd.isna(done.loc[other, "regions_origin"])


def test_other_points_for_an_equal_crop_are_not_answered_from_before(tmp_path: Path) -> None:
    """A crop that is framed by its maker has the same pixels whatever the detector says."""
    found = []
    for shift in (0, 1):
        rows = manifest.table([row(landmarks=(FACE + shift).ravel().tolist())])
        with open_stage("annotate", tmp_path / "05") as folder:
            found.append(annotate.run(rows, TIGHT, folder, workers=1)["eyes_xyxy"][0])
    assert found[1] == pytest.approx(np.array(found[0]) + 1)


def test_a_manifest_from_before_the_further_regions_still_reads(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    rows = manifest.table([row(**SEEN)])
    manifest.write(tmp_path, rows)
    file = tmp_path / manifest.FILE_NAME
    new = {"regions_hidden", *(f"{r}_xyxy" for r in Region if r not in ATTENTIVE)}
    table = pq.read_table(file)
    pq.write_table(table.drop_columns(sorted(new)), file)
    back = manifest.read(tmp_path)
    assert back.columns.tolist() == schema.COLUMNS and back["eyes_xyxy"][0].tolist() == SEEN["eyes_xyxy"]
    assert back[sorted(new)].isna().all(axis=None)
