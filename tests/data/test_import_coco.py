"""Boxes that were moved in another tool, as COCO: only news becomes verdicts, whole or not at all, once."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scgan_data import manifest, verdicts, verdicts_file
from scgan_data.dataset import apply_verdicts
from scgan_data.errors import ExchangeError
from scgan_data.exchange import importing
from scgan_data.exchange.export import export
from scgan_data.exchange.formats import Format


@pytest.fixture
def coco(tmp_path: Path, boxed_stage: Path) -> Path:
    export(boxed_stage, tmp_path / "coco", Format.COCO)
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


def test_a_moved_and_a_deleted_box_become_one_verdict(tmp_path: Path, boxed_stage: Path, coco: Path, take) -> None:
    changed(coco, nudge)
    news = take(coco, reviewer="ann")
    (verdict,) = lines(tmp_path)
    rows = manifest.read(boxed_stage).set_index("id")
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


def test_a_box_untouched_there_does_not_undo_what_was_done_here(
    tmp_path: Path, boxed_stage: Path, coco: Path, take
) -> None:
    name = Path(json.loads(coco.read_text())["images"][0]["file_name"]).stem
    here = {"id": name, "regions": {"eyes": [1.0, 2.0, 9.0, 8.0], "nose": None}, "reviewer": "bo", "source": "review"}
    verdicts_file.append(tmp_path / "verdicts.jsonl", [here])
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


def test_a_box_drawn_where_there_was_none(tmp_path: Path, boxed_stage: Path, coco: Path, take) -> None:
    empty = manifest.read(boxed_stage).set_index("id")["eyes_xyxy"].isna().idxmax()

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
        (lambda c: c["images"].append(c["images"][0] | {"file_name": "x.png"}), r"images\[4\]: id 1 is images\[0\]'s"),
        (lambda c: c["categories"].append({"id": 1, "name": "nose"}), r"categories\[\d+\]: id 1 is categories\[0\]'s"),
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
