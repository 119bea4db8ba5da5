"""A stage's folder as a table: kept and rejected, by domain and reason."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from scgan_data.records import MEANING, Reason


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
