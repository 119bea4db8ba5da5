"""stand_ins: a good copy is kept where dedup's keeper turns out framed or marked, and nothing else is taken up."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from scgan_data import manifest
from scgan_data.filter import FilterConfig, decide, run
from scgan_data.hashes import measurements
from scgan_data.images import Picture
from scgan_data.limits import stand_ins
from scgan_data.records import Reason
from scgan_data.stage import open_stage

GOOD = {"width": 200, "height": 200, "contrast": 50.0, "sharpness": 0.5, "border": 0.0, "watermark_score": 0.1}
COPY = {"status": "rejected", "rejected_by": "dedup", "reason": "near_duplicate", "detail": "k", "value": 0.1}
FRAMED = {"id": "k", "border": 0.2}


def decided(*changes: dict[str, object], refused: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Rows as the filter leaves them, by id: `changes` to a good kept selfie."""
    rows = manifest.table([{"id": "k", "domain": "selfie", "status": "kept", **GOOD, **c} for c in changes])
    before = decide(rows, FilterConfig(verdicts=Path("none")))
    judged = decide(stand_ins.waiting(before), FilterConfig(verdicts=Path("none")))
    after = stand_ins.taken_up(before, judged, refused)
    return manifest.table(after).set_index("id")


def kept(rows: pd.DataFrame) -> list[str]:
    return list(rows.index[rows["status"] == "kept"])


@pytest.mark.parametrize(
    "fault",
    [{"border": 0.2}, {"watermark_score": 0.99}, {"recurring_mark": 0.9}, {"screenshot": 0.9}],
    ids=["framed", "marked", "recurring", "screenshot"],
)
def test_the_best_good_copy_of_a_spoilt_keeper_is_kept_and_both_rows_say_so(fault: dict[str, object]):
    small, large = COPY | {"id": "s", "width": 150}, COPY | {"id": "l", "width": 190}
    after = decided({"id": "k"} | fault, small, large)
    assert kept(after) == ["l"]
    assert after.loc["l", "detail"] == f"in place of k: {after.loc['k', 'reason']}"
    assert after.loc["k", "detail"] == "kept in its place: l"
    assert after.loc["l", ["rejected_by", "reason", "value", "limit"]].isna().all()
    assert after.loc["s", ["rejected_by", "reason", "detail"]].tolist() == ["dedup", "near_duplicate", "k"]
    assert after.loc["k", ["rejected_by", "value"]].tolist() == ["filter", *fault.values()]


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": "k"}, COPY | {"id": "s"}],
        [{"id": "k", "sharpness": 0.01}, COPY | {"id": "s"}],
        [FRAMED | {"status": "rejected", "rejected_by": "collect", "reason": "bordered"}, COPY | {"id": "s"}],
        [FRAMED, COPY | {"id": "s", "border": 0.3}],
        [FRAMED, COPY | {"id": "s", "watermark_score": 0.9}],
        [FRAMED, COPY | {"id": "s", "domain": "ink"}],
        [FRAMED, COPY | {"id": "s", "detail": "other"}],
        [FRAMED, COPY | {"id": "s", "reason": "same_pixels"}],
        [FRAMED],
    ],
    ids=["kept", "blurred", "not by us", "framed too", "doubtful", "domain", "of another", "same pixels", "alone"],
)
def test_nothing_else_is_taken_up(rows: list[dict[str, object]]):
    before = decide(manifest.table([{"domain": "selfie", "status": "kept", **GOOD, **r} for r in rows]), FilterConfig())
    pd.testing.assert_frame_equal(decided(*rows), manifest.table(before).set_index("id"))


def test_what_a_person_rejected_stands_in_for_nothing():
    copies = [COPY | {"id": "s", "width": 150}, COPY | {"id": "l", "width": 190}]
    assert kept(decided(FRAMED, *copies, refused=frozenset("l"))) == ["s"]


def test_the_order_of_rows_changes_nothing():
    rows = [FRAMED, *(COPY | {"id": name, "width": 150} for name in "abc")]
    assert kept(decided(*rows)) == kept(decided(*rows[::-1])) == ["a"]


def test_run_measures_the_copies_of_spoilt_keepers_and_no_others(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (30, 24, 3), dtype=np.uint8)
    scene = Image.fromarray(noise).resize((178, 218), Image.Resampling.BICUBIC)
    framed = Image.new("RGB", (218, 258), "white")
    framed.paste(scene, (20, 20))
    rows = []
    for name, image, change in (
        ("k", framed, {}),
        ("s", scene, COPY),
        ("t", scene, COPY),
        ("g", scene, {}),
        ("u", scene, COPY | {"detail": "g"}),
    ):
        image.save(f"{name}.png")
        path = str(tmp_path / f"{name}.png")
        rows.append(
            {"id": name, "domain": "selfie", "path": path, "status": "kept", **measurements(Picture(image, "PNG"))}
            | change
        )
    before = manifest.table(rows)
    config = FilterConfig(doubt={}, max_watermark_score=None, min_sharpness=None)
    for said, expected in ((None, ["s", "g"]), ({"id": "s", "verdict": "reject"}, ["t", "g"])):
        if said:
            Path("review").mkdir()
            Path("review/verdicts.jsonl").write_text(json.dumps(said))
        with open_stage("filter", tmp_path / "out") as folder:
            after = run(before, config, folder, workers=1)
        manifest.check_complete(before, after, "filter")
        assert list(after["id"]) == list(before["id"])
        assert list(after["id"][after["status"] == "kept"]) == expected
        assert list(after["border"].notna()) == [True, True, True, True, False]
    assert after["reason"][0] == Reason.BORDERED
