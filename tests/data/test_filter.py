"""filter: each reason with its value and limit, limits a domain, order, three outcomes, nothing measured twice."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import ValidationError

from scgan_data import manifest
from scgan_data.filter import FilterConfig, decide, run, verdicts_of
from scgan_data.hashes import measurements
from scgan_data.images import Picture
from scgan_data.limits.rules import RULES
from scgan_data.records import Reason, Status
from scgan_data.stage import open_stage

GOOD = {
    "width": 200, "height": 240, "contrast": 50.0, "sharpness": 0.4, "watermark_score": 0.01, "border": 0.0,
    "collage": 0.4, "screenshot": 0.0, "drawn": 0.5, "status": "kept",
}  # fmt: skip
NO_DOUBT = FilterConfig(doubt={})


def rows_of(*changes: dict[str, object]) -> pd.DataFrame:
    return manifest.table([{"id": f"{k:02}", "domain": "selfie", **GOOD, **change} for k, change in enumerate(changes)])


def said(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(text) else text for text in column]


def decisions(rows: pd.DataFrame, **settings: object) -> list[str | None]:
    return said(decide(rows, FilterConfig(**settings))["reason"])


@pytest.mark.parametrize(
    ("change", "reason", "value", "limit"),
    [
        ({"width": 99}, Reason.TOO_SMALL, 99.0, 100.0),
        ({"width": 600}, Reason.ASPECT, 2.5, 2.0),
        ({"contrast": 1.5}, Reason.FLAT, 1.5, 8.0),
        ({"sharpness": 0.03}, Reason.BLURRED, 0.03, 0.09),
        ({"screenshot": 0.6}, Reason.SCREENSHOT, 0.6, 0.45),
        ({"border": 0.1}, Reason.BORDERED, 0.1, 0.02),
        ({"collage": 0.95}, Reason.COLLAGE, 0.95, 0.85),
        ({"drawn": 0.97}, Reason.NOT_A_PHOTOGRAPH, 0.97, 0.9),
        ({"drawn": 0.03, "domain": "anime"}, Reason.NOT_DRAWN, 0.03, 0.1),
        ({"watermark_score": 0.9999}, Reason.WATERMARKED, 0.9999, None),
        ({"recurring_mark": 0.7}, Reason.RECURRING_MARK, 0.7, 0.55),
    ],
)
def test_each_reason_carries_what_was_measured_and_allowed(change, reason, value, limit):
    row = decide(rows_of({}, change), FilterConfig(min_drawn={"drawn": 0.1})).iloc[1]
    assert (row["status"], row["rejected_by"], row["reason"]) == (Status.REJECTED, "filter", reason)
    assert row["value"] == pytest.approx(value)
    assert pd.isna(row["doubt"])
    if limit is not None:
        assert row["limit"] == limit


def test_a_good_picture_is_kept_and_exactly_the_limit_is_allowed():
    rows = rows_of({}, {"width": 100, "height": 100}, {"width": 200, "height": 400}, {"contrast": 8.0})
    assert decisions(rows) == [None] * 4


def test_the_first_reason_wins():
    bad = {"width": 50, "height": 150, "contrast": 0.0, "sharpness": 0.0, "watermark_score": 1.0, "border": 1.0}
    bad |= {"collage": 1.0, "screenshot": 1.0, "drawn": 0.5, "recurring_mark": 1.0}
    off: dict[str, object] = {"max_drawn": 0.4, "min_drawn": 0.6}
    for rule in RULES:
        assert decisions(rows_of(bad), **off) == [rule.reason]
        off[rule.key] = None
    assert decisions(rows_of(bad), **off) == [None]


def test_limits_hold_by_domain():
    rows = rows_of(*({"sharpness": 0.2, "domain": d} for d in ("selfie", "anime", "watercolor")))
    limits = {"selfie": 0.3, "watercolor": None, "drawn": 0.3}
    assert decisions(rows, min_sharpness=limits) == [Reason.BLURRED, Reason.BLURRED, None]
    assert decisions(rows, min_sharpness={"anime": 0.3}) == [None, Reason.BLURRED, None]
    assert decisions(rows, min_sharpness={"default": 0.3, "selfie": 0.1}) == [None, Reason.BLURRED, Reason.BLURRED]


def test_only_a_selfie_must_not_be_drawn():
    rows = rows_of({"drawn": 0.99}, {"drawn": 0.99, "domain": "anime"}, {"drawn": 0.0, "domain": "anime"})
    assert decisions(rows) == [Reason.NOT_A_PHOTOGRAPH, None, None]


def test_what_was_not_measured_is_not_held_against_a_picture():
    after = decide(rows_of(dict.fromkeys(name for name in GOOD if name != "status")), FilterConfig())
    assert said(after["reason"]) == said(after["doubt"]) == [None]


def test_a_rejected_row_stays_as_it_is():
    earlier = {"status": "rejected", "rejected_by": "dedup", "reason": "same_bytes", "width": 10, "sharpness": 0.095}
    after = decide(rows_of(earlier), FilterConfig()).iloc[0]
    assert (after["rejected_by"], after["reason"], pd.isna(after["doubt"])) == ("dedup", Reason.SAME_BYTES, True)


NEAR = (
    {"sharpness": 0.1},
    {"sharpness": 0.12},
    {"collage": 0.8},
    {"collage": 0.8, "sharpness": 0.091},
    {"border": 0.5},
)


def test_near_a_limit_is_doubtful_and_kept():
    after = decide(rows_of(*NEAR), FilterConfig(doubt={"blurred": 0.2, "collage": 0.1}))
    assert said(after["doubt"]) == [Reason.BLURRED, None, Reason.COLLAGE, Reason.BLURRED, None]
    assert said(after["reason"]) == [None, None, None, None, Reason.BORDERED]
    assert after["value"].isna().tolist() == [True, True, True, True, False]


def test_the_doubtful_are_rejected_by_a_switch_with_the_edge_of_the_zone():
    config = FilterConfig(doubt={"blurred": 0.2, "collage": 0.1}, doubtful="reject")
    after = decide(rows_of(*NEAR), config)
    assert said(after["reason"]) == [Reason.BLURRED, None, Reason.COLLAGE, Reason.BLURRED, Reason.BORDERED]
    assert after["limit"].tolist()[0] == pytest.approx(0.108)
    assert after["limit"].tolist()[2] == pytest.approx(0.765)
    assert after["limit"].tolist()[4] == 0.02
    assert said(after["doubt"]) == [Reason.BLURRED, None, Reason.COLLAGE, Reason.BLURRED, None]


@pytest.mark.parametrize("doubtful", ["keep", "reject"])
def test_a_persons_word_clears_the_doubt_and_outranks_limits(doubtful: str):
    rows = rows_of({"sharpness": 0.1}, {"sharpness": 0.1}, {"sharpness": 0.01}, {"sharpness": 0.01}, {"sharpness": 0.1})
    words = {"00": "accept", "02": "accept", "03": "reject", "04": "reject"}
    after = decide(rows, FilterConfig(doubtful=doubtful), words)
    doubted = Reason.BLURRED if doubtful == "reject" else None
    assert said(after["reason"]) == [None, doubted, None, Reason.BLURRED, None]
    assert said(after["doubt"]) == [None, Reason.BLURRED, None, None, None]


def test_zones_hold_by_domain_and_unknown_ones_are_refused():
    rows = rows_of({"sharpness": 0.1}, {"sharpness": 0.13, "domain": "anime"})
    assert said(decide(rows, FilterConfig(doubt={"blurred": {"drawn": 0.2}}))["doubt"]) == [None, Reason.BLURRED]
    for zones in ({"no_face": 0.1}, {"blurred": 1.5}, {"blurred": {"selfie": 0}}, {"nonsense": 0.1}):
        with pytest.raises(ValidationError):
            FilterConfig(doubt=zones)


def test_the_default_zones_doubt_no_good_picture():
    assert said(decide(rows_of(GOOD, {"domain": "anime", "drawn": 0.97}), FilterConfig())["doubt"]) == [None, None]


def picture_row(folder: Path, name: str, image: Image.Image, **change: object) -> dict[str, object]:
    path = folder / f"{name}.png"
    image.save(path)
    measured = measurements(Picture(image, "PNG"))
    return {"id": name, "domain": "selfie", "path": str(path), "status": "kept", **measured, **change}


@pytest.fixture
def rows(tmp_path: Path) -> pd.DataFrame:
    """A soft scene, the same too small, a grey sheet, one that dedup had rejected, and the scene in a frame."""
    noise = np.random.default_rng(0).integers(0, 256, (30, 24, 3), dtype=np.uint8)
    scene = Image.fromarray(noise).resize((178, 218), Image.Resampling.BICUBIC)
    framed = Image.new("RGB", (218, 258), "white")
    framed.paste(scene, (20, 20))
    made = [
        picture_row(tmp_path, "a", scene),
        picture_row(tmp_path, "b", scene.resize((60, 73))),
        picture_row(tmp_path, "c", Image.new("RGB", (178, 218), "gray")),
        picture_row(tmp_path, "d", scene, status="rejected", rejected_by="dedup", reason="same_pixels"),
        picture_row(tmp_path, "e", framed),
    ]
    return manifest.table(made)


REASONS = ["", Reason.TOO_SMALL, Reason.FLAT, Reason.SAME_PIXELS, Reason.BORDERED]


def test_run_measures_what_was_kept_and_returns_every_row_in_its_order(rows: pd.DataFrame, tmp_path: Path):
    with open_stage("filter", tmp_path / "out") as folder:
        after = run(rows, FilterConfig(doubt={}), folder, workers=1)
    manifest.check_complete(rows, after, "filter")
    assert list(after["id"]) == list("abcde")
    for name in ("watermark_score", "border", "collage", "screenshot", "drawn"):
        assert list(after[name].notna()) == [True, True, True, False, True]
        assert after[name].dropna().between(0, 1).all()
    assert list(after["reason"].fillna("")) == REASONS
    assert after["value"].iloc[4] == pytest.approx(1 - 178 * 218 / (218 * 258), abs=0.02)


def test_a_rerun_opens_no_picture_and_neither_does_a_changed_limit(rows: pd.DataFrame, tmp_path: Path):
    with open_stage("filter", tmp_path / "out") as folder:
        first = run(rows, NO_DOUBT, folder, workers=1)
        for path in rows["path"]:
            Path(path).unlink()
        again = run(rows, NO_DOUBT, folder, workers=1)
        stricter = run(rows, FilterConfig(min_side_px=260, max_watermark_score=0.0, doubt={}), folder, workers=1)
    pd.testing.assert_frame_equal(first, again)
    assert [r for r in stricter["reason"] if r != Reason.SAME_PIXELS] == [Reason.TOO_SMALL] * 4


def test_the_doubtful_are_shown_and_a_verdict_takes_them_off_the_sheet(rows: pd.DataFrame, tmp_path: Path):
    side = rows["width"].iloc[0]
    verdicts = tmp_path / "verdicts.jsonl"
    config = FilterConfig(doubt={"too_small": 0.9}, min_side_px=side - 1, max_border=None, verdicts=verdicts)
    sheet = Path("sheets", "doubtful_selfie.jpg")
    with open_stage("filter", tmp_path / "out") as folder:
        folder.commit(run(rows, config, folder, workers=1))
        after = manifest.read(folder.home)
        assert dict(zip(after["id"], said(after["doubt"]), strict=True))["a"] == Reason.TOO_SMALL
        with Image.open(folder.home / sheet) as drawn:
            assert drawn.width > 200
        judged = [f'{{"id": "{i}", "verdict": "{word}"}}\n' for i, word in (("a", "accept"), ("e", "reject"))]
        verdicts.write_text("".join(judged))
        assert verdicts_of(verdicts) == {"a": "accept", "e": "reject"}
        folder.commit(run(rows, config, folder, workers=1))
        assert said(manifest.read(folder.home)["doubt"]) == [None] * 5
        assert not (folder.home / sheet).exists()


def test_without_kept_rows_there_is_nothing_to_do(rows: pd.DataFrame, tmp_path: Path):
    with open_stage("filter", tmp_path / "out") as folder:
        after = run(rows.iloc[3:4], FilterConfig(), folder, workers=1)
    assert list(after["reason"]) == [Reason.SAME_PIXELS]
