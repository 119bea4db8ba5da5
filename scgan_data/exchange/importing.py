"""Import: what people did to the boxes in another tool becomes verdicts, and nothing else does.

A region's box is news if it differs from the box that stands (the folder's manifest with the verdicts so far) by more
than the tolerance on any side. It is no news if it is still what the manifest says while another person's verdict has
moved on: whoever did not touch a box in the other tool must not undo that person's work. Only this same source may
bring a box back to the manifest's. A second import of a file therefore finds no news.

A region that the file can speak of and has no box for was deleted: null, not visible. A picture that the file does not
list, or that nobody has annotated, is not spoken of. Everything is read and checked first, then appended in one write.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scgan_data import framing, manifest, verdicts, verdicts_file
from scgan_data.dataset import apply_verdicts
from scgan_data.errors import ExchangeError
from scgan_data.exchange import coco, croissant, label_studio, webdataset, yolo
from scgan_data.exchange.export import MARK
from scgan_data.exchange.formats import Format
from scgan_data.exchange.picture import Annotated, Box, Pictures
from scgan_data.exchange.said import Said, Sizes
from scgan_data.records import Region

TOLERANCE_PX = 0.02
"""CVAT writes two decimals: x and width are each off by up to .005 px, the far edge by .01; no hand moves it by .02."""
READERS: dict[Format, Callable[[Path, Sizes], Iterator[Said]]] = {
    Format.COCO: coco.said,
    Format.LABEL_STUDIO: label_studio.said,
    Format.YOLO: yolo.said,
    Format.WEBDATASET: webdataset.said,
    Format.CROISSANT: croissant.said,
}

NAMES: dict[Format, tuple[str, ...]] = {
    Format.COCO: ("*.json",),
    Format.LABEL_STUDIO: ("*.json",),
    Format.YOLO: ("data.yaml", "classes.txt"),
    Format.CROISSANT: ("croissant.json",),
}
"""What is read of a folder, where the reader does not take one: the first that there is, and is there once."""


@dataclass(frozen=True)
class News:
    """What an import found."""

    entries: list[dict[str, Any]]
    """The verdicts that were appended."""
    pictures: int
    """Pictures that the file speaks of."""
    moved_points: int
    """Pictures whose five points were moved: verdicts hold boxes only, so these are left out."""

    @property
    def boxes(self) -> int:
        """Boxes moved, drawn or deleted."""
        return sum(len(entry["regions"]) for entry in self.entries)


@dataclass(frozen=True)
class _Known:
    """A picture as the folder has it, and as the verdicts so far leave it."""

    here: Annotated
    stands: Annotated
    last_source: Mapping[Region, str]
    """Where the last verdict on each region came from."""


def import_file(
    file: Path,
    folder: Path,
    kind: Format,
    into: Path,
    *,
    reviewer: str | None = None,
    tolerance_px: float = TOLERANCE_PX,
) -> News:
    """Append to the verdicts `into` what `file` says otherwise than the stage's folder; returns what that was.

    `file` is what the format's `said` reads: COCO's or Label Studio's JSON, data.yaml, a tar or a folder of tars,
    croissant.json; or the folder in which it is. Raises ExchangeError, naming file and entry, with nothing appended.
    """
    file = _file_of(file, kind)
    rows = manifest.kept(manifest.read(folder))
    known = _known(rows, verdicts.read_verdicts(into))
    crops = {row["id"]: row for row in rows.to_dict("records")}
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")
    entries: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    moved_points = 0
    for said in READERS[kind](file, {name: one.here.size_px for name, one in known.items()}):
        picture = _checked(said, known, seen, file, folder)
        moved_points += _moved(said.points, picture.here.points, tolerance_px)
        regions = _news(said, picture, str(kind), tolerance_px, f"{file}, {said.entry}")
        if regions:
            who = reviewer or said.reviewer or str(kind)
            where_from = {"reviewer": who, "at": at, "source": str(kind)}
            entries.append({"id": said.id, "regions": regions} | _in_parent(regions, crops[said.id]) | where_from)
    if entries:
        verdicts_file.append(into, entries)
    return News(entries, len(seen), moved_points)


def _file_of(given: Path, kind: Format) -> Path:
    if not given.exists():
        raise ExchangeError(f"{given} is not there")
    if not given.is_dir() or kind not in NAMES:
        return given
    for name in NAMES[kind]:
        found = sorted(file for file in given.glob(name) if file.name != MARK)
        if len(found) == 1:
            return found[0]
        if found:
            raise ExchangeError(f"{given} holds {len(found)} files {name}: name the one to read")
    raise ExchangeError(f"{given} is a folder without {' or '.join(NAMES[kind])}: name the file to read ({kind})")


def _known(rows: pd.DataFrame, said: list[dict[str, Any]]) -> dict[str, _Known]:
    sources: dict[str, dict[Region, str]] = {}
    for verdict in said:
        for region in verdict.get("regions") or {}:
            sources.setdefault(verdict["id"], {})[Region(region)] = str(verdict.get("source", ""))
    pairs = zip(Pictures(rows), Pictures(apply_verdicts(rows, said)), strict=True)
    return {here.id: _Known(here, stands, sources.get(here.id, {})) for here, stands in pairs}


def _checked(said: Said, known: Mapping[str, _Known], seen: dict[str, str], file: Path, folder: Path) -> _Known:
    where = f"{file}, {said.entry}"
    if said.id not in known:
        raise ExchangeError(f"{where}: {said.id} is not among the kept pictures of {folder}")
    if said.id in seen:
        raise ExchangeError(f"{where}: {said.id} is there already, at {seen[said.id]}")
    seen[said.id] = said.entry
    size = known[said.id].here.size_px
    if said.size_px is not None and said.size_px != size:
        there, here = (f"{width} x {height}" for width, height in (said.size_px, size))
        raise ExchangeError(f"{where}: {there} px, and {said.id} has {here} px: boxes of another size cannot be taken")
    return known[said.id]


def _news(said: Said, picture: _Known, source: str, tolerance_px: float, where: str) -> dict[str, list[float] | None]:
    news: dict[str, list[float] | None] = {}
    for region in (region for region in Region if region in said.scope):
        box = said.boxes.get(region)
        untouched = _same(box, picture.here.boxes.get(region), tolerance_px)
        if _same(box, picture.stands.boxes.get(region), tolerance_px):
            continue
        if untouched and picture.last_source.get(region) != source:
            continue
        news[str(region)] = None if box is None else _inside(box, region, picture.here.size_px, tolerance_px, where)
    return news


def _same(one: Box | None, other: Box | None, tolerance_px: float) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.abs(np.subtract(one, other)).max() <= tolerance_px)


def _inside(box: Box, region: Region, size_px: tuple[int, int], tolerance_px: float, where: str) -> list[float]:
    """The box, clipped by no more than the tolerance. Raises ExchangeError for one that leaves the picture."""
    limits = np.array([*size_px, *size_px], float)
    clipped = np.clip(box, 0, limits)
    if np.abs(clipped - box).max() > tolerance_px:
        said = ", ".join(f"{v:g}" for v in box)
        raise ExchangeError(
            f"{where}: the box of `{region}` ({said}) leaves the picture of {size_px[0]} x {size_px[1]} px"
        )
    inside: list[float] = clipped.tolist()
    return inside


def _in_parent(regions: Mapping[str, list[float] | None], crop: Mapping[Any, Any]) -> dict[str, Any]:
    """Of a crop: its parent, and the boxes in the parent's pixels, so that they outlive another framing."""
    parent, quad = crop["parent_id"], crop["crop_quad"]
    if not isinstance(parent, str):
        return {}
    if quad is None:
        return {"parent_id": parent}
    side = (int(crop["width"]), int(crop["height"]))
    placed = {region: box and framing.box_to_parent(box, quad, side) for region, box in regions.items()}
    return {"parent_id": parent, "parent_regions": {r: box and [round(v, 3) for v in box] for r, box in placed.items()}}


def _moved(one: Any, other: Any, tolerance_px: float) -> bool:
    if one is None or other is None or np.shape(one) != np.shape(other):
        return False
    return bool(np.abs(np.subtract(one, other)).max() > tolerance_px)
