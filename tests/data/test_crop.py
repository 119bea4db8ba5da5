"""Detection on real weights, and the shoulder crop: formula, padding, reasons, bit-equal whatever the batch."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage import data as pictures

from scgan_data import crop, files, images, manifest
from scgan_data.crop import Crop, CropConfig, Decision
from scgan_data.faces import retinaface
from scgan_data.faces.face import Face
from scgan_data.records import Reason
from scgan_data.stage import open_stage

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faces"


@pytest.fixture(scope="module")
def woman() -> Image.Image:
    return Image.fromarray(pictures.astronaut())  # public domain (NASA)


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
    side = answer.xyxy[2] - answer.xyxy[0]
    assert side == answer.xyxy[3] - answer.xyxy[1]


@given(st.integers(-300, 300), st.integers(-300, 300), st.floats(20, 90), st.floats(0.8, 1.6))
def test_the_square_moves_and_grows_with_the_face(dx: int, dy: int, eyes: float, mouth: float) -> None:
    marks = np.array([[0, 0], [eyes, 0], [eyes / 2, eyes / 2], [0, eyes * mouth], [eyes, eyes * mouth]])
    one = np.array(crop.shoulder_square(marks, 4.6, 0.42))
    two = np.array(crop.shoulder_square(marks + np.array([dx, dy]), 4.6, 0.42))
    assert np.abs(two - one - [dx, dy, dx, dy]).max() <= 1
    assert one[2] - one[0] == round(4.6 * max(eyes, 0.92 * eyes * mouth))


def test_padding_is_measured_limited_and_reflected(woman: Image.Image) -> None:
    tight = woman.crop((170, 60, 290, 200))
    answer = decision(tight)
    assert isinstance(answer, Decision) and answer.reason is Reason.PADDED and answer.value > answer.limit == 0.3
    padded = decision(tight, max_padding=None)
    assert isinstance(padded, Crop) and padded.padding == answer.value
    box = (-10, -20, 50, 40)
    assert crop.fraction_outside(box, (100, 100)) == 1 - 50 * 40 / 3600
    filled = np.asarray(crop.extract(woman.crop((0, 0, 100, 100)), box, 60, "edge"))
    assert (filled[0, 30] == np.asarray(woman)[0, 20]).all()


def test_each_reason_is_reached(woman: Image.Image) -> None:
    assert decision(Image.fromarray(pictures.coffee())).reason is Reason.NO_FACE
    pair = Image.fromarray(np.hstack([np.asarray(woman)] * 2))
    several = decision(pair)
    assert (several.reason, several.value) == (Reason.SEVERAL_FACES, 2.0)
    small = decision(woman.resize((128, 128)))
    assert small.reason is Reason.FACE_TOO_SMALL and small.value < 12
    tilted = decision(woman.rotate(40, expand=True))
    assert tilted.reason is Reason.TILTED and 30 < tilted.value < 50


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
    assert isinstance(whole, Crop) and whole.face is None and whole.xyxy == (100, 0, 500, 400)
    assert decision(drawing, "selfie", faceless=("drawn",)).reason is Reason.NO_FACE


def test_a_framed_domain_keeps_its_frame_and_its_face(woman: Image.Image) -> None:
    answer = decision(woman, "anime", framed=("anime",))
    assert isinstance(answer, Crop) and answer.face is not None and answer.xyxy == (0, 0, 512, 512)
    assert np.abs(answer.to_crop(answer.face.landmarks) - answer.face.landmarks / 8).max() < 1e-9
    assert decision(Image.fromarray(pictures.coffee()), "anime", framed=("anime",)).reason is Reason.NO_FACE
    assert decision(woman, "selfie", framed=("drawn",)).xyxy != answer.xyxy


def test_the_stage_keeps_every_row_and_names_parents(tmp_path: Path, woman: Image.Image) -> None:
    rows = []
    for name, picture in (("woman", woman), ("coffee", Image.fromarray(pictures.coffee()))):
        content = images.encode_png(picture)
        path = tmp_path / f"{name}.png"
        path.write_bytes(content)
        rows.append({"id": files.id_of_bytes(content), "domain": "selfie", "status": "kept", "path": str(path)})
    rows.append({"id": "gone", "domain": "selfie", "status": "rejected", "reason": "noai", "rejected_by": "collect"})
    table = manifest.table(rows)
    with open_stage("crop", tmp_path / "04") as folder:
        done = crop.run(table, CropConfig(size_px=48), folder, workers=1)
        folder.commit(done)
    manifest.check_complete(table, done, "crop")
    back = manifest.read(tmp_path / "04")
    (kept,) = manifest.kept(back).to_dict("records")
    assert kept["parent_id"] == rows[0]["id"] and kept["id"] == files.id_of_bytes(Path(kept["path"]).read_bytes())
    assert images.load(kept["path"]).size == (48, 48) and len(kept["landmarks"]) == 10
    assert set(back["reason"].dropna()) == {"no_face", "noai"}


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent: real faces to measure on")
def test_real_portraits_are_found() -> None:
    files = sorted((CASES / "landmarks5").rglob("*.png"))[:12]
    found = retinaface.detect([images.load(f) for f in files])
    assert sum(len(faces) == 1 for faces in found) >= 11


def test_the_batch_function_answers_in_order(tmp_path: Path, woman: Image.Image) -> None:
    paths = []
    for number, picture in enumerate([woman, Image.fromarray(pictures.coffee()), woman.transpose(0)]):
        paths.append(tmp_path / f"{number}.png")
        paths[-1].write_bytes(images.encode_png(picture))
    batch = pd.DataFrame({"id": list("abc"), "domain": "selfie", "path": [str(p) for p in paths]})
    answers = crop.crop_batch(batch, CropConfig(size_px=32))
    assert answers["reason"].isna().tolist() == [True, False, True]
    assert answers["parent_id"].dropna().tolist() == ["a", "c"]
