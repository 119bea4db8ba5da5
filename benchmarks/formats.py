"""Exports read by the formats' own tools: are the boxes that they see ours?

    python -m benchmarks.formats [--rows 20000]

200 rendered portraits, scaled to random sizes from 64 to 1,024 px, with boxes from jittered points (a tenth without),
are exported in each format and read by pycocotools, supervision, datumaro, Label Studio's converter, webdataset and
mlcroissant. A box counts as equal where all four sides agree to 1e-3 px (supervision computes in single precision), to
.01 px where datumaro has rounded to two decimals; the greatest difference is stated. What Label Studio's converter and
datumaro write of what they read is imported by us, at the default tolerance: it must be no news. Then --rows rows
(default 20,000; 0 for none) are exported, for time and memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.formats_peer import ask
from benchmarks.results import Figure, write
from scgan_data import annotate, files, images, manifest
from scgan_data.exchange.export import export
from scgan_data.exchange.formats import Format
from scgan_data.exchange.importing import import_file
from scgan_data.exchange.picture import Annotated, Pictures
from scgan_data.sample.portraits import portraits

PICTURES = 200
EQUAL_PX = 1e-3
ROUNDED_PX = {"datumaro": 0.01 + 1e-9}
"""datumaro gives two decimals of x, y, width and height, as CVAT does."""
_POINTS = np.array([[80, 95], [140, 97], [110, 129], [90, 150], [131, 151]]) / 220
_SCALE = """
import resource, sys, time
from pathlib import Path
from scgan_data.exchange.export import export
from scgan_data.exchange.formats import Format
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.monotonic()
export(Path(sys.argv[1]), Path(sys.argv[2]), Format(sys.argv[3]))
print(time.monotonic() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        figures = [*_read_by_tools(Path(folder)), *(_scale(Path(folder) / "large", rows) if rows else ())]
    write("formats", figures)


def _read_by_tools(folder: Path) -> list[Figure]:
    stage, exports = _stage(folder), folder / "exports"
    for kind in Format:
        export(stage, exports / kind, kind)
    _submit(exports / Format.LABEL_STUDIO)
    said = ask(exports)
    here = {p.id: p for p in Pictures(manifest.read(stage))}
    true = {f"{p.id}/{region}": box for p in here.values() for region, box in p.boxes.items()}
    fractions = said["label-studio-sdk to yolo, label-studio"]
    for key, box in fractions.items():
        width, height = here[key.partition("/")[0]].size_px
        fractions[key] = list(np.multiply(box, [width, height, width, height]))
    tools = [name for name in said if name.partition(", ")[2] in set(Format)]
    return [
        *(_boxes(name, said[name], true) for name in tools),
        *_of_pycocotools(said, here),
        _share("datumaro: boxes that come as rectangles", said["datumaro, kinds"].get("bbox", 0), len(true)),
        *_of_others(said, here),
        *_imported(stage, exports, folder / "verdicts.jsonl"),
    ]


def _stage(folder: Path) -> Path:
    """A stage's folder of rendered portraits with boxes and points."""
    rng = np.random.default_rng(5)
    rows = []
    for number, portrait in enumerate(portraits(PICTURES, seed=77)):
        width, height = (int(v) for v in rng.integers(64, 1025, 2))
        picture = portrait.resize((width, height), Image.Resampling.BILINEAR)
        png = images.encode_png(picture)
        file = folder / "crops" / f"{number}.png"
        files.write_bytes(file, png)
        marks = (_POINTS + rng.normal(0, 0.02, (5, 2))) * [width, height]
        boxes = annotate.region_boxes(marks, (width, height), annotate.AnnotateConfig()) if number % 10 else {}
        common = {"id": files.id_of_bytes(png), "path": str(file), "width": width, "height": height, "status": "kept"}
        known = {"domain": "avataaars", "split": "test" if number % 5 == 0 else "train", "license": "CC0-1.0"}
        points = {"landmarks": marks.ravel().tolist()} if number % 10 else {}
        rows.append(common | known | points | {f"{region}_xyxy": box for region, box in boxes.items()})
    manifest.write(folder / "06_dataset", manifest.table(rows))
    return folder / "06_dataset"


def _submit(folder: Path) -> None:
    """Label Studio's JSON export, every prediction submitted as it was."""
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    for number, task in enumerate(tasks, 1):
        (made,) = task["predictions"]
        said = {"id": number, "completed_by": 1, "was_cancelled": False, "created_at": "2026-01-02T03:04:05Z"}
        task |= {"id": number, "annotations": [said | {"result": made["result"]}]}
    files.write_json(folder / "export.json", tasks)


def _boxes(name: str, found: dict[str, list[float]], true: dict[str, Any]) -> Figure:
    """Boxes that a tool read and that are ours, of all that there are on either side."""
    off = {key: float(np.abs(np.subtract(box, true[key])).max()) for key, box in found.items() if key in true}
    tool, _, kind = name.partition(", ")
    limit = ROUNDED_PX.get(tool, EQUAL_PX)
    equal = sum(value <= limit for value in off.values())
    more = f" to {limit:.3g} px, greatest difference {max(off.values()):.2g} px"
    return _share(f"{kind} read by {tool}: boxes equal", equal, len({*found, *true}), more)


def _share(name: str, equal: int, every: int, more: str = "") -> Figure:
    return Figure(name, equal / every if every else 0.0, f"{equal}/{every}{more}", 1.0)


def _of_pycocotools(said: dict[str, Any], here: dict[str, Annotated]) -> list[Figure]:
    """A mask's area may differ from the box's by half a pixel along its sides."""
    areas = said["pycocotools, mask areas"]
    boxes = said["pycocotools, coco"]
    near = 0
    for key, (area, sides) in areas.items():
        x0, y0, x1, y1 = boxes[key]
        near += abs(area - (x1 - x0) * (y1 - y0)) <= sides
    points = said["pycocotools, keypoints"]
    pointed = {p.id: p.points for p in here.values() if p.points is not None}
    equal = sum(
        [(flat[k], flat[k + 1]) for k in range(0, 15, 3)] == list(pointed[name]) for name, flat in points.items()
    )
    precision = said["pycocotools, average precision"]
    return [
        _share("coco read by pycocotools: mask area is the box's, to half a pixel a side", near, len(areas)),
        _share("coco read by pycocotools: pictures whose five keypoints are equal", equal, len(pointed)),
        Figure("coco evaluated by pycocotools, boxes against themselves", min(precision), "average precision", 1.0),
    ]


def _of_others(said: dict[str, Any], here: dict[str, Annotated]) -> list[Figure]:
    sizes = said["mlcroissant, pictures"]
    right = sum(tuple(sizes.get(p.id, ())) == p.size_px for p in here.values())
    problems = len(said["label-studio-sdk, problems"])
    errors, warnings = said["mlcroissant, errors"], said["mlcroissant, warnings"]
    sys.stdout.writelines(f"mlcroissant: {line}\n" for line in [*errors, *warnings])
    return [
        Figure(
            "label-studio's predictions: problems that label-studio-sdk finds", problems, "problems", 0, at_most=True
        ),
        _share("webdataset: pictures whose bytes are their key's", sum(said["webdataset, pictures"]), len(here)),
        Figure("croissant: errors that mlcroissant finds", len(errors), "errors", 0, at_most=True),
        Figure("croissant: warnings of mlcroissant", len(warnings), "warnings"),
        _share("croissant: pictures read by mlcroissant in their size", right, len(here)),
    ]


def _imported(stage: Path, exports: Path, verdicts: Path) -> list[Figure]:
    """What the tools wrote of what they had read, imported by us at the default tolerance: no news."""
    here = exports / Format.LABEL_STUDIO
    written = [
        ("label-studio's export", Format.LABEL_STUDIO, here / "export.json"),
        ("label-studio-sdk's COCO of it", Format.COCO, here / "as_coco/result.json"),
        ("label-studio-sdk's YOLO of it", Format.YOLO, here / "as_yolo/classes.txt"),
        *(("datumaro's COCO", Format.COCO, file) for file in sorted(exports.glob("datumaro/annotations/*.json"))),
    ]
    figures = []
    for name, kind, file in written:
        news = import_file(file, stage, kind, verdicts)
        unit = f"boxes of {news.pictures} pictures"
        figures.append(Figure(f"{name}, imported: boxes that changed", news.boxes, unit, 0, at_most=True))
    return figures


def _scale(folder: Path, count: int) -> list[Figure]:
    """Time and peak memory of exporting that many rows, whose pictures are small files."""
    rng = np.random.default_rng(6)
    png = images.encode_png(next(portraits(1, seed=1)).resize((64, 64)))
    rows = []
    for number in range(count):
        name = files.id_of_url(str(number))
        file = folder / "crops" / name[:2] / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png)
        x = np.sort(rng.uniform(0, 64, (3, 2, 2)), axis=1).reshape(3, 4)
        boxes = {f"{region}_xyxy": box for region, box in zip(("eyes", "nose", "mouth"), x.tolist(), strict=True)}
        common = {"id": name, "path": str(file), "domain": "ink", "status": "kept", "split": "train"}
        rows.append(common | {"width": 64, "height": 64} | boxes)
    manifest.write(folder / "06_dataset", manifest.table(rows))
    del rows
    figures = []
    for kind in Format:
        command = [sys.executable, "-c", _SCALE, str(folder / "06_dataset"), str(folder / "out"), kind]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, peak = map(float, done.stdout.split())
        figures.append(Figure(f"{kind}: {count} rows exported", round(seconds, 1), f"s, peak {peak:.0f} MiB"))
    return figures


if __name__ == "__main__":
    main()
