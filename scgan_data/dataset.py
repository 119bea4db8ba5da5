"""dataset: the versioned dataset that training reads and teams share.

    train/selfie/ab12….png  train/selfie/metadata.jsonl  train/STYLE/…  test/selfie/…   Hugging Face ImageFolder
    annotations.coco.json   the same boxes, and the five points, for annotation tools
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
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field

from scgan_data import card, contact_sheet, files, framing, manifest, split, whose
from scgan_data.config import Config
from scgan_data.errors import DatasetError
from scgan_data.exchange import coco
from scgan_data.exchange.picture import Pictures
from scgan_data.limits import crop_rules, rules
from scgan_data.matching import left_out
from scgan_data.records import ATTENTIVE, SELFIE, Origin, Reason, Region, Split, Status, hidden_in, hidden_text
from scgan_data.split import GroupBy
from scgan_data.stage import StageFolder
from scgan_data.terminal import console
from scgan_data.verdicts import accepted, by_row, fold, is_box, read_verdicts

MODULES = (
    "scgan_data.dataset",
    "scgan_data.card",
    "scgan_data.contact_sheet",
    "scgan_data.exchange.coco",
    "scgan_data.exchange.picture",
    "scgan_data.exchange.said",
    "scgan_data.framing",
    "scgan_data.matching.left_out",
    "scgan_data.verdicts",
    "scgan_data.whose",
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
    if early := rejected_though_accepted(rows, accepted(verdicts)):
        said = "accepted by a person, and rejected by an earlier stage before that was said"
        console.print(f"{early} {said}: run filter and crop again (`dvc repro`)", soft_wrap=True)
    gone = left_out.read(config.rebalance)
    if old := left_out.stale(rows, gone):
        console.print(f"{config.rebalance}: {old} of {len(gone)} pictures are not there any more; rebalance again")
    rows = left_out.apply(rows, gone, accepted(verdicts))
    if config.in_two_domains == "refuse":
        split.refuse_two_domains(rows)
    rows["split"] = split.split_of(rows, config.group_by, test_fraction=config.test_fraction, salt=config.salt)
    sides = rows.loc[rows["domain"] == SELFIE, "split"].dropna()
    if config.test_fraction and len(sides) and not (sides == Split.TEST).any():
        said = (
            "no selfie fell into the test part, and evaluation needs some: collect more, or raise dataset.test_fraction"
        )
        console.print(said, soft_wrap=True)
    shutil.rmtree(folder.files, ignore_errors=True)
    rows["path"] = [_place(row, folder) for row in _records(rows)]
    shutil.rmtree(folder.extras, ignore_errors=True)
    listed = regions_of(rows)
    for (side, domain), part in manifest.kept(rows).groupby(["split", "domain"]):
        lines = [json.dumps(_metadata(row, listed), ensure_ascii=False) for row in _records(part.sort_values("id"))]
        file = folder.extras / str(side) / str(domain) / "metadata.jsonl"
        files.write_bytes(file, ("\n".join(lines) + "\n").encode())
    pictures = Pictures.of(manifest.kept(rows))
    coco.write_file(
        folder.extras / "annotations.coco.json", pictures, lambda p: p.path.relative_to(folder.home).as_posix()
    )
    files.write_bytes(folder.extras / "README.md", card.card(rows, config.title, config.group_by).encode())
    _sheets(manifest.kept(rows), folder, config.sheet_pictures)
    return rows


def rejected_though_accepted(rows: pd.DataFrame, names: frozenset[str]) -> int:
    """How many pictures that a person accepted a limit of filter or crop has rejected: their next run keeps them."""
    limits = [rule.reason for rule in (*rules.RULES, *crop_rules.RULES)]
    return int((rows["id"].isin(names) & rows["reason"].isin(limits)).sum())


def apply_verdicts(rows: pd.DataFrame, verdicts: list[dict[str, Any]]) -> pd.DataFrame:
    """A copy of `rows` with what stands of people's verdicts (lines of `read_verdicts`; `verdicts.by_row`, `fold`).

    A null box is a hidden region. A word on a picture of which several faces were cut goes to the face that it is on.
    """
    rows = rows.copy()
    faces = whose.faces_of(rows)
    parents = [None if pd.isna(parent) else str(parent) for parent in rows["parent_id"]]
    standing = [fold(lines) for lines in by_row(verdicts, rows["id"].tolist(), parents)]
    refused = pd.Series([said.word == "reject" for said in standing], rows.index, dtype=bool)
    hit = refused & (rows["status"] == Status.KEPT)
    rows = manifest.reject(rows, refused, Reason.HUMAN_REJECTED, stage="dataset")
    for index, said in zip(rows.index, standing, strict=True):
        if hit[index] and said.verdict is not None:
            why = (said.verdict.get("reason"), said.verdict.get("note"))
            rows.at[index, "detail"] = ": ".join(text for text in why if text) or None
        for region, (box, line) in said.boxes.items():
            known, moved = _moved(box, region, line, rows.loc[index], faces)
            if known:
                rows.at[index, f"{region}_xyxy"] = moved  # type: ignore[assignment]  # pandas-stubs know no lists
                others = hidden_in(rows.at[index, "regions_hidden"]) - {region}
                rows.at[index, "regions_hidden"] = hidden_text(others if moved else others | {region})
                rows.at[index, "regions_origin"] = Origin.HUMAN.value
    return rows


def _moved(
    box: list[float] | None, region: Region, line: dict[str, Any], row: pd.Series[Any], faces: whose.Faces
) -> tuple[bool, list[float] | None]:
    """A person's box in the pixels of the row's picture, clipped; False where what they saw cannot be placed there.

    They saw this very picture, or its parent, or another crop of the parent. Of a parent with several faces a box is
    the one's on whose face it lies most, and nothing says whose region is hidden.
    """
    if line["id"] == row["id"]:
        return True, box
    several = len(faces.get(row["parent_id"], ())) > 1
    if box is None:
        return not several, None
    seen = box if line["id"] == row["parent_id"] else line.get("parent_regions", {}).get(region)
    if row["crop_quad"] is None or seen is None:
        return False, None
    if several and whose.owner(seen, faces[row["parent_id"]]) != row.name:
        return False, None
    clipped = framing.box_to_crop(seen, row["crop_quad"], (int(row["width"]), int(row["height"])), clip=True)
    return is_box(clipped), clipped


def regions_of(rows: pd.DataFrame) -> tuple[Region, ...]:
    """The regions that the files list: the attentive ones, and further ones of which a kept row has a box."""
    kept = manifest.kept(rows)
    return tuple(r for r in Region if r in ATTENTIVE or kept[f"{r}_xyxy"].notna().any())


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


def _metadata(row: dict[str, Any], listed: Sequence[Region]) -> dict[str, Any]:
    """One line of metadata.jsonl; boxes are half-open pixels of the picture. A null box is one that nobody knows, or of
    a region that was judged not visible, which `regions_hidden` then names."""
    text = ("id", "domain", "source_url", "license", "license_url", "author", "group_id")
    return {
        "file_name": f"{row['id']}.png",
        **{name: None if pd.isna(row[name]) else row[name] for name in text},
        "width": int(row["width"]),
        "height": int(row["height"]),
        **{str(region): _box(row[f"{region}_xyxy"]) for region in listed},
        "regions_hidden": _hidden(row),
    }


def _hidden(row: dict[str, Any]) -> list[str]:
    hidden = hidden_in(row["regions_hidden"])
    return [str(region) for region in Region if region in hidden]


def _box(value: Any) -> list[float] | None:
    return None if value is None or isinstance(value, float) else [round(float(v), 3) for v in value]


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
                tuple(_box(row[f"{region}_xyxy"]) for region in ATTENTIVE),
            )
            for row in chosen
        ]
        sheet = contact_sheet.draw(tiles, f"{domain}, {side}: {len(tiles)} of {len(part)}")
        files.write_bytes(folder.extras / "sheets" / f"{side}_{domain}.jpg", contact_sheet.encode(sheet))
