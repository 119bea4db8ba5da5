"""The dataset: ImageFolder and COCO agree, verdicts win, rejected pictures stay out, the card, the contact sheets."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from scgan_data import dataset, files, images, manifest, split
from scgan_data.dataset import DatasetConfig
from scgan_data.errors import DatasetError, ScganError
from scgan_data.records import Region
from scgan_data.stage import open_stage


@pytest.fixture
def annotated(tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """Rows as `annotate` leaves them, with real pictures."""

    def make(count: int = 12, domain: str = "selfie") -> pd.DataFrame:
        rows = []
        for n in range(count):
            png = images.encode_png(Image.fromarray(np.full((32, 32, 3), (n * 7 + len(domain)) % 256, np.uint8)))
            path = tmp_path / "04" / f"{domain}{n}.png"
            files.write_bytes(path, png)
            rows.append(
                {
                    "id": files.id_of_bytes(png),
                    "parent_id": f"{domain} parent{n}",
                    "domain": domain,
                    "path": str(path),
                    "group_id": f"{domain} group{n // 2}",
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
    assert all(line["nose"] is None and line["regions_hidden"] == [] for line in listed.values())
    assert [c["name"] for c in coco["categories"]] == [*map(str, Region), "face"]
    assert not any("hair" in line for line in listed.values()), "nobody boxed any"
    assert not list(home.glob("test/ink/*")), "a style trains only"
    back = manifest.read(home)
    assert all(Path(p).is_relative_to(home) and Path(p).is_file() for p in back["path"])


def test_further_and_hidden_regions_are_told_in_both(tmp_path: Path, annotated) -> None:
    rows = annotated(4)
    rows["hair_xyxy"] = pd.Series([[2.0, 1, 30, 12], None, None, None], dtype=object)
    rows.loc[1, "regions_hidden"] = "nose,hair"
    home = assemble(tmp_path, rows, test_fraction=0)
    listed = {line["id"]: line for line in metadata(home)}
    first, second, third, _ = (listed[name] for name in rows["id"])
    assert first["hair"] == [2, 1, 30, 12] and second["hair"] is None and third["hair"] is None
    assert (first["regions_hidden"], second["regions_hidden"]) == ([], ["nose", "hair"])
    coco = json.loads((home / "annotations.coco.json").read_text())
    hidden = {Path(i["file_name"]).stem: i["regions_hidden"] for i in coco["images"]}
    assert hidden == {name: line["regions_hidden"] for name, line in listed.items()}
    (hair,) = (c["id"] for c in coco["categories"] if c["name"] == "hair")
    assert [a["bbox"] for a in coco["annotations"] if a["category_id"] == hair] == [[2, 1, 28, 11]]


@pytest.mark.parametrize("shared", ["id", "parent_id", "pixel_id", "group_id"])
def test_a_picture_of_two_domains_is_refused_or_trains(tmp_path: Path, annotated, shared: str) -> None:
    rows = pd.concat([annotated(12), annotated(6, "ink")], ignore_index=True)
    rows.loc[3, shared] = rows.loc[13, shared] = "f" * 64
    with pytest.raises(DatasetError, match=r"in two domains \(ink and selfie\)"):
        assemble(tmp_path, rows)
    assert split.split_of(rows, ("group",), test_fraction=0.5, salt="scgan")[3] == "train"
    home = assemble(tmp_path, rows, in_two_domains="allow", test_fraction=0.9)
    back = manifest.read(home)
    assert set(back.loc[back["domain"] == "selfie", "split"]) == {"train", "test"}
    rows.loc[3, ["status", "rejected_by", "reason"]] = ["rejected", "dedup", "other_domain"]
    split.refuse_two_domains(rows)


def test_it_says_where_nothing_is_held_out(tmp_path: Path, annotated, capsys: pytest.CaptureFixture[str]) -> None:
    assemble(tmp_path, annotated(3), test_fraction=0.0001)
    assert "no selfie fell into the test part" in capsys.readouterr().err
    assemble(tmp_path, annotated(3), test_fraction=0)
    assert "no selfie" not in capsys.readouterr().err


def test_the_card_says_what_hash_groups_cannot_promise(tmp_path: Path, annotated) -> None:
    rows = annotated(6)
    rows["author"] = [f"author {n}" for n in range(6)]
    card = (assemble(tmp_path, rows, group_by=["author", "group"]) / "README.md").read_text()
    assert "the same person in another picture may be on both sides" in card
    assert "Pictures of one author are on one side" in card


def test_verdicts_win_by_id_or_parent(tmp_path: Path, annotated) -> None:
    rows = annotated(4)
    rows.loc[2, "regions_hidden"] = "eyes"
    first = rows["id"][0]
    lines = [
        {"id": first, "verdict": "reject"},
        {"id": "selfie parent1", "verdict": "reject"},
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
    assert moved["regions_hidden"] == ["mouth"], "a person's null is a hidden region"
    assert back.loc[rows["id"][2], "regions_origin"] == "human"


def test_an_accepted_picture_that_an_earlier_stage_rejected_is_told(
    tmp_path: Path, annotated, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = annotated(4)
    rows.loc[0, ["status", "rejected_by", "reason"]] = ["rejected", "crop", "padded"]
    rows.loc[1, ["status", "rejected_by", "reason"]] = ["rejected", "crop", "no_face"]  # which no word changes
    lines = [{"id": rows["id"][n], "verdict": "accept"} for n in range(3)]
    (tmp_path / "verdicts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assemble(tmp_path, rows)
    told = " ".join(capsys.readouterr().err.split())
    assert "1 accepted by a person, and rejected by an earlier stage" in told and "run filter and crop again" in told


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
