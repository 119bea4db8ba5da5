"""explain: one picture, and why it is kept or not: every stage's decision, each value beside its limit, its copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow.parquet as pq
from rich.markup import escape
from rich.table import Table as View

from scgan_data import config
from scgan_data.errors import ScganError
from scgan_data.limits import rules
from scgan_data.limits.columns import MANIFEST, Table
from scgan_data.limits.crop_rules import CropLimits
from scgan_data.records import MEANING, Reason, Status

PAIRS, PAIRS_SHOWN = "pairs.parquet", 20
ORIGIN = (
    "domain",
    "source",
    "source_url",
    "page_url",
    "license",
    "author",
    "ai_generated",
    "group_id",
    "mark_text",
    "split",
    "doubt",
)


@dataclass(frozen=True)
class Card:
    """A picture in every stage that knows it, the latest first."""

    content_id: str
    rows: list[tuple[Path, dict[str, Any]]]
    """Stage folders and rows."""
    pairs: list[dict[str, Any]]
    """Of dedup's pairs.parquet, the nearest first."""
    partners: dict[str, Path]
    """The files of the other pictures of these pairs, by id."""

    @property
    def latest(self) -> dict[str, Any]:
        """Everything known: the latest stage's row, with what it lacks taken from earlier ones."""
        return {name: cell for _, row in reversed(self.rows) for name, cell in row.items() if cell is not None}

    @property
    def whole(self) -> dict[str, Any]:
        """`latest` with the size of the picture itself where a row has it, not of the crop: the filter's."""
        of_picture = next((row for _, row in self.rows if row.get("crop_quad") is None and row["width"]), None)
        size = {name: None if of_picture is None else of_picture[name] for name in ("width", "height")}
        return self.latest | size

    def other(self, pair: dict[str, Any]) -> Path | None:
        """The file of the other picture of a pair."""
        return self.partners.get(pair["id_two"] if pair["id_one"] == self.content_id else pair["id_one"])

    def picture(self) -> Path | None:
        """The picture's file, of the latest stage whose row of this very id has one."""
        return _file(self.content_id, self.rows)


def _file(content_id: str, rows: list[tuple[Path, dict[str, Any]]]) -> Path | None:
    for folder, row in rows:
        if row["id"] == content_id and row["path"] and (folder / row["path"]).is_file():
            return Path(folder / row["path"])
    return None


def explain(prefix: str, data: Path) -> Card:
    """Find a picture by its id, or the beginning of it, in the stage folders of `data`; a crop is its picture's.

    Raises ScganError where none or several begin so.
    """
    folders = sorted((file.parent for file in data.glob(f"*/{MANIFEST}")), reverse=True)
    if not folders:
        raise ScganError(f"{data} has no stage's folder; name the folder that holds them with --data")
    tables = [Table(folder) for folder in folders]
    content_id, found = _through_crop(_only(prefix, tables, data), tables)
    pairs = _pairs(content_id, folders)
    others = {i for pair in pairs for i in (pair["id_one"], pair["id_two"])}
    files = {i: _file(i, [(t.folder, row) for t in tables for row in t.rows_of(i)]) for i in others}
    return Card(content_id, found, pairs, {i: file for i, file in files.items() if file is not None})


def _through_crop(content_id: str, tables: list[Table]) -> tuple[str, list[tuple[Path, dict[str, Any]]]]:
    """The picture that an id is about, and its rows: for a crop's, the picture that it was cut from, and this crop."""
    found = [(t.folder, row) for t in tables for row in t.rows_of(content_id)]
    parent = next((row["parent_id"] for _, row in found if row["id"] == content_id and row.get("parent_id")), None)
    if parent is not None:
        both = [(t.folder, row) for t in tables for row in t.rows_of(parent) if row["id"] in (parent, content_id)]
        if any(row["id"] == parent for _, row in both):
            return parent, both
    return content_id, found


def _only(prefix: str, tables: list[Table], data: Path) -> str:
    if not prefix:
        raise ScganError("which picture? name its id, or the beginning of it")
    ids = {i for t in tables for name in ("id", "parent_id") for i in t.texts(name) if i and i.startswith(prefix)}
    if len(ids) > 1 and prefix not in ids:
        raise ScganError(f"{prefix}: {len(ids)} pictures begin so, for example {', '.join(sorted(ids)[:3])}")
    if not ids:
        ids = {i for t in tables for i in _named(t, prefix)}
    if len(ids) > 1 and prefix not in ids:
        raise ScganError(f"{prefix}: {len(ids)} pictures came from files of that name: {', '.join(sorted(ids)[:3])}")
    if not ids:
        raise ScganError(f"{prefix}: no picture in {data} has an id that begins so, or came from a file of that name")
    return prefix if prefix in ids else ids.pop()


def _named(table: Table, name: str) -> Iterator[str]:
    """The ids of pictures whose file or URL has that name."""
    for content_id, url in zip(table.texts("id"), table.texts("source_url"), strict=True):
        if content_id and url and url.endswith((f"/{name}", f"/{quote(name)}")):
            yield content_id


def _pairs(content_id: str, folders: list[Path]) -> list[dict[str, Any]]:
    for file in (folder / PAIRS for folder in folders):
        if file.is_file():
            ends = [[("id_one", "=", content_id)], [("id_two", "=", content_id)]]
            found = pq.read_table(file, filters=ends).to_pylist()
            return sorted(found, key=_farness)[:PAIRS_SHOWN]
    return []


def _farness(pair: dict[str, Any]) -> tuple[bool, float, int]:
    return not pair["confirmed"], pair["difference"] or pair.get("glance") or 0.0, pair["distance256"] or 0


def card(found: Card, params: Path | None = None) -> Iterator[View]:
    """The card: decisions, values beside limits, origin, and copies."""
    yield _decisions(found)
    yield _values("filter", found.whole, config.load(rules.FilterLimits, "filter", file=params))
    if found.latest.get("crop_quad") is not None:
        yield _values("crop", found.latest, config.load(CropLimits, "crop", file=params))
    origin = View(title="origin", title_justify="left", show_header=False)
    for name in ORIGIN:
        if found.latest.get(name) is not None:
            origin.add_row(name, escape(str(found.latest[name])))
    yield origin
    if found.pairs:
        yield _copies(found)


def _decisions(found: Card) -> View:
    view = View(title=found.content_id, title_justify="left")
    for name in ("stage", "status", "why", "value", "limit"):
        view.add_column(name)
    for folder, row in found.rows:
        crop = "" if row["id"] == found.content_id else f" (crop {row['id'][:12]})"
        view.add_row(folder.name + crop, row["status"], _why(row), _number(row["value"]), _number(row["limit"]))
    return view


def _why(row: dict[str, Any]) -> str:
    if row["status"] == Status.KEPT:
        return ""
    words = f"{row['reason']}: {MEANING[Reason(row['reason'])]} (decided by {row['rejected_by']})"
    return f"{words}: {escape(row['detail'])}" if row["detail"] else words


def _number(value: float | None) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.4g}"


def _values(stage: str, row: dict[str, Any], limits: rules.Limits) -> View:
    """Every check of a stage: the value, the limit of the picture's domain, and whether it holds."""
    view = View(title=f"{stage}'s checks, with today's limits", title_justify="left")
    for name in ("check", "value", "", "limit", ""):
        view.add_column(name, justify="right" if name in ("value", "limit") else "left")
    names = {name for rule in limits.RULES for name in rule.columns}
    columns = {name: np.array([np.nan if row.get(name) is None else float(row[name])]) for name in names}
    for rule in limits.RULES:
        value, limit = rule.values(columns), rule.limits(limits, [row["domain"]])
        verdict = (
            "" if np.isnan(value[0] + limit[0]) else "[red]beyond" if rule.beyond(value, limit)[0] else "[green]within"
        )
        view.add_row(rule.key, _number(value[0]), "≤" if rule.at_most else "≥", _number(limit[0]) or "off", verdict)
    return view


def _copies(found: Card) -> View:
    view = View(title="pairs that dedup looked at", title_justify="left")
    for name in ("other picture", "domain", "as", "bits of 64", "of 256", "at a glance", "difference", "copies"):
        view.add_column(name)
    for pair in found.pairs:
        other = "two" if pair["id_one"] == found.content_id else "one"
        how = pair["reason"] + (", mirrored" if pair["mirrored"] else "")
        bits = ("" if pair[name] is None else str(pair[name]) for name in ("distance64", "distance256"))
        said = "yes" if pair["confirmed"] else "no"
        differences = (_number(pair.get(name)) for name in ("glance", "difference"))
        view.add_row(pair[f"id_{other}"][:16], pair[f"domain_{other}"], how, *bits, *differences, said)
    return view
