"""The contact sheets: kept pictures, rejected ones with the reason and the measurement beside them, crops with boxes.

Pictures are taken by id, which is a hash: nobody chose them, and the same dataset gives the same sheets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from scgan_data import manifest
from scgan_data.records import ATTENTIVE, MEANING, Reason, Region, Status, hidden_in
from scgan_model.report.data import domains_of
from scgan_model.report.pictures import Box, thumbnail

COPIES = (Reason.SAME_BYTES, Reason.SAME_PIXELS, Reason.NEAR_DUPLICATE)

UNITS: dict[Reason, str] = {
    Reason.TOO_MANY_BYTES: " bytes",
    Reason.TOO_MANY_PIXELS: " px",
    Reason.TOO_SMALL: " px",
    Reason.ASPECT: " : 1",
    Reason.FACE_TOO_SMALL: " px",
    Reason.TILTED: "°",
    Reason.TURNED: "°",
    Reason.NODDED: "°",
    Reason.TIMED_OUT: " s",
}
"""Of `value` and `limit`, where they have one."""


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet and what is written under it."""

    src: str | None
    """A data URI; None where no picture came, or its file is gone."""
    caption: str = ""
    measure: str = ""
    """What was measured, against its limit."""
    domain: str = ""
    address: str = ""
    """Where it was offered; given where there is no picture to show."""
    detail: str = ""
    twin: str | None = None
    """The copy that was kept."""


@dataclass(frozen=True)
class Sheet:
    """Some pictures of one kind, and how many there are in all."""

    title: str
    meaning: str
    stage: str
    total: int
    tiles: list[Tile]

    @property
    def left_out(self) -> int:
        """Pictures of this kind that the sheet does not show."""
        return self.total - len(self.tiles)

    @property
    def pictured(self) -> bool:
        """There is something to look at."""
        return any(tile.src for tile in self.tiles)

    @property
    def paired(self) -> bool:
        """Copies stand beside what was kept."""
        return any(tile.twin for tile in self.tiles)


def words(name: str) -> str:
    """`near_duplicate` as people write it."""
    return name.replace("_", " ")


def kept_sheets(rows: pd.DataFrame, *, side_px: int, limit: int) -> list[Sheet]:
    """One sheet a domain."""
    kept = manifest.kept(rows).sort_values("id")
    sheets = []
    for domain in domains_of(kept):
        mine = kept[kept["domain"] == domain]
        tiles = [Tile(thumbnail(path, side_px)) for path in mine["path"].head(limit)]
        sheets.append(Sheet(domain, "", "", len(mine), tiles))
    return sheets


def rejected_sheets(rows: pd.DataFrame, stages: dict[str, pd.DataFrame], *, side_px: int, limit: int) -> list[Sheet]:
    """One sheet a reason, in the order of `Reason`, domains taking turns; copies beside the picture that was kept."""
    rejected = rows[rows["status"] == Status.REJECTED].sort_values("id")
    turn = rejected.groupby(["reason", "domain"]).cumcount()
    rejected = rejected.assign(turn=turn).sort_values(["turn", "domain"], kind="stable")
    originals = _originals(stages)
    sheets = []
    for reason in Reason:
        mine = rejected[rejected["reason"] == reason]
        tiles = [_rejected_tile(row, reason, originals, side_px) for row in mine.head(limit).itertuples()]
        if tiles:
            by = ", ".join(sorted(map(str, mine["rejected_by"].dropna().unique())))
            sheets.append(Sheet(words(reason), MEANING[reason], by, len(mine), tiles))
    return sheets


def _originals(stages: dict[str, pd.DataFrame]) -> dict[tuple[str, str], str]:
    """The path of the copy that `dedup` kept, by (domain, group)."""
    if "dedup" not in stages:
        return {}
    kept = manifest.kept(stages["dedup"]).dropna(subset=["group_id", "path"])
    return dict(zip(zip(kept["domain"], kept["group_id"], strict=True), kept["path"], strict=True))


def _rejected_tile(row: Any, reason: Reason, originals: dict[tuple[str, str], str], side_px: int) -> Tile:
    src = thumbnail(row.path, side_px) if isinstance(row.path, str) else None
    original = originals.get((row.domain, row.group_id)) if reason in COPIES and src else None
    twin = thumbnail(original, side_px) if original else None
    return Tile(
        src=src,
        caption=words(reason),
        measure=measured(reason, row.value, row.limit),
        domain=row.domain,
        address=row.source_url if src is None and isinstance(row.source_url, str) else "",
        detail=row.detail if isinstance(row.detail, str) and reason not in COPIES else "",
        twin=twin,
    )


def measured(reason: Reason, value: float | None, limit: float | None) -> str:
    """The measurement against the limit: `41 px < 64 px`; empty where nothing was measured."""
    unit = UNITS.get(reason, "")
    parts = [f"{_number(v)}{unit}" for v in (value, limit) if v is not None and not pd.isna(v)]
    if len(parts) == 2 and value is not None and limit is not None:
        sign = "<" if value < limit else ">" if value > limit else "="
        return f"{parts[0]} {sign} {parts[1]}"
    return parts[0] if parts else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"


def boxed_sheets(rows: pd.DataFrame, *, side_px: int, limit: int) -> list[Sheet]:
    """Kept crops with their region boxes drawn on them, one sheet a domain; domains without any box are left out."""
    kept = manifest.kept(rows).sort_values("id")
    boxed = kept[kept[[f"{region}_xyxy" for region in ATTENTIVE]].notna().any(axis=1)]
    sheets = []
    for domain in domains_of(boxed):
        mine = boxed[boxed["domain"] == domain]
        tiles = [_boxed_tile(row, side_px) for row in mine.head(limit).itertuples()]
        sheets.append(Sheet(domain, "", "", len(mine), tiles))
    return sheets


def _boxed_tile(row: Any, side_px: int) -> Tile:
    boxes: dict[Region, Box] = {}
    for region in ATTENTIVE:
        box = getattr(row, f"{region}_xyxy")
        if box is not None and not isinstance(box, float):
            boxes[region] = tuple(box)
    score = "" if pd.isna(row.regions_score) else f"{row.regions_score:.2f}"
    origin = row.regions_origin if isinstance(row.regions_origin, str) else ""
    hidden = [f"no {region}" for region in ATTENTIVE if region in hidden_in(row.regions_hidden)]
    return Tile(thumbnail(row.path, side_px, boxes=boxes), caption=" ".join(filter(None, (origin, score, *hidden))))
