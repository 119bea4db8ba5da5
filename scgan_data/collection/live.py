"""The live table of a running collection: hosts, rates, errors, what is left and when it ends."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich import live
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from scgan_data.collection.tally import Tally

EVERY_S = 0.5
QUIET_EVERY_S = 30.0
HOSTS = 12


class Live:
    """Shows a tally on a terminal, twice a second; elsewhere (a log, `dvc repro`) a line each half minute."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown_at = time.monotonic()
        self._live = live.Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, tally: Tally) -> None:
        """Show the tally, if it is time."""
        now = time.monotonic()
        if now - self._shown_at < (EVERY_S if self._live else QUIET_EVERY_S):
            return
        self._shown_at = now
        if self._live is not None:
            self._live.update(Group(_hosts(tally), Text(line(tally))), refresh=True)
        else:
            self._console.print(line(tally))


def line(tally: Tally) -> str:
    """The whole run in one line."""
    waiting, rate = tally.waiting(), tally.per_second
    left = f", {_span(waiting / rate)} left" if rate and waiting else ""
    return f"collect: {tally.finished} done, {tally.pictures} new pictures, {waiting} waiting, {rate:.0f}/s{left}"


def _hosts(tally: Tally) -> Table:
    table = Table("host", "had", "not had", "mostly", "per s", "under way", "spacing")
    paces = tally.paces()
    for name, host in sorted(tally.hosts.items(), key=lambda pair: -(pair[1].had + pair[1].not_had))[:HOSTS]:
        mostly = host.reasons.most_common(1)
        busy, spacing_s = paces.get(name, (0, 0.0))
        numbers = (f"{host.per_second:.1f}", str(busy), f"{spacing_s:.1f} s" if spacing_s else "")
        table.add_row(name, str(host.had), str(host.not_had), mostly[0][0] if mostly else "", *numbers)
    if len(tally.hosts) > HOSTS:
        table.caption = f"and {len(tally.hosts) - HOSTS} hosts more"
    return table


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
