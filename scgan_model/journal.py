"""What a training tells while it runs: metrics.jsonl, other programs' records (`loggers.py`), a bar with the losses.

metrics.jsonl has one object a line, with `step`, `seconds` (of training so far, kills not counted) and, on the lines of
logged steps, the losses averaged since the last one and the learning rate; lines of sampled steps have `test_cycle`,
those of measured ones `kid`. After a kill the lines of steps that will be trained again are dropped, there and in the
other records. The finished model has each quantity as a table too, `plots/NAME.tsv`: `dvc plots` reads no JSON lines,
and of one table with holes it would draw the holes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from scgan_data import files
from scgan_data.terminal import console
from scgan_model.loggers import loggers
from scgan_model.ranks import ALONE, Ranks

FILE_NAME = "metrics.jsonl"
_SHOWN = {"cycle_a": "cycle", "gan_ab": "G", "d_b": "D"}
"""Losses on the bar, by short names: more do not fit into 80 columns."""
_LOSSES = ("total", "d_a", "d_b")
LOSS_LIMIT = 1e6
"""A loss above it has diverged although it is still a number. Those of the demo lie below 100; Eq. 7 at its raw scale
begins at about 1,000. The number is a choice and not a measurement: no training of ours has diverged to a finite loss,
so nothing says how early a lower limit would have told, or how often wrongly."""
PLOTS = "plots"


class Means:
    """Losses averaged since the last reading. Sums stay on the device: only `read` waits for it."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, found: Mapping[str, Tensor]) -> None:
        """One step's losses."""
        for name, value in found.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1

    def read(self, ranks: Ranks = ALONE) -> dict[str, float]:
        """The means over steps and processes, starting anew."""
        if not self._sums:
            return {}
        sums = ranks.mean(torch.stack(list(self._sums.values()))).tolist()
        means = {name: value / self._count for name, value in zip(self._sums, sums, strict=True)}
        self._sums, self._count = {}, 0
        return means

    def state_dict(self) -> dict[str, Any]:
        """What was added since the last reading: a checkpoint may be written between two lines."""
        return {"sums": dict(self._sums), "count": self._count}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on where `state_dict` was taken."""
        self._sums = {name: value.to(device) for name, value in state["sums"].items()}
        self._count = state["count"]


class Journal:
    """The record of one run, from `step` on: lines of later steps, which a kill left behind, are dropped."""

    def __init__(
        self, folder: Path, *, title: str, step: int, total_steps: int, pairs: int = 1, tensorboard: bool = False
    ) -> None:
        self._file = folder / FILE_NAME
        past = _truncate(self._file, step)
        self._loggers = loggers(folder, past, step=step, tensorboard=tensorboard)
        self._pairs = pairs
        """A step's, for the speed on the bar."""
        self._last = past[-1] if past else {"step": step, "seconds": 0.0}
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=6),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[told]}"),
            console=console,
        )
        self._task = self._bar.add_task(title, total=total_steps, completed=step, told="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        for logger in self._loggers:
            logger.close()

    def advance(self, step: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=step)

    def write(self, line: dict[str, Any]) -> None:
        """Append a line."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        told = [f"{label} {line[name]:.2f}" for name, label in _SHOWN.items() if name in line]
        if told:
            self._bar.update(self._task, told=" ".join([speed(self._last, line, self._pairs), *told]))
        self._last = line
        for logger in self._loggers:
            logger.write(line)

    def picture(self, step: int, file: Path) -> None:
        """Tell of a sample grid."""
        for logger in self._loggers:
            logger.picture(step, file)

    def say(self, text: str) -> None:
        """A line that stays, above the bar."""
        self._bar.console.print(text, highlight=False)


def diverged(line: Mapping[str, Any]) -> str | None:
    """In words, which of a line's figures is out of bounds; None where all are well."""
    for name, value in line.items():
        if isinstance(value, float) and not math.isfinite(value):
            return f"{name} is not a number any more"
        if name in _LOSSES and value > LOSS_LIMIT:
            return f"{name} has grown to {value:.3g}"
    return None


def read_lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines of a metrics.jsonl; a last one that a kill cut short is left out."""
    if not file.is_file():
        return []
    text = file.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def write_tables(folder: Path) -> None:
    """`plots/NAME.tsv` with the columns `step` and NAME for every quantity of the run's metrics.jsonl."""
    lines = read_lines(folder / FILE_NAME)
    for name in {name: None for line in lines for name in line if name not in ("step", "seconds")}:
        rows = [f"{line['step']}\t{line[name]}\n" for line in lines if line.get(name) is not None]
        files.write_bytes(folder / PLOTS / f"{name}.tsv", "".join([f"step\t{name}\n", *rows]).encode())


def speed(before: Mapping[str, Any], now: Mapping[str, Any], pairs: int) -> str:
    """Pairs a second between two lines, in words; empty where no time has passed."""
    seconds = now["seconds"] - before["seconds"]
    if seconds <= 0:
        return ""
    rate = pairs * (now["step"] - before["step"]) / seconds
    return f"{rate:,.0f} pairs/s" if rate >= 10 else f"{rate:.1f} pairs/s"


def _truncate(file: Path, step: int) -> list[dict[str, Any]]:
    """Drop the lines after `step`, all of them at the start of a run; what stays."""
    past = [line for line in read_lines(file) if line["step"] <= step] if step else []
    files.write_bytes(file, "".join(json.dumps(line) + "\n" for line in past).encode())
    return past
