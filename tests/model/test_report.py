import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag
from PIL import Image

from scgan_data import files, manifest
from scgan_data.errors import ManifestError
from scgan_data.images import encode_png
from scgan_data.records import SELFIE, Reason
from scgan_model.report import charts, data, figures, planted, provenance, sheets, training
from scgan_model.report.build import ReportConfig, build_report

HOSTILE = "<script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(1)>"
HOSTILE_URL = "javascript:alert(1)//<b>"
STAGE_OF = {
    Reason.SAME_BYTES: "dedup",
    Reason.SAME_PIXELS: "dedup",
    Reason.NEAR_DUPLICATE: "dedup",
    Reason.TOO_SMALL: "filter",
    Reason.ASPECT: "filter",
    Reason.BLURRED: "filter",
    Reason.FLAT: "filter",
    Reason.WATERMARKED: "filter",
    Reason.NO_FACE: "crop",
    Reason.SEVERAL_FACES: "crop",
    Reason.FACE_TOO_SMALL: "crop",
    Reason.TILTED: "crop",
    Reason.PADDED: "crop",
    Reason.HUMAN_REJECTED: "dataset",
    Reason.REBALANCED: "dataset",
}


def picture(folder: Path, number: int, *, width: int = 40, height: int = 48) -> dict[str, Any]:
    """A gradient of its own colour, stored as `collect` stores it; its row."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 5, y * 4, np.full_like(x, number * 37 % 256)], axis=-1).astype(np.uint8)
    png = encode_png(Image.fromarray(pixels))
    name = files.id_of_bytes(png)
    files.write_bytes(folder / files.content_path(name), png)
    path = str(folder / files.content_path(name))
    return {"id": name, "path": path, "width": width, "height": height, "group_id": f"g{number}", "status": "kept"}


BOXED = {"regions_score": 0.9, "regions_origin": "landmarks"}


def write_stages(folder: Path) -> pd.DataFrame:
    """All six stages: two kept pictures a domain, one rejected for every reason. The last stage's rows."""
    home = folder / "01_collect"
    fixed = {"source": "list", "license": "CC0", "author": HOSTILE, "source_url": HOSTILE_URL}
    kept = [
        picture(home, number) | fixed | {"domain": domain, "split": "train"} | boxes
        for number, (domain, boxes) in enumerate(
            [
                (SELFIE, {"eyes_xyxy": [10.0, 10, 30, 18], "regions_hidden": "mouth"} | BOXED),
                (SELFIE, {"split": "test"}),
                ("dots", {"mouth_xyxy": [14.0, 30, 26, 38]}),
                ("dots", {}),
            ]
        )
    ]
    rejected = []
    for number, reason in enumerate(Reason, 10):
        decision = {"rejected_by": STAGE_OF.get(reason, "collect"), "reason": reason.value, "detail": HOSTILE}
        row = picture(home, number) | fixed | {"domain": SELFIE, "status": "rejected"} | decision
        if reason not in STAGE_OF:
            row["path"] = None
        if reason == Reason.NEAR_DUPLICATE:
            row["group_id"] = "g0"
        rejected.append(row | {"value": 41.0, "limit": 64.0})
    rows = manifest.table(kept + rejected)
    for number, stage in enumerate(data.STAGES, 1):
        later = rows["rejected_by"].isin(data.STAGES[number:])
        so_far = rows.copy()
        so_far.loc[later, ["status"]] = "kept"
        so_far.loc[later, ["rejected_by", "reason", "value", "limit", "detail"]] = None
        manifest.write(folder / f"{number:02d}_{stage}", so_far)
    return manifest.read(folder / "06_dataset")


def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def text(tag: Tag) -> str:
    return " ".join(tag.get_text(" ").split())


@pytest.fixture(scope="module")
def project(evaluated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six stages by hand, a real tiny model and its evaluation, and the report of them."""
    folder = tmp_path_factory.mktemp("report")
    shutil.copytree(evaluated / "models", folder / "models")
    shutil.copytree(evaluated / "reports", folder / "reports")
    write_stages(folder / "data")
    build(folder)
    return folder


def build(folder: Path, out: str = "reports/index.html") -> Path:
    build_report(folder / "data", folder / "models", folder / "reports", folder / out, config=ReportConfig())
    return folder / out


@pytest.fixture(scope="module")
def page(project: Path) -> BeautifulSoup:
    return soup(project / "reports" / "index.html")


def test_the_page_carries_everything_inside_itself(project: Path, page: BeautifulSoup) -> None:
    assert page.find_all(["script", "link", "iframe", "object", "base", "form"]) == []
    for tag in page.find_all(True):
        for name in ("src", "href", "xlink:href", "srcset", "poster", "action", "data"):
            assert str(tag.get(name, "#")).startswith(("data:image/webp;base64,", "#")), f"<{tag.name} {name}>"
        assert not [name for name in tag.attrs if name.startswith("on")]
    raw = (project / "reports" / "index.html").read_text()
    assert "@import" not in raw
    assert not re.search(r"url\((?!#)", raw)
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})
    assert isinstance(policy, Tag) and str(policy["content"]).startswith("default-src 'none'")


def test_every_anchor_leads_somewhere(page: BeautifulSoup) -> None:
    links = [str(a["href"]) for a in page.select("nav a")]
    assert len(links) >= 5
    assert all(page.find(id=link.removeprefix("#")) for link in links)


def test_hostile_text_is_shown_and_does_nothing(page: BeautifulSoup) -> None:
    assert page.find("script") is None and page.find("b", string=re.compile("evil")) is None
    assert HOSTILE_URL in text(page)
    assert "<script>alert(1)</script>" in page.get_text()
    assert all(str(image["src"]).startswith("data:") for image in page.find_all("img"))


def test_every_reason_is_named_with_its_measurement(page: BeautifulSoup) -> None:
    rejected = page.find(id="rejected")
    assert isinstance(rejected, Tag)
    captions = [text(caption) for caption in rejected.find_all("figcaption")]
    lines = [text(row) for row in rejected.select("table.lines tr")]
    for reason in Reason:
        words = sheets.words(reason)
        places = captions if reason in STAGE_OF else lines
        mine = [place for place in places if place.startswith(words)]
        assert len(mine) == 1, reason
        assert re.search(r"41\S*( \w+)? < 64", mine[0].replace(" : 1", "")), mine[0]


def test_a_copy_stands_beside_the_picture_that_was_kept(page: BeautifulSoup) -> None:
    pairs = page.select(".sheet.pairs figure")
    assert len(pairs) == 1
    assert len(pairs[0].find_all("img")) == 2
    assert text(pairs[0]).startswith("near duplicate 41 < 64 selfie")


def test_the_funnel_counts_by_stage_and_domain(project: Path) -> None:
    steps = data.funnel(data.read_stages(project / "data"))
    assert list(steps) == [SELFIE, "dots"]
    by_stage = {step.stage: step for step in steps[SELFIE]}
    early = len(Reason) - len(STAGE_OF)
    assert (by_stage["collect"].came, by_stage["collect"].kept) == (2 + len(Reason), 2 + len(STAGE_OF))
    assert sum(by_stage["collect"].rejected.values()) == early
    assert by_stage["dedup"].rejected == {Reason.SAME_BYTES: 1, Reason.SAME_PIXELS: 1, Reason.NEAR_DUPLICATE: 1}
    assert (by_stage["dataset"].came, by_stage["dataset"].kept) == (4, 2)
    for before, after in zip(steps[SELFIE], steps[SELFIE][1:], strict=False):
        assert after.came == before.kept
        assert after.came - sum(after.rejected.values()) == after.kept


def test_the_page_shows_the_funnel_and_the_sources(page: BeautifulSoup) -> None:
    assert f"selfie: {2 + len(Reason)} found, 2 kept" in text(page)
    assert "dots: 2 found, 2 kept" in text(page)
    assert "dots list CC0 1 2" in text(page)
    assert "selfie 1 test, 1 train" in text(page)


def test_only_crops_that_have_boxes_are_shown_with_boxes(project: Path) -> None:
    rows = manifest.read(project / "data" / "06_dataset")
    found = sheets.boxed_sheets(rows, side_px=96, limit=5)
    assert [(sheet.title, sheet.total) for sheet in found] == [(SELFIE, 1), ("dots", 1)]
    assert found[0].tiles[0].caption == "landmarks 0.90 no mouth"


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


def test_the_style_section_has_pictures_figures_film_and_curves(page: BeautifulSoup) -> None:
    section = page.find(id="style-1")
    assert isinstance(section, Tag)
    assert len(section.select(".examples img")) == 3 * 5
    assert len(section.select(".figures tr")) == 1 + 5
    assert [text(dt) for dt in section.select(".film dt")] == [
        "input",
        "step 0",
        "step 4",
        "step 8",
        "step 12",
        "back again",
    ]
    moving = section.select_one("details.motion[open]")
    assert moving is not None and "4 grids" in text(moving)
    still = moving.select_one("picture source[media='(prefers-reduced-motion: reduce)']")
    assert still is not None and still["srcset"] != moving.select("img")[0]["src"]
    assert "held-out cycle error" in text(section) and "learning rate" in text(section)
    assert section.select(".curves svg[role=img]")
    assert "MobileNetV2 ImageNet" in text(section)
    assert '"generator_channels": 4' in section.get_text()


def test_the_same_project_gives_the_same_page(project: Path) -> None:
    again = build(project, "again.html")
    assert again.read_bytes() == (project / "reports" / "index.html").read_bytes()


def test_a_project_with_nothing_yet_says_what_to_run(tmp_path: Path) -> None:
    words = text(soup(build(tmp_path)))
    assert "No data stage has finished yet" in words
    assert "No model has been trained yet" in words


def test_data_without_a_model_and_a_model_without_an_evaluation(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "data", tmp_path / "data")
    assert "No model has been trained yet" in text(soup(build(tmp_path)))
    shutil.copytree(project / "models", tmp_path / "models")
    assert "Not evaluated yet" in text(soup(build(tmp_path)))


def test_a_damaged_manifest_is_one_clear_line(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "data", tmp_path / "data")
    (tmp_path / "data" / "03_filter" / "manifest.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(ManifestError, match="03_filter"):
        build(tmp_path)
    assert not (tmp_path / "reports" / "index.html").exists()


def test_several_styles_have_a_section_each(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "models" / "dots", tmp_path / "models" / "anime")
    shutil.copytree(project / "models" / "dots", tmp_path / "models" / "dots")
    (tmp_path / "models" / ".dots.work").mkdir()
    found = soup(build(tmp_path))
    assert [text(h) for h in found.select("section[id^=style] > h2")] == ["The style anime", "The style dots"]


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


def framed(folder: Path, domain: str, count: int, *, first: int, scale: float) -> list[dict[str, Any]]:
    """Kept crops whose faces are about `scale` times as large as the shoulder crop's."""
    rng = np.random.default_rng(first)
    face = np.array([[-0.5, 0], [0.5, 0], [0, 0.6], [-0.4, 1.087], [0.4, 1.087]])
    rows = []
    for number in range(first, first + count):
        marks = face * 40 / 4.6 * scale * rng.normal(1, 0.04) + [20, 17] + rng.normal(0, 0.1, (5, 2))
        known = {"domain": domain, "landmarks": marks.ravel().tolist(), "padding": 0.0}
        rows.append(picture(folder, number, height=40) | known)
    return rows


def test_the_match_of_the_domains_has_charts_lights_and_breakers(tmp_path: Path) -> None:
    home = tmp_path / "data" / "04_crop"
    rows = framed(home, SELFIE, 40, first=0, scale=1.0) + framed(home, "dots", 40, first=100, scale=1.2)
    manifest.write(home, manifest.table(rows))
    found = soup(build(tmp_path)).find(id="match")
    assert isinstance(found, Tag)
    charts_of = {text(figure): figure for figure in found.select(".curves.pairs figure")}
    assert len(charts_of) == 16 and all(figure.select("svg[role=img]") for figure in charts_of.values())
    assert sum("red" in figure.select_one(".chip")["class"] for figure in charts_of.values()) >= 1  # type: ignore[index]
    lines = [text(line) for line in found.select("table.matches tr")]
    scale = next(line for line in lines if line.startswith("face scale"))
    assert scale.endswith("red") and "dots is higher; it teaches to zoom faces: re-crop (--fix crop)" in scale
    assert "40 selfies, 40 portraits: framing differs in face scale" in text(found)
    groups = [text(group) for group in found.select(".group")]
    assert any(group.startswith("face scale · ") for group in groups)
    assert len(found.select(".sheet img")) >= 10
    assert (tmp_path / "reports" / ".match.work").is_dir() and not (tmp_path / "reports" / "match").exists()


def test_there_is_no_match_before_crop_or_of_one_domain(project: Path, page: BeautifulSoup, tmp_path: Path) -> None:
    assert "too few pictures to say" in text(page.find(id="match"))  # type: ignore[arg-type]
    shutil.copytree(project / "data" / "03_filter", tmp_path / "data" / "03_filter")
    assert soup(build(tmp_path)).find(id="match") is None
    home = tmp_path / "data" / "04_crop"
    manifest.write(home, manifest.table(framed(home, SELFIE, 2, first=0, scale=1.0)))
    assert soup(build(tmp_path)).find(id="match") is None


def test_two_distributions_share_their_bins_and_need_no_spread() -> None:
    one, two = pd.Series([1.0] * 5), pd.Series([1.0, 2.0, 900.0])
    svg = charts.distributions(one, two, label="a <b>")
    root = BeautifulSoup(svg, "html.parser").svg
    assert isinstance(root, Tag) and root["aria-label"] == "a <b>"
    assert "var(--accent)" in svg and "var(--muted)" in svg and "<style" not in svg
    assert charts.distributions(one, one, label="equal").startswith("<svg")
