"""Label Studio's export: annotations become verdicts, and an error names the task."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scgan_data import manifest
from scgan_data.errors import ExchangeError
from scgan_data.exchange.export import export
from scgan_data.exchange.formats import Format


def labelled(boxed_stage: Path, out: Path, change: Callable[[list[dict]], object]) -> Path:
    """A Label Studio export in which every task was submitted as it was, then changed."""
    export(boxed_stage, out, Format.LABEL_STUDIO)
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


def test_label_studios_export_is_read(tmp_path: Path, boxed_stage: Path, take) -> None:
    def change(tasks: list[dict]) -> None:
        later = json.loads(json.dumps(tasks[0]["annotations"][0]))
        later |= {"id": 100, "updated_at": "2026-11-02T10:00:00Z"}
        later["result"][0]["value"]["x"] += 10
        later["result"] += [{"type": "choices", "value": {"choices": ["blurred"]}}]
        tasks[0]["annotations"] = [later, *tasks[0]["annotations"]]
        tasks[1]["annotations"][0] |= {"was_cancelled": True, "result": []}
        tasks[2]["annotations"] = []
        del tasks[2]["data"]["picture_id"]

    file = labelled(boxed_stage, tmp_path / "ls", change)
    news = take(file, Format.LABEL_STUDIO)
    (entry,) = news.entries
    assert news.pictures == 2, "skipped and unannotated tasks say nothing"
    x0, y0, x1, y1 = manifest.read(boxed_stage).set_index("id").loc[entry["id"], "eyes_xyxy"]
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
def test_label_studios_errors_name_the_task(tmp_path: Path, boxed_stage: Path, take, change, line: str) -> None:
    file = labelled(boxed_stage, tmp_path / "ls", lambda tasks: change(tasks[0]["annotations"][0]["result"]))
    with pytest.raises(ExchangeError, match=line) as error:
        take(file, Format.LABEL_STUDIO)
    assert str(error.value).startswith(str(file))
    assert not (tmp_path / "verdicts.jsonl").exists()


def test_an_upload_prefix_does_not_hide_the_id(tmp_path: Path, boxed_stage: Path, take) -> None:
    def uploaded(tasks: list[dict]) -> None:
        for task in tasks:
            task["data"] = {"image": f"/data/upload/4/0f3a21bc-{task['data']['picture_id']}.png"}

    assert take(labelled(boxed_stage, tmp_path / "ls", uploaded), Format.LABEL_STUDIO).pictures == 4
