"""Label Studio: tasks whose boxes are predictions, the labelling configuration, and its JSON export read back.

Boxes are in per cent of the picture's size, in full: they come back equal to 1e-9 px. `d=` in a task's picture is below
LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT, which must name the folder that the export lies in. The five points are left
out: a configuration with KeyPointLabels makes Label Studio's own YOLO and COCO exports take the boxes for the frames of
skeletons, and verdicts hold boxes only.

Of a task's annotations the one changed last counts, skipped ones never do; a task that nobody has annotated says
nothing. Who annotated is kept as Label Studio's number, not as the e-mail address that the file may hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scgan_data import files
from scgan_data.errors import ExchangeError
from scgan_data.exchange.picture import Annotated, Box, Pictures
from scgan_data.exchange.said import Finite, Foreign, Said, Sizes, add, id_in, parse, read, region_of
from scgan_data.records import Region

TASKS, CONFIG = "tasks.json", "label_config.xml"
_COLOURS = ("#d1495b", "#2e86ab", "#3c9d5b", "#edae49", "#7d5ba6", "#00798c", "#8d6a4f", "#555555")
_SHAPES = ("polygonlabels", "ellipselabels", "brushlabels", "bitmasklabels", "vectorlabels")


def write(pictures: Pictures, folder: Path, name: str) -> None:
    """Write tasks.json and label_config.xml of an export that will be called `name`."""
    files.write_bytes(folder / CONFIG, label_config().encode())
    files.write_lines(folder / TASKS, _list(_task(picture, name) for picture in pictures))


def label_config() -> str:
    """The labelling configuration: one rectangle label a region."""
    labels = "".join(
        f'    <Label value="{region}" background="{_COLOURS[n % len(_COLOURS)]}"/>\n' for n, region in enumerate(Region)
    )
    rectangles = f'  <RectangleLabels name="region" toName="image">\n{labels}  </RectangleLabels>\n'
    return f'<View>\n  <Image name="image" value="$image" zoom="true"/>\n{rectangles}</View>\n'


def _list(elements: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield "["
    before = None
    for element in elements:
        if before is not None:
            yield before + ","
        before = json.dumps(element, ensure_ascii=False)
    if before is not None:
        yield before
    yield "]"


def _task(picture: Annotated, name: str) -> dict[str, Any]:
    known = {key: value for key, value in picture.credit.items() if value}
    return {
        "data": {
            "image": f"/data/local-files/?d={name}/images/{picture.split}/{picture.file_name}",
            "picture_id": picture.id,
            "domain": picture.domain,
            "split": picture.split,
            **known,
            "regions_hidden": list(picture.hidden),
        },
        "predictions": [
            {
                "model_version": "scgan-data",
                "score": picture.score,
                "result": [_rectangle(region, box, picture.size_px) for region, box in picture.boxes.items()],
            }
        ],
    }


def _rectangle(region: Region, box: Box, size_px: tuple[int, int]) -> dict[str, Any]:
    (x0, y0, x1, y1), (width, height) = box, size_px
    return {
        "id": str(region),
        "type": "rectanglelabels",
        "from_name": "region",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "x": x0 * 100 / width,
            "y": y0 * 100 / height,
            "width": (x1 - x0) * 100 / width,
            "height": (y1 - y0) * 100 / height,
            "rotation": 0,
            "rectanglelabels": [str(region)],
        },
    }


class _Value(Foreign):
    x: Finite
    y: Finite
    width: Finite
    height: Finite
    rotation: Finite = 0
    rectanglelabels: tuple[str, ...]


class _Result(Foreign):
    type: str
    value: dict[str, Any]
    original_width: int | None = None
    original_height: int | None = None


class _Annotation(Foreign):
    id: int | str | None = None
    result: list[_Result]
    was_cancelled: bool = False
    created_at: str | None = None
    updated_at: str | None = None
    completed_by: int | str | dict[str, Any] | None = None


class _Task(Foreign):
    id: int | str | None = None
    data: dict[str, Any]
    annotations: list[_Annotation] | None = None


def said(file: Path, sizes: Sizes) -> Iterator[Said]:
    """What an export ("JSON") says of each picture that somebody annotated. Raises ExchangeError."""
    for number, task in enumerate(parse(list[_Task], file, read(file))):
        entry = f"[{number}] (task {task.id})"
        made = [a for a in task.annotations or () if not a.was_cancelled]
        if not made:
            continue
        last = max(made, key=lambda a: (a.updated_at or a.created_at or "", str(a.id).rjust(20)))
        name = task.data.get("picture_id") or id_in(str(task.data.get("image", "")))
        if not name:
            raise ExchangeError(f"{file}, {entry}: neither `data.picture_id` nor `data.image` says which picture it is")
        boxes, size_px = _boxes(last.result, f"{file}, {entry}")
        yield Said(entry, str(name), boxes, size_px=size_px, reviewer=_reviewer(last.completed_by))


def _boxes(results: list[_Result], where: str) -> tuple[dict[Region, Box], tuple[int, int] | None]:
    """The boxes in pixels, and the size that they were drawn on, None where there are none."""
    boxes: dict[Region, Box] = {}
    sizes: set[tuple[int, int]] = set()
    for number, result in enumerate(results):
        here = f"{where}, result[{number}]"
        if result.type in _SHAPES:
            raise ExchangeError(f"{here}: {result.type}; regions are rectangles")
        if result.type != "rectanglelabels":
            continue
        if not result.original_width or not result.original_height:
            raise ExchangeError(f"{here}: no `original_width` and `original_height`; export as JSON, not JSON-MIN")
        size = (result.original_width, result.original_height)
        sizes.add(size)
        value = parse(_Value, Path(here), json.dumps(result.value).encode(), "value")
        if value.rotation or len(value.rectanglelabels) != 1:
            raise ExchangeError(f"{here}: a rectangle needs one label and no rotation")
        add(boxes, region_of(value.rectanglelabels[0], here), _corners(value, size), here)
    if len(sizes) > 1:
        raise ExchangeError(f"{where}: one picture in several sizes")
    return boxes, next(iter(sizes), None)


def _corners(value: _Value, size: tuple[int, int]) -> Box:
    x, y = value.x / 100 * size[0], value.y / 100 * size[1]
    return x, y, x + value.width / 100 * size[0], y + value.height / 100 * size[1]


def _reviewer(completed_by: int | str | dict[str, Any] | None) -> str | None:
    number = completed_by.get("id") if isinstance(completed_by, dict) else completed_by
    return None if number is None else f"label-studio:{number}"
