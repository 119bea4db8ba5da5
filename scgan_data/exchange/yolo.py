"""YOLO: images/SPLIT/ID.png, labels/SPLIT/ID.txt, data.yaml; a line is `class cx cy w h`, fractions of the size.

Numbers are in full (17 digits), where the usual six would move a box of a 4,000 px picture by .003 px: boxes come back
equal to 1e-9 px. The format knows neither points nor licences, so pictures.jsonl beside it holds each picture's whole
record. A picture without boxes has an empty file. Read back are label files only; `data.yaml` or Label Studio's
`classes.txt` says what the numbers mean, and a picture without a label file is not spoken of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from scgan_data import files
from scgan_data.errors import ExchangeError
from scgan_data.exchange.picture import UNSPLIT, Annotated, Box, Pictures, record
from scgan_data.exchange.said import Said, Sizes, add, id_in, read, region_of
from scgan_data.records import Region

DATA, CLASSES, TABLE = "data.yaml", "classes.txt", "pictures.jsonl"


def write(pictures: Pictures, folder: Path) -> None:
    """Write labels/, data.yaml and pictures.jsonl of an export, whose pictures lie in images/SPLIT/."""
    for picture in pictures:
        lines = "".join(_line(region, box, picture.size_px) for region, box in picture.boxes.items())
        files.write_bytes(folder / "labels" / picture.split / f"{picture.id}.txt", lines.encode())
    write_table(pictures, folder / TABLE)
    held_out = "test" if "test" in pictures.splits else pictures.splits[0] if pictures.splits else UNSPLIT
    content: dict[str, Any] = {
        "train": f"images/{pictures.splits[0] if pictures.splits else UNSPLIT}",
        "val": f"images/{held_out}",
        **({"test": "images/test"} if "test" in pictures.splits else {}),
        "names": {number: str(region) for number, region in enumerate(Region)},
    }
    files.write_bytes(folder / DATA, yaml.safe_dump(content, sort_keys=False).encode())


def write_table(pictures: Iterable[Annotated], file: Path) -> None:
    """A line a picture: its whole record, `file_name` below the export's folder."""
    lines = (
        json.dumps(record(picture, f"images/{picture.split}/{picture.file_name}"), ensure_ascii=False)
        for picture in pictures
    )
    files.write_lines(file, lines)


def _line(region: Region, box: Box, size_px: tuple[int, int]) -> str:
    (x0, y0, x1, y1), (width, height) = box, size_px
    numbers = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
    return f"{list(Region).index(region)} {' '.join(repr(v) for v in numbers)}\n"


def said(file: Path, sizes: Sizes) -> Iterator[Said]:
    """What the label files beside data.yaml or classes.txt say of each picture. Raises ExchangeError.

    Boxes of a picture whose size is not known stay fractions.
    """
    names = _names(file)
    scope = frozenset(Region(name) for name in names.values() if name in set(Region))
    labels = file.parent / "labels"
    found = sorted(labels.rglob("*.txt"))
    if not found:
        raise ExchangeError(f"{file}: no label file below {labels}")
    for label in found:
        name = id_in(label.name)
        entry = label.relative_to(file.parent).as_posix()
        yield Said(entry, name, _boxes(label, names, sizes.get(name, (1, 1))), scope)


def _names(file: Path) -> dict[int, str]:
    """What the class numbers of data.yaml (a list or a mapping) or classes.txt mean."""
    if file.suffix == ".json":
        raise ExchangeError(f"{file} is JSON: YOLO's is data.yaml or classes.txt; --format coco or label-studio?")
    text = _text(file)
    if file.suffix == ".txt":
        return dict(enumerate(text.split()))
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ExchangeError(f"{file} is not YAML") from None
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not all(str(key).isdecimal() for key in names):
        raise ExchangeError(f"{file}: `names` must be a list, or a mapping from numbers to regions")
    return {int(key): str(name) for key, name in names.items()}


def _boxes(label: Path, names: dict[int, str], size_px: tuple[int, int]) -> dict[Region, Box]:
    boxes: dict[Region, Box] = {}
    for number, line in enumerate(_text(label).splitlines(), 1):
        where = f"{label}, line {number}"
        cells = line.split()
        if not cells:
            continue
        try:
            index, (cx, cy, w, h) = int(cells[0]), [float(cell) for cell in cells[1:5]]
        except ValueError:
            raise ExchangeError(f"{where}: not `class cx cy w h`: {line[:60]}") from None
        if len(cells) > 6:
            raise ExchangeError(f"{where}: {len(cells)} numbers are a polygon; regions are boxes of five")
        if index not in names:
            raise ExchangeError(f"{where}: class {index} is not among `names`")
        corners = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
        add(boxes, region_of(names[index], where), _scaled(corners, size_px), where)
    return boxes


def _scaled(corners: Box, size_px: tuple[int, int]) -> Box:
    (x0, y0, x1, y1), (width, height) = corners, size_px
    return x0 * width, y0 * height, x1 * width, y1 * height


def _text(file: Path) -> str:
    try:
        return read(file).decode()
    except UnicodeDecodeError:
        raise ExchangeError(f"{file} is not UTF-8 text") from None
