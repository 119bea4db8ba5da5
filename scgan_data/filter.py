"""filter: size, aspect, contrast, sharpness, layout, drawn or not, visible watermarks; each with a limit a domain.

What collection did not measure is measured here (`quality`), for every row that came in kept, and then whether a mark
recurs over a source's or an author's pictures (`recurring`). The decisions are pure functions of the manifest's columns
(`limits.rules`), the first broken rule is the reason: a changed limit measures nothing again, and every value stays in
the manifest beside the decision.

Three outcomes. Beyond a limit a picture is rejected. Within a limit's zone (`limits.doubt`) it is doubtful: `doubt`
says of what, a contact sheet shows the most doubtful of each domain, and `doubtful` says whether they are kept. What a
person has accepted (`verdicts`) is kept, whatever its values; what a person has judged is in doubt no more. Where a
framed or marked picture falls of which dedup had rejected good copies, one of these is kept (`limits.stand_ins`).

The default limits come from the sample's 999 selfies and rendered portraits of eight styles: sharpness .09 and .12
reject 1 of 999 and 0 of 600 clean pictures, and all whose copies are blurred by 3 px of 178; contrast 8 is half the
least seen (16); the watermark's .933 rejects 9 of the 979 selfies without a real mark, its .82 none of 400 portraits
in other styles, 4 of 400 anime faces, 1 of the demo's 180 portraits and a sixth of film stills, where `tune` is worth
its hour (benchmarks/filter_marks.py; what other limits cost, benchmarks/filter_marks_limits.py).
Those of layout and drawing reject none of the 999 selfies and 800 portraits (benchmarks/filter_quality.py).
The recurring mark's .55 rejects 6 of 5,400 clean pictures whose source carries a mark on others, none of 4,320 in
sources without one (benchmarks/filter_recurring.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from scgan_data import manifest, quality, recurring, watermark, weights
from scgan_data.duplicates import order
from scgan_data.limits import decision, doubt_sheet, stand_ins
from scgan_data.limits.rules import FilterLimits
from scgan_data.runner import Work, per_image
from scgan_data.stage import StageFolder
from scgan_data.verdicts import read_verdicts, words
from scgan_data.watermark import WatermarkConfig

MODULES = (
    *quality.MODULES,
    *recurring.MODULES,
    *order.MODULES,
    "scgan_data.contact_sheet",
    "scgan_data.duplicates.order",
    "scgan_data.limits.decision",
    "scgan_data.limits.doubt",
    "scgan_data.limits.doubt_sheet",
    "scgan_data.limits.rules",
    "scgan_data.limits.stand_ins",
    "scgan_data.verdicts",
)
"""What decides the result. An edit of what only decides (not `quality.MODULES`) measures nothing again."""


class FilterConfig(FilterLimits, extra="forbid"):
    """Section `filter` of params.yaml. Every limit is a number, null (off) or a mapping of domains."""

    sheet_pictures: Annotated[int, Field(ge=0, le=400)] = 60
    """Pictures on each domain's sheet of the doubtful; 0 makes none."""
    watermark: WatermarkConfig = WatermarkConfig()
    """How the score is measured."""


def run(rows: pd.DataFrame, config: FilterConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """All rows, in their order: kept ones measured, those beyond a limit rejected, those near one in doubt."""
    for name in watermark.WEIGHTS:  # once, here, rather than by every worker
        weights.find(name)
    rows = manifest.table(rows)
    work = Work(quality.measure_batch, config.watermark, quality.version(config.watermark), reads=quality.READS)
    verdicts = verdicts_of(config.verdicts)
    measure = partial(per_image, work=work, folder=folder, workers=workers)
    recur = (
        partial(recurring.measure, folder=folder, workers=workers) if config.max_recurring_mark is not None else None
    )
    came = manifest.kept(rows)
    rows = _with(measure, rows, came)
    kept = rows.loc[came.index]
    if recur:
        rows = manifest.table(_put(rows, "recurring_mark", recur(kept)))
    decided = decide(rows, config, verdicts)
    if len(copies := stand_ins.waiting(decided)):
        decided = _with(measure, decided, copies.drop(columns="keeper"))
        if recur:
            decided = manifest.table(_put(decided, "recurring_mark", recur(kept, of=decided.loc[copies.index])))
        judged = decide(stand_ins.waiting(decided), config, verdicts)
        refused = {content_id for content_id, verdict in verdicts.items() if verdict == "reject"}
        decided = stand_ins.taken_up(decided, judged, refused)
    doubtful = decided[decided["doubt"].notna()]
    doubt_sheet.write(doubtful, config, folder, most=config.sheet_pictures)
    return decided


def _with(measure: Callable[[pd.DataFrame], pd.DataFrame], rows: pd.DataFrame, some: pd.DataFrame) -> pd.DataFrame:
    """Rows with what is measured of some of them, which have the index that they have there."""
    measured = measure(some)
    for name in quality.COLUMNS:
        rows = _put(rows, name, measured[name])
    return manifest.table(rows)


def _put(rows: pd.DataFrame, name: str, found: pd.Series[Any]) -> pd.DataFrame:
    """Rows with a column's values for those that `found` names."""
    values = rows[name].astype(object)
    values[found.index] = found.to_numpy(dtype=object)
    return rows.assign(**{name: values})


def verdicts_of(file: Path) -> dict[str, str]:
    """Each judged id's last word, accept or reject. Raises ScganError for a line that is no verdict."""
    return words(read_verdicts(file))


def decide(rows: pd.DataFrame, config: FilterConfig, verdicts: Mapping[str, str] | None = None) -> pd.DataFrame:
    """A copy of `rows` in which still-kept ones beyond a limit carry reason, value and limit, doubtful ones `doubt`.

    `verdicts` are ids with accept or reject; see `decision.decide`.
    """
    return decision.decide(rows, config, rows["id"].map(dict(verdicts or {})), stage="filter")
