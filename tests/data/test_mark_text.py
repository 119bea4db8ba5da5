"""mark_text: which lines of text are marks, and what the filter does with them."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFont

from scgan_data import filter as stage
from scgan_data import manifest, mark_text, quality
from scgan_data.errors import ScganError
from scgan_data.filter import FilterConfig
from scgan_data.mark_text import Line, first_mark, is_mark
from scgan_data.stage import open_stage
from scgan_data.watermark import Mark, WatermarkConfig

BOX = (1, 2, 30, 40)
READING = WatermarkConfig(text_recognition=True)


@pytest.mark.parametrize(
    "text",
    [
        "pixgallery.com",
        "WWW.Pix-Gallery.CO.UK/123",
        "ｐｉｘ．ｃｏｍ",
        "ann@atelier.de",
        "© Atelier Nord",
        "@mira.draws",
        "(c)Ann",
        "（C）Vega Arts",
        "Copyright 2021",
        "ALLRIGHTSRESERVED",
        "NOT FOR SALE",
        "NOTFORSA",
        "SAMPLE",
        "gettyimages",
        "12345 shutterstock 99",
        "123RF",
    ],
)
def test_a_site_a_copyright_and_an_agencys_words_are_marks(text: str):
    assert is_mark(text)


@pytest.mark.parametrize(
    "text",
    [
        "HUMAN RIGHTS CAMPAIGN",
        "FOR SALE",
        "NOT",
        "sample sale today",
        "waterproof",
        "Dr. Jones",
        "me.it",
        "a.com",
        "U.S.",
        "9.99",
        "2 @ 5",
        "hi @ann",
        "C",
        "(C",
        "commerce",
        "",
    ],
)
def test_banners_shirts_and_signs_are_none(text: str):
    assert not is_mark(text)


def test_the_words_are_the_users():
    assert is_mark("Pix Harbor", ["pixharbor"]) and not is_mark("NOT FOR SALE", ["pixharbor"])


def test_the_surest_line_that_is_a_mark_counts_from_its_least_confidence_on():
    lines = [Line("HELLO", 1.0, BOX), Line("a-site.com", 0.8, BOX), Line("© Ann", 0.9, BOX), Line("Alamy", 0.79, BOX)]
    assert first_mark(lines) == lines[2]
    assert first_mark(lines, min_confidence=0.91) is None
    assert first_mark(lines[:2]) == lines[1] and first_mark(lines[:1]) is None and first_mark([]) is None


def test_without_the_extra_the_stage_stops_with_one_line_and_measures_nothing(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(mark_text, "PACKAGE", "no-such-package")
    rows = manifest.table([{"id": "a", "domain": "selfie", "status": "kept", "path": str(tmp_path / "none.png")}])
    with open_stage("filter", tmp_path / "03") as folder, pytest.raises(ScganError, match="install the extra `ocr`"):
        stage.run(rows, FilterConfig(watermark=READING), folder)
    assert quality.version(WatermarkConfig())


def test_nothing_of_it_is_imported_where_it_is_off():
    code = (
        "import sys; from PIL import Image; from scgan_data import quality; from scgan_data.watermark import *;"
        "found = quality.measure(Image.new('RGB', (64, 64)), WatermarkConfig());"
        "assert found['mark_text'] is None and not {'cv2', 'onnxruntime', 'rapidocr_onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def written() -> Image.Image:
    """A plain picture with a line of text."""
    picture = Image.new("RGB", (320, 240), "#447799")
    ImageDraw.Draw(picture).text((60, 190), "www.pixgallery.com", "white", ImageFont.load_default(22))
    return picture


def test_real_text_is_read_and_rejected(written: Image.Image, tmp_path: Path):
    pytest.importorskip("rapidocr_onnxruntime", reason="needs the extra `ocr`")
    written.save(tmp_path / "a.png")
    Image.new("RGB", (320, 240), "#447799").save(tmp_path / "b.png")
    found = quality.measure_batch(
        pd.DataFrame({"path": [tmp_path / "a.png", tmp_path / "b.png"], "sharpness": 0.3}), READING
    )
    assert "pixgallery.com" in found["mark_text"][0] and found["watermark_score"][0] == 1
    x0, y0, x1, y1 = found["watermark_xyxy"][0]
    assert 40 < x0 < 80 and 170 < y0 < 205 and 200 < x1 < 300 and 205 < y1 < 230
    assert pd.isna(found["mark_text"][1]) and found["watermark_score"][1] < 0.5


def test_a_line_makes_the_score_and_says_why():
    seen = Mark(0.25, (5, 6, 7, 8))
    assert quality.marked(seen, Line("pix.com", 0.9, BOX)) == {
        "watermark_score": 1.0,
        "watermark_xyxy": [1.0, 2.0, 30.0, 40.0],
        "mark_text": "pix.com",
    }
    alone = {"watermark_score": 0.25, "watermark_xyxy": [5.0, 6.0, 7.0, 8.0], "mark_text": None}
    assert quality.marked(seen, None) == alone
    assert quality.marked(Mark(0.1, None), None)["watermark_xyxy"] is None
