"""Of a picture with several faces, a person's box goes to the face that it is on, and to no other crop."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage import data as pictures

from scgan_data import crop, dataset, files, framing, images, manifest, whose
from scgan_data.crop import CropConfig
from scgan_data.stage import open_stage


@pytest.fixture(scope="module")
def pair() -> Image.Image:
    """Two people beside each other, so near that each one's crop shows some of the other."""
    woman = Image.fromarray(pictures.astronaut()).crop((150, 0, 270, 260))  # public domain (NASA)
    return Image.fromarray(np.hstack([np.asarray(woman), np.asarray(woman.transpose(0))]))


def cropped(tmp_path: Path, picture: Image.Image, **settings) -> pd.DataFrame:
    path = tmp_path / "pair.png"
    path.write_bytes(images.encode_png(picture))
    row = {"id": files.id_of_bytes(path.read_bytes()), "domain": "selfie", "status": "kept", "path": str(path)}
    config = CropConfig(size_px=64, several="each", max_padding=0.9, verdicts=tmp_path / "none.jsonl", **settings)
    with open_stage("crop", tmp_path / "04") as folder:
        table = manifest.table([row | {"width": picture.width, "height": picture.height}])
        folder.commit(crop.run(table, config, folder, workers=1))
    return manifest.read(tmp_path / "04").sort_values("face_number").reset_index(drop=True)


def faces(rows: pd.DataFrame) -> dict:
    (found,) = whose.faces_of(rows).values()
    return found


def said(rows: pd.DataFrame, regions: dict, tmp_path: Path) -> pd.DataFrame:
    line = json.dumps({"id": rows["parent_id"].dropna().iloc[0], "regions": regions, "reviewer": "ann"})
    (tmp_path / "verdicts.jsonl").write_text(line + "\n")
    return dataset.apply_verdicts(rows, dataset.read_verdicts(tmp_path / "verdicts.jsonl"))


def test_a_box_on_the_parent_moves_one_face_only(tmp_path: Path, pair: Image.Image) -> None:
    rows = cropped(tmp_path, pair)
    assert len(rows) == 2 and rows["status"].eq("kept").all()
    for mine, face in faces(rows).items():
        x0, y0, x1, y1 = face
        mouth = [x0 + 0.3 * (x1 - x0), y0 + 0.7 * (y1 - y0), x0 + 0.7 * (x1 - x0), y0 + 0.9 * (y1 - y0)]
        sees = [bool(np.ptp(framing.box_to_crop(mouth, quad, (64, 64), clip=True)[::2])) for quad in rows["crop_quad"]]
        assert all(sees), "both squares hold some of it"
        after = said(rows, {"mouth": mouth}, tmp_path)
        assert after["mouth_xyxy"].notna().tolist() == [index == mine for index in rows.index]
        back = framing.box_to_parent(after["mouth_xyxy"][mine], rows["crop_quad"][mine], (64, 64))
        assert np.abs(np.array(back) - mouth).max() < 1e-6
        assert after.loc[mine, "regions_origin"] == "human"


def test_what_is_on_no_face_or_not_visible_is_nobody_s(tmp_path: Path, pair: Image.Image) -> None:
    rows = cropped(tmp_path, pair)
    after = said(rows, {"mouth": [1.0, 230.0, 9.0, 240.0], "nose": None}, tmp_path)
    assert after["mouth_xyxy"].isna().all() and after["regions_hidden"].isna().all()
    one = said(rows.head(1), {"nose": None}, tmp_path)
    assert one["regions_hidden"].tolist() == ["nose"], "of a single face it is plain whose nose that is"


def test_a_rejected_face_keeps_its_box_from_the_other(tmp_path: Path, pair: Image.Image) -> None:
    smaller = pair.copy()
    smaller.paste((90, 90, 90), (120, 0, 240, 260))
    smaller.paste(pair.crop((120, 0, 240, 260)).resize((72, 156)), (124, 30))
    rows = cropped(tmp_path, smaller, min_eye_distance_px=34)
    assert rows["status"].tolist() == ["kept", "rejected"], rows[["reason", "value"]]
    x0, y0, x1, y1 = faces(rows)[1]
    after = said(rows, {"eyes": [x0, y0, (x0 + x1) / 2, (y0 + y1) / 2]}, tmp_path)
    assert after["eyes_xyxy"].isna()[0]


def test_of_two_faces_that_hold_it_the_nearer_one_owns_it() -> None:
    large, small = (0.0, 0.0, 100.0, 100.0), (60.0, 60.0, 90.0, 90.0)
    assert whose.owner([70, 70, 80, 75], {"large": large, "small": small}) == "small"
    assert whose.owner([20, 30, 70, 62], {"large": large, "small": small}) == "large"
    assert whose.owner([200, 200, 210, 210], {"large": large, "small": small}) is None
    assert whose.owner([0, 0, 1, 1], {}) is None
