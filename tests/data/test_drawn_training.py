"""What the detector of drawn faces learns from: heads, scenes, batches, their truth; and a training that is killed."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.data.boxes import bounds, iou

pytestmark = pytest.mark.usefixtures("torch_settings")


def test_what_ships_learns_from_free_styles_only_and_not_from_those_it_is_measured_on():
    import json
    from importlib.resources import files

    from pipelines.drawn_styles import HELD_OUT, STYLES

    assert not set(STYLES) & set(HELD_OUT)
    for name in STYLES:
        meta = json.loads((files("dicebear_styles") / f"{name}.json").read_text(encoding="utf-8"))["meta"]
        assert meta["license"]["name"].startswith(("CC0", "Free for personal and commercial use"))


def test_a_head_and_a_scene_are_functions_of_their_index():
    from pipelines.drawn_bank import head_at, scene_at

    for index in (0, 1, 6):
        one, two = head_at(index), head_at(index)
        assert (one[0] == two[0]).all() and np.array_equal(one[1], two[1], equal_nan=True)
        assert (scene_at(index) == scene_at(index)).all()
    assert (head_at(1)[0] != head_at(2)[0]).any()


def test_the_truth_of_a_drawn_head_is_where_its_parts_are():
    from pipelines.drawn_heads import draw_head

    for seed in range(40):
        sprite = draw_head(np.random.default_rng([3, seed]))
        x0, y0, x1, y1 = bounds(sprite.face)
        drawn_px = np.asarray(sprite.rgba)[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1, 3]
        assert drawn_px.mean() > 0.6 * 255
        assert sprite.points[0, 0] < sprite.points[1, 0] and sprite.points[3, 0] < sprite.points[4, 0]
        eyes = sprite.regions[0]
        if eyes is not None:
            assert iou((x0, y0, x1, y1), bounds(eyes)) > 0


def test_a_straight_mouth_is_as_high_as_its_stroke_and_what_is_covered_is_not_there():
    from pipelines.drawn_pen import Pen, arc, changed, edge, ring

    def drawn_without(part: str | None, covered: bool) -> np.ndarray:
        pen = Pen(np.random.default_rng(0), 100.0, (208.0, 208.0), (0, 0, 0), 0, without=part)
        pen.fill(ring(0, 0, 1, 1), (250, 220, 190))
        pen.line(arc(0, 0.5, 0.4, 0.0), width=0.08, part="mouth")
        if covered:
            pen.fill(ring(0, 0.5, 0.7, 0.3), (10, 90, 10))
        return np.asarray(pen.image)

    mouth = edge(changed(drawn_without(None, False), drawn_without("mouth", False)))
    assert mouth is not None
    x0, y0, x1, y1 = bounds(mouth)
    assert 80 <= x1 - x0 <= 90 and 7 <= y1 - y0 <= 10 and abs((y0 + y1) / 2 - 258) <= 1
    assert edge(changed(drawn_without(None, True), drawn_without("mouth", True))) is None


def test_eyes_behind_dark_glasses_are_not_visible():
    from pipelines.drawn_styles import draw_style

    sprites = [draw_style(np.random.default_rng([9, k]), "notionists", 128) for k in range(16)]
    hidden = [sprite.regions[0] is None for sprite in sprites]
    assert 0 < sum(hidden) < 8


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bank of twelve heads and four scenes."""
    from pipelines.drawn_bank import Sizes, draw_bank

    folder = tmp_path_factory.mktemp("bank")
    draw_bank(folder, Sizes(12, 4))
    return folder


def test_a_batch_is_a_function_of_its_number_and_its_cells_hold_the_truth(bank: Path):
    from pipelines.drawn_bank import Sizes, draw_bank, open_bank
    from pipelines.drawn_batches import draw_batch

    opened = open_bank(draw_bank(bank, Sizes(12, 4)))
    one, two, other = (draw_batch(k, opened) for k in (5, 5, 6))
    for field in ("images", "heat", "counted", "lengths", "weights", "visible", "visible_weights"):
        assert np.array_equal(getattr(one, field), getattr(two, field))
    assert (one.images != other.images).any()
    assert np.isfinite(one.lengths).all() and (one.heat == 1).any(axis=(1, 2)).sum() >= 8
    taught = one.weights[:, 0] > 0
    width = (one.lengths[:, 3] - one.lengths[:, 1])[taught]
    height = (one.lengths[:, 4] - one.lengths[:, 2])[taught]
    np.testing.assert_allclose(width * height, 1, rtol=1e-3)  # in units of the root of the box's area


def test_longer_training_is_shown_the_same_pictures_mirrored_with_their_truth(bank: Path):
    from pipelines.drawn_bank import Sizes, draw_bank, open_bank
    from pipelines.drawn_batches import RENDERED, draw_batch, mirror

    opened = open_bank(draw_bank(bank, Sizes(12, 4)))
    first, again, third = (draw_batch(5 + k * RENDERED, opened) for k in range(3))
    assert np.array_equal(again.images, first.images[:, :, ::-1]) and np.array_equal(third.images, first.images)
    assert all(np.array_equal(getattr(mirror(again), name), getattr(first, name)) for name in vars(first))
    for picture, row, column in np.argwhere(first.heat == 1):
        here, there = first.lengths[picture, :, row, column], again.lengths[picture, :, row, -1 - column]
        assert again.heat[picture, row, -1 - column] == 1 and here[0] == there[0]
        np.testing.assert_array_equal(there[1:5], [-here[3], here[2], -here[1], here[4]])  # the box
        np.testing.assert_array_equal(there[5:9], [-here[7], here[8], -here[5], here[6]])  # the eyes


def test_a_face_seen_closely_has_its_parts_where_they_are_and_an_empty_window_has_none(bank: Path):
    from pipelines.drawn_bank import Sizes, draw_bank, open_bank
    from pipelines.drawn_crops import EMPTY, FACES, draw_crops, mirrored
    from pipelines.drawn_windows import draw_windows, open_windows

    folder = draw_bank(bank, Sizes(12, 4))
    windows, opened = open_windows(draw_windows(folder, bank / "windows", 6)), open_bank(folder)
    one, two, other = (draw_crops(k, opened, windows) for k in (5, 5, 6))
    for field in ("images", "places", "weights", "visible", "visible_weights"):
        assert np.array_equal(getattr(one, field), getattr(two, field))
    assert (one.images != other.images).any() and len(one.images) == FACES + EMPTY
    assert (one.visible[:, 3] == [1] * FACES + [0] * EMPTY).all() and not one.weights[FACES:].any()
    boxes = one.places[:FACES, :4]
    np.testing.assert_allclose(
        np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])) / 2, 1 / 1.5, rtol=0.5
    )
    places = one.places[0].reshape(13, 2)
    np.testing.assert_allclose(mirrored(mirrored(places)), places)
    assert mirrored(places)[0, 0] == -places[1, 0] and mirrored(places)[2, 0] == -places[3, 0]


def test_a_training_that_is_killed_goes_on_to_the_bytes_of_an_undisturbed_one(bank: Path, tmp_path: Path):
    import shutil

    from pipelines.drawn_bank import Sizes
    from pipelines.train_drawn import Run, train
    from scgan_data.faces import drawn_net

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        shutil.copytree(bank, folder)
    drawn_net.save(*train(Run(whole, 6, Sizes(12, 4), 2, 4, 3, 6)), tmp_path / "whole.npz")
    command = [sys.executable, "-m", "pipelines.train_drawn", "--folder", killed, "--out", tmp_path / "never.npz"]
    command += [
        "--steps",
        "6",
        "--heads",
        "12",
        "--scenes",
        "4",
        "--checkpoint-every",
        "2",
        "--parts-steps",
        "4",
        "--windows",
        "6",
    ]
    checkpoint = Run(killed, 6, Sizes(12, 4)).checkpoint
    with subprocess.Popen([str(part) for part in command]) as process:
        while not checkpoint.is_file() and process.poll() is None:
            time.sleep(0.02)
        process.kill()
    assert not (tmp_path / "never.npz").exists()
    drawn_net.save(*train(Run(killed, 6, Sizes(12, 4), 2, 4, 3, 6)), tmp_path / "killed.npz")
    assert (tmp_path / "whole.npz").read_bytes() == (tmp_path / "killed.npz").read_bytes()
