"""The dataset: splits by group, ImageFolder and COCO agree, verdicts win, rejected pictures stay out."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from scgan_data import dataset, files, images, manifest
from scgan_data.dataset import DatasetConfig
from scgan_data.errors import DatasetError, ScganError
from scgan_data.stage import open_stage


@pytest.fixture
def annotated(tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """Rows as `annotate` leaves them, with real pictures."""

    def make(count: int = 12, domain: str = "selfie") -> pd.DataFrame:
        rows = []
        for n in range(count):
            png = images.encode_png(Image.fromarray(np.full((32, 32, 3), n * 7 % 256, np.uint8)))
            path = tmp_path / "04" / f"{domain}{n}.png"
            files.write_bytes(path, png)
            rows.append(
                {
                    "id": files.id_of_bytes(png),
                    "parent_id": f"parent{n}",
                    "domain": domain,
                    "path": str(path),
                    "group_id": f"group{n // 2}",
                    "width": 32,
                    "height": 32,
                    "status": "kept",
                    "license": "CC0",
                    "source": "test | gallery",
                    "eyes_xyxy": [8.0, 10.0, 24.0, 14.0],
                    "mouth_xyxy": [10.0, 20.0, 22.0, 26.5],
                }
            )
        return manifest.table(rows)

    return make


def assemble(tmp_path: Path, rows: pd.DataFrame, **settings) -> Path:
    settings.setdefault("verdicts", tmp_path / "verdicts.jsonl")
    home = tmp_path / "06"
    with open_stage("dataset", home) as folder:
        folder.commit(dataset.run(rows, DatasetConfig(**settings), folder))
    return home


def metadata(home: Path) -> list[dict]:
    return [
        json.loads(line) for file in sorted(home.glob("*/*/metadata.jsonl")) for line in file.read_text().splitlines()
    ]


def test_folders_metadata_and_coco_tell_the_same(tmp_path: Path, annotated) -> None:
    rows = pd.concat([annotated(12), annotated(6, "ink")], ignore_index=True)
    home = assemble(tmp_path, rows, test_fraction=0.4)
    listed = {line["id"]: line for line in metadata(home)}
    assert set(listed) == set(rows["id"])
    coco = json.loads((home / "annotations.coco.json").read_text())
    assert len(coco["images"]) == 18 and len(coco["annotations"]) == 36
    names = {c["id"]: c["name"] for c in coco["categories"]}
    by_image = {i["id"]: Path(i["file_name"]) for i in coco["images"]}
    for box in coco["annotations"]:
        x, y, w, h = box["bbox"]
        file = by_image[box["image_id"]]
        assert listed[file.stem][names[box["category_id"]]] == [x, y, x + w, y + h]
        assert (home / file).is_file() and box["area"] == w * h
    assert all(line["nose"] is None for line in listed.values())
    assert not list(home.glob("test/ink/*")), "a style trains only"
    back = manifest.read(home)
    assert all(Path(p).is_relative_to(home) and Path(p).is_file() for p in back["path"])


def test_groups_never_straddle_and_growth_does_not_reshuffle(tmp_path: Path, annotated) -> None:
    config = DatasetConfig(test_fraction=0.5)
    rows = annotated(30)
    rows["split"] = dataset.split_of(rows, config)
    assert rows.groupby("group_id")["split"].nunique().eq(1).all()
    assert set(rows["split"]) == {"train", "test"}
    fewer = dataset.split_of(rows.iloc[:10], config)
    assert fewer == rows["split"].iloc[:10].tolist()


@given(st.floats(0.02, 0.5))
def test_the_test_fraction_is_near_what_was_asked(fraction: float) -> None:
    rows = manifest.table(
        [{"id": str(n), "group_id": f"g{n}", "domain": "selfie", "status": "kept"} for n in range(600)]
    )
    split = pd.Series(dataset.split_of(rows, DatasetConfig(test_fraction=fraction)))
    assert abs(split.eq("test").mean() - fraction) < 0.08


def test_verdicts_win_by_id_or_parent(tmp_path: Path, annotated) -> None:
    rows = annotated(4)
    first = rows["id"][0]
    lines = [
        {"id": first, "verdict": "reject"},
        {"id": "parent1", "verdict": "reject"},
        {"id": rows["id"][2], "regions": {"eyes": [1, 2, 3, 4], "mouth": None}},
        {"id": rows["id"][3], "verdict": "reject"},
        {"id": rows["id"][3], "verdict": "accept"},
    ]
    (tmp_path / "verdicts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    home = assemble(tmp_path, rows)
    back = manifest.read(home).set_index("id")
    assert back.loc[[first, rows["id"][1]], "reason"].eq("human_rejected").all()
    assert back.loc[rows["id"][3], "status"] == "kept"
    assert not list(home.rglob(f"{first}.png")), "a withdrawn picture is not shipped"
    moved = next(line for line in metadata(home) if line["id"] == rows["id"][2])
    assert moved["eyes"] == [1.0, 2.0, 3.0, 4.0] and moved["mouth"] is None
    assert back.loc[rows["id"][2], "regions_origin"] == "human"


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        '{"verdict": "reject"}',
        '{"id": "a", "verdict": "maybe"}',
        '{"id": "a", "regions": {"ears": null}}',
        "[1]",
    ],
)
def test_a_line_that_is_no_verdict_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "verdicts.jsonl"
    file.write_text('{"id": "a", "verdict": "accept"}\n\n' + line + "\n")
    with pytest.raises(ScganError, match=r"verdicts.jsonl, line 3: not a verdict"):
        dataset.read_verdicts(file)


def test_the_card_counts_and_escapes(tmp_path: Path, annotated) -> None:
    rows = annotated(6)
    rows.loc[5, ["status", "rejected_by", "reason"]] = ["rejected", "filter", "blurred"]
    card = (assemble(tmp_path, rows, test_fraction=0, title="Ours") / "README.md").read_text()
    assert "# Ours" in card and "| selfie | train | 5 |" in card
    assert "| selfie | test \\| gallery | CC0 |  | 5 |" in card
    assert "| selfie | filter | blurred | 1 | the sharpness is below" in card


def test_contact_sheets_show_what_is_kept(tmp_path: Path, annotated) -> None:
    home = assemble(tmp_path, annotated(8), test_fraction=0, sheet_pictures=5)
    with Image.open(home / "sheets" / "train_selfie.jpg") as sheet:
        assert sheet.width > 5 * 128 and sheet.height > 128
    assert not (assemble(tmp_path, annotated(2), sheet_pictures=0) / "sheets").exists()


def test_a_domain_that_cannot_name_a_folder_is_refused(tmp_path: Path, annotated) -> None:
    rows = annotated(2)
    rows["domain"] = "../up"
    with pytest.raises(DatasetError, match="cannot name a folder"):
        assemble(tmp_path, rows)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path, annotated) -> None:
    rows = annotated(6)
    one = {p.relative_to(tmp_path): p.read_bytes() for p in sorted(assemble(tmp_path, rows).rglob("*")) if p.is_file()}
    two = assemble(tmp_path, rows.iloc[::-1].reset_index(drop=True))
    assert one == {p.relative_to(tmp_path): p.read_bytes() for p in sorted(two.rglob("*")) if p.is_file()}
