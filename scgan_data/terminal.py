"""What people see while a command runs: one console on standard error, and its progress bars."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from scgan_data.errors import printable

console = Console(stderr=True)


def say(text: str) -> None:
    """One line as it is: no name in it is taken for markup, and no path is broken in two."""
    console.print(printable(text), markup=False, emoji=False, highlight=False, soft_wrap=True)


def progress() -> Progress:
    """A progress bar with counts and remaining time, on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
