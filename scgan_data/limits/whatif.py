"""whatif: what a changed limit would do, from the manifest alone.

Every measured value is in the manifest, so the decisions of a stage can be made again without a picture: the new funnel
is printed beside the recorded one, and exactly the pictures that would flip are opened, to be looked at. Rows that an
earlier stage rejected never flip. A flip is against the recorded decision; where params.yaml has changed since the
stage ran, that change is in the new one too. What the filter keeps in another picture's place (`stand_ins`) counts as
kept, whatever becomes of the other: which copies will stand in is not known before they are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.table import Table as View

from scgan_data import config
from scgan_data.limits import doubt, rules, settings
from scgan_data.limits.change import KEPT, Change, reached, recorded
from scgan_data.limits.columns import Numbers, Table
from scgan_data.limits.crop_rules import CropLimits
from scgan_data.limits.rules import FilterLimits, Limits
from scgan_data.verdicts import read_verdicts, words


def what_if(changes: Sequence[str], folder: Path | None = None, params: Path | None = None) -> Change:
    """Decide again with `STAGE.LIMIT=VALUE` changes. Raises ConfigError, ManifestError."""
    stage = settings.stage_of(changes, tuple(DECIDE))
    return DECIDE[stage](changes, settings.folder_of(stage, folder), params)


def limits_of(limits: type[Limits]) -> tuple[str, ...]:
    """A section's keys that can be tried."""
    return (*(rule.key for rule in limits.RULES), "doubt", "doubtful")


def _by_rules(stage: str, limits: type[Limits], changes: Sequence[str], folder: Path, params: Path | None) -> Change:
    base = config.load(limits, stage, file=params)
    new = settings.changed(base, stage, changes, limits_of(limits))
    table = Table(folder)
    columns = table.numbers(tuple(dict.fromkeys(name for rule in limits.RULES for name in rule.columns)))
    rows, labels = reached(table, stage)
    columns = {name: column[rows] for name, column in columns.items()}
    codes, domains = labels["domain"]
    known = [KEPT, *(rule.reason.value for rule in limits.RULES)]
    outcomes, before = recorded(labels, known)
    after = _broken(columns, codes, domains, new, _words(table, rows, new.verdicts)) + 1
    after = np.where(before < len(known), after, before)  # no face: no limit changes that
    values = _deciding(columns, before, after, new.RULES)
    unseen = stage not in labels["rejected_by"][1]
    foreign = (f"no picture in {folder} was rejected by {stage}: is it its?",) if unseen else ()
    notes = (*foreign, *settings.without_pictures(changes, [rule.key for rule in limits.RULES], domains))
    return Change(stage, table, rows, domains, codes, outcomes, before, after, values, notes)


def _words(table: Table, rows: NDArray[np.int64], file: Path) -> NDArray[np.str_]:
    """(R,) a person's last word on each row's picture, else on its parent, or nothing."""
    said = words(read_verdicts(file))
    if not said:
        return np.full(len(rows), "")
    ids, parents = table.texts("id", rows), table.texts("parent_id", rows)
    return np.array([said.get(i) or said.get(parent, "") for i, parent in zip(ids, parents, strict=True)], np.str_)


def _broken(
    columns: Numbers,
    codes: NDArray[np.int64],
    domains: list[str],
    new: Limits,
    words: NDArray[np.str_],
) -> NDArray[np.int64]:
    """(R,) the rule by which the filter rejects a row, -1 for none."""
    broken = np.where(words == "accept", -1, rules.first_broken(columns, codes, domains, new, new.RULES))
    if new.doubtful == "keep":
        return broken
    near = doubt.nearest(columns, codes, domains, new, new.doubt, new.RULES).rule
    return np.where((broken < 0) & (words == ""), near, broken)


def _deciding(
    columns: Numbers, before: NDArray[np.int64], after: NDArray[np.int64], known: Sequence[rules.Rule]
) -> NDArray[np.float64]:
    """(R,) the value of the rule that a row breaks now, else of the one that it broke."""
    number = np.where(after > 0, after, before) - 1
    values = np.full(len(number), np.nan)
    for n, rule in enumerate(known):
        if (here := number == n).any():
            values[here] = rule.values(columns)[here]
    return values


def default_sheet(change: Change) -> Path:
    """In the stage's work folder, which Git leaves alone."""
    home = change.table.folder
    return home.parent / f".{home.name}.work" / "whatif.jpg"


def funnel(change: Change) -> View:
    """Kept and rejected by domain and reason, as recorded and as they would be."""
    view = View(title=f"{change.stage}: {change.table.folder}", title_justify="left")
    for name in ("domain", "", "recorded", "would be", "change"):
        view.add_column(name, justify="right" if name in ("recorded", "would be", "change") else "left")
    for number, domain in enumerate(change.domains):
        here = change.codes == number
        counts = [np.bincount(d[here], minlength=len(change.outcomes)) for d in (change.before, change.after)]
        for outcome in np.flatnonzero((counts[0] > 0) | (counts[1] > 0) | (np.arange(len(change.outcomes)) == 0)):
            old, new = int(counts[0][outcome]), int(counts[1][outcome])
            name = f"[red]{change.outcomes[outcome]}[/red]" if outcome else "[green]kept[/green]"
            view.add_row("" if outcome else f"[bold]{domain}[/bold]", name, str(old), str(new), _signed(new - old))
        view.add_section()
    return view


def _signed(number: int) -> str:
    return f"{number:+d}" if number else ""


Decide = Callable[[Sequence[str], Path, Path | None], Change]


def _dedup(changes: Sequence[str], folder: Path, params: Path | None) -> Change:
    from scgan_data.limits import copies  # pandas comes with it

    return copies.what_if(changes, folder, params)


DECIDE: dict[str, Decide] = {
    "filter": partial(_by_rules, "filter", FilterLimits),
    "crop": partial(_by_rules, "crop", CropLimits),
    "dedup": _dedup,
}
"""The stages whose limits can be tried."""
