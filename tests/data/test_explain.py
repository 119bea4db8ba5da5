"""explain: a picture by the beginning of its id, its decisions, values beside limits, its copies, the drawing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from scgan_data import manifest, similarity
from scgan_data.duplicates import pairs
from scgan_data.errors import ScganError
from scgan_data.limits import comparison_sheet
from scgan_data.limits.explain import Card, card, explain

ONE, TWO, FAR, CROP = ("ab" * 32, "ac" * 32, "cd" * 32, "ef" * 32)


def scene(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((160, 200), Image.Resampling.BICUBIC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two copies (one mirrored) and another picture, deduplicated; filtered; one cropped."""
    pictures = {ONE: scene(1), TWO: scene(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT), FAR: scene(2), CROP: scene(1)}
    files = {i: tmp_path / "data" / "01_collect" / f"{i}.png" for i in pictures}
    files[ONE].parent.mkdir(parents=True)
    for name, picture in pictures.items():
        picture.save(files[name])
    measured = {
        "domain": "selfie",
        "width": 160,
        "height": 200,
        "contrast": 40.0,
        "sharpness": 0.04,
        "license": "CC0-1.0",
    }
    rows = [{"id": i, "path": str(files[i]), "status": "kept", **measured} for i in (ONE, TWO, FAR)]
    rows[1] |= {
        "status": "rejected",
        "rejected_by": "dedup",
        "reason": "near_duplicate",
        "value": 0.1,
        "limit": 0.36,
        "detail": ONE,
    }
    manifest.write(tmp_path / "data" / "02_dedup", manifest.table(rows))
    found = {
        "domain_one": "selfie",
        "domain_two": "selfie",
        "reason": "near_duplicate",
        "view_one": "whole",
        "view_two": "whole",
    }
    looked_at = [
        {
            "id_one": ONE,
            "id_two": TWO,
            "confirmed": True,
            "mirrored": True,
            "distance64": 30,
            "distance256": 120,
            "difference": 0.01,
        },
        {
            "id_one": ONE,
            "id_two": FAR,
            "confirmed": False,
            "mirrored": False,
            "distance64": 9,
            "distance256": 60,
            "difference": 0.9,
        },
    ]
    pairs.write(tmp_path / "data" / "02_dedup", pd.DataFrame([found | pair for pair in looked_at]))
    rows[0] |= {"watermark_score": 0.99, "watermark_xyxy": [20.0, 30.0, 90.0, 60.0]}
    rows[2] |= {"status": "rejected", "rejected_by": "filter", "reason": "blurred", "value": 0.04, "limit": 0.09}
    manifest.write(tmp_path / "data" / "03_filter", manifest.table(rows))
    rows[0] |= {"id": CROP, "parent_id": ONE, "path": str(files[CROP]), "crop_quad": [0.0] * 8, "yaw_deg": -72.5}
    rows[0] |= {"width": 64, "height": 64}
    manifest.write(tmp_path / "data" / "04_crop", manifest.table(rows))
    return tmp_path / "data"


def said(found: Card) -> str:
    console = Console(width=200, record=True)
    for view in card(found):
        console.print(view)
    return console.export_text()


def test_a_rejected_picture_says_where_why_and_by_how_much(data: Path):
    text = said(explain("cd", data))
    assert "blurred: the sharpness is below the domain's limit (decided by filter)" in text
    lines = [line.replace("│", " ").split() for line in text.splitlines()]
    assert ["min_sharpness", "0.04", "≥", "0.09", "beyond"] in lines
    assert ["min_contrast", "40", "≥", "8", "within"] in lines
    assert [line[:2] for line in lines if line[:1] == ["02_dedup"]] == [["02_dedup", "kept"]]
    assert ["license", "CC0-1.0"] in lines


def test_todays_limits_are_those_of_params(data: Path, tmp_path: Path):
    params = tmp_path / "params.yaml"
    params.write_text("filter: {min_sharpness: .01, max_aspect: null}")
    console = Console(width=200, record=True)
    for view in card(explain("cd", data), params):
        console.print(view)
    lines = [line.replace("│", " ").split() for line in console.export_text().splitlines()]
    assert ["min_sharpness", "0.04", "≥", "0.01", "within"] in lines and ["max_aspect", "1.25", "≤", "off"] in lines


def test_a_copy_names_its_keeper_and_the_measurements_of_the_pair(data: Path):
    text = said(explain("ac", data))
    assert "near_duplicate, mirrored" in text and text.count(ONE) == 3
    row = next(line.replace("│", " ").split() for line in text.splitlines() if "mirrored" in line and ONE[:16] in line)
    assert row[-4:] == ["30", "120", "0.01", "yes"]


def test_a_source_is_explained_through_its_crop(data: Path):
    found = explain("ab", data)
    assert [folder.name for folder, _ in found.rows] == ["04_crop", "03_filter", "02_dedup"]
    text = said(found)
    assert "(crop efefefefefef)" in text and "crop's checks, with today's limits" in text
    turned = next(line.replace("│", " ").split() for line in text.splitlines() if "max_yaw_deg" in line)
    assert turned == ["max_yaw_deg", "72.5", "≤", "60", "beyond"]
    smaller = next(line.replace("│", " ").split() for line in text.splitlines() if "min_side_px" in line)
    assert smaller == ["min_side_px", "160", "≥", "100", "within"], "the filter saw the picture, not the crop"
    assert "crop's checks" not in said(explain("cd", data)), "it was never cropped"
    assert explain("ef", data).rows[0][1]["parent_id"] == ONE


def test_a_crop_is_explained_with_its_picture_and_the_picture_s_copies(data: Path):
    found = explain("ef", data)
    assert [folder.name for folder, _ in found.rows] == ["04_crop", "03_filter", "02_dedup"]
    assert [pair["confirmed"] for pair in found.pairs] == [True, False] and set(found.partners) == {ONE, TWO, FAR}


def test_the_drawing_has_the_mark_the_copies_and_what_differs(data: Path):
    found = explain("ab", data)
    file = comparison_sheet.draw(found, data)
    assert file == data / ".explain.work" / f"{ONE}.jpg"
    sheet = np.asarray(Image.open(file)).astype(int)
    side, gap, line = comparison_sheet.SIDE_PX, comparison_sheet.GAP_PX, comparison_sheet.LINE_PX
    high = side + line + gap
    assert sheet.shape[0] == 3 * high
    box = np.abs(sheet[:high] - (0xD1, 0x49, 0x5B)).max(2) < 40
    assert box.sum() > 300
    wide = round(160 * side / 200)

    def cell(row: int, column: int) -> np.ndarray:
        x, y = gap + column * (side + gap), row * high + line
        return sheet[y + 4 : y + side - 4, x + 4 : x + wide - 4]

    assert np.abs(cell(1, 0) - cell(1, 1)).mean() < 5  # the mirrored copy is turned back
    assert np.abs(cell(2, 0) - cell(2, 1)).mean() > 30
    redness = [(255 - cell(row, 2)[..., 1]).mean() for row in (1, 2)]
    assert redness[0] < 20 and redness[1] > 60


def test_the_map_is_white_for_equal_ones_and_grey_where_nothing_is_compared():
    thumb = similarity.thumbnail(scene(3))
    drawn = np.asarray(comparison_sheet.difference_map(similarity.align(thumb, thumb)))
    assert (drawn[20:44, 20:44] > 250).all() and (drawn[0, 0] == 190).all()


def test_what_a_name_has_in_brackets_is_shown_as_it_is(data: Path):
    rows = manifest.read(data / "02_dedup").assign(source_url="https://example.org/[/b] [red].png", detail="[/i]")
    rows["status"], rows["rejected_by"], rows["reason"] = "rejected", "dedup", "near_duplicate"
    manifest.write(data / "02_dedup", rows)
    for later in ("03_filter", "04_crop"):
        (data / later / manifest.FILE_NAME).unlink()
    text = said(explain("ab", data))
    assert "https://example.org/[/b] [red].png" in text and "(decided by dedup): [/i]" in text


def test_a_picture_that_is_gone_is_explained_and_not_drawn(data: Path):
    for file in (data / "01_collect").glob("*.png"):
        file.unlink()
    found = explain("ab", data)
    assert found.picture() is None and comparison_sheet.draw(found, data) is None
    assert "watermark_score" in said(found)


@pytest.mark.parametrize(
    ("prefix", "words"), [("", "which picture"), ("a", "2 pictures begin so"), ("99", "no picture in")]
)
def test_what_does_not_name_one_picture_is_one_line(data: Path, prefix: str, words: str):
    with pytest.raises(ScganError, match=words):
        explain(prefix, data)
    with pytest.raises(ScganError, match="--data"):
        explain(prefix, data / "01_collect")
