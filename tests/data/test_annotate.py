"""Region boxes: proportions, order, clipping, 'not visible', and what real faces measure."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scgan_data import annotate, images, manifest
from scgan_data.annotate import AnnotateConfig, region_boxes
from scgan_data.faces import retinaface
from scgan_data.records import Region
from scgan_data.stage import open_stage

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faces" / "landmarks68"
FACE = np.array([[24.0, 27.0], [40.0, 27.0], [32.0, 36.0], [26.0, 44.0], [38.0, 44.0]])
TIGHT = AnnotateConfig(padding=0)


def test_boxes_follow_the_stated_proportions() -> None:
    s = max(16.0, 0.92 * 17.0)
    boxes = region_boxes(FACE, (64, 64), TIGHT)
    assert boxes[Region.EYES] == pytest.approx([24 - 0.19 * s, 27 - 0.03 * s, 40 + 0.19 * s, 27 + 0.095 * s])
    assert boxes[Region.NOSE] == pytest.approx([32 - 0.165 * s, 27 + 0.05 * s, 32 + 0.165 * s, 36 + 0.23 * s])
    assert boxes[Region.MOUTH] == pytest.approx([26 - 0.025 * s, 44 - 0.035 * s, 38 + 0.025 * s, 44 + 0.23 * s])
    padded = region_boxes(FACE, (64, 64), AnnotateConfig(padding=0.1))
    assert padded[Region.EYES] == pytest.approx(np.array(boxes[Region.EYES]) + 0.1 * s * np.array([-1, -1, 1, 1]))


@given(st.floats(1, 8), st.integers(-20, 20), st.integers(-20, 20))
def test_boxes_move_and_grow_with_the_face(scale: float, dx: int, dy: int) -> None:
    one = region_boxes(FACE, (64, 64), TIGHT)
    two = region_boxes(FACE * scale + np.array([dx + 100, dy + 100]), (2000, 2000), TIGHT)
    for region in Region:
        expected = np.array(one[region]) * scale + np.array([dx + 100, dy + 100] * 2)
        assert two[region] == pytest.approx(expected.tolist())


def test_what_lies_outside_or_out_of_order_is_not_visible() -> None:
    low = region_boxes(FACE + np.array([0, 20]), (64, 64), TIGHT)
    assert low[Region.EYES] is not None and low[Region.MOUTH] is None
    upside_down = FACE.copy()
    upside_down[:, 1] = 70 - upside_down[:, 1]
    assert set(region_boxes(upside_down, (64, 64), TIGHT).values()) == {None}
    left = region_boxes(FACE - np.array([22, 0]), (64, 64), TIGHT)[Region.EYES]
    assert left is not None and left[0] == 0.0


def test_the_stage_fills_kept_rows_only(tmp_path: Path) -> None:
    common = {"domain": "selfie", "width": 64, "height": 64}
    rows = manifest.table(
        [
            common | {"id": "a", "status": "kept", "landmarks": FACE.ravel().tolist(), "face_score": 0.9},
            common | {"id": "b", "status": "kept"},
            common | {"id": "c", "status": "rejected", "reason": "blurred", "landmarks": FACE.ravel().tolist()},
        ]
    )
    with open_stage("annotate", tmp_path / "05") as folder:
        done = annotate.run(rows, AnnotateConfig(), folder, workers=1).set_index("id")
    assert len(done.loc["a", "eyes_xyxy"]) == 4 and done.loc["a", "regions_origin"] == "landmarks"
    assert done.loc["a", "regions_score"] == 0.9
    for other in "bc":
        assert done.loc[other, "eyes_xyxy"] is None and pd.isna(done.loc[other, "regions_origin"])


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent: real faces with 68-point truth")
def test_real_faces_reach_the_stated_overlap() -> None:
    truth = pd.read_csv(CASES / "regions.csv")
    names = sorted(truth["file"].unique())[::12]
    found = retinaface.detect([images.load(next(CASES.rglob(name))) for name in names])
    overlaps: dict[str, list[float]] = {region: [] for region in Region}
    for name, faces in zip(names, found, strict=True):
        boxes = region_boxes(faces[0].landmarks, (2000, 2000), TIGHT)
        for row in truth[truth["file"] == name].itertuples():
            overlaps[row.region].append(iou(boxes[Region(row.region)], (row.x1, row.y1, row.x2, row.y2)))
    means = {region: float(np.mean(values)) for region, values in overlaps.items()}
    assert means["eyes"] > 0.55 and means["nose"] > 0.55 and means["mouth"] > 0.5


def iou(a, b) -> float:
    if a is None:
        return 0.0
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(0, w) * max(0, h)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)
