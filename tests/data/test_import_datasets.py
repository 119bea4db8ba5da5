"""Boxes read back from YOLO labels, a tar's records and Croissant, and files of every format that are broken."""

import io
import json
import tarfile
from pathlib import Path

import pandas as pd
import pytest
import yaml

from scgan_data import manifest
from scgan_data.dataset import apply_verdicts
from scgan_data.errors import ExchangeError
from scgan_data.exchange.export import export
from scgan_data.exchange.formats import Format
from scgan_data.verdicts import read_verdicts


def test_yolo_labels_are_read_with_either_list_of_names(tmp_path: Path, boxed_stage: Path, take) -> None:
    out = tmp_path / "yolo"
    export(boxed_stage, out, Format.YOLO)
    label = next(p for p in sorted(out.rglob("labels/*/*.txt")) if p.read_text())
    first, *others = label.read_text().splitlines()
    cells = first.split()
    label.write_text("\n".join([" ".join([*cells[:1], "0.5", *cells[2:], "0.93"]), *others[:1]]) + "\n\n")
    names = yaml.safe_load((out / "data.yaml").read_text())["names"]
    (out / "classes.txt").write_text("".join(f"{name}\n" for name in names.values()))
    (entry,) = take(out / "data.yaml", Format.YOLO).entries
    x0, _, x1, _ = entry["regions"]["eyes"]
    assert entry["id"] == label.stem and (x0 + x1) / 2 == pytest.approx(110) and entry["regions"]["mouth"] is None
    assert take(out / "classes.txt", Format.YOLO).entries == []
    (out / "data.yaml").write_text(yaml.safe_dump({"names": list(names.values())}))
    assert take(out / "data.yaml", Format.YOLO).entries == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("0 .5 .5 .1\n", r"line 1: not `class cx cy w h`"),
        ("\n0 .5 .5 nan .1\n", r"line 2: the box of `eyes` has no area"),
        ("88 .5 .5 .1 .1\n", r"line 1: class 88 is not among `names`"),
        ("0 .1 .1 .2 .1 .2 .2 .1 .2\n", r"line 1: 9 numbers are a polygon"),
        ("0 .99 .5 .1 .1\n", r"labels/train/\w+\.txt: the box of `eyes` .* leaves the picture"),
    ],
)
def test_yolos_errors_name_file_and_line(tmp_path: Path, boxed_stage: Path, take, text: str, line: str) -> None:
    export(boxed_stage, tmp_path / "yolo", Format.YOLO)
    sorted((tmp_path / "yolo/labels/train").iterdir())[1].write_text(text)
    with pytest.raises(ExchangeError, match=line):
        take(tmp_path / "yolo/data.yaml", Format.YOLO)
    assert not (tmp_path / "verdicts.jsonl").exists()


def test_a_tars_records_are_read_and_its_names_never_trusted(tmp_path: Path, boxed_stage: Path, take) -> None:
    export(boxed_stage, tmp_path / "wds", Format.WEBDATASET)
    with tarfile.open(tmp_path / "wds/train-000000.tar") as tar:
        members = [(m.name, tar.extractfile(m).read()) for m in tar if m.name.endswith(".json")]
    records = [json.loads(data) for _, data in members]
    moved = next(r for r in records if r["nose"])
    moved["nose"][3] += 2.5

    def written(records: list[dict]) -> Path:
        with tarfile.open(tmp_path / "changed.tar", "w") as tar:
            for number, entry in enumerate(records):
                member, data = tarfile.TarInfo(f"../../{number}.json"), json.dumps(entry).encode()
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        return tmp_path / "changed.tar"

    (entry,) = take(written(records), Format.WEBDATASET).entries
    assert entry["id"] == moved["id"] and entry["regions"] == {"nose": moved["nose"]}
    moved["nose"] = [1, 2, 3]
    with pytest.raises(ExchangeError, match=r"changed\.tar, \.\./\.\./\d\.json, boxes\.nose\[3\]: Field required"):
        take(written(records), Format.WEBDATASET)


def test_croissants_table_must_lie_beside_it(tmp_path: Path, boxed_stage: Path, take) -> None:
    export(boxed_stage, tmp_path / "cr", Format.CROISSANT)
    file = tmp_path / "cr/croissant.json"
    content = json.loads(file.read_text())
    content["distribution"][0]["contentUrl"] = "../../etc/passwd"
    file.write_text(json.dumps(content))
    with pytest.raises(ExchangeError, match=r"croissant\.json, distribution: needs one table"):
        take(file, Format.CROISSANT)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (Format.COCO, r"is a folder without \*\.json: name the file to read \(coco\)"),
        (Format.LABEL_STUDIO, None),
        (Format.YOLO, None),
        (Format.WEBDATASET, None),
        (Format.CROISSANT, None),
    ],
)
def test_a_folder_stands_for_the_one_file_in_it(
    tmp_path: Path, boxed_stage: Path, take, kind: Format, line: str | None
) -> None:
    out = tmp_path / "out"
    export(boxed_stage, out, kind)
    if line:
        with pytest.raises(ExchangeError, match=line):
            take(out, kind)
        out = out / "annotations"
        with pytest.raises(ExchangeError, match=r"annotations holds \d+ files \*\.json: name the one to read"):
            take(out, kind)
    else:
        assert take(out, kind).entries == []


@pytest.mark.parametrize("kind", Format)
@pytest.mark.parametrize("content", [b"", b"[1", b"\xff\xfe\x00", b"[]", b"{}", b"null"])
def test_broken_files_are_named(tmp_path: Path, take, kind: Format, content: bytes) -> None:
    file = tmp_path / "broken.json"
    file.write_bytes(content)
    if kind is Format.LABEL_STUDIO and content == b"[]":
        assert take(file, kind).pictures == 0
        return
    with pytest.raises(ExchangeError, match=r"broken\.json"):
        take(file, kind)
    with pytest.raises(ExchangeError, match=r"nowhere\.json is not there"):
        take(tmp_path / "nowhere.json", kind)


def framed(rows: pd.DataFrame, name: str, x: float) -> pd.DataFrame:
    """The rows as crops, `x` to the right of the source's left edge, two source pixels for each of theirs."""
    width = rows["width"].astype(int).iloc[0]
    quad = [x, 10.0, x, 10.0 + 2 * width, x + 2 * width, 10.0 + 2 * width, x + 2 * width, 10.0]
    numbers = [str(number) for number in range(len(rows))]
    return rows.assign(
        id=[f"{name}{n}" for n in numbers],
        parent_id=[f"source{n}" for n in numbers],
        crop_quad=pd.Series([quad] * len(rows), rows.index, dtype=object),
    )


def test_an_imported_box_outlives_another_framing(tmp_path: Path, boxed_stage: Path, take) -> None:
    rows = manifest.read(boxed_stage)
    manifest.write(boxed_stage, framed(rows, "old", 20.0))
    export(boxed_stage, tmp_path / "coco", Format.COCO)
    file = tmp_path / "coco/annotations/instances_train.json"
    content = json.loads(file.read_text())
    moved = content["annotations"][0]
    moved["bbox"] = [40.0, 50.0, 30.0, 20.0]
    file.write_text(json.dumps(content))
    (entry,) = take(file).entries
    (region,) = entry["regions"]
    assert entry["parent_regions"] == {region: [100.0, 110.0, 160.0, 150.0]}
    anew = apply_verdicts(framed(rows, "new", 30.0), read_verdicts(tmp_path / "verdicts.jsonl")).set_index("id")
    assert anew.loc[entry["id"].replace("old", "new"), f"{region}_xyxy"] == pytest.approx([35.0, 50.0, 65.0, 70.0])
