"""One kept picture with all that formats can carry of it, and the plain record of it that some of them hold whole.

A manifest's row has sixty columns, nulls as None or NaN and boxes as arrays; every format wants the same fifteen facts.
They are taken out here once, so that a format's module is about its format alone. Nothing here opens a picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scgan_data.errors import ExchangeError
from scgan_data.records import Region

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1), pixels of the picture, half-open."""
POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""The five landmarks in their order; left as seen in the picture."""
CREDIT = ("license", "license_url", "author", "source_url", "page_url")
UNSPLIT = "all"
"""The folder of pictures that no stage has split yet."""
_COLUMNS = ("id", "path", "domain", "split", "width", "height", *CREDIT, "regions_hidden", "regions_score")


@dataclass(frozen=True)
class Annotated:
    """A kept picture: where it lies, and what is known of it."""

    id: str
    path: Path
    domain: str
    split: str
    """`train`, `test`, or `all` where it is not split yet."""
    size_px: tuple[int, int]
    """(width, height)."""
    boxes: Mapping[Region, Box]
    """The regions that have one."""
    hidden: tuple[str, ...]
    """The regions that were judged not visible; those in neither are unknown."""
    face_xyxy: Box | None
    points: tuple[tuple[float, float], ...] | None
    """(x, y) of `POINTS`."""
    score: float | None
    """0 to 1, of the boxes together."""
    credit: Mapping[str, str | None]
    """`CREDIT`: licence, author, where it came from."""

    @property
    def file_name(self) -> str:
        """`ID.png`, or what else its file ends in."""
        return f"{self.id}{self.path.suffix.lower()}"


@dataclass(frozen=True)
class Pictures:
    """The rows to export as `Annotated`, one at a time, as often as a format goes over them."""

    rows: pd.DataFrame
    """Kept rows in the order to write them."""

    @classmethod
    def of(cls, kept: pd.DataFrame) -> Pictures:
        """Rows of the manifest's schema, ordered by split, then domain, then id."""
        return cls(kept.sort_values(["split", "domain", "id"], kind="stable", ignore_index=True))

    def __iter__(self) -> Iterator[Annotated]:
        names = [c for c in dict.fromkeys([*_COLUMNS, "face_xyxy", "landmarks", *_box_columns()]) if c in self.rows]
        for cells in self.rows[names].itertuples(index=False, name=None):
            yield _annotated(dict(zip(names, cells, strict=True)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that there are: `train` first."""
        found = {UNSPLIT if pd.isna(name) else str(name) for name in self.rows["split"].unique()}
        return tuple(sorted(found, key=lambda name: (name != "train", name)))

    def of_split(self, split: str) -> Pictures:
        """Those of one split."""
        side = self.rows["split"]
        return Pictures(self.rows[side.isna() if split == UNSPLIT else side == split])


def _box_columns() -> list[str]:
    return [f"{region}_xyxy" for region in Region]


def _annotated(row: dict[str, Any]) -> Annotated:
    marks = _numbers(row["landmarks"])
    if pd.isna(row["path"]) or pd.isna(row["width"]) or pd.isna(row["height"]):
        raise ExchangeError(f"{row['id']} is kept and has no picture or size: run the stage that made the folder again")
    return Annotated(
        id=row["id"],
        path=Path(row["path"]),
        domain=row["domain"],
        split=UNSPLIT if pd.isna(row["split"]) else str(row["split"]),
        size_px=(int(row["width"]), int(row["height"])),
        boxes={r: box for r in Region if (box := _box(row.get(f"{r}_xyxy"))) is not None},
        hidden=_names(row.get("regions_hidden")),
        face_xyxy=_box(row["face_xyxy"]),
        points=None if marks is None else tuple((marks[k], marks[k + 1]) for k in range(0, 2 * len(POINTS), 2)),
        score=_real(row["regions_score"]),
        credit={name: None if pd.isna(row[name]) else str(row[name]) for name in CREDIT},
    )


def _numbers(cell: Any) -> list[float] | None:
    if cell is None or isinstance(cell, float):
        return None
    return [float(v) for v in np.asarray(cell, np.float64).ravel()]


def _box(cell: Any) -> Box | None:
    numbers = _numbers(cell)
    return None if numbers is None else (numbers[0], numbers[1], numbers[2], numbers[3])


def _real(cell: Any) -> float | None:
    return None if pd.isna(cell) else float(cell)


def _names(cell: Any) -> tuple[str, ...]:
    return tuple(cell.split(",")) if isinstance(cell, str) and cell else ()


def record(picture: Annotated, file_name: str) -> dict[str, Any]:
    """The picture as plain JSON, every number in full; a null box is one that nobody knows, or of a hidden region."""
    return {
        "id": picture.id,
        "file_name": file_name,
        "split": picture.split,
        "domain": picture.domain,
        "width": picture.size_px[0],
        "height": picture.size_px[1],
        **picture.credit,
        "face": _listed(picture.face_xyxy),
        "landmarks": None if picture.points is None else [v for point in picture.points for v in point],
        **{str(region): _listed(picture.boxes.get(region)) for region in Region},
        "regions_hidden": list(picture.hidden),
        "regions_score": picture.score,
    }


def _listed(box: Sequence[float] | None) -> list[float] | None:
    return None if box is None else list(box)
