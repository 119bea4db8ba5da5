"""The crop stage: every row kept, each face a row, the doubtful on a sheet, whatever way up a picture was written."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import ExifTags, Image
from skimage import data as pictures

from scgan_data import crop, files, hashes, images, manifest
from scgan_data.crop import CropConfig
from scgan_data.stage import open_stage

CASES = Path(__file__).parents[3] / "shared" / "cases" / "faces"


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


def test_the_batch_function_answers_in_order(tmp_path: Path, woman: Image.Image) -> None:
    paths = []
    for number, picture in enumerate([woman, Image.fromarray(pictures.coffee()), woman.transpose(0)]):
        paths.append(tmp_path / f"{number}.png")
        paths[-1].write_bytes(images.encode_png(picture))
    batch = pd.DataFrame({"id": list("abc"), "domain": "selfie", "path": [str(p) for p in paths]})
    answers = crop.crop_batch(batch, CropConfig(size_px=32))
    assert answers["reason"].isna().tolist() == [True, False, True]
    assert answers["parent_id"].dropna().tolist() == ["a", "c"]
