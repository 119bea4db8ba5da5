"""Planted against found: what the pipeline made of the faults that the sample site is known to have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scgan_data.records import SELFIE
from scgan_data.sample.plants import Kind
from scgan_data.sample.score import score

TRUTH = Path("01_collect") / "truth.json"

AT_LEAST: dict[str, float] = {
    Kind.EXACT_COPY: 1.0,
    Kind.NEAR_COPY: 0.95,
    Kind.WATERMARKED: 0.8,
    Kind.FACELESS: 1.0,
    Kind.SEVERAL_FACES: 1.0,
    Kind.TRUNCATED: 1.0,
    Kind.NOT_AN_IMAGE: 1.0,
    Kind.DISALLOWED: 1.0,
    Kind.DISALLOWED_PAGE: 1.0,
    Kind.BEHIND_DISALLOWED_PAGE: 1.0,
    Kind.NOAI: 1.0,
}
"""The least share to be found, where issue 2 names one."""
AT_MOST: dict[str, float] = {"clean: dropped as copies": 0.01, "clean: taken for watermarked": 0.03}
"""The largest share of clean pictures that may be rejected for it."""
FALSE_ALARM = "clean: "


@dataclass(frozen=True)
class Cell:
    """k of n in one domain."""

    found: int
    planted: int
    met: bool | None
    """Against the target; None without one."""


@dataclass(frozen=True)
class Row:
    """One kind of fault, or of false alarm."""

    kind: str
    expected: str
    target: str
    false_alarm: bool
    cells: list[Cell | None]
    """By domain; None where it was not planted."""


@dataclass(frozen=True)
class Planted:
    """The table."""

    domains: list[str]
    rows: list[Row]

    @property
    def verdicts(self) -> list[bool]:
        """Of every cell that has a target: met or not."""
        return [cell.met for row in self.rows for cell in row.cells if cell is not None and cell.met is not None]


def read_planted(data: Path, rows: pd.DataFrame) -> Planted | None:
    """The score of `rows`, the last stage's, against the sample's truth; None where the data is not the sample."""
    file = data / TRUTH
    if not file.is_file():
        return None
    table = score(json.loads(file.read_text(encoding="utf-8")), rows)
    domains = sorted(table["domain"].unique(), key=lambda domain: (domain != SELFIE, domain))
    kinds = list(dict.fromkeys(table["kind"]))
    kinds.sort(key=lambda kind: kind.startswith(FALSE_ALARM))
    return Planted(domains, [_row(kind, table[table["kind"] == kind], domains) for kind in kinds])


def _row(kind: str, part: pd.DataFrame, domains: list[str]) -> Row:
    least, most = AT_LEAST.get(kind), AT_MOST.get(kind)
    target = "" if least is None else "all" if least == 1 else f"at least {least:.0%}"
    target = target if most is None else f"at most {most:.0%}"
    lines = {line["domain"]: line for line in part.to_dict("records")}
    cells = [_cell(lines[d]["found"], lines[d]["planted"], least, most) if d in lines else None for d in domains]
    return Row(kind, str(part["expected"].iloc[0]), target, kind.startswith(FALSE_ALARM), cells)


def _cell(found: int, planted: int, least: float | None, most: float | None) -> Cell:
    share = found / planted if planted else 0.0
    met = share >= least if least is not None else share <= most if most is not None else None
    return Cell(found, planted, met)
