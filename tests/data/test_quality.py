"""quality: borders, collages, screenshots and drawings told from the pictures that resemble them."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image, ImageDraw, ImageFont, ImageOps

from pipelines.fit_drawn import fit
from scgan_data import drawn, layout, quality
from scgan_data.sample.portraits import portraits
from scgan_data.watermark import WatermarkConfig

DATA = Path(skimage.__file__).parent / "data"


def photograph(name: str, size: tuple[int, int] = (178, 218)) -> Image.Image:
    with Image.open(DATA / name) as opened:
        return ImageOps.fit(opened.convert("RGB"), size)


@pytest.fixture(scope="module")
def faces() -> list[Image.Image]:
    return [photograph(name) for name in ("astronaut.png", "chelsea.png", "coffee.png", "camera.png")]


@pytest.fixture(scope="module")
def avatars() -> list[Image.Image]:
    return list(portraits(12, seed=3))


def border(picture: Image.Image) -> float:
    return layout.border(layout.planes(picture))


def collage(picture: Image.Image) -> float:
    return layout.collage(layout.planes(picture))


def screenshot(picture: Image.Image) -> float:
    return layout.screenshot(layout.planes(picture))


def on_white(avatar_px: int, paper: tuple[int, int]) -> Image.Image:
    """A head with shoulders that run off the lower edge, on white paper."""
    page = Image.new("RGB", paper, "white")
    pen = ImageDraw.Draw(page)
    x, y = paper[0] / 2, paper[1]
    pen.ellipse((x - avatar_px / 4, y - avatar_px, x + avatar_px / 4, y - avatar_px / 3), fill="#d08b5b")
    pen.ellipse((x - avatar_px / 2, y - avatar_px / 2.6, x + avatar_px / 2, y + avatar_px), fill="#335577")
    return page


@pytest.mark.parametrize("colour", ["black", "white", "#4477aa"])
@pytest.mark.parametrize("bars", [(0, 20), (25, 0), (9, 9)])
def test_a_border_is_measured_by_its_area(faces, avatars, bars, colour):
    for picture in (faces[1], avatars[3]):
        whole = ImageOps.expand(picture, bars, colour)
        share = 1 - picture.width * picture.height / (whole.width * whole.height)
        assert border(whole) == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("colour", ["magenta", "cyan", "lime", "#f01e9c"])
@pytest.mark.parametrize("quality", [70, 85])
def test_a_bright_frame_is_found_although_jpeg_lets_its_colour_bleed(avatars, colour, quality):
    found = []
    for avatar in avatars:
        buffer = BytesIO()
        ImageOps.expand(avatar, 10, colour).save(buffer, "JPEG", quality=quality)
        found.append(border(Image.open(buffer).convert("RGB")))
    share = 1 - avatars[0].width * avatars[0].height / ((avatars[0].width + 20) * (avatars[0].height + 20))
    assert found == pytest.approx([share] * len(avatars), abs=0.02)


def test_paper_and_plain_walls_are_no_border(faces, avatars):
    assert border(on_white(150, (200, 220))) == 0
    assert border(Image.new("RGB", (200, 220), "white")) == 0
    assert [border(picture) for picture in (*faces, *avatars)] == [0] * 16


def test_bars_are_on_opposite_sides_and_end_at_once(faces):
    one_side = Image.new("RGB", (178, 258))
    one_side.paste(faces[0], (0, 40))
    assert border(one_side) == 0
    fading = np.array(ImageOps.expand(faces[0], (0, 40), "black"), dtype=float)
    ramp = np.clip((np.arange(len(fading)) - 40) / 60, 0, 1)
    fading *= np.minimum(ramp, ramp[::-1])[:, None, None]
    assert border(Image.fromarray(fading.astype(np.uint8))) == 0


def sheet(pictures: list[Image.Image], columns: int, gap: int) -> Image.Image:
    wide, high = pictures[0].size
    lines = len(pictures) // columns
    page = Image.new("RGB", (columns * (wide + gap) - gap, lines * (high + gap) - gap), "white")
    for k, picture in enumerate(pictures):
        page.paste(picture.resize((wide, high)), (k % columns * (wide + gap), k // columns * (high + gap)))
    return page


@pytest.mark.parametrize("gap", [0, 2, 4, 8])
@pytest.mark.parametrize("columns", [1, 2])
def test_pictures_beside_and_above_each_other_are_a_collage(faces, avatars, columns, gap):
    for pictures in (faces[:2], avatars[:2], faces[:4], avatars[:4]):
        assert collage(sheet(pictures, columns, gap)) > 0.85


def test_one_picture_is_no_collage_nor_is_a_bar_beside_one(faces, avatars):
    for picture in (*faces, *avatars, on_white(150, (200, 220))):
        assert collage(picture) < 0.85
    half = Image.new("RGB", (178, 218), "black")
    half.paste(faces[0], (60, 0))
    assert collage(half) < 0.85


def post(picture: Image.Image, paper: str, ink: str, lines: int) -> Image.Image:
    """A picture between a title and lines of text."""
    page = Image.new("RGB", (picture.width, picture.height + 60 + 16 * lines), paper)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    pen.text((10, 6), "some account", fill=ink, font=font)
    page.paste(picture, (0, 30))
    for k in range(lines):
        pen.text((10, picture.height + 42 + 16 * k), "a day at the lake, with light"[k:], fill=ink, font=font)
    return page


@pytest.mark.parametrize(("paper", "ink"), [("white", "#222222"), ("#121212", "#eeeeee")])
def test_lines_of_text_around_a_picture_are_a_screenshot(faces, avatars, paper, ink):
    for picture in (faces[0], avatars[0]):
        scores = [screenshot(post(picture.resize((200, 150)), paper, ink, lines)) for lines in (0, 2, 6)]
        assert scores[0] == 0 and scores[0] < scores[1] < scores[2] and scores[2] > 0.45


def test_pictures_without_text_are_no_screenshot(faces, avatars):
    for picture in (*faces, *avatars, on_white(150, (200, 220)), Image.new("RGB", (90, 90), "white")):
        assert screenshot(picture) < 0.3


def test_a_turned_picture_has_the_same_border_and_collage(faces):
    for picture in (sheet(faces[:2], 2, 4), ImageOps.expand(faces[0], (0, 20), "black")):
        turned = picture.transpose(Image.Transpose.ROTATE_90)
        assert collage(turned) == pytest.approx(collage(picture), abs=0.02)
        assert border(turned) == pytest.approx(border(picture), abs=0.01)


def test_drawings_score_above_photographs(avatars):
    held_out = [photograph(name, size) for name in ("camera.png", "rocket.jpg") for size in ((178, 218), (256, 256))]
    drawings = [drawn.score(layout.planes(p)) for p in (*avatars, on_white(150, (200, 220)))]
    assert max(drawn.score(layout.planes(p)) for p in held_out) < 0.9 < np.median(drawings)
    assert max(drawn.score(layout.planes(p)) for p in held_out[:2]) < 0.5 < min(drawings)


def test_the_fit_finds_the_weights_that_made_the_classes():
    rng = np.random.default_rng(5)
    x, truth = rng.normal(3, 2, (20_000, 3)), np.array([1.5, -0.7, 0.0])
    said = rng.random(len(x)) < 1 / (1 + np.exp(-((x - 3) / 2 @ truth + 0.4)))
    mean, spread, weights = fit(x[~said], x[said])
    np.testing.assert_allclose(mean, 3, atol=0.1)
    np.testing.assert_allclose(spread, 2, atol=0.1)
    np.testing.assert_allclose(weights, [*truth, 0.4], atol=0.1)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (700, 3), (16, 16), (17, 400), (1500, 64)])
def test_any_size_has_its_values(size):
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    for picture in (Image.fromarray(noise), Image.new("RGB", size, "navy")):
        values = quality.measure(picture, WatermarkConfig())
        assert set(values) == set(quality.COLUMNS)
        assert all(0 <= values[name] <= 1 for name in ("border", "collage", "screenshot", "drawn"))
