"""Export and import back: the boxes are equal, and nothing is news, in every format, for any boxes and sizes."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scgan_data import files, manifest
from scgan_data.exchange import coco, label_studio
from scgan_data.exchange.export import export
from scgan_data.exchange.formats import Format
from scgan_data.exchange.importing import READERS, import_file
from scgan_data.exchange.picture import Pictures
from scgan_data.records import Region

READ_BACK = {
    Format.COCO: "annotations/instances_{split}.json",
    Format.LABEL_STUDIO: "export.json",
    Format.YOLO: "data.yaml",
    Format.WEBDATASET: "{split}-000000.tar",
    Format.CROISSANT: "croissant.json",
}
EXACT = (Format.WEBDATASET, Format.CROISSANT)
CLOSE_PX = 1e-9


def as_label_studio_exports(out: Path) -> None:
    """What Label Studio gives once somebody has submitted every task as it was."""
    tasks = json.loads((out / "tasks.json").read_text())
    for number, task in enumerate(tasks, 1):
        (made,) = task["predictions"]
        said = {"id": number, "completed_by": 3, "was_cancelled": False, "updated_at": "2026-01-02T03:04:05Z"}
        task |= {"id": number, "annotations": [said | {"result": made["result"]}]}
    (out / "export.json").write_text(json.dumps(tasks))


def exported(stage: Path, out: Path, kind: Format) -> list[Path]:
    """The files of an export to read back."""
    export(stage, out, kind)
    if kind is Format.LABEL_STUDIO:
        as_label_studio_exports(out)
    splits = Pictures.of(manifest.kept(manifest.read(stage))).splits
    return sorted({out / READ_BACK[kind].format(split=split) for split in splits})


@st.composite
def pictures(draw) -> list[dict]:
    """Rows with boxes inside pictures of any size: as floats come, on whole pixels, along the edges."""
    rows = []
    for n in range(draw(st.integers(1, 6))):
        width, height = draw(st.integers(8, 9000)), draw(st.integers(8, 9000))
        row = {"width": width, "height": height, "split": draw(st.sampled_from([None, "train", "test"]))}
        for region in draw(st.sets(st.sampled_from(Region))):
            x = draw(st.tuples(*[st.floats(0, width) | st.integers(0, width).map(float)] * 2))
            y = draw(st.tuples(*[st.floats(0, height) | st.integers(0, height).map(float)] * 2))
            if abs(x[0] - x[1]) > 1e-3 and abs(y[0] - y[1]) > 1e-3:
                row[f"{region}_xyxy"] = [min(x), min(y), max(x), max(y)]
        if draw(st.booleans()):
            row["landmarks"] = draw(st.lists(st.floats(-50, 9050), min_size=10, max_size=10))
        rows.append(row | {"id": files.id_of_url(str(n)), "domain": "ink", "status": "kept"})
    return rows


@pytest.mark.parametrize("kind", Format)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=pictures())
def test_any_boxes_come_back_and_are_no_news(kind: Format, rows: list[dict]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage, out, verdicts = (Path(folder, name) for name in ("06", "out", "verdicts.jsonl"))
        for row in rows:
            row["path"] = str(Path(folder, f"{row['id']}.png"))
            Path(row["path"]).write_bytes(row["id"].encode())
        manifest.write(stage, manifest.table(rows))
        here = {p.id: p for p in Pictures(manifest.read(stage))}
        spoken_of = set()
        for file in exported(stage, out, kind):
            for said in READERS[kind](file, {p.id: p.size_px for p in here.values()}):
                spoken_of.add(said.id)
                true = here[said.id].boxes
                assert set(said.boxes) == set(true)
                for region, box in said.boxes.items():
                    assert np.abs(np.subtract(box, true[region])).max() <= (0 if kind in EXACT else CLOSE_PX)
                    assert kind is not Format.COCO or box[:2] == true[region][:2]
            assert import_file(file, stage, kind, verdicts, tolerance_px=1e-6).entries == []
        assert spoken_of == set(here)
        assert not verdicts.exists()


@settings(max_examples=20, deadline=None)
@given(rows=pictures())
def test_points_come_back_through_coco(rows: list[dict]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        some = Pictures(manifest.table([row | {"path": f"{row['id']}.png"} for row in rows]))
        file = Path(folder, "both.json")
        coco.write_file(file, some, lambda picture: picture.file_name)
        said = {one.id: one.points for one in coco.said(file, {})}
        assert said == {picture.id: picture.points for picture in some}


@pytest.mark.parametrize("kind", Format)
def test_rendered_portraits_come_back(tmp_path: Path, portraits_stage, kind: Format) -> None:
    stage = portraits_stage(4)
    spoken_of = 0
    for file in exported(stage, tmp_path / "out", kind):
        news = import_file(file, stage, kind, tmp_path / "verdicts.jsonl", tolerance_px=1e-6)
        spoken_of += news.pictures
        assert news.boxes == news.moved_points == 0
    assert spoken_of == 4 and not (tmp_path / "verdicts.jsonl").exists()


@pytest.mark.parametrize("kind", [Format.COCO, Format.YOLO])
def test_two_decimals_and_six_digits_are_no_news(tmp_path: Path, portraits_stage, kind: Format) -> None:
    """As CVAT writes COCO, and as YOLO files usually are."""
    stage = portraits_stage(4)
    for file in exported(stage, tmp_path / "out", kind):
        if kind is Format.COCO:
            content = json.loads(file.read_text())
            for annotation in content["annotations"]:
                annotation["bbox"] = [round(v, 2) for v in annotation["bbox"]]
            file.write_text(json.dumps(content))
        else:
            for label in (tmp_path / "out").rglob("labels/*/*.txt"):
                lines = [line.split() for line in label.read_text().splitlines()]
                text = "".join(f"{line[0]} {' '.join(f'{float(v):.6f}' for v in line[1:])}\n" for line in lines)
                label.write_text(text)
        assert import_file(file, stage, kind, tmp_path / "verdicts.jsonl").entries == []


def test_label_studio_is_asked_about_every_region() -> None:
    config = label_studio.label_config()
    assert all(f'value="{region}"' in config for region in Region) and config.count("<Label ") == len(Region)
