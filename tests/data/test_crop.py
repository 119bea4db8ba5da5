"""Detection on real weights, and crops: reasons, policies, the stage; bit-equal whatever the batch and the presets."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import ExifTags, Image, ImageFilter
from skimage import data as pictures

from scgan_data import crop, files, framing, hashes, images, manifest
from scgan_data.crop import CropConfig
from scgan_data.cropped import Crop, Decision, columns, face_sharpness
from scgan_data.faces import retinaface
from scgan_data.faces.face import Face
from scgan_data.records import Reason, Region
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


def test_a_domain_can_have_a_formula_of_its_own(woman: Image.Image, face: Face) -> None:
    config = CropConfig(size_px=32, side_factor={"ink": 3.5}, eyes_at={"drawn": 0.45}, max_padding=None)
    assert crop.formula(config, "selfie") == (4.6, 0.42) and crop.formula(config, "ink") == (3.5, 0.45)
    sides = [framing.side_of(crop.cut(woman, [face], domain, config).quad) for domain in ("selfie", "ink")]
    assert sides[1] == pytest.approx(sides[0] * 3.5 / 4.6, abs=1)
    with pytest.raises(ValueError, match=r"20\.0 is not between 1 and 12"):
        CropConfig(side_factor={"ink": 20.0})


def rows_of(tmp_path: Path, **named: Image.Image) -> pd.DataFrame:
    rows = []
    for name, picture in named.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(images.encode_png(picture))
        size = {"width": picture.width, "height": picture.height}
        content_id = files.id_of_bytes(path.read_bytes())
        rows.append({"id": content_id, "domain": "selfie", "status": "kept", "path": str(path), "author": name, **size})
    return manifest.table(rows)


def cropped(tmp_path: Path, table: pd.DataFrame, **settings) -> pd.DataFrame:
    settings.setdefault("verdicts", tmp_path / "verdicts.jsonl")
    with open_stage("crop", tmp_path / "04") as folder:
        done = crop.run(table, CropConfig(size_px=48, **settings), folder, workers=1)
        manifest.check_complete(table, done, "crop")
        folder.commit(done)
    return manifest.read(tmp_path / "04")


def test_each_face_is_a_row_and_no_row_is_lost(tmp_path: Path, woman: Image.Image) -> None:
    pair = Image.fromarray(np.hstack([np.asarray(woman), np.asarray(woman.transpose(0).resize((400, 512)))]))
    table = rows_of(tmp_path, pair=pair, coffee=Image.fromarray(pictures.coffee()), woman=woman)
    back = cropped(tmp_path, table, several="each", min_eye_distance_px=40, max_roll_deg=None)
    pairs = back[back["author"] == "pair"].sort_values("face_number")
    assert pairs["face_number"].tolist() == [1, 2] and pairs["faces"].eq(2).all()
    assert pairs["status"].tolist() == ["kept", "rejected"] and pairs["reason"].iloc[1] == "face_too_small"
    assert pairs["id"].iloc[1] == table["id"][0] == pairs["parent_id"].iloc[0] and pairs["parent_id"].isna().iloc[1]
    assert len(back) == 4 and sorted(back["author"]) == ["coffee", "pair", "pair", "woman"]
    both = cropped(tmp_path, table, several="each", max_roll_deg=None)
    kept = both[both["author"] == "pair"]
    assert kept["status"].eq("kept").all() and kept["id"].nunique() == 2 and kept["parent_id"].eq(table["id"][0]).all()
    assert all(images.load(path).size == (48, 48) for path in kept["path"])
    largest = cropped(tmp_path, table, several="largest", max_roll_deg=None)
    assert len(largest) == 3 and largest.set_index("author").loc["pair", "id"] in set(kept["id"])
    assert cropped(tmp_path, table).set_index("author").loc["pair", "reason"] == "several_faces"


def test_a_rejected_row_is_about_its_own_picture(tmp_path: Path, woman: Image.Image) -> None:
    (face,) = crop.find_faces([woman], "selfie", CropConfig())[0]
    (row,) = cropped(tmp_path, rows_of(tmp_path, woman=woman), min_eye_distance_px=80).to_dict("records")
    assert row["reason"] == "face_too_small" and row["limit"] == 80 and row["value"] == face.eye_distance_px
    assert row["path"] == str(tmp_path / "woman.png") and (row["width"], row["height"]) == (512, 512)
    assert row["parent_id"] is None or pd.isna(row["parent_id"])
    assert np.abs(row["landmarks"].reshape(5, 2) - face.landmarks).max() < 1e-9
    assert np.abs(row["face_xyxy"] - np.array(face.xyxy)).max() < 1e-9
    assert not list((tmp_path / "04").rglob("*.png")), "its crop is not kept"
    assert row["face_sharpness"] > 0.2 and abs(row["yaw_deg"]) < 30 and row["face_cut"] == 0


def test_a_moved_limit_detects_nothing_again_and_a_near_value_is_doubtful(tmp_path: Path, woman: Image.Image) -> None:
    table = rows_of(tmp_path, woman=woman)
    sharpness = cropped(tmp_path, table)["face_sharpness"].iloc[0]
    results = sorted((tmp_path / ".04.work" / "results").rglob("*.parquet"))
    stamps = [file.stat().st_mtime_ns for file in results]
    near = cropped(tmp_path, table, min_face_sharpness=sharpness * 0.95).iloc[0]
    assert (near["status"], near["doubt"]) == ("kept", "face_blurred")
    strict = cropped(tmp_path, table, min_face_sharpness=sharpness * 0.95, doubtful="reject").iloc[0]
    assert strict["reason"] == "face_blurred" and strict["limit"] == pytest.approx(sharpness * 0.95 * 1.2)
    beyond = cropped(tmp_path, table, min_face_sharpness=sharpness * 1.05).iloc[0]
    assert beyond["reason"] == "face_blurred" and beyond["value"] == sharpness
    (tmp_path / "verdicts.jsonl").write_text(json.dumps({"id": table["id"][0], "verdict": "accept"}) + "\n")
    accepted = cropped(tmp_path, table, min_face_sharpness=sharpness * 1.05).iloc[0]
    assert accepted["status"] == "kept" and pd.isna(accepted["doubt"]) and Path(accepted["path"]).is_file()
    assert [file.stat().st_mtime_ns for file in results] == stamps


def test_an_earlier_doubt_stays_open(tmp_path: Path, woman: Image.Image) -> None:
    table = rows_of(tmp_path, woman=woman).assign(doubt="watermarked")
    done = cropped(tmp_path, table)
    assert done["doubt"].tolist() == ["watermarked"]
    near = cropped(tmp_path, table, min_face_sharpness=done["face_sharpness"][0] * 0.95)
    assert near["doubt"].tolist() == ["watermarked,face_blurred"]
    (tmp_path / "verdicts.jsonl").write_text(json.dumps({"id": table["id"][0], "verdict": "accept"}) + "\n")
    assert cropped(tmp_path, table)["doubt"].isna().all()


@pytest.mark.parametrize("doubtful", ["keep", "reject"])
def test_the_doubtful_are_on_a_contact_sheet_as_they_were_cut(
    tmp_path: Path, woman: Image.Image, doubtful: str
) -> None:
    table = rows_of(tmp_path, woman=woman, mirrored=woman.transpose(0))
    sharpness = cropped(tmp_path, table)["face_sharpness"].max()
    sheet = tmp_path / "04" / "sheets" / "doubtful_selfie.jpg"
    assert not sheet.exists()
    for _ in range(2):  # the second time from results
        near = cropped(tmp_path, table, min_face_sharpness=sharpness * 0.95, doubtful=doubtful)
        assert (
            near["doubt"].eq("face_blurred").all()
            and near["status"].eq({"keep": "kept", "reject": "rejected"}[doubtful]).all()
        )
        drawn = images.load(sheet)
    shown = np.asarray(drawn.crop((6, 34, 134, 162)).resize((48, 48)), float)
    crops = [
        crop.cut(p, crop.find_faces([p], "selfie", CropConfig())[0], "selfie", CropConfig(size_px=48))
        for p in (woman, woman.transpose(0))
    ]
    assert min(np.abs(shown - np.asarray(one.image, float)).mean() for one in crops) < 6
    assert (
        not cropped(tmp_path, table, min_face_sharpness=sharpness * 0.95, sheet_pictures=0).empty and not sheet.exists()
    )


def orientations(upright: Image.Image) -> dict[int, bytes]:
    """The same picture as a camera stores it in each of EXIF's orientations, without loss."""
    turned = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transposition that undoes what a viewer does
    found = {}
    for number in range(1, 9):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = number
        stored = upright if number == 1 else upright.transpose(Image.Transpose(turned[number]))
        buffer = BytesIO()
        stored.save(buffer, "PNG", exif=exif)
        found[number] = buffer.getvalue()
    return found


def test_eight_orientations_give_one_crop(tmp_path: Path, woman: Image.Image) -> None:
    portrait = woman.crop((0, 0, 420, 512))
    crops = set()
    for number, data in orientations(portrait).items():
        decoded = images.decode(data)
        assert decoded.orientation == number
        path = tmp_path / f"{number}.png"
        path.write_bytes(hashes.stored(data, decoded)[0])  # as collect keeps it
        batch = pd.DataFrame({"id": [str(number)], "domain": "selfie", "path": [str(path)]})
        crops.add(crop.crop_batch(batch, CropConfig(size_px=64))["png"][0])
    assert len(crops) == 1 and None not in crops


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent: cameras' files to turn upright")
def test_real_files_of_all_orientations_are_one_picture() -> None:
    for shape in ("Landscape", "Portrait"):
        folder = CASES.parent / "faults" / "exif_orientation"
        small = [np.asarray(images.load(folder / f"{shape}_{n}.jpg").resize((90, 90)), float) for n in range(1, 9)]
        assert all(np.abs(one - small[0]).mean() < 6 for one in small)


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
