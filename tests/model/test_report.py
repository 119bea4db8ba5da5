import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag

from scgan_data import manifest
from scgan_data.errors import ManifestError, ScganError
from scgan_data.records import SELFIE, Reason
from scgan_model.report import data, sheets
from scgan_model.report.build import ReportConfig, build_report
from tests.model.report_rows import HOSTILE_URL, STAGE_OF, picture, write_stages


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


def test_a_project_with_nothing_yet_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ScganError, match=r"there is no folder .*data, .*models or .*: name those of a project"):
        build(tmp_path)
    (tmp_path / "data").mkdir()
    words = text(soup(build(tmp_path)))
    assert "report: 0 stages and 0 styles in " in capsys.readouterr().err
    assert "No data stage has finished yet" in words
    assert "No model has been trained yet" in words


def test_data_without_a_model_and_a_model_without_an_evaluation(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "data", tmp_path / "data")
    assert "No model has been trained yet" in text(soup(build(tmp_path)))
    shutil.copytree(project / "models", tmp_path / "models")
    assert "Not evaluated yet" in text(soup(build(tmp_path)))


def test_a_damaged_model_leaves_the_page(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project / "models", tmp_path / "models")
    (tmp_path / "models" / "dots" / "config.json").write_bytes(b"\xff\xfe")
    (tmp_path / "models" / "dots" / "metrics.jsonl").write_bytes(b'{"step": "x"}\n\xff\xfe\n')
    assert "While it learned" in text(soup(build(tmp_path)))


def test_a_folder_is_no_page(project: Path) -> None:
    with pytest.raises(ScganError, match=r"is a folder: name the page to write, for example .*/report.html"):
        build(project, "reports")


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
