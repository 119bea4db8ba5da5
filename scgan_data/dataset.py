"""dataset: the versioned dataset that training reads and teams share.

    train/selfie/ab12….png  train/selfie/metadata.jsonl  train/STYLE/…  test/selfie/…   Hugging Face ImageFolder
    annotations.coco.json   the same boxes for annotation tools
    README.md               the dataset card: counts, sources, licences, rejects, what it may be used for
    sheets/*.jpg            contact sheets of what is in it (rejected pictures are shown in the report, not shipped)
    manifest.parquet        every row that was ever collected, with its decision

Selfies are split by near-duplicate group (`split`); a style's portraits all train. A picture that two domains have is
refused. A person's verdicts (`verdicts`) are applied last and outlive every recomputation.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from scgan_data import card, contact_sheet, files, manifest, split
from scgan_data.config import Config
from scgan_data.errors import DatasetError
from scgan_data.matching import left_out
from scgan_data.records import Origin, Reason, Region
from scgan_data.split import GroupBy
from scgan_data.stage import StageFolder
from scgan_data.terminal import console
from scgan_data.verdicts import accepted, read_verdicts

MODULES = (
    "scgan_data.dataset",
    "scgan_data.card",
    "scgan_data.contact_sheet",
    "scgan_data.matching.left_out",
    "scgan_data.verdicts",
    *split.MODULES,
)
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class DatasetConfig(Config):
    """Section `dataset` of params.yaml."""

    title: str = "Selfies and cartoon portraits"
    """Title of the dataset card."""
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Fraction of the selfies' groups that is held out (the paper: 224 of 3,524)."""
    group_by: tuple[GroupBy, ...] = ("group",)
    """What keeps pictures on one side of the split beside near-duplicate groups: author, album (page_url), source."""
    in_two_domains: Literal["refuse", "allow"] = "refuse"
    """Whether a picture (or its copy) may be kept in two domains; one that is allowed trains."""
    salt: str = "scgan"
    """Another salt gives another split."""
    verdicts: Path = Path("review/verdicts.jsonl")
    """People's verdicts; a missing file is an empty one."""
    rebalance: Path = left_out.FILE
    """Pictures that `match --fix rebalance` proposed to leave out; a person's `accept` spares one."""
    sheet_pictures: Annotated[int, Field(ge=0, le=400)] = 60
    """Pictures on each contact sheet; 0 makes none."""


def run(rows: pd.DataFrame, config: DatasetConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """Apply verdicts, split, and lay the pictures and their files out in `folder.extras` and `folder.files`."""
    verdicts = read_verdicts(config.verdicts)
    rows = apply_verdicts(rows, verdicts)
    gone = left_out.read(config.rebalance)
    if old := left_out.stale(rows, gone):
        console.print(f"{config.rebalance}: {old} of {len(gone)} pictures are not there any more; rebalance again")
    rows = left_out.apply(rows, gone, accepted(verdicts))
    if config.in_two_domains == "refuse":
        split.refuse_two_domains(rows)
    rows["split"] = split.split_of(rows, config.group_by, test_fraction=config.test_fraction, salt=config.salt)
    shutil.rmtree(folder.files, ignore_errors=True)
    rows["path"] = [_place(row, folder) for row in _records(rows)]
    shutil.rmtree(folder.extras, ignore_errors=True)
    for (side, domain), part in manifest.kept(rows).groupby(["split", "domain"]):
        lines = [json.dumps(_metadata(row), ensure_ascii=False) for row in _records(part.sort_values("id"))]
        file = folder.extras / str(side) / str(domain) / "metadata.jsonl"
        files.write_bytes(file, ("\n".join(lines) + "\n").encode())
    files.write_json(folder.extras / "annotations.coco.json", coco(rows, folder.home))
    files.write_bytes(folder.extras / "README.md", card.card(rows, config.title, config.group_by).encode())
    _sheets(manifest.kept(rows), folder, config.sheet_pictures)
    return rows


def apply_verdicts(rows: pd.DataFrame, verdicts: list[dict[str, Any]]) -> pd.DataFrame:
    """A copy of `rows` with each verdict applied, a later line over an earlier one."""
    rows = rows.copy()
    word = {v["id"]: v["verdict"] for v in verdicts if "verdict" in v}
    refused = {i for i, said in word.items() if said == "reject"}
    rows = manifest.reject(
        rows, rows["id"].isin(refused) | rows["parent_id"].isin(refused), Reason.HUMAN_REJECTED, stage="dataset"
    )
    for verdict in verdicts:
        for index in rows.index[(rows["id"] == verdict["id"]) | (rows["parent_id"] == verdict["id"])]:
            for region, box in verdict.get("regions", {}).items():
                rows.at[index, f"{region}_xyxy"] = box
                rows.at[index, "regions_origin"] = Origin.HUMAN.value
    return rows


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): cell for name, cell in row.items()} for row in rows.to_dict("records")]


def _place(row: dict[str, Any], folder: StageFolder) -> str | None:
    """Copy a kept row's picture to its place; the path it will have. A rejected row's picture is not shipped."""
    if row["split"] is None or pd.isna(row["split"]):
        return None
    if not _SAFE_NAME.fullmatch(row["domain"]):
        raise DatasetError(f"domain {row['domain']!r} cannot name a folder: use letters, digits, `_`, `-` and `.`")
    relative = Path(row["split"], row["domain"], f"{row['id']}.png")
    (folder.files / relative).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(row["path"], folder.files / relative)
    return str(folder.home / relative)


def _metadata(row: dict[str, Any]) -> dict[str, Any]:
    """One line of metadata.jsonl; boxes are half-open pixels of the picture, null where not visible."""
    text = ("id", "domain", "source_url", "license", "license_url", "author", "group_id")
    return {
        "file_name": f"{row['id']}.png",
        **{name: None if pd.isna(row[name]) else row[name] for name in text},
        "width": int(row["width"]),
        "height": int(row["height"]),
        **{str(region): _box(row[f"{region}_xyxy"]) for region in Region},
    }


def _box(value: Any) -> list[float] | None:
    return None if value is None or isinstance(value, float) else [round(float(v), 3) for v in value]


def coco(rows: pd.DataFrame, home: Path) -> dict[str, Any]:
    """COCO detection format: `bbox` is (x, y, width, height); one category a region."""
    kept = manifest.kept(rows).sort_values(["split", "domain", "id"])
    pictures: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number, row in enumerate(_records(kept), 1):
        name = Path(row["path"]).relative_to(home).as_posix()
        pictures.append({"id": number, "file_name": name, "width": int(row["width"]), "height": int(row["height"])})
        for category, region in enumerate(Region, 1):
            box = _box(row[f"{region}_xyxy"])
            if box is not None:
                x0, y0, x1, y1 = box
                size = [round(x1 - x0, 3), round(y1 - y0, 3)]
                one = {"id": len(boxes) + 1, "image_id": number, "category_id": category, "iscrowd": 0}
                boxes.append(one | {"bbox": [x0, y0, *size], "area": round(size[0] * size[1], 3)})
    categories = [{"id": n, "name": str(region)} for n, region in enumerate(Region, 1)]
    return {"images": pictures, "annotations": boxes, "categories": categories}


def _sheets(rows: pd.DataFrame, folder: StageFolder, count: int) -> None:
    """One contact sheet a split and domain, boxes drawn, pictures picked by their ids' order."""
    if not count:
        return
    for (side, domain), part in rows.groupby(["split", "domain"]):
        chosen = _records(part.sort_values("id").head(count))
        tiles = [
            contact_sheet.Tile(
                folder.files / Path(row["path"]).relative_to(folder.home),
                row["id"][:8],
                tuple(box for region in Region if (box := _box(row[f"{region}_xyxy"]))),
            )
            for row in chosen
        ]
        sheet = contact_sheet.draw(tiles, f"{domain}, {side}: {len(tiles)} of {len(part)}")
        files.write_bytes(folder.extras / "sheets" / f"{side}_{domain}.jpg", contact_sheet.encode(sheet))
