"""What is to be reviewed: a manifest's rows that have a picture, the doubtful first.

The order is fixed when the page is opened, so that nothing jumps under a hand: kept rows in doubt, then kept rows by
how sure the boxes are (`regions_score`, else the face's), then what stages rejected. Several rows of one id (a file
offered at two URLs) are one picture here, the kept one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data import manifest
from scgan_data.errors import ScganError
from scgan_data.records import Region, Status


@dataclass(frozen=True)
class Card:
    """One picture."""

    id: str
    parent: str | None
    domain: str
    path: Path
    size: tuple[int, int]
    """Width and height."""
    kept: bool
    stage: str | None
    """Who rejected it ..."""
    reason: str | None
    """... and why."""
    doubt: tuple[str, ...]
    group: str | None
    boxes: dict[Region, list[float]]
    hidden: tuple[str, ...]
    """Regions that annotate judged not visible."""
    quad: NDArray[np.float64] | None
    """`crop_quad`, the crop in its parent's pixels."""

    def as_json(self) -> dict[str, Any]:
        """What the page is told: no path."""
        shown = ("id", "domain", "kept", "stage", "doubt", "group", "hidden")
        boxes = {str(region): box for region, box in self.boxes.items()}
        return {name: getattr(self, name) for name in shown} | {"size": self.size, "boxes": boxes, "why": self.reason}


@dataclass(frozen=True)
class Catalog:
    """All pictures, in the order in which they are shown."""

    cards: dict[str, Card]
    groups: dict[str, list[str]]
    """Ids by near-duplicate group."""
    without_file: int
    """Rows whose picture is not on this machine."""

    @property
    def ids(self) -> list[str]:
        """In order."""
        return list(self.cards)

    @property
    def parents(self) -> list[str | None]:
        """Of `ids`."""
        return [card.parent for card in self.cards.values()]


def read(folder: Path) -> Catalog:
    """The pictures of a stage's folder. Raises ManifestError, ScganError where there is none."""
    rows = manifest.read(folder)
    records = [{str(k): v for k, v in row.items()} for row in _in_order(rows).to_dict("records")]
    named = [row for row in records if _text(row["path"])]
    cards: dict[str, Card] = {}
    for row in named:
        if row["id"] not in cards and Path(row["path"]).is_file():
            cards[row["id"]] = _card(row)
    if not cards:
        raise ScganError(f"{folder}: no picture to review: {len(rows)} rows, no file of theirs is here")
    groups: dict[str, list[str]] = defaultdict(list)
    for card in cards.values():
        if card.group:
            groups[card.group].append(card.id)
    return Catalog(cards, dict(groups), len({row["id"] for row in named}) - len(cards))


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    score = rows["regions_score"].fillna(rows["face_score"]).fillna(1.0)
    keys = pd.DataFrame({"rejected": rows["status"] != Status.KEPT, "sure": rows["doubt"].isna(), "score": score})
    return rows.loc[keys.assign(id=rows["id"]).sort_values(["rejected", "sure", "score", "id"], kind="stable").index]


def _card(row: dict[str, Any]) -> Card:
    doubt, hidden = _text(row["doubt"]), _text(row.get("regions_hidden"))
    boxes = {region: _numbers(row.get(f"{region}_xyxy")) for region in Region}
    return Card(
        id=row["id"],
        parent=_text(row["parent_id"]),
        domain=row["domain"],
        path=Path(row["path"]),
        size=(_whole(row["width"]), _whole(row["height"])),
        kept=row["status"] == Status.KEPT,
        stage=_text(row["rejected_by"]),
        reason=_text(row["reason"]),
        doubt=tuple(doubt.split(",")) if doubt else (),
        group=_text(row["group_id"]),
        boxes={region: box for region, box in boxes.items() if box},
        hidden=tuple(hidden.split(",")) if hidden else (),
        quad=row["crop_quad"],
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: Any) -> int:
    return 0 if pd.isna(value) else int(value)


def _numbers(value: Any) -> list[float]:
    return [round(float(v), 3) for v in value] if isinstance(value, (Sequence, np.ndarray)) else []
