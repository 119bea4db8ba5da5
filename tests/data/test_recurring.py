"""recurring: a mark at one place of a source is found on each picture with it; composition is none; no idle reading."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from benchmarks.watermark_cases import windows
from scgan_data import manifest, recurring
from scgan_data.filter import FilterConfig, run
from scgan_data.hashes import measurements
from scgan_data.images import Picture
from scgan_data.records import Reason
from scgan_data.recurring_edges import Recurring, edges_of, pack, recur, unpack
from scgan_data.stage import open_stage

LIMIT = 0.55
SEEN, UNSURE, UNSEEN = 0.75, 0.5, 0.1
"""Scores of what the network suspects, under the filter's limit, and of what it does not."""


def photographs(count: int, seed: int = 1, size: tuple[int, int] = (160, 160)) -> list[Image.Image]:
    return [window.resize(size) for window in windows(count, seed=seed, size_px=160)]


def with_logo(picture: Image.Image, strength: int = 80) -> Image.Image:
    """A ring, a bar and a cross near the lower right corner, see-through."""
    cover, (x, y) = Image.new("L", picture.size), (picture.width - 50, picture.height - 40)
    draw = ImageDraw.Draw(cover)
    draw.ellipse((x, y, x + 30, y + 30), outline=strength, width=5)
    draw.rectangle((x + 34, y + 2, x + 40, y + 28), fill=strength)
    draw.line((x + 6, y + 15, x + 24, y + 15), fill=strength, width=4)
    over = Image.composite(Image.new("RGB", picture.size, "white"), picture, cover)
    return over


def composed(count: int, seed: int = 3) -> list[Image.Image]:
    """Drawings of one program: the same shoulders, head and eyes on each, dark on light, before other grounds."""
    made, rng = [], np.random.default_rng(seed)
    for _ in range(count):
        image = Image.new("RGB", (160, 160), tuple(int(v) for v in rng.integers(180, 256, 3)))
        draw, dark = ImageDraw.Draw(image), tuple(int(v) for v in rng.integers(0, 120, 3))
        draw.ellipse((0, 100, 160, 260), fill=dark)
        draw.ellipse((45, 20, 115, 115), fill=dark)
        for x in (65, 95):
            draw.ellipse((x - 8, 55, x + 8, 71), fill="white")
        for x, y in rng.integers(0, 160, (12, 2)):
            draw.rectangle(
                (int(x), int(y), int(x) + 9, int(y) + 9), fill=tuple(int(v) for v in rng.integers(0, 256, 3))
            )
        made.append(image)
    return made


def rows_of(folder: Path, pictures: list[Image.Image], scores: list[float], **columns: object) -> pd.DataFrame:
    rows = []
    for k, (image, score) in enumerate(zip(pictures, scores, strict=True)):
        path, picture = folder / f"{k:03}.png", Picture(image, "PNG")
        image.save(path)
        row = {"id": f"{k:03}", "domain": "selfie", "path": str(path), "source": "site", "status": "kept"}
        rows.append({**row, "watermark_score": score, **measurements(picture), **columns})
    return manifest.table(rows)


def measured(rows: pd.DataFrame, folder: Path, **options: object) -> list[float]:
    with open_stage("filter", folder / "out") as stage:
        return recurring.measure(rows, stage, workers=1, **options).tolist()


def half_marked(folder: Path, pictures: list[Image.Image]) -> pd.DataFrame:
    """The first half marked, two thirds of these suspected, none taken for unmarked."""
    half = len(pictures) // 2
    scores = [(SEEN if k % 3 else UNSURE) if k < half else UNSEEN for k in range(len(pictures))]
    return rows_of(folder, [with_logo(p) if k < half else p for k, p in enumerate(pictures)], scores)


@pytest.mark.parametrize("make", [photographs, composed])
def test_a_mark_is_found_on_every_picture_that_carries_it_and_on_no_other(tmp_path: Path, make):
    found = measured(half_marked(tmp_path, make(60)), tmp_path)
    assert min(found[:30]) > LIMIT > max(found[30:])


def test_pictures_of_other_proportions_share_the_corner(tmp_path: Path):
    pictures = photographs(20, size=(160, 120)) + photographs(20, seed=2, size=(120, 160))
    found = measured(rows_of(tmp_path, [with_logo(p) for p in pictures], [SEEN, SEEN, SEEN, UNSEEN] * 10), tmp_path)
    assert min(found) > LIMIT


def test_an_authors_mark_is_found_across_sources(tmp_path: Path):
    rows = rows_of(tmp_path, [with_logo(p) for p in photographs(20)], [SEEN] * 15 + [UNSEEN] * 5, author="Ada")
    rows["source"] = [f"site {k}" for k in range(20)]
    assert min(measured(rows, tmp_path)) > LIMIT
    assert np.isnan(measured(rows.assign(author=None), tmp_path)).all()


def test_hosts_of_one_source_are_looked_at_apart(tmp_path: Path):
    rows = rows_of(tmp_path, [with_logo(p) for p in photographs(20)], [SEEN] * 20)
    rows["source_url"] = [f"https://{'ab'[k % 2]}.example/{k}.png" for k in range(20)]
    assert np.isnan(measured(rows, tmp_path)).all()
    rows["final_url"] = [f"https://images.example/{k}.png" for k in range(20)]
    assert min(measured(rows, tmp_path)) > LIMIT


def test_what_one_program_draws_alike_is_no_mark(tmp_path: Path):
    rows = rows_of(tmp_path, composed(60), [SEEN] * 40 + [UNSEEN] * 20)
    assert np.isnan(measured(rows, tmp_path)).all()
    marked = rows.assign(watermark_score=[SEEN] * 48 + [UNSEEN] * 12)
    assert min(measured(marked, tmp_path)) > LIMIT, "where the network suspects nearly all it is a mark"


def test_pictures_that_share_nothing_have_nothing(tmp_path: Path):
    assert np.isnan(measured(rows_of(tmp_path, photographs(40), [SEEN] * 40), tmp_path)).all()


@pytest.mark.parametrize("suspects", [0, 11])
def test_no_file_is_opened_without_suspects(tmp_path: Path, suspects: int):
    rows = rows_of(tmp_path, photographs(14), [SEEN] * suspects + [UNSEEN] * (14 - suspects))
    for path in rows["path"]:
        Path(path).unlink()
    assert np.isnan(measured(rows, tmp_path)).all()


def test_order_and_workers_change_nothing_and_a_second_run_does_nothing(tmp_path: Path, capsys):
    rows = half_marked(tmp_path, photographs(60))
    first = pd.Series(measured(rows, tmp_path), rows["id"])
    capsys.readouterr()
    turned = rows.iloc[::-1].reset_index(drop=True)
    assert measured(turned, tmp_path) == first[turned["id"]].tolist()
    assert re.findall(r"(\d+) to do", capsys.readouterr().err) == ["0", "0"]
    with open_stage("filter", tmp_path / "other") as stage:
        assert recurring.measure(rows, stage, workers=2).tolist() == first.tolist()


def test_others_are_compared_with_what_recurs_over_the_rows(tmp_path: Path):
    rows = half_marked(tmp_path, photographs(60))
    (tmp_path / "copies").mkdir()
    clean, marked = photographs(2, seed=9)
    copies = rows_of(tmp_path / "copies", [clean, with_logo(marked)], [UNSEEN] * 2)
    without, with_it = measured(rows, tmp_path, of=copies.assign(id=["x", "y"]))
    assert without < LIMIT < with_it


def test_edges_survive_being_bytes():
    edges = [edges_of(with_logo(p)) for p in photographs(20)]
    assert max(np.abs(unpack(pack(e)) - e).max() for e in edges) < 0.01
    found = recur(edges)
    assert found is not None
    again = Recurring.unpacked(found.packed())
    assert again.count == 20
    assert (again.where == found.where).all()
    assert again.likeness(edges[0], counted=True) == pytest.approx(found.likeness(edges[0], counted=True), abs=0.01)
    assert found.likeness(edges[0], counted=True) < found.likeness(edges[0])


def test_the_filter_rejects_what_shows_a_recurring_mark(tmp_path: Path):
    """With the real network, whose own limit is off: what it suspects on some pictures is found on all."""
    pictures = photographs(40)
    marked = [with_logo(p, strength=110) if k % 2 else p for k, p in enumerate(pictures)]
    rows = rows_of(tmp_path, marked, [0.0] * 40).assign(watermark_score=None)
    config = FilterConfig(max_watermark_score=None, doubt={}, max_drawn=None, max_collage=None, min_sharpness=None)
    with open_stage("filter", tmp_path / "out") as stage:
        decided = run(rows, config, stage, workers=1)
        off = run(rows, config.model_copy(update={"max_recurring_mark": None}), stage, workers=1)
    rejected = decided[decided["reason"] == Reason.RECURRING_MARK]
    assert set(rejected["id"]) <= set(rows["id"][1::2])
    assert len(rejected) >= 18
    assert (rejected["value"] > rejected["limit"]).all()
    assert (off["status"] == "kept").all()
    assert off["recurring_mark"].isna().all()


def test_whatever_a_url_is_it_has_a_host_or_none(tmp_path: Path):
    rows = rows_of(tmp_path, [with_logo(p) for p in photographs(24)], [SEEN] * 24)
    rows["source_url"] = 2 * ["http://[", "//x", "", None, "data:,", "https://", "file:///a", "a", "?", "ü", " ", "#"]
    found = pd.Series(measured(rows, tmp_path))
    assert found.isna().tolist() == ([True] + [False] * 11) * 2  # what names a host is another site
    assert found.min() > LIMIT
