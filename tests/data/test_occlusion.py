"""Occlusion: masks, phones and sunglasses, drawn on two public-domain portraits, are seen; the portraits are clear."""

import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image, ImageDraw, ImageOps
from skimage import data

from scgan_data import crop, images
from scgan_data.crop import CropConfig
from scgan_data.cropped import Crop, Decision
from scgan_data.faces import detectors
from scgan_data.faces.face import Face
from scgan_data.limits.crop_rules import CropLimits
from scgan_data.occlusion import occlusion
from scgan_data.records import Reason

LIMIT = CropLimits().max_occlusion["selfie"]
EDGE = LIMIT * (1 - CropLimits().doubt[Reason.OCCLUDED])
Portrait = tuple[Image.Image, Face]


@pytest.fixture(scope="module", params=["Collins", "Hopper"])
def portrait(request: pytest.FixtureRequest) -> Portrait:
    hopper = images.load(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    picture = Image.fromarray(data.astronaut()) if request.param == "Collins" else hopper
    (faces,) = detectors.find([picture], "selfie", CropConfig())
    return picture, max(faces, key=lambda face: face.score)


def covered(portrait: Portrait, colour: tuple[int, int, int], *boxes: tuple[float, float, float, float]) -> Image.Image:
    """Boxes in eye distances from between the eyes, painted over."""
    picture, face = portrait
    (x, y), unit = face.landmarks[:2].mean(0), face.eye_distance_px
    painted = picture.copy()
    for box in boxes:
        corners = [(x, y)[k % 2] + v * unit for k, v in enumerate(box)]
        ImageDraw.Draw(painted).rectangle(corners, fill=colour)
    return painted


SUNGLASSES = (-0.95, -0.3, -0.08, 0.4), (0.08, -0.3, 0.95, 0.4)
COVERS = {
    "sunglasses": ((15, 15, 18), *SUNGLASSES),
    "an eye": ((200, 30, 160), SUNGLASSES[0]),
    "a mask": ((120, 160, 200), (-0.9, 0.4, 0.9, 1.7)),
    "half the face": ((40, 70, 50), (-1.4, -1.2, 0.02, 2.0)),
}


def test_a_clear_face_is_not_in_doubt(portrait: Portrait) -> None:
    picture, face = portrait
    assert 0 < occlusion(picture, face.landmarks) < EDGE


@pytest.mark.parametrize("what", COVERS)
def test_what_covers_a_face_is_seen(portrait: Portrait, what: str) -> None:
    colour, *boxes = COVERS[what]
    assert occlusion(covered(portrait, colour, *boxes), portrait[1].landmarks) > LIMIT


def test_a_cover_beside_the_face_is_not(portrait: Portrait) -> None:
    beside = covered(portrait, (200, 30, 160), (1.6, -1.5, 2.6, 2.0), (-1.2, 2.2, 1.2, 3.0))
    assert occlusion(beside, portrait[1].landmarks) == occlusion(portrait[0], portrait[1].landmarks)


def test_a_mirror_and_another_size_change_little(portrait: Portrait) -> None:
    picture, face = portrait
    there = face.landmarks[[1, 0, 2, 4, 3]] * (-1, 1) + (picture.width, 0)
    assert occlusion(ImageOps.mirror(picture), there) == pytest.approx(occlusion(picture, face.landmarks), rel=0.15)
    twice = picture.resize((picture.width * 2, picture.height * 2), Image.Resampling.BICUBIC)
    assert occlusion(twice, face.landmarks * 2) == pytest.approx(occlusion(picture, face.landmarks), rel=0.15)


@pytest.mark.parametrize("move", [(0, 0), (40, 0), (-70, 30), (1000, 0)])
def test_places_outside_the_picture_say_nothing(move: tuple[int, int]) -> None:
    marks = np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], float) + move
    assert occlusion(Image.new("RGB", (100, 120), (180, 140, 120)), marks) == 0
    assert occlusion(Image.new("RGB", (100, 120)), np.full((5, 2), 50.0)) == 0, "points that fall together"


@pytest.mark.parametrize(("domain", "is_cut"), [("selfie", False), ("ink", True)])
def test_crop_refuses_a_selfie_and_asks_no_drawing(portrait: Portrait, domain: str, is_cut: bool) -> None:
    hidden = covered(portrait, (15, 15, 18), *SUNGLASSES)
    answer = crop.cut(hidden, [portrait[1]], domain, CropConfig(size_px=32))
    if is_cut:
        assert isinstance(answer, Crop) and answer.measured["occlusion"] > LIMIT
    else:
        assert isinstance(answer, Decision) and answer.reason is Reason.OCCLUDED and answer.value > answer.limit
