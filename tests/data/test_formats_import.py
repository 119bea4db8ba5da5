"""What people did in another tool becomes verdicts: only news, whole or not at all, once."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from scgan_data import manifest, verdicts
from scgan_data.dataset import apply_verdicts
from scgan_data.errors import ExchangeError
from scgan_data.exchange import importing
from scgan_data.exchange.export import export
from scgan_data.exchange.formats import Format


@pytest.fixture
def stage(portraits_stage) -> Path:
    return portraits_stage(4, split="train")


@pytest.fixture
def take(tmp_path: Path, stage: Path) -> Callable[..., importing.News]:
    def run(file: Path, kind: Format = Format.COCO, **options) -> importing.News:
        return importing.import_file(file, stage, kind, tmp_path / "verdicts.jsonl", **options)

    return run


@pytest.fixture
def coco(tmp_path: Path, stage: Path) -> Path:
    export(stage, tmp_path / "coco", Format.COCO)
    return tmp_path / "coco/annotations/instances_train.json"


def changed(file: Path, change: Callable[[dict], object]) -> Path:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    return file


def lines(tmp_path: Path) -> list[dict]:
    return verdicts.read_verdicts(tmp_path / "verdicts.jsonl")


def nudge(content: dict) -> None:
    """Move the first picture's eyes by 3 px and delete its mouth."""
    first = content["images"][0]["id"]
    here = [a for a in content["annotations"] if a["image_id"] == first]
    here[0]["bbox"][0] += 3
    content["annotations"].remove(here[2])


def test_a_moved_and_a_deleted_box_become_one_verdict(tmp_path: Path, stage: Path, coco: Path, take) -> None:
    changed(coco, nudge)
    news = take(coco, reviewer="ann")
    (verdict,) = lines(tmp_path)
    rows = manifest.read(stage).set_index("id")
    x0, y0, x1, y1 = rows.loc[verdict["id"], "eyes_xyxy"]
    assert verdict["regions"] == {"eyes": pytest.approx([x0 + 3, y0, x1 + 3, y1]), "mouth": None}
    assert (verdict["reviewer"], verdict["source"]) == ("ann", "coco") and verdict["at"].endswith("+00:00")
    assert news.entries == [verdict] and (news.pictures, news.boxes) == (4, 2)
    after = apply_verdicts(rows.reset_index(), lines(tmp_path)).set_index("id").loc[verdict["id"]]
    assert after["eyes_xyxy"] == verdict["regions"]["eyes"] and after["mouth_xyxy"] is None
    assert after["nose_xyxy"].tolist() == rows.loc[verdict["id"], "nose_xyxy"].tolist()


@pytest.mark.parametrize("tolerance", [1e-6, importing.TOLERANCE_PX, 1.0])
def test_the_same_file_twice_adds_nothing(tmp_path: Path, coco: Path, take, tolerance: float) -> None:
    changed(coco, nudge)
    take(coco, tolerance_px=tolerance)
    before = (tmp_path / "verdicts.jsonl").read_bytes()
    assert take(coco, tolerance_px=tolerance).entries == []
    assert (tmp_path / "verdicts.jsonl").read_bytes() == before


def test_a_box_untouched_there_does_not_undo_what_was_done_here(tmp_path: Path, stage: Path, coco: Path, take) -> None:
    name = Path(json.loads(coco.read_text())["images"][0]["file_name"]).stem
    here = {"id": name, "regions": {"eyes": [1.0, 2.0, 9.0, 8.0], "nose": None}, "reviewer": "bo", "source": "review"}
    verdicts.append(tmp_path / "verdicts.jsonl", [here])
    assert take(coco).entries == []
    (entry,) = take(changed(coco, nudge)).entries
    assert set(entry["regions"]) == {"eyes", "mouth"}, "what was touched there is news, the nose is not"


def test_a_box_put_back_there_is_put_back(tmp_path: Path, coco: Path, take) -> None:
    original = coco.read_text()
    take(changed(coco, nudge))
    coco.write_text(original)
    (back,) = take(coco).entries
    assert set(back["regions"]) == {"eyes", "mouth"} and back["regions"]["mouth"] is not None
    assert take(coco).entries == [] and len(lines(tmp_path)) == 2


def test_a_box_drawn_where_there_was_none(tmp_path: Path, stage: Path, coco: Path, take) -> None:
    empty = manifest.read(stage).set_index("id")["eyes_xyxy"].isna().idxmax()

    def draw(content: dict) -> None:
        (image,) = (i for i in content["images"] if i["file_name"].startswith(empty))
        content["annotations"].append({"image_id": image["id"], "category_id": 1, "bbox": [10, 20, 30, 40]})

    (entry,) = take(changed(coco, draw)).entries
    assert entry["id"] == empty and entry["regions"] == {"eyes": [10.0, 20.0, 40.0, 60.0]}
    assert entry["reviewer"] == "coco"


def test_regions_that_the_file_has_no_category_for_are_not_deleted(coco: Path, take) -> None:
    def only_eyes(content: dict) -> None:
        content["categories"] = content["categories"][:1]
        content["annotations"] = [a for a in content["annotations"] if a["category_id"] == 1]

    assert take(changed(coco, only_eyes)).entries == []


def test_pictures_that_the_file_leaves_out_are_not_spoken_of(coco: Path, take) -> None:
    def half(content: dict) -> None:
        ids = {i["id"] for i in content["images"][:2]}
        content["images"] = content["images"][:2]
        content["annotations"] = [a for a in content["annotations"] if a["image_id"] in ids]

    news = take(changed(coco, half))
    assert (news.pictures, news.entries) == (2, [])


def test_a_picture_of_no_size_was_not_annotated(coco: Path, take) -> None:
    """As Label Studio's converter lists it."""

    def without(content: dict) -> None:
        content["annotations"] = [a for a in content["annotations"] if a["image_id"] != 1]
        content["images"][0].update(width=None, height=None)

    news = take(changed(coco, without))
    assert (news.pictures, news.entries) == (3, [])
    with pytest.raises(ExchangeError, match=r"images\[1\] .*: boxes, and no width"):
        take(changed(coco, lambda c: c["images"][1].update(width=None)))


def test_moved_points_are_counted_and_left_out(tmp_path: Path, coco: Path, take) -> None:
    file = coco.with_name("person_keypoints_train.json")
    assert take(file).moved_points == 0
    changed(file, lambda c: c["annotations"][0]["keypoints"].__setitem__(0, 5.0))
    news = take(file)
    assert (news.moved_points, news.entries) == (1, []) and not (tmp_path / "verdicts.jsonl").exists()


def set_(*path: str | int, to: object) -> Callable[[dict], None]:
    def change(content: dict) -> None:
        target = content
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (set_("images", 1, "file_name", to="other.png"), r"images\[1\] \(other.png\): other is not among the kept"),
        (set_("images", 0, "width", to=440), r"images\[0\] .*: 440 x 220 px, and \w+ has 220 x 220 px"),
        (set_("images", 0, "height", to="tall"), r"images\[0\].height: Input should be a valid integer"),
        (
            set_("annotations", 2, "bbox", to=[200, 10, 50, 20]),
            r"the box of `mouth` .* leaves the picture of 220 x 220",
        ),
        (set_("annotations", 2, "bbox", to=[20, 10, -5, 20]), r"annotations\[2\]: the box of `mouth` has no area"),
        (set_("annotations", 2, "bbox", to=[20, 10, 5]), r"annotations\[2\].bbox\[3\]: Field required"),
        (set_("annotations", 2, "category_id", to=1), r"annotations\[2\]: a second box of `eyes`"),
        (set_("annotations", 2, "category_id", to=77), r"annotations\[2\]: category_id 77 is not among"),
        (set_("annotations", 2, "image_id", to=77), r"annotations\[2\]: image_id 77 is not among"),
        (set_("annotations", 2, "attributes", to={"rotation": 4}), r"annotations\[2\]: a rotated box"),
        (set_("categories", 0, "name", to="eye"), r"annotations\[0\]: `eye` is no region; did you mean `eyes`\?"),
        (lambda c: c["images"].append(c["images"][0] | {"id": 9}), r"images\[4\] .* is there already, at images\[0\]"),
        (lambda c: c.pop("images"), r"images: Field required"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(tmp_path: Path, coco: Path, take, change, line: str) -> None:
    changed(coco, nudge)
    changed(coco, lambda c: c["annotations"].sort(key=lambda a: (a["image_id"], a["category_id"])))
    changed(coco, lambda c: c["annotations"].insert(2, c["annotations"][-1] | {"id": 99, "image_id": 1}))
    changed(coco, change)
    with pytest.raises(ExchangeError, match=line) as error:
        take(coco)
    assert "instances_train.json" in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "verdicts.jsonl").exists()


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


def labelled(stage: Path, out: Path, change: Callable[[list[dict]], object]) -> Path:
    """A Label Studio export in which every task was submitted as it was, then changed."""
    export(stage, out, Format.LABEL_STUDIO)
    tasks = json.loads((out / "tasks.json").read_text())
    for number, task in enumerate(tasks, 1):
        made = task["predictions"][0]["result"]
        task["id"] = number
        task["annotations"] = [
            {
                "id": number,
                "completed_by": {"id": 7, "email": "ann@example.org"},
                "result": made,
                "was_cancelled": False,
            }
        ]
    change(tasks)
    (out / "export.json").write_text(json.dumps(tasks))
    return out / "export.json"


def test_label_studios_export_is_read(tmp_path: Path, stage: Path, take) -> None:
    def change(tasks: list[dict]) -> None:
        later = json.loads(json.dumps(tasks[0]["annotations"][0]))
        later |= {"id": 100, "updated_at": "2026-11-02T10:00:00Z"}
        later["result"][0]["value"]["x"] += 10
        later["result"] += [{"type": "choices", "value": {"choices": ["blurred"]}}]
        tasks[0]["annotations"] = [later, *tasks[0]["annotations"]]
        tasks[1]["annotations"][0] |= {"was_cancelled": True, "result": []}
        tasks[2]["annotations"] = []
        del tasks[2]["data"]["picture_id"]

    file = labelled(stage, tmp_path / "ls", change)
    news = take(file, Format.LABEL_STUDIO)
    (entry,) = news.entries
    assert news.pictures == 2, "skipped and unannotated tasks say nothing"
    x0, y0, x1, y1 = manifest.read(stage).set_index("id").loc[entry["id"], "eyes_xyxy"]
    assert entry["regions"] == {"eyes": pytest.approx([x0 + 22, y0, x1 + 22, y1])}
    assert (entry["reviewer"], entry["source"]) == ("label-studio:7", "label-studio")
    assert "example.org" not in (tmp_path / "verdicts.jsonl").read_text()
    assert take(file, Format.LABEL_STUDIO).entries == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda r: r[0]["value"].update(rotation=12),
            r"\[0\] \(task 1\), result\[0\]: a rectangle needs one label and no",
        ),
        (lambda r: r[0]["value"].update(x=99), r"\[0\] \(task 1\): the box of `eyes` .* leaves the picture"),
        (lambda r: r[0]["value"].update(x="left"), r"result\[0\], value, x: Input should be a valid number"),
        (lambda r: r[0]["value"].update(rectanglelabels=["hat"]), r"result\[0\]: `hat` is no region"),
        (lambda r: r[0].pop("original_width"), r"result\[0\]: no `original_width`"),
        (lambda r: r[0].update(original_width=9), r"one picture in several sizes"),
        (lambda r: [one.update(original_width=440) for one in r], r"440 x 220 px, and \w+ has 220 x 220"),
        (lambda r: r[0].update(type="polygonlabels"), r"result\[0\]: polygonlabels; regions are rectangles"),
    ],
)
def test_label_studios_errors_name_the_task(tmp_path: Path, stage: Path, take, change, line: str) -> None:
    file = labelled(stage, tmp_path / "ls", lambda tasks: change(tasks[0]["annotations"][0]["result"]))
    with pytest.raises(ExchangeError, match=line) as error:
        take(file, Format.LABEL_STUDIO)
    assert str(error.value).startswith(str(file))
    assert not (tmp_path / "verdicts.jsonl").exists()


def test_an_upload_prefix_does_not_hide_the_id(tmp_path: Path, stage: Path, take) -> None:
    def uploaded(tasks: list[dict]) -> None:
        for task in tasks:
            task["data"] = {"image": f"/data/upload/4/0f3a21bc-{task['data']['picture_id']}.png"}

    assert take(labelled(stage, tmp_path / "ls", uploaded), Format.LABEL_STUDIO).pictures == 4


def test_yolo_labels_are_read_with_either_list_of_names(tmp_path: Path, stage: Path, take) -> None:
    out = tmp_path / "yolo"
    export(stage, out, Format.YOLO)
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
def test_yolos_errors_name_file_and_line(tmp_path: Path, stage: Path, take, text: str, line: str) -> None:
    export(stage, tmp_path / "yolo", Format.YOLO)
    sorted((tmp_path / "yolo/labels/train").iterdir())[1].write_text(text)
    with pytest.raises(ExchangeError, match=line):
        take(tmp_path / "yolo/data.yaml", Format.YOLO)
    assert not (tmp_path / "verdicts.jsonl").exists()


def test_a_tars_records_are_read_and_its_names_never_trusted(tmp_path: Path, stage: Path, take) -> None:
    export(stage, tmp_path / "wds", Format.WEBDATASET)
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


def test_croissants_table_must_lie_beside_it(tmp_path: Path, stage: Path, take) -> None:
    export(stage, tmp_path / "cr", Format.CROISSANT)
    file = tmp_path / "cr/croissant.json"
    changed(file, set_("distribution", 0, "contentUrl", to="../../etc/passwd"))
    with pytest.raises(ExchangeError, match=r"croissant\.json, distribution: needs one table"):
        take(file, Format.CROISSANT)
