"""COCO: the one implementation, for the dataset's own annotations and for exchange with CVAT and others.

`bbox` is (x, y, width, height) in pixels, every number in full: x and y come back as they were, the far corner to the
last bit but one (x + (x1 - x) rounds). One category a region, its id the same in every dataset; the five points are
the keypoints of the category `face`, labelled not visible (v = 1) where they lie outside the picture. `segmentation`
is empty: filled with a rectangle it makes CVAT's and datumaro's importers give a polygon for each box. What COCO has no
word for stands in each picture's entry: domain, author, page, `regions_hidden`. Both lists are streamed.

An export is laid out as COCO itself is: images/SPLIT/, annotations/instances_SPLIT.json (boxes) and
person_keypoints_SPLIT.json (points), names that importers go by; the dataset's one file holds both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from scgan_data import files
from scgan_data.errors import ExchangeError
from scgan_data.exchange.picture import POINTS, Annotated, Box, Pictures
from scgan_data.exchange.said import Finite, Foreign, Said, Sizes, add, id_in, parse, read, region_of
from scgan_data.records import Region

FACE = "face"
_FACE_ID = 100
"""Far above the regions', which may become more."""
_REGION_IDS = {region: number for number, region in enumerate(Region, 1)}
NameOf = Callable[[Annotated], str]


def write(pictures: Pictures, folder: Path) -> None:
    """Write annotations/ of an export, whose pictures lie in images/SPLIT/."""
    for split in pictures.splits:
        part = pictures.of_split(split)
        here = folder / "annotations"
        write_file(here / f"instances_{split}.json", part, lambda picture: picture.file_name, points=False)
        write_file(here / f"person_keypoints_{split}.json", part, lambda picture: picture.file_name, boxes=False)


def write_file(
    file: Path, pictures: Iterable[Annotated], name_of: NameOf, *, boxes: bool = True, points: bool = True
) -> None:
    """Write one COCO file of boxes, points or both; `pictures` is gone over three times, never held."""
    licenses = {key: number for number, key in enumerate(sorted({_license(p) for p in pictures}), 1)}
    categories = [*(_region_categories() if boxes else ()), *([_face_category()] if points else ())]
    head = {
        "info": {"description": "made by scgan-data; boxes are half-open pixels", "version": "1.0"},
        "licenses": [{"id": n, "name": name, "url": url} for (name, url), n in licenses.items()],
        "categories": categories,
    }
    lists = {
        "images": (_image(n, p, name_of(p), licenses) for n, p in enumerate(pictures, 1)),
        "annotations": _numbered(_annotations(pictures, boxes=boxes, points=points)),
    }
    files.write_lines(file, _object(head, lists))


def _object(head: dict[str, Any], lists: dict[str, Iterator[dict[str, Any]]]) -> Iterator[str]:
    """The lines of a JSON object whose last members are lists, one element a line."""
    yield json.dumps(head, ensure_ascii=False)[:-1] + ","
    for left, (name, elements) in zip(range(len(lists) - 1, -1, -1), lists.items(), strict=True):
        yield f'"{name}": ['
        before = None
        for element in elements:
            if before is not None:
                yield before + ","
            before = json.dumps(element, ensure_ascii=False)
        if before is not None:
            yield before
        yield "]," if left else "]}"


def _license(picture: Annotated) -> tuple[str, str]:
    return picture.credit["license"] or "unknown", picture.credit["license_url"] or ""


def _region_categories() -> list[dict[str, Any]]:
    return [{"id": n, "name": str(region), "supercategory": FACE} for region, n in _REGION_IDS.items()]


def _face_category() -> dict[str, Any]:
    skeleton = [[1, 2], [1, 3], [2, 3], [3, 4], [3, 5], [4, 5]]
    return {
        "id": _FACE_ID,
        "name": FACE,
        "supercategory": "person",
        "keypoints": list(POINTS),
        "skeleton": skeleton,
    }


def _image(number: int, picture: Annotated, name: str, licenses: dict[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "id": number,
        "file_name": name,
        "width": picture.size_px[0],
        "height": picture.size_px[1],
        "license": licenses[_license(picture)],
        "coco_url": picture.credit["source_url"] or "",
        "domain": picture.domain,
        "split": picture.split,
        **{key: picture.credit[key] for key in ("author", "page_url") if picture.credit[key]},
        "regions_hidden": list(picture.hidden),
    }


def _annotations(pictures: Iterable[Annotated], *, boxes: bool, points: bool) -> Iterator[dict[str, Any]]:
    for number, picture in enumerate(pictures, 1):
        for region in Region if boxes else ():
            if region in picture.boxes:
                yield _annotation(number, _REGION_IDS[region], picture.boxes[region])
        if points and picture.points is not None:
            box = picture.face_xyxy or _hull(picture.points)
            yield _annotation(number, _FACE_ID, box) | _keypoints(picture.points, picture.size_px)


def _annotation(image: int, category: int, box: Box) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    return {
        "image_id": image,
        "category_id": category,
        "bbox": [x0, y0, width, height],
        "area": width * height,
        "segmentation": [],
        "iscrowd": 0,
    }


def _numbered(annotations: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return ({"id": number, **annotation} for number, annotation in enumerate(annotations, 1))


def _hull(points: tuple[tuple[float, float], ...]) -> Box:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _keypoints(points: tuple[tuple[float, float], ...], size_px: tuple[int, int]) -> dict[str, Any]:
    flat: list[float] = []
    for x, y in points:
        flat += [x, y, 2 if 0 <= x <= size_px[0] and 0 <= y <= size_px[1] else 1]
    return {"keypoints": flat, "num_keypoints": len(points)}


class _Image(Foreign):
    id: int | str
    file_name: str
    width: int | None
    height: int | None


class _Category(Foreign):
    id: int | str
    name: str


class _Attributes(Foreign):
    rotation: Finite = 0


class _Annotation(Foreign):
    image_id: int | str
    category_id: int | str
    bbox: tuple[Finite, Finite, Finite, Finite]
    keypoints: list[Finite] = Field(default_factory=list)
    attributes: _Attributes = _Attributes()


class _Document(Foreign):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def said(file: Path, sizes: Sizes) -> Iterator[Said]:
    """What a COCO file says of each picture that it lists. Raises ExchangeError.

    Label Studio's converter gives the pictures that nobody annotated a null size: those are not spoken of.
    """
    document = parse(_Document, file, read(file))
    _refuse_twice(file, "images", [image.id for image in document.images])
    _refuse_twice(file, "categories", [category.id for category in document.categories])
    names = {category.id: category.name for category in document.categories}
    scope = frozenset(Region(name) for name in names.values() if name in set(Region))
    boxes: dict[int | str, dict[Region, Box]] = {image.id: {} for image in document.images}
    points: dict[int | str, tuple[tuple[float, float], ...]] = {}
    for number, annotation in enumerate(document.annotations):
        where = f"{file}, annotations[{number}]"
        if annotation.image_id not in boxes:
            raise ExchangeError(f"{where}: image_id {annotation.image_id} is not among `images`")
        if annotation.category_id not in names:
            raise ExchangeError(f"{where}: category_id {annotation.category_id} is not among `categories`")
        name = names[annotation.category_id]
        if name == FACE:
            points[annotation.image_id] = _points(annotation.keypoints)
        else:
            region = region_of(name, where)
            add(boxes[annotation.image_id], region, _corners(annotation, where), where)
    for number, image in enumerate(document.images):
        entry = f"images[{number}] ({image.file_name})"
        if image.width is None or image.height is None:
            if boxes[image.id]:
                raise ExchangeError(f"{file}, {entry}: boxes, and no width and height")
            continue
        size_px = (image.width, image.height)
        yield Said(entry, id_in(image.file_name), boxes[image.id], scope, size_px, points.get(image.id))


def _refuse_twice(file: Path, name: str, ids: Sequence[int | str]) -> None:
    """Raises ExchangeError where two entries share an id: an annotation that names it could mean either."""
    first: dict[int | str, int] = {}
    for number, one in enumerate(ids):
        if first.setdefault(one, number) != number:
            raise ExchangeError(f"{file}, {name}[{number}]: id {one} is {name}[{first[one]}]'s already; ids are unique")


def _corners(annotation: _Annotation, where: str) -> Box:
    if annotation.attributes.rotation:
        raise ExchangeError(f"{where}: a rotated box; regions are upright")
    x, y, width, height = annotation.bbox
    return x, y, x + width, y + height


def _points(keypoints: list[float]) -> tuple[tuple[float, float], ...]:
    return tuple((keypoints[k], keypoints[k + 1]) for k in range(0, len(keypoints) - 2, 3))
