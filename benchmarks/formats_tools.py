"""What other tools read of our exports: run by formats_peer.py in an environment that has them, not imported by us.

    python formats_tools.py FOLDER ANSWER

FOLDER holds one export a format, and label-studio/export.json. ANSWER becomes {"TOOL, FORMAT": {"ID/REGION": box}, …}
(x0, y0, x1, y1 in pixels) with further answers beside the boxes; numbers are the tools' own.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

Boxes = dict[str, list[float]]


def main(folder: Path, answer: Path) -> None:
    """Ask every tool, write what they said."""
    said: dict[str, Any] = {}
    logging.disable(logging.WARNING)  # Label Studio's converter has one a picture without boxes
    with redirect_stdout(io.StringIO()):
        for ask in (
            pycocotools,
            supervision_coco,
            supervision_yolo,
            datumaro_coco,
            label_studio,
            webdataset,
            croissant,
        ):
            said |= ask(folder)
    answer.write_text(json.dumps(said))


def _xyxy(x: float, y: float, w: float, h: float) -> list[float]:
    return [float(x), float(y), float(x + w), float(y + h)]


def pycocotools(folder: Path) -> dict[str, Any]:
    """Loads and indexes; masks made of the boxes; evaluation of the boxes as detections of themselves; keypoints."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    boxes: Boxes = {}
    areas: dict[str, list[float]] = {}
    points: dict[str, list[float]] = {}
    precision: list[float] = []
    for file in sorted((folder / "coco/annotations").glob("*.json")):
        coco = COCO(str(file))
        if file.name.startswith("person_keypoints"):
            for one in coco.loadAnns(coco.getAnnIds(catIds=coco.getCatIds(["face"]))):
                points[Path(coco.imgs[one["image_id"]]["file_name"]).stem] = one["keypoints"]
            continue
        found = [a | {"score": 1.0} for a in coco.loadAnns(coco.getAnnIds())]
        results = coco.loadRes([{k: a[k] for k in ("image_id", "category_id", "bbox", "score")} for a in found])
        for one in results.anns.values():
            image, region = coco.imgs[one["image_id"]], coco.cats[one["category_id"]]["name"]
            key = f"{Path(image['file_name']).stem}/{region}"
            boxes[key] = _xyxy(*one["bbox"])
            areas[key] = [float(results.annToMask(one).sum()), sum(one["bbox"][2:])]
        judge = COCOeval(coco, results, "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
        precision.append(float(judge.stats[0]))
    return {
        "pycocotools, coco": boxes,
        "pycocotools, mask areas": areas,
        "pycocotools, keypoints": points,
        "pycocotools, average precision": precision,
    }


def _detections(dataset: Any) -> Boxes:
    return {
        f"{Path(path).stem}/{dataset.classes[int(number)]}": [float(v) for v in box]
        for path, _, detections in dataset
        for box, number in zip(detections.xyxy, detections.class_id, strict=True)
    }


def supervision_coco(folder: Path) -> dict[str, Any]:
    """`DetectionDataset.from_coco`, a split each."""
    import supervision

    boxes: Boxes = {}
    for file in sorted((folder / "coco/annotations").glob("instances_*.json")):
        images = folder / "coco/images" / file.stem.partition("_")[2]
        boxes |= _detections(supervision.DetectionDataset.from_coco(str(images), str(file)))
    return {"supervision, coco": boxes}


def supervision_yolo(folder: Path) -> dict[str, Any]:
    """`DetectionDataset.from_yolo`, a split each."""
    import supervision

    boxes: Boxes = {}
    for images in sorted((folder / "yolo/images").iterdir()):
        labels, data = folder / "yolo/labels" / images.name, folder / "yolo/data.yaml"
        boxes |= _detections(supervision.DetectionDataset.from_yolo(str(images), str(labels), str(data)))
    return {"supervision, yolo": boxes}


def datumaro_coco(folder: Path) -> dict[str, Any]:
    """datumaro, on which CVAT's own import and export were built: boxes must come as rectangles, not as polygons."""
    import datumaro

    boxes: Boxes = {}
    kinds: dict[str, int] = {}
    dataset = datumaro.Dataset.import_from(str(folder / "coco"), "coco_instances")
    dataset.export(str(folder / "datumaro"), "coco_instances")
    for item in dataset:
        assert item.media.size is not None, "its picture is found"
        for one in item.annotations:
            kinds[one.type.name] = kinds.get(one.type.name, 0) + 1
            boxes[f"{Path(item.id).name}/{one.label}"] = _xyxy(*one.get_bbox())
    labels = json.loads(next((folder / "coco/annotations").glob("instances_*.json")).read_text())["categories"]
    named = {f"{k.partition('/')[0]}/{labels[int(k.partition('/')[2])]['name']}": v for k, v in boxes.items()}
    return {"datumaro, coco": named, "datumaro, kinds": kinds}


def label_studio(folder: Path) -> dict[str, Any]:
    """The configuration and predictions validated; an export made COCO and YOLO by Label Studio's converter."""
    from label_studio_sdk.converter import Converter
    from label_studio_sdk.label_interface import LabelInterface

    os.environ["LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT"] = os.environ["LOCAL_FILES_DOCUMENT_ROOT"] = str(folder)
    here = folder / "label-studio"
    interface = LabelInterface((here / "label_config.xml").read_text())
    tasks = json.loads((here / "export.json").read_text())
    problems = [
        p
        for task in tasks
        for made in task["predictions"]
        for p in interface.validate_prediction(made, return_errors=True)
    ]
    converter = Converter(str(here / "label_config.xml"), str(folder), download_resources=False)
    converter.convert_to_coco(str(here / "export.json"), str(here / "as_coco"), is_dir=False)
    converter.convert_to_yolo(str(here / "export.json"), str(here / "as_yolo"), is_dir=False)
    made = json.loads((here / "as_coco/result.json").read_text())
    names = {c["id"]: c["name"] for c in made["categories"]}
    files = {i["id"]: Path(i["file_name"]).stem for i in made["images"]}
    boxes = {f"{files[a['image_id']]}/{names[a['category_id']]}": _xyxy(*a["bbox"]) for a in made["annotations"]}
    return {
        "label-studio-sdk, problems": problems,
        "label-studio-sdk to coco, label-studio": boxes,
        "label-studio-sdk to yolo, label-studio": dict(_fractions(here / "as_yolo")),
    }


def _fractions(folder: Path) -> Iterator[tuple[str, list[float]]]:
    """Boxes of label files as fractions of the size."""
    names = (folder / "classes.txt").read_text().split()
    for label in sorted((folder / "labels").glob("*.txt")):
        for line in label.read_text().splitlines():
            number, *rest = line.split()
            cx, cy, w, h = map(float, rest)
            yield f"{label.stem}/{names[int(number)]}", _xyxy(cx - w / 2, cy - h / 2, w, h)


def webdataset(folder: Path) -> dict[str, Any]:
    """Every sample of every tar: its JSON's boxes, and whether its picture's bytes are those that its key names."""
    import webdataset as wds

    tars = [str(file) for file in sorted((folder / "webdataset").glob("*.tar"))]
    boxes: Boxes = {}
    right: list[bool] = []
    for sample in wds.WebDataset(tars, shardshuffle=False, nodesplitter=None):
        about = json.loads(sample["json"])
        right.append(sample["__key__"] == about["id"] == hashlib.sha256(sample["png"]).hexdigest())
        boxes |= {f"{about['id']}/{region}": about[region] for region in REGIONS if about[region]}
    return {"webdataset, webdataset": boxes, "webdataset, pictures": right}


REGIONS: list[str] = json.loads(os.environ.get("SCGAN_REGIONS", "[]"))


def croissant(folder: Path) -> dict[str, Any]:
    """mlcroissant's validation, and the records of both record sets."""
    import mlcroissant

    dataset = mlcroissant.Dataset(str(folder / "croissant/croissant.json"))
    issues = dataset.metadata.ctx.issues
    boxes: Boxes = {}
    for entry in dataset.records("pictures"):
        name = entry["pictures/id"].decode()
        boxes |= {f"{name}/{r}": list(entry[f"pictures/{r}"]) for r in REGIONS if entry[f"pictures/{r}"] is not None}
    sizes = {Path(e["images/file"].decode()).stem: e["images/content"].size for e in dataset.records("images")}
    return {
        "mlcroissant, croissant": boxes,
        "mlcroissant, pictures": sizes,
        "mlcroissant, errors": sorted(issues.errors),
        "mlcroissant, warnings": sorted(issues.warnings),
    }


if __name__ == "__main__":
    os.environ.setdefault("MPLCONFIGDIR", tempfile.mkdtemp())
    main(Path(sys.argv[1]), Path(sys.argv[2]))
