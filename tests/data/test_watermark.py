"""The watermark detector on marks and pictures that it was not trained with, drawn here."""

import json
import subprocess
import sys
from collections.abc import Iterator
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

from scgan_data import watermark, weights
from scgan_data.config import limit_for
from scgan_data.filter import FilterConfig
from scgan_data.watermark import WatermarkConfig


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
    return sum(watermark.score(picture) > limit for picture in pictures)


@pytest.mark.parametrize(("domain", "draw"), [("selfie", photographs), ("anime", portraits)])
def test_marks_are_found_and_clean_pictures_are_not(domain, draw):
    assert found([marked(picture, k % 3) for k, picture in enumerate(draw(10))], domain) >= 8
    assert found(draw(30), domain) <= 1


def test_it_says_where():
    picture = portraits(1)[0]
    cells = watermark.where(marked(picture, 1))
    assert cells.shape == (25, 25)
    assert cells[21:25, :16].mean() > 3 * cells[:20].mean()


@pytest.mark.parametrize("size", [(1, 1), (20, 300), (64, 64), (900, 31), (1200, 800)])
def test_any_size_has_a_score(size):
    assert 0 <= watermark.score(Image.new("RGB", size, "navy")) <= 1


def test_a_score_does_not_depend_on_the_batch(tmp_path: Path):
    paths = []
    for k, picture in enumerate([*portraits(2), marked(portraits(1)[0], 2)]):
        picture.save(tmp_path / f"{k}.png")
        paths.append(str(tmp_path / f"{k}.png"))
    config = WatermarkConfig()
    together = watermark.score_batch(pd.DataFrame({"path": paths}), config)
    alone = [watermark.score_batch(pd.DataFrame({"path": [path]}), config) for path in reversed(paths)]
    pd.testing.assert_frame_equal(together, pd.concat(alone[::-1], ignore_index=True), check_exact=True)


def test_the_weights_are_ours_registered_and_small():
    entry = weights.WEIGHTS["watermark"]
    file = weights.find("watermark")
    assert entry.shipped == file.name
    assert file.stat().st_size < 300_000


@pytest.fixture
def torch_settings() -> Iterator[None]:
    """Training's process-wide settings, undone afterwards."""
    import torch

    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("torch_settings")
def test_training_twice_gives_the_same_bytes(tmp_path: Path):
    from pipelines.train_watermark import train
    from pipelines.watermark_batches import Banks, draw_batch, draw_one
    from scgan_data import watermark_net

    for name in ("a", "b"):
        banks = Banks(*(np.stack([draw_one(kind, k) for k in range(6)]) for kind in ("picture", "mark")))
        drawn = (draw_batch(np.random.default_rng(k), banks) for k in range(3))
        watermark_net.save(train(drawn, steps=3), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_module_is_imported_without_torch():
    code = "import sys, scgan_data.filter, scgan_data.watermark; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
