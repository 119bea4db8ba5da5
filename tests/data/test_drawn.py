"""The detector of drawn faces on styles and pictures that it was not trained with."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from scgan_data import weights
from scgan_data.faces import drawn, drawn_parts
from scgan_data.records import Region
from tests.data.boxes import bounds, iou

pytestmark = pytest.mark.usefixtures("torch_settings")


def portrait(style: str, seed: int, size: int = 200):
    """A portrait of a style before one colour, and its truth."""
    from pipelines.drawn_styles import draw_style

    sprite = draw_style(np.random.default_rng([1, seed]), style, size)
    image = Image.new("RGB", (size, size), (40 * (seed % 6), 120, 200))
    image.paste(sprite.rgba, (0, 0), sprite.rgba)
    return image, sprite


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


def test_the_module_is_imported_without_torch():
    code = "import sys, scgan_data.faces.drawn; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_face_is_likelier_the_surer_either_network_is():
    chances = np.array([[drawn_parts.chance(first, second) for second in (-6, 0, 6)] for first in (0.05, 0.5, 0.95)])
    assert (np.diff(chances, axis=0) > 0).all() and (np.diff(chances, axis=1) > 0).all()
    assert 0 < chances.min() < 0.01 and 0.99 < chances.max() < 1
    image, _ = portrait("micah", 3)
    (first, box), *_ = drawn.seen_first([image], drawn.CANDIDATE)[0]
    logit = float(drawn_parts.parts_of(image, box)[1][3])
    assert drawn.detect([image])[0][0].score == drawn_parts.chance(first, logit)
