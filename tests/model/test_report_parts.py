import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag

from scgan_data import files, manifest
from scgan_data.records import SELFIE, Reason
from scgan_model.report import charts, figures, planted, provenance, sheets, training
from tests.model.report_rows import picture


def test_sheets_show_at_most_their_limit_and_say_how_many_more(tmp_path: Path) -> None:
    rows = manifest.table([picture(tmp_path, number) | {"domain": SELFIE} for number in range(5)])
    sheet = sheets.kept_sheets(rows, side_px=32, limit=2)[0]
    assert (len(sheet.tiles), sheet.left_out) == (2, 3)


def test_a_lost_picture_leaves_its_caption(tmp_path: Path) -> None:
    lost = picture(tmp_path, 1) | {"domain": SELFIE, "status": "rejected", "reason": "blurred", "rejected_by": "filter"}
    rows = manifest.table([lost | {"value": 12.345, "limit": 40.0}])
    Path(str(lost["path"])).unlink()
    tile = sheets.rejected_sheets(rows, {}, side_px=32, limit=2)[0].tiles[0]
    assert (tile.src, tile.caption, tile.measure) == (None, "blurred", "12.3 < 40")


@pytest.mark.parametrize(
    ("reason", "value", "limit", "expected"),
    [
        (Reason.TOO_SMALL, 41.0, 64.0, "41 px < 64 px"),
        (Reason.TILTED, 33.333, 30.0, "33.3° > 30°"),
        (Reason.TOO_MANY_BYTES, 70_000_000.0, 67_108_864.0, "70,000,000 bytes > 67,108,864 bytes"),
        (Reason.HTTP_ERROR, 404.0, None, "404"),
        (Reason.NOAI, None, float("nan"), ""),
    ],
)
def test_measurements_have_units_and_a_sign(
    reason: Reason, value: float | None, limit: float | None, expected: str
) -> None:
    assert sheets.measured(reason, value, limit) == expected


def test_planted_against_found(tmp_path: Path) -> None:
    fixed: dict[str, Any] = {"domain": SELFIE, "of": None, "requested": 1}
    kinds = ["exact_copy", "exact_copy", "watermarked", "clean", "clean", "small"]
    truth = [fixed | {"kind": kind, "url": f"u{i}"} for i, kind in enumerate(kinds)]
    files.write_json(tmp_path / planted.TRUTH, truth)
    reasons = ["same_bytes", None, "watermarked", None, "watermarked", "too_small"]
    rows = manifest.table(
        [
            {"id": f"u{i}", "source_url": f"u{i}", "domain": SELFIE, "reason": reason}
            | {"status": "rejected" if reason else "kept"}
            for i, reason in enumerate(reasons)
        ]
    )
    table = planted.read_planted(tmp_path, rows)
    assert table is not None
    by_kind = {row.kind: (row.target, row.cells[0]) for row in table.rows}
    assert by_kind["exact_copy"] == ("all", planted.Cell(1, 2, False))
    assert by_kind["watermarked"] == ("at least 80%", planted.Cell(1, 1, True))
    assert by_kind["small"] == ("", planted.Cell(1, 1, None))
    assert by_kind["clean: taken for watermarked"] == ("at most 3%", planted.Cell(1, 2, False))
    assert sorted(table.verdicts) == [False, False, True, True]
    assert planted.read_planted(tmp_path / "elsewhere", rows) is None


def test_notes_say_what_the_figures_do_not_show(tmp_path: Path) -> None:
    def notes(trained: tuple[float, float], cycle: float) -> str:
        systems = {
            "trained": {"kid": sum(trained) / 2, "kid_low": trained[0], "kid_high": trained[1]},
            "untrained": {"kid": 3.0, "kid_low": 2.0, "kid_high": 4.0, "cycle_error": 0.5},
            "selfies": {"kid": 1.0, "kid_low": 0.9, "kid_high": 1.1},
        }
        systems["trained"]["cycle_error"] = cycle
        content = {name: part | {"average_gradient": 1.0} for name, part in systems.items()}
        (tmp_path / "metrics.json").write_text(json.dumps(content | {"feature": "F", "n": 9}))
        read = figures.read_figures(tmp_path)
        assert read is not None
        return " ".join(read.notes)

    assert "the intervals do not touch" in notes((0.1, 0.3), 0.1)
    assert "the intervals meet" in notes((0.5, 1.0), 0.1)
    assert "farther from the style" in notes((1.5, 2.0), 0.1)
    assert "20% of the untrained networks': a third or less" in notes((0.1, 0.3), 0.1)
    assert "60% of the untrained networks': above the third" in notes((0.1, 0.3), 0.3)


def test_intervals_are_drawn_to_one_scale(tmp_path: Path) -> None:
    parts = {"trained": (1.0, 0.5, 1.5), "selfies": (2.0, 1.5, 2.5)}
    content = {
        name: {"kid": kid, "kid_low": low, "kid_high": high, "average_gradient": 1.0}
        for name, (kid, low, high) in parts.items()
    }
    (tmp_path / "metrics.json").write_text(json.dumps(content))
    read = figures.read_figures(tmp_path)
    assert read is not None
    first, second = (row.kid for row in read.rows)
    assert first is not None and second is not None
    assert 0 < read.zero_at < first.start < first.at < first.end == second.start < second.end < 100
    assert (first.end - first.start) == pytest.approx(second.end - second.start, abs=0.02)


def test_a_log_that_a_kill_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_text('{"step": 0, "total": 3.0}\n{"step": 2, "total": 2.0}\n{"step": 2, "total": 1.0}\n{"step": 4, "to')
    log = training.read_log(file)
    assert log["step"].tolist() == [0, 2]
    assert log["total"].tolist() == [3.0, 1.0]
    assert training.read_log(tmp_path / "none.jsonl").empty


def test_the_curve_of_kid_says_where_the_best_checkpoint_is(tmp_path: Path) -> None:
    kids = {0: 0.5, 3: 0.3, 6: 0.1, 9: 0.2}
    rows = [
        {"step": step, "seconds": step, "tv": 9.0 - step} | ({"kid": kids[step]} if step in kids else {})
        for step in range(10)
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = training.read_training(tmp_path, frames=4)
    assert read is not None
    assert {c.name: (c.first, c.last, c.best_step) for c in read.curves} == {
        "KID to the style, held out": (0.5, 0.2, 6),
        "total variation (Eq. 6)": (9.0, 0.0, None),
    }
    (tmp_path / "metrics.json").write_text('{"kid": {"best_step": 9}}')  # of a branch that went back behind step 6
    again = training.read_training(tmp_path, frames=4)
    assert again is not None and again.curves[0].best_step == 9
    with_ring, without = (
        charts.curve(pd.Series([0, 3, 6]), pd.Series([0.5, 0.1, 0.3]), label="k", marked_step=step)
        for step in (3, None)
    )
    assert with_ring.count("<use") == without.count("<use") + 1


def test_a_curve_follows_the_page_s_colours_and_points_nowhere() -> None:
    steps = pd.Series(np.arange(60.0))
    svg = charts.curve(steps, pd.Series(np.r_[np.nan, np.linspace(2, 1, 58), np.inf]), label='a "<b>" c')
    root = BeautifulSoup(svg, "html.parser").svg
    assert isinstance(root, Tag) and root["aria-label"] == 'a "<b>" c'
    assert "var(--accent)" in svg and "var(--muted)" in svg
    assert "#0" not in re.sub(r'(href="|url\()#\w+', "", svg)
    assert "<style" not in svg and "xlink" not in svg and "<metadata" not in svg
    assert charts.curve(steps, steps * np.nan, label="empty").startswith("<svg")


def test_provenance_takes_dvc_s_hash_of_the_dataset(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert provenance.read_provenance(folder).dataset is None
    manifest.write(folder / "06_dataset", manifest.table([]))
    found = provenance.read_provenance(folder)
    assert found.dataset is not None and found.dataset.startswith("sha256:")
    assert "torch" in found.versions
    lock = "stages:\n  dataset:\n    outs:\n    - path: data/06_dataset\n      md5: 0123.dir\n"
    (tmp_path / "dvc.lock").write_text(lock)
    assert provenance.read_provenance(folder).dataset == "md5:0123.dir"


def test_two_distributions_share_their_bins_and_need_no_spread() -> None:
    one, two = pd.Series([1.0] * 5), pd.Series([1.0, 2.0, 900.0])
    svg = charts.distributions(one, two, label="a <b>")
    root = BeautifulSoup(svg, "html.parser").svg
    assert isinstance(root, Tag) and root["aria-label"] == "a <b>"
    assert "var(--accent)" in svg and "var(--muted)" in svg and "<style" not in svg
    assert charts.distributions(one, one, label="equal").startswith("<svg")


def test_an_evaluation_that_is_none_counts_as_missing(tmp_path: Path) -> None:
    trained = {"average_gradient": 0.1, "kid": 0.2, "kid_low": 0.1, "kid_high": 0.3}
    texts = [{"trained": trained | {"kid": kid}} for kid in ("low", 10**400, float("nan"))]
    texts.append({"trained": trained, "confidence": "high"})
    for content in ("[]", "garbage", *map(json.dumps, texts)):
        (tmp_path / "metrics.json").write_text(content)
        assert figures.read_figures(tmp_path) is None
    (tmp_path / "metrics.json").write_text(json.dumps({"trained": trained | {"kid_low": None}, "selfies": trained}))
    found = figures.read_figures(tmp_path)
    assert found is not None and found.rows[0].kid is not None and found.rows[0].kid.low == 0.2
