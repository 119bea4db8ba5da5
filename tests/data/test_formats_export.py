"""Exports: what each format carries, whole folders only, the same bytes twice, no picture held in memory."""

import hashlib
import json
import tarfile
import tracemalloc
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from scgan_data import cli, files, images, manifest
from scgan_data.errors import ExchangeError
from scgan_data.exchange.export import export
from scgan_data.exchange.formats import Format
from scgan_data.exchange.picture import Pictures
from scgan_data.records import Region


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows_of(stage: Path):
    return manifest.kept(manifest.read(stage)).set_index("id")


def test_coco_lays_out_boxes_points_and_credit_a_split(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(4), tmp_path / "out"
    assert export(stage, out, Format.COCO) == 4
    names = {p.relative_to(out).as_posix() for p in out.rglob("*.json")}
    kinds = {f"annotations/{kind}_{split}.json" for kind in ("instances", "person_keypoints") for split in SPLITS}
    assert names == kinds | {"export.json"}
    rows = rows_of(stage)
    boxes = json.loads((out / "annotations/instances_train.json").read_text())
    points = json.loads((out / "annotations/person_keypoints_train.json").read_text())
    assert [c["name"] for c in boxes["categories"]] == list(Region)
    assert len(boxes["images"]) == 3 and len(boxes["annotations"]) == 6 and len(points["annotations"]) == 2
    licences = {entry["id"]: entry["name"] for entry in boxes["licenses"]}
    for image in boxes["images"]:
        row = rows.loc[Path(image["file_name"]).stem]
        assert (image["width"], image["height"]) == (row["width"], row["height"])
        assert licences[image["license"]] == (row["license"] if isinstance(row["license"], str) else "unknown")
        assert image["author"] == row["author"] and image["coco_url"] == row["source_url"]
        assert (out / "images/train" / image["file_name"]).samefile(row["path"])
    face = points["annotations"][0]
    flat = rows.loc[Path(points["images"][face["image_id"] - 1]["file_name"]).stem, "landmarks"]
    assert face["keypoints"][0::3] == flat[0::2].tolist() and face["keypoints"][1::3] == flat[1::2].tolist()
    assert face["num_keypoints"] == 5 and face["bbox"] == [70.5, 60.0, 79.5, 110.25]


SPLITS = ("train", "test")


def test_a_point_outside_the_picture_is_labelled_not_visible(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(2, landmarks=[-4.5, 9.0, *[50.0] * 8], face_xyxy=None, split=None), tmp_path / "out"
    export(stage, out, Format.COCO)
    first = json.loads((out / "annotations/person_keypoints_all.json").read_text())["annotations"][0]
    assert first["keypoints"][:6] == [-4.5, 9.0, 1, 50.0, 50.0, 2] and first["bbox"] == [-4.5, 9.0, 54.5, 41.0]


def test_label_studio_tasks_hold_predictions_in_per_cent(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(4), tmp_path / "labels"
    export(stage, out, Format.LABEL_STUDIO)
    tasks, rows = json.loads((out / "tasks.json").read_text()), rows_of(stage)
    assert {task["data"]["picture_id"] for task in tasks} == set(rows.index)
    labels = ElementTree.parse(out / "label_config.xml").findall(".//Label")
    assert [label.get("value") for label in labels] == list(Region)
    for task in tasks:
        row = rows.loc[task["data"]["picture_id"]]
        root, _, below = task["data"]["image"].partition("?d=")
        assert root == "/data/local-files/" and (out.parent / below).samefile(row["path"])
        assert task["data"]["author"] == row["author"] and task["data"]["split"] == row["split"]
        for result in task["predictions"][0]["result"]:
            (label,), value = result["value"]["rectanglelabels"], result["value"]
            x0, y0, x1, y1 = row[f"{label}_xyxy"]
            found = [value["x"], value["y"], value["x"] + value["width"], value["y"] + value["height"]]
            assert np.allclose(np.array(found) * 2.2, [x0, y0, x1, y1], atol=1e-9)


def test_yolo_has_a_label_file_a_picture(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(4), tmp_path / "out"
    export(stage, out, Format.YOLO)
    data = yaml.safe_load((out / "data.yaml").read_text())
    assert data["names"] == dict(enumerate(map(str, Region)))
    assert (data["train"], data["val"], data["test"]) == ("images/train", "images/test", "images/test")
    table = [json.loads(line) for line in (out / "pictures.jsonl").read_text().splitlines()]
    assert {r["id"]: r["author"] for r in table} == rows_of(stage)["author"].to_dict()
    for entry in table:
        picture = out / entry["file_name"]
        label = out / "labels" / entry["split"] / f"{entry['id']}.txt"
        assert picture.is_file() and len(label.read_text().splitlines()) == (3 if entry["eyes"] else 0)


def test_an_unsplit_folder_is_one_split(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(3, split=None), tmp_path / "out"
    export(stage, out, Format.YOLO)
    data = yaml.safe_load((out / "data.yaml").read_text())
    assert data["train"] == data["val"] == "images/all" and "test" not in data
    assert len(list((out / "images/all").iterdir())) == 3


def test_webdataset_shards_are_sorted_and_carry_everything(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(4), tmp_path / "out"
    export(stage, out, Format.WEBDATASET, shard=2)
    rows, found = rows_of(stage), []
    assert {p.name for p in out.glob("*.tar")} == {"train-000000.tar", "train-000001.tar", "test-000000.tar"}
    for file in sorted(out.glob("train*.tar")):
        with tarfile.open(file) as tar:
            members = tar.getmembers()
            assert all(m.mtime == m.uid == m.gid == 0 and m.mode == 0o644 and not m.uname for m in members)
            for picture, described in zip(members[::2], members[1::2], strict=True):
                content = json.loads(tar.extractfile(described).read())
                found.append(content["id"])
                row = rows.loc[content["id"]]
                assert (picture.name, described.name) == (f"{row.name}.png", f"{row.name}.json")
                assert hashlib.sha256(tar.extractfile(picture).read()).hexdigest() == row.name
                assert content["source_url"] == row["source_url"] and content["domain"] == row["domain"]
    assert found == sorted(rows.index[rows["split"] == "train"])


def test_regions_judged_not_visible_are_carried_where_the_table_has_them(tmp_path: Path, portraits_stage) -> None:
    rows = manifest.kept(manifest.read(portraits_stage(2))).assign(regions_hidden="mouth,nose")
    assert [picture.hidden for picture in Pictures.of(rows)] == [("mouth", "nose")] * 2
    without = rows.drop(columns="regions_hidden")
    assert [picture.hidden for picture in Pictures.of(without)] == [()] * 2


@pytest.mark.parametrize("kind", Format)
def test_the_same_folder_gives_the_same_bytes(tmp_path: Path, portraits_stage, kind: Format) -> None:
    stage = portraits_stage(4)
    rows = manifest.read(stage)
    other = tmp_path / "again"
    manifest.write(other, rows.iloc[::-1].reset_index(drop=True))
    export(stage, tmp_path / "one" / "out", kind)
    export(other, tmp_path / "two" / "out", kind)
    assert bytes_of(tmp_path / "one" / "out") == bytes_of(tmp_path / "two" / "out")


def test_rejected_pictures_are_not_exported(tmp_path: Path, portraits_stage) -> None:
    rows = manifest.read(portraits_stage(4))
    rows.loc[0, ["status", "rejected_by", "reason"]] = ["rejected", "filter", "blurred"]
    manifest.write(tmp_path / "less", rows)
    assert export(tmp_path / "less", tmp_path / "out", Format.YOLO) == 3
    assert not list((tmp_path / "out").rglob(f"{rows['id'][0]}*"))


def test_only_an_export_of_ours_is_replaced(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(3), tmp_path / "out"
    files.write_bytes(out / "thesis.txt", b"mine")
    with pytest.raises(ExchangeError, match=r"out exists and is no export of ours: .* --force"):
        export(stage, out, Format.YOLO)
    assert (out / "thesis.txt").read_bytes() == b"mine"
    export(stage, out, Format.YOLO, force=True)
    assert not (out / "thesis.txt").exists()
    export(stage, out, Format.COCO)
    assert (out / "annotations").is_dir() and not (out / "data.yaml").exists()
    assert {p.name for p in tmp_path.iterdir()} == {"crops", "06", "out"}, "nothing is left beside it"
    for inside in (stage, stage / "coco", stage.parent):
        with pytest.raises(ExchangeError, match="lie in one another"):
            export(stage, inside, Format.COCO, force=True)
    assert manifest.read(stage).shape[0] == 3


def test_a_missing_picture_leaves_the_old_export(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(3), tmp_path / "out"
    export(stage, out, Format.COCO)
    before = bytes_of(out)
    Path(manifest.read(stage)["path"][1]).unlink()
    for kind in Format:
        with pytest.raises(ExchangeError, match="is not here: `dvc pull`"):
            export(stage, out, kind)
    assert bytes_of(out) == before


def test_a_picture_kept_in_two_domains_is_refused(tmp_path: Path, portraits_stage) -> None:
    rows = manifest.read(portraits_stage(3))
    rows.loc[1, "id"] = rows.loc[0, "id"]
    manifest.write(tmp_path / "twice", rows)
    with pytest.raises(ExchangeError, match=r"1 pictures are kept twice, among them .*reject one"):
        export(tmp_path / "twice", tmp_path / "out", Format.YOLO)


@pytest.mark.parametrize("kind", Format)
def test_no_format_holds_the_pictures(tmp_path: Path, kind: Format) -> None:
    noise = np.random.default_rng(0).bytes(2**21)
    rows = []
    for n in range(24):
        file = tmp_path / "crops" / f"{n}.png"
        files.write_bytes(file, noise + bytes([n]))
        row = {"id": files.id_of_bytes(file.read_bytes()), "path": str(file), "domain": "ink", "status": "kept"}
        rows.append(row | {"width": 700, "height": 1000, "split": "train", "eyes_xyxy": [1.0, 2.0, 3.0, 4.0]})
    manifest.write(tmp_path / "06", manifest.table(rows))
    del rows, noise
    export(tmp_path / "06", tmp_path / "warm", kind)  # imports
    tracemalloc.start()
    try:
        assert export(tmp_path / "06", tmp_path / "out", kind) == 24
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**21, "of 24 pictures of 2 MiB no more than a few are held"


def test_the_commands_export_and_import(tmp_path: Path, portraits_stage, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    stage, run = portraits_stage(4), CliRunner()
    made = run.invoke(cli.app, ["export", str(stage), "out", "--format", "webdataset", "--shard", "3"])
    assert made.exit_code == 0 and "out: 4 pictures as webdataset" in made.output
    taken = ["import", "out", "--folder", str(stage), "--format", "webdataset"]
    assert "4 pictures read, every box as it stands; nothing added" in run.invoke(cli.app, taken).output
    assert not Path("review").exists()
    assert run.invoke(cli.app, ["export", str(stage), "out", "--format", "voc"]).exit_code == 2


def test_croissant_names_the_tables_hash_and_licences(tmp_path: Path, portraits_stage) -> None:
    stage, out = portraits_stage(4), tmp_path / "portraits"
    export(stage, out, Format.CROISSANT)
    content = json.loads((out / "croissant.json").read_text())
    table, pictures = content["distribution"]
    assert table["sha256"] == hashlib.sha256((out / "pictures.jsonl").read_bytes()).hexdigest()
    assert pictures["includes"] == ["images/*/*.png"] and content["name"] == "portraits"
    assert content["license"] == ["https://creativecommons.org/licenses/by/4.0/", "unknown"]
    columns = {field["source"]["extract"]["column"] for field in content["recordSet"][0]["field"]}
    assert columns == set(json.loads((out / "pictures.jsonl").read_text().splitlines()[0]))
    assert images.load(next((out / "images").rglob("*.png"))).size == (220, 220)
