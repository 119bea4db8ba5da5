"""filter: each reason with its value and limit, limits a domain, the order of reasons, nothing measured twice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from scgan_data import manifest
from scgan_data.filter import CHECKS, FilterConfig, decide, run
from scgan_data.hashes import measurements
from scgan_data.images import Picture
from scgan_data.records import Reason, Status
from scgan_data.stage import open_stage

GOOD = {"width": 200, "height": 240, "contrast": 50.0, "sharpness": 0.4, "watermark_score": 0.01, "status": "kept"}


def rows_of(*changes: dict[str, object]) -> pd.DataFrame:
    return manifest.table([{"id": f"{k:02}", "domain": "selfie", **GOOD, **change} for k, change in enumerate(changes)])


def decisions(rows: pd.DataFrame, **settings: object) -> list[str | None]:
    after = decide(rows, FilterConfig(**settings))
    return [None if pd.isna(reason) else reason for reason in after["reason"]]


@pytest.mark.parametrize(
    ("change", "reason", "value", "limit"),
    [
        ({"width": 99}, Reason.TOO_SMALL, 99.0, 100.0),
        ({"width": 600}, Reason.ASPECT, 2.5, 2.0),
        ({"contrast": 1.5}, Reason.FLAT, 1.5, 8.0),
        ({"sharpness": 0.03}, Reason.BLURRED, 0.03, 0.09),
        ({"watermark_score": 0.9999}, Reason.WATERMARKED, 0.9999, None),
    ],
)
def test_each_reason_carries_what_was_measured_and_allowed(change, reason, value, limit):
    row = decide(rows_of({}, change), FilterConfig()).iloc[1]
    assert (row["status"], row["rejected_by"], row["reason"]) == (Status.REJECTED, "filter", reason)
    assert row["value"] == pytest.approx(value)
    if limit is not None:
        assert row["limit"] == limit


def test_a_good_picture_is_kept_and_exactly_the_limit_is_allowed():
    rows = rows_of({}, {"width": 100, "height": 100}, {"width": 200, "height": 400}, {"contrast": 8.0})
    assert decisions(rows) == [None] * 4


def test_the_first_reason_wins():
    bad = {"width": 50, "height": 150, "contrast": 0.0, "sharpness": 0.0, "watermark_score": 1.0}
    limits = ("min_side_px", "max_aspect", "min_contrast", "min_sharpness", "max_watermark_score")
    off: dict[str, object] = {}
    for check, name in zip(CHECKS, limits, strict=True):
        assert decisions(rows_of(bad), **off) == [check.reason]
        off[name] = None
    assert decisions(rows_of(bad), **off) == [None]


def test_limits_hold_by_domain():
    rows = rows_of(*({"sharpness": 0.2, "domain": d} for d in ("selfie", "anime", "watercolor")))
    limits = {"selfie": 0.3, "watercolor": None, "drawn": 0.3}
    assert decisions(rows, min_sharpness=limits) == [Reason.BLURRED, Reason.BLURRED, None]
    assert decisions(rows, min_sharpness={"anime": 0.3}) == [None, Reason.BLURRED, None]
    assert decisions(rows, min_sharpness={"default": 0.3, "selfie": 0.1}) == [None, Reason.BLURRED, Reason.BLURRED]


def test_what_was_not_measured_is_not_held_against_a_picture():
    nothing = dict.fromkeys(("width", "height", "contrast", "sharpness", "watermark_score"))
    assert decisions(rows_of(nothing)) == [None]


def test_a_rejected_row_stays_as_it_is():
    earlier = {"status": "rejected", "rejected_by": "dedup", "reason": "same_bytes", "width": 10}
    after = decide(rows_of(earlier), FilterConfig()).iloc[0]
    assert (after["rejected_by"], after["reason"]) == ("dedup", Reason.SAME_BYTES)


def picture_row(folder: Path, name: str, image: Image.Image, **change: object) -> dict[str, object]:
    path = folder / f"{name}.png"
    image.save(path)
    measured = measurements(Picture(image, "PNG"))
    return {"id": name, "domain": "selfie", "path": str(path), "status": "kept", **measured, **change}


@pytest.fixture
def rows(tmp_path: Path) -> pd.DataFrame:
    """A soft scene, the same too small, a grey sheet, and one that dedup had rejected."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 24, 3), dtype=np.uint8)
    scene = Image.fromarray(noise).resize((178, 218), Image.Resampling.BICUBIC)
    made = [
        picture_row(tmp_path, "a", scene),
        picture_row(tmp_path, "b", scene.resize((60, 73))),
        picture_row(tmp_path, "c", Image.new("RGB", (178, 218), "gray")),
        picture_row(tmp_path, "d", scene, status="rejected", rejected_by="dedup", reason="same_pixels"),
    ]
    return manifest.table(made)


def test_run_measures_what_was_kept_and_returns_every_row_in_its_order(rows: pd.DataFrame, tmp_path: Path):
    with open_stage("filter", tmp_path / "out") as folder:
        after = run(rows, FilterConfig(), folder, workers=1)
    manifest.check_complete(rows, after, "filter")
    assert list(after["id"]) == list("abcd")
    assert list(after["watermark_score"].notna()) == [True, True, True, False]
    assert after["watermark_score"].dropna().between(0, 1).all()
    assert list(after["reason"].fillna("")) == ["", Reason.TOO_SMALL, Reason.FLAT, Reason.SAME_PIXELS]


def test_a_rerun_opens_no_picture_and_neither_does_a_changed_limit(rows: pd.DataFrame, tmp_path: Path):
    with open_stage("filter", tmp_path / "out") as folder:
        first = run(rows, FilterConfig(), folder, workers=1)
        for path in rows["path"]:
            Path(path).unlink()
        again = run(rows, FilterConfig(), folder, workers=1)
        stricter = run(rows, FilterConfig(min_side_px=200, max_watermark_score=0.0), folder, workers=1)
    pd.testing.assert_frame_equal(first, again)
    assert list(stricter["reason"]) == [Reason.TOO_SMALL, Reason.TOO_SMALL, Reason.TOO_SMALL, Reason.SAME_PIXELS]


def test_without_kept_rows_there_is_nothing_to_do(rows: pd.DataFrame, tmp_path: Path):
    with open_stage("filter", tmp_path / "out") as folder:
        after = run(rows.iloc[3:], FilterConfig(), folder, workers=1)
    assert list(after["reason"]) == [Reason.SAME_PIXELS]
