"""A stage's folder as a table: kept and rejected, by domain and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from scgan_data import manifest
from scgan_data.records import MEANING, Reason, Status


def own(stage: str, before: pd.DataFrame, after: pd.DataFrame, folder: Path) -> tuple[dict[str, Any], str]:
    """The summary of what a stage itself decided, and its sums in words, which say where the rest is to be seen."""
    came, mine = ((rows["status"] == Status.KEPT) | (rows["rejected_by"] == stage) for rows in (before, after))
    decided, earlier = manifest.summary(after[mine]), int((~mine).sum())
    whole = f"; {earlier} more were rejected before: `scgan-data show {folder}` has the whole funnel" if earlier else ""
    return decided, sums(decided, int(came.sum())) + whole


def sums(summary: dict[str, Any], came: int | None = None) -> str:
    """How many pictures came in, were kept and rejected.

    More than `came` go out where a picture gives several crops, or where the filter keeps a copy in another's place.
    """
    kept, rejected = (sum(counts[name] for counts in summary.values()) for name in ("kept", "rejected"))
    more = kept + rejected - came if came else 0
    added = f" and {more} more made of them or kept in another's place" if more else ""
    return f"{kept + rejected - more} in{added}, {kept} kept, {rejected} rejected"


def table(summary: dict[str, Any], title: str) -> Table:
    """`manifest.summary` as a rich table."""
    view = Table(title=title, title_justify="left")
    view.add_column("domain")
    view.add_column("pictures", justify="right")
    view.add_column("", overflow="fold")
    for domain, counts in summary.items():
        view.add_row(f"[bold]{domain}[/bold]", f"[green]{counts['kept']}[/green]", "kept", end_section=False)
        for reason, number in counts["reasons"].items():
            view.add_row("", f"[red]{number}[/red]", f"{reason}: {MEANING[Reason(reason)]}")
        view.add_section()
    return view
