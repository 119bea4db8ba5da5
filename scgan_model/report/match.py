"""Do the domains match? `scgan-data match` as a section of the page: two distributions a quantity, lights, breakers.

Nothing is decided here: figures, lights and advice are those of `scgan_data.matching`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from scgan_data.errors import DatasetError
from scgan_data.matching.match import StyleMatch, match
from scgan_data.matching.output import number, range_text
from scgan_data.matching.quantities import BY_NAME
from scgan_data.matching.table import measured, styles_of
from scgan_data.records import SELFIE
from scgan_model.report.charts import distributions
from scgan_model.report.pictures import thumbnail
from scgan_model.report.sheets import Sheet, Tile

CROPPED = frozenset({"crop", "annotate", "dataset"})
"""Stages after which there is something to compare."""


@dataclass(frozen=True)
class Row:
    """One quantity."""

    label: str
    light: str
    chart: Markup
    selfies: str
    style: str
    moved: str
    over_iqr: str
    ks: str
    tell: str
    advice: str


@dataclass(frozen=True)
class StyleSection:
    """What the page says of one style."""

    style: str
    found: StyleMatch
    joint_light: str
    leans_on: list[str]
    rows: list[Row]
    sheets: list[Sheet]
    """Breakers of the quantities that are lit."""


def read_match(stages: dict[str, pd.DataFrame], out: Path, *, side_px: int, limit: int) -> list[StyleSection]:
    """A section a style of the last stage's rows; none before `crop`, or where there is nothing to compare.

    Measurements are kept beside `out` (reports/match), where `scgan-data match` keeps its own.
    """
    if not CROPPED & set(stages):
        return []
    last = list(stages.values())[-1]
    try:
        styles = styles_of(last, None, "the data")
    except DatasetError:
        return []
    table = measured(last, out)
    return [_section(table, found, side_px, limit) for found in match(table, styles).values()]


def _section(table: pd.DataFrame, found: StyleMatch, side_px: int, limit: int) -> StyleSection:
    return StyleSection(
        style=found.style,
        found=found,
        joint_light="unsure" if found.joint is None else found.joint.tell.light.value,
        leans_on=[] if found.joint is None else [_label(name) for name in found.joint.leans_on],
        rows=[_row(table, found, name) for name in found.differences],
        sheets=[_sheet(found, name, side_px, limit) for name in found.lit() if found.breakers[name]],
    )


def _label(name: str) -> str:
    return BY_NAME[name].label.partition(" (")[0]


def _row(table: pd.DataFrame, found: StyleMatch, name: str) -> Row:
    one = found.differences[name]
    selfies, style = (table.loc[table["domain"] == domain, name].dropna() for domain in (SELFIE, found.style))
    label = f"{BY_NAME[name].label}: selfies and {found.style}"
    if one is None:
        return Row(BY_NAME[name].label, "unsure", Markup(), "", "", "", "", "", "", found.advice(name))
    return Row(
        label=BY_NAME[name].label,
        light=found.light(name).value,
        chart=distributions(selfies, style, label=label),
        selfies=range_text(one.selfies),
        style=range_text(one.style),
        moved=number(one.distance),
        over_iqr=f"{one.over_iqr:.2f}",
        ks=f"{one.ks:.2f}",
        tell=f"{one.tell.auc:.2f} ({one.tell.low:.2f} to {one.tell.high:.2f})",
        advice=found.advice(name).replace("`", ""),
    )


def _sheet(found: StyleMatch, name: str, side_px: int, limit: int) -> Sheet:
    broken = found.breakers[name]
    tiles = [
        Tile(thumbnail(b.path, side_px) if b.path else None, caption=b.domain, measure=number(b.value), detail=b.id[:8])
        for b in broken[:limit]
    ]
    return Sheet(_label(name), "outside the other domain's range, the worst first", "", len(broken), tiles)
