"""Detection on real weights, and crops: reasons, policies, presets; bit-equal whatever the batch."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage import data as pictures

from scgan_data import crop, framing, images
from scgan_data.crop import CropConfig
from scgan_data.cropped import Crop, Decision, columns, face_sharpness
from scgan_data.faces import retinaface
from scgan_data.faces.face import Face
from scgan_data.records import Reason, Region

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faces"


@pytest.fixture(scope="module")
def face(woman: Image.Image) -> Face:
    (found,) = retinaface.detect([woman])
    assert len(found) == 1
    return found[0]


def decision(picture: Image.Image, domain: str = "selfie", **settings) -> Decision | Crop:
    config = CropConfig(size_px=64, **settings)
    return crop.cut(picture, retinaface.detect([picture])[0], domain, config)


def test_the_face_is_where_it_is(face: Face) -> None:
    truth = np.array([[204, 101], [247, 103], [224, 126], [205, 141], [244, 141]])  # read off the picture
    assert np.abs(face.landmarks - truth).max() < 8
    assert face.score > 0.99 and abs(face.roll_deg) < 8
    x0, y0, x1, y1 = face.xyxy
    assert x0 < 195 and x1 > 250 and y0 < 90 and y1 > 160


def test_a_picture_gives_the_same_bits_alone_and_among_others(woman: Image.Image, face: Face) -> None:
    others = [Image.fromarray(pictures.coffee()).resize(woman.size), woman.rotate(8), woman.transpose(0)]
    together = retinaface.detect([*others, woman])[-1][0]
    assert together.score == face.score and (together.landmarks == face.landmarks).all()


def test_size_and_scale_are_followed(woman: Image.Image, face: Face) -> None:
    large = woman.resize((1024, 1024), Image.Resampling.LANCZOS)
    (found,) = retinaface.detect([large])
    assert np.abs(found[0].landmarks - 2 * face.landmarks).max() < 6


def test_the_shoulder_crop_puts_the_eyes_where_it_says(woman: Image.Image, face: Face) -> None:
    answer = decision(woman)
    assert isinstance(answer, Crop) and answer.image.size == (64, 64) and answer.padding == 0
    marks = answer.to_crop(face.landmarks)
    assert abs(marks[:2, 1].mean() / 64 - 0.42) < 0.02
    assert abs((marks[:2, 0].mean() + marks[3:, 0].mean()) / 2 / 64 - 0.5) < 0.02
    x0, y0, x1, y1 = framing.box_of_quad(answer.quad)
    assert x1 - x0 == y1 - y0


def test_padding_is_measured_limited_and_reflected(woman: Image.Image) -> None:
    tight = woman.crop((170, 60, 290, 200))
    answer = decision(tight)
    assert isinstance(answer, Decision) and answer.reason is Reason.PADDED and answer.value > answer.limit == 0.3
    padded = decision(tight, max_padding=None)
    assert isinstance(padded, Crop) and padded.padding == answer.value


def test_each_reason_is_reached(woman: Image.Image) -> None:
    assert decision(Image.fromarray(pictures.coffee())).reason is Reason.NO_FACE
    pair = Image.fromarray(np.hstack([np.asarray(woman)] * 2))
    several = decision(pair)
    assert (several.reason, several.value) == (Reason.SEVERAL_FACES, 2.0)
    small = decision(woman.resize((128, 128)))
    assert small.reason is Reason.FACE_TOO_SMALL and small.value < 12
    tilted = decision(woman.rotate(40, expand=True))
    assert tilted.reason is Reason.TILTED and 30 < tilted.value < 50
    assert isinstance(decision(woman.rotate(40, expand=True), max_roll_deg=None), Crop)
    cut = decision(woman.crop((215, 0, 512, 512)), max_roll_deg=None, max_yaw_deg=None)
    assert cut.reason is Reason.FACE_CUT and 0.2 < cut.value <= 1
    blurred = decision(woman.filter(ImageFilter.GaussianBlur(3)))
    assert blurred.reason is Reason.FACE_BLURRED and blurred.value < blurred.limit == 0.16


def test_a_turned_or_bent_head_has_its_reason(woman: Image.Image, face: Face) -> None:
    for move, reason in (((24, 0), Reason.TURNED), ((0, -20), Reason.NODDED)):
        marks = face.landmarks + np.array([0, 0, 1, 0, 0])[:, None] * move
        other = Face(face.xyxy, face.score, marks)
        limits = {"max_yaw_deg": 40.0} if reason is Reason.TURNED else {"max_yaw_deg": None, "max_pitch_deg": 20.0}
        answer = crop.cut(woman, [other], "selfie", CropConfig(size_px=32, **limits))
        assert isinstance(answer, Decision) and answer.reason is reason and answer.value > answer.limit
        assert isinstance(crop.cut(woman, [other], "ink", CropConfig(size_px=32)), Crop), "off for drawings"


def test_sharpness_of_the_face_does_not_see_the_background(woman: Image.Image, face: Face) -> None:
    sharp = face_sharpness(woman, face)
    x0, y0, x1, y1 = (round(v) for v in face.xyxy)
    soft = woman.filter(ImageFilter.GaussianBlur(4))
    only_face = woman.copy()
    only_face.paste(soft.crop((x0 - 4, y0 - 4, x1 + 4, y1 + 4)), (x0 - 4, y0 - 4))
    soft.paste(woman.crop((x0 - 4, y0 - 4, x1 + 4, y1 + 4)), (x0 - 4, y0 - 4))
    assert face_sharpness(soft, face) == sharp > 3 * face_sharpness(only_face, face)
    assert face_sharpness(woman.crop((0, 0, 100, 80)), face) == 0.0, "it lies outside"


@pytest.mark.parametrize("preset", ["shoulder", "ffhq", "photo2cartoon", "face"])
@pytest.mark.parametrize("level", [None, True, False])
def test_points_and_boxes_come_back_from_the_row_alone(woman: Image.Image, face: Face, preset: str, level) -> None:
    seen = Face(face.xyxy, face.score, face.landmarks, {Region.EYES: (190.0, 90.0, 260.0, 115.0)})
    config = CropConfig(size_px=96, preset=preset, level=level)
    answer = crop.cut(woman, [seen], "selfie", config)
    assert isinstance(answer, Crop) and answer.image.size == (96, 96)
    row = columns(answer, "parent")
    size = (row["width"], row["height"])
    assert (
        np.abs(framing.to_parent(row["landmarks"], row["crop_quad"], size).reshape(5, 2) - face.landmarks).max() < 1e-9
    )
    back = framing.box_to_parent(row["eyes_xyxy"], row["crop_quad"], size)
    assert back[0] <= 190.001 and back[1] <= 90.001 and back[2] >= 259.999 and back[3] >= 114.999
    assert row["regions_origin"] == "detector" and row["regions_score"] == face.score
    assert row["crop_scale"] == pytest.approx(96 / framing.side_of(row["crop_quad"]))
    (again,) = retinaface.detect([answer.image], min_score=0.5)
    assert np.abs(again[0].landmarks - np.array(row["landmarks"]).reshape(5, 2)).max() < 6, "where the pixels have them"


def test_a_detector_that_sees_no_regions_leaves_them_to_annotate(woman: Image.Image, face: Face) -> None:
    row = columns(crop.cut(woman, [face], "selfie", CropConfig(size_px=32)), "parent")
    assert not {"eyes_xyxy", "regions_score", "regions_origin"} & set(row)
    away = Face(face.xyxy, face.score, face.landmarks, {Region.EYES: (0.0, 300.0, 20.0, 320.0)})
    assert columns(crop.cut(woman, [away], "selfie", CropConfig(size_px=32)), "p")["eyes_xyxy"] is None


def test_of_several_faces_the_policy_says_which(woman: Image.Image) -> None:
    half = woman.crop((60, 0, 360, 300))
    pair = Image.new("RGB", (700, 380))
    pair.paste(half.resize((240, 240)), (430, 60))
    pair.paste(half.resize((360, 360)), (20, 10))
    (faces,) = retinaface.detect([pair])
    assert len(faces) == 2
    answers = {p: crop.cuts(pair, faces, "selfie", CropConfig(size_px=32, several=p)) for p in ("largest", "each")}
    (largest,) = answers["largest"]
    first, second = answers["each"]
    assert (np.asarray(first.image) == np.asarray(largest.image)).all() and first.number == 1
    assert second.number == 2 and second.quad[:, 0].min() > 300 > largest.quad[:, 0].min()
    assert crop.cut(pair, faces, "selfie", CropConfig(size_px=32, several="each")).number == 1
    strict = crop.cuts(pair, faces, "selfie", CropConfig(size_px=32, several="each", min_eye_distance_px=40))
    assert isinstance(strict[0], Crop) and strict[1].reason is Reason.FACE_TOO_SMALL


def test_a_passer_by_does_not_make_several(woman: Image.Image) -> None:
    canvas = woman.copy()
    canvas.paste(woman.crop((160, 40, 300, 200)).resize((35, 40)), (20, 20))
    faces = retinaface.detect([canvas], min_score=0.5)[0]
    assert len(faces) == 2
    assert isinstance(crop.cut(canvas, faces, "selfie", CropConfig(size_px=32)), Crop)
    assert crop.cut(canvas, faces, "selfie", CropConfig(size_px=32, second_face=0.1)).reason is Reason.SEVERAL_FACES


def test_a_drawing_without_a_found_face_is_kept_whole_only_where_params_say_so() -> None:
    drawing = Image.fromarray(pictures.coffee())
    assert decision(drawing, "anime").reason is Reason.NO_FACE
    whole = decision(drawing, "anime", faceless=("drawn",))
    assert isinstance(whole, Crop) and whole.face is None and framing.box_of_quad(whole.quad) == (100, 0, 500, 400)
    assert decision(drawing, "selfie", faceless=("drawn",)).reason is Reason.NO_FACE


def test_a_framed_domain_keeps_its_frame_and_its_face(woman: Image.Image) -> None:
    answer = decision(woman, "anime", framed=("anime",))
    assert isinstance(answer, Crop) and answer.face is not None and framing.box_of_quad(answer.quad) == (0, 0, 512, 512)
    assert np.abs(answer.to_crop(answer.face.landmarks) - answer.face.landmarks / 8).max() < 1e-9
    assert decision(Image.fromarray(pictures.coffee()), "anime", framed=("anime",)).reason is Reason.NO_FACE
    assert (decision(woman, "selfie", framed=("drawn",)).quad != answer.quad).any()


def test_a_domain_can_have_a_formula_of_its_own(woman: Image.Image, face: Face) -> None:
    config = CropConfig(size_px=32, side_factor={"ink": 3.5}, eyes_at={"drawn": 0.45}, max_padding=None)
    assert crop.formula(config, "selfie") == (4.6, 0.42) and crop.formula(config, "ink") == (3.5, 0.45)
    sides = [framing.side_of(crop.cut(woman, [face], domain, config).quad) for domain in ("selfie", "ink")]
    assert sides[1] == pytest.approx(sides[0] * 3.5 / 4.6, abs=1)
    with pytest.raises(ValueError, match=r"20\.0 is not between 1 and 12"):
        CropConfig(side_factor={"ink": 20.0})


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent: real faces to measure on")
def test_real_portraits_are_found() -> None:
    files = sorted((CASES / "landmarks5").rglob("*.png"))[:12]
    found = retinaface.detect([images.load(f) for f in files])
    assert sum(len(faces) == 1 for faces in found) >= 11
