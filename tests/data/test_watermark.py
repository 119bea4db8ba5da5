"""The watermark detector on marks and pictures that it was not trained with, drawn here."""

import dataclasses
import json
import subprocess
import sys
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import resvg_py
import skimage
from dicebear import Avatar, Style
from PIL import Image, ImageDraw, ImageFont

from scgan_data import quality, watermark, watermark_signature, weights
from scgan_data.config import limit_for
from scgan_data.filter import FilterConfig
from scgan_data.watermark import WatermarkConfig

pytestmark = pytest.mark.usefixtures("torch_settings")


def photographs(count: int) -> list[Image.Image]:
    """Windows of photographs that training holds out, at the size of a selfie."""
    windows, rng = [], np.random.default_rng(4)
    for k in range(count):
        name = ("rocket.jpg", "camera.png", "moon.png", "motorcycle_left.png", "cell.png")[k % 5]
        source = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
        side = int(rng.integers(300, 420))
        x, y = (int(rng.integers(0, length - side + 1)) for length in source.size)
        windows.append(source.resize((200, 200), Image.Resampling.BICUBIC, (x, y, x + side, y + side)))
    return windows


def portraits(count: int) -> list[Image.Image]:
    """Avataaars before one colour each, dark to light."""
    style = Style(json.loads((files("dicebear_styles") / "avataaars.json").read_text(encoding="utf-8")))
    made = []
    for k in range(count):
        grey = int(30 + 200 * k / count)
        options = {"seed": f"test-{k}", "backgroundColor": [f"#{grey:02x}{255 - grey:02x}80"]}
        png = resvg_py.svg_to_bytes(svg_string=Avatar(style, options).to_string(), width=200, height=200)
        made.append(Image.open(BytesIO(png)).convert("RGB"))
    return made


def marked(picture: Image.Image, kind: int) -> Image.Image:
    """Text across, a corner's logo with a name, or rows of text; white at half opacity or more."""
    layer = Image.new("L", picture.size)
    draw = ImageDraw.Draw(layer)
    if kind == 0:
        draw.text((100, 110), "SAMPLE PICTURE", fill=170, font=ImageFont.load_default(24), anchor="mm")
        layer = layer.rotate(30, Image.Resampling.BICUBIC)
    elif kind == 1:
        draw.ellipse((6, 172, 26, 192), outline=210, width=4)
        draw.text((32, 182), "photohouse.test", fill=210, font=ImageFont.load_default(17), anchor="lm")
    else:
        for row in range(9):
            draw.text((-40 + 30 * (row % 2), 8 + 24 * row), "PREVIEW   " * 4, fill=140, font=ImageFont.load_default(14))
        layer = layer.rotate(-20, Image.Resampling.BICUBIC)
    return Image.composite(Image.new("RGB", picture.size, "white"), picture, layer)


def found(pictures: list[Image.Image], domain: str) -> int:
    limit = limit_for(FilterConfig().max_watermark_score, domain)
    assert limit is not None
    return sum(watermark.find(picture).score > limit for picture in pictures)


@pytest.mark.parametrize(("domain", "draw"), [("selfie", photographs), ("anime", portraits)])
def test_marks_are_found_and_clean_pictures_are_not(domain, draw):
    assert found([marked(picture, k % 3) for k, picture in enumerate(draw(10))], domain) >= 8
    assert found(draw(30), domain) <= 1


def test_it_says_where():
    picture = portraits(1)[0]
    assert watermark.find(picture).xyxy is None
    x0, y0, x1, y1 = watermark.find(marked(picture, 1)).xyxy
    assert 0 <= x0 < 40 and 120 < x1 <= 200  # the logo's and the name's: 6 to 150, 172 to 192
    assert 150 <= y0 < 180 and 190 <= y1 <= 200


def test_a_box_grows_with_its_picture():
    small = marked(portraits(1)[0], 1)
    small_box, large_box = watermark.find(small).xyxy, watermark.find(small.resize((800, 800))).xyxy
    assert np.allclose(np.divide(large_box, 4)[[0, 1, 3]], np.array(small_box)[[0, 1, 3]], atol=16)


def test_a_large_mark_is_no_signature_and_a_small_scrawl_is_one_where_signatures_are_kept():
    picture = Image.new("RGB", (256, 256), (180, 150, 120))
    signed = picture.copy()
    x = np.arange(170, 240)
    ImageDraw.Draw(signed).line([(float(a), 235 + 9 * np.sin(a / 3)) for a in x], fill="black", width=2)
    assert watermark_signature.is_signature(signed, (164, 220, 248, 248))
    assert not watermark_signature.is_signature(signed, (10, 60, 248, 248))  # large
    assert not watermark_signature.is_signature(picture, (164, 220, 248, 248))  # nothing written
    printed = picture.copy()
    ImageDraw.Draw(printed).text((164, 224), "PHOTO.COM", fill="black", font=ImageFont.load_default(16))
    assert not watermark_signature.is_signature(printed, (160, 222, 252, 248))  # letters apart


def test_signatures_that_are_kept_take_nothing_from_other_marks():
    tiled = marked(portraits(1)[0], 2)
    assert watermark.find(tiled, keep_signatures=True) == watermark.find(tiled)


@pytest.mark.parametrize("size", [(1, 1), (20, 300), (64, 64), (900, 31), (1200, 800)])
def test_any_size_has_a_score(size):
    mark = watermark.find(Image.new("RGB", size, "navy"))
    assert 0 <= mark.score <= 1
    if mark.xyxy:
        assert 0 <= mark.xyxy[0] < mark.xyxy[2] <= size[0] and 0 <= mark.xyxy[1] < mark.xyxy[3] <= size[1]


def test_the_surer_look_counts_more_than_the_other():
    unsure, sure = np.full((9, 9), -3, np.float32), np.full((18, 18), 3, np.float32)
    sigmoid = {logit: 1 / (1 + np.exp(-logit)) for logit in (-3, 0, 3)}
    assert sigmoid[0] < watermark.pooled([unsure, sure]) < sigmoid[3]
    assert watermark.pooled([unsure, sure]) == watermark.pooled([sure, unsure])
    for look, logit in ((unsure, -3), (sure, 3)):
        assert watermark.pooled([look, look]) == pytest.approx(sigmoid[logit], abs=1e-5)


def test_a_score_does_not_depend_on_the_batch(tmp_path: Path):
    paths = []
    for k, picture in enumerate([*portraits(2), marked(portraits(1)[0], 2)]):
        picture.save(tmp_path / f"{k}.png")
        paths.append(str(tmp_path / f"{k}.png"))
    config = WatermarkConfig()
    together = quality.measure_batch(pd.DataFrame({"path": paths, "sharpness": 0.3}), config)
    alone = [
        quality.measure_batch(pd.DataFrame({"path": [path], "sharpness": 0.3}), config) for path in reversed(paths)
    ]
    pd.testing.assert_frame_equal(together, pd.concat(alone[::-1], ignore_index=True), check_exact=True)


def test_the_weights_are_ours_registered_and_small():
    files = [weights.find(name) for name in watermark.OURS]
    assert [weights.WEIGHTS[name].shipped for name in watermark.OURS] == [f.name for f in files]
    assert sum(file.stat().st_size for file in files) <= 2 * 2**20


def test_the_published_layers_are_read_as_published_and_do_not_ship():
    import torch
    from torchvision.models import mobilenet_v2

    from scgan_data import watermark_net

    whole = mobilenet_v2(weights=None).eval()
    whole.load_state_dict(torch.load(weights.find("mobilenet-v2"), weights_only=True))
    picture = np.asarray(portraits(1)[0])
    x = torch.from_numpy(picture / np.float32(255)).permute(2, 0, 1)[None]
    mean, spread = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        seen = watermark_net.Published(weights.find(watermark.PUBLISHED))(2 * x - 1)
        for part, blocks, side in zip(seen, (2, 4, 7), (100, 50, 25), strict=True):
            assert part.shape[2:] == (side, side)
            torch.testing.assert_close(part, whole.features[:blocks]((x - mean) / spread), atol=1e-4, rtol=1e-4)
    for ours in watermark.OURS:
        with np.load(weights.find(ours)) as shipped:
            assert {len(shipped[name]) for name in shipped.files} == {24, 32, 64, 96, 1}
            assert set(shipped.files) == set(watermark_net.MarkNet().fused().state_dict())


def test_other_published_layers_measure_again(monkeypatch):
    before = quality.version(WatermarkConfig())
    entry = dataclasses.replace(weights.WEIGHTS["mobilenet-v2"], sha256="0" * 64)
    monkeypatch.setitem(weights.WEIGHTS, "mobilenet-v2", entry)
    assert quality.version(WatermarkConfig()) != before


def test_the_module_is_imported_without_torch():
    code = "import sys, scgan_data.filter, scgan_data.watermark; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
