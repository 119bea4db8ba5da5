"""The detector of drawn faces on styles and pictures that it was not trained with, and its training in small."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scgan_data import weights
from scgan_data.faces import drawn, drawn_parts
from scgan_data.records import Region


@pytest.fixture(autouse=True)
def torch_settings() -> Iterator[None]:
    """One thread, as the pool's workers have it, and no setting of the training's left behind."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)


def portrait(style: str, seed: int, size: int = 200):
    """A portrait of a style before one colour, and its truth."""
    from pipelines.drawn_styles import draw_style

    sprite = draw_style(np.random.default_rng([1, seed]), style, size)
    image = Image.new("RGB", (size, size), (40 * (seed % 6), 120, 200))
    image.paste(sprite.rgba, (0, 0), sprite.rgba)
    return image, sprite


def bounds(points: np.ndarray) -> tuple[float, ...]:
    return (*points.min(0), *points.max(0))


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0, wide) * max(0, high)
    return both / (sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)) - both)


@pytest.mark.parametrize(("style", "least"), [("micah", 0.6), ("notionists", 0.35), ("toon-head", 0.45)])
def test_faces_of_a_style_that_training_never_saw_are_found_with_their_regions(style: str, least: float):
    made = [portrait(style, seed) for seed in range(12)]
    found = drawn.detect([image for image, _ in made])
    best = [
        max((iou(f.xyxy, bounds(s.face)) for f in faces), default=0) for faces, (_, s) in zip(found, made, strict=True)
    ]
    assert sum(overlap > 0.4 for overlap in best) >= 11
    overlaps = []
    for faces, (_, sprite) in zip(found, made, strict=True):
        for part, points in zip(drawn_parts.PARTS, sprite.regions, strict=True):
            if faces and points is not None:
                overlaps.append(iou(faces[0].regions[part], bounds(points)) if part in faces[0].regions else 0)
    assert np.mean(overlaps) > least  # of tight boxes a few pixels high; figures: benchmarks/faces_drawn.py


def test_the_five_points_lie_in_order_within_an_upright_face():
    image, _ = portrait("micah", 3)
    face = drawn.detect([image])[0][0]
    left, right, nose, mouth_left, mouth_right = face.landmarks
    assert left[0] < right[0] and mouth_left[0] < mouth_right[0]
    assert max(left[1], right[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
    x0, y0, x1, y1 = face.regions[Region.EYES]
    assert x0 < left[0] < right[0] < x1 and y0 < left[1] < y1


def test_pictures_without_a_face_have_none():
    from benchmarks.faces_drawn_renders import patterns

    assert [len(faces) for faces in drawn.detect(patterns(18))].count(0) >= 17
    assert drawn.detect([Image.new("RGB", (300, 200), "white")]) == [[]]


def test_a_face_turned_and_a_face_mirrored_are_found_where_they_are():
    image, sprite = portrait("toon-head", 1, 256)
    middle = np.array([128, 128])
    for degrees in (-40, 40):
        turned = image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=(0, 120, 200))
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        truth = (sprite.face - middle) @ np.array([[c, -s], [s, c]]) + middle
        assert iou(drawn.detect([turned])[0][0].xyxy, bounds(truth)) > 0.4
    mirrored = drawn.detect([image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)])[0][0]
    x0, y0, x1, y1 = bounds(sprite.face)
    assert iou(mirrored.xyxy, (256 - x1, y0, 256 - x0, y1)) > 0.4


def test_a_picture_gives_the_same_bits_whatever_its_neighbours():
    images = [portrait(style, 1, size)[0] for style, size in (("micah", 200), ("personas", 200), ("lorelei", 333))]
    alone = [drawn.detect([image])[0] for image in images]
    together = drawn.detect([*images, *images[::-1]])
    for one, other in zip([*alone, *alone[::-1]], together, strict=True):
        assert [(f.xyxy, f.score, dict(f.regions)) for f in one] == [(f.xyxy, f.score, dict(f.regions)) for f in other]
        assert all((a.landmarks == b.landmarks).all() for a, b in zip(one, other, strict=True))


def test_nothing_and_very_little_are_pictures_too():
    assert drawn.detect([]) == []
    small = [Image.new("RGB", size) for size in ((1, 1), (3, 400), (900, 2), (31, 31))]
    assert drawn.detect(small) == [[], [], [], []]
    assert drawn.detect([Image.new("L", (64, 64)), Image.new("RGBA", (64, 64))]) == [[], []]


def test_a_higher_limit_gives_a_part_of_what_a_lower_one_gives():
    image, _ = portrait("avataaars", 2)
    low, high = (drawn.detect([image], min_score=score)[0] for score in (0.1, 0.6))
    assert 0 < len(high) <= len(low) and all(face.score > 0.6 for face in high)
    assert [f.score for f in low] == sorted((f.score for f in low), reverse=True)


def test_the_weights_are_ours_registered_and_small():
    entry = weights.WEIGHTS["drawn"]
    file = weights.find("drawn")
    assert entry.shipped == file.name
    assert file.stat().st_size <= 8 * 2**20


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


def test_the_module_is_imported_without_torch():
    code = "import sys, scgan_data.faces.drawn; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
