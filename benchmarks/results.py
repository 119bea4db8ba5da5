"""How a benchmark's figures are kept: `results/NAME.json` for machines and `results/NAME.md` for people."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from scgan_data.files import write_bytes, write_json

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measurement. `target` None where the issue only asks to state it; `at_most` turns the comparison round; a
    `value` of None is one that this machine cannot take, listed so that nobody believes it was."""

    name: str
    value: float | None
    unit: str
    target: float | None = None
    versus: str = ""
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one, or without a value."""
        if self.target is None or self.value is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


def share(name: str, hits: Iterable[bool | np.bool_], target: float | None = None, *, at_most: bool = False) -> Figure:
    """How many of some, with Wilson's interval."""
    every = list(hits)
    return share_of(name, sum(map(bool, every)), len(every), target, at_most=at_most)


def share_of(name: str, hits: int, count: int, target: float | None = None, *, at_most: bool = False) -> Figure:
    """`hits` of `count`, with Wilson's interval."""
    low, high = binomtest(hits, count).proportion_ci(0.95, method="wilson") if count else (0.0, 1.0)
    unit = f"of 1 ({hits}/{count}; {low:.3f} to {high:.3f})"
    return Figure(name, round(hits / max(1, count), 4), unit, target, at_most=at_most)


def machine() -> str:
    """The machine in words."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    torch = sys.modules.get("torch")  # imported already by every benchmark that could use a GPU
    gpu = torch.cuda.get_device_name() if torch and torch.cuda.is_available() else "no GPU"
    return f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, {gpu}, Python {platform.python_version()}"


def write(name: str, figures: list[Figure]) -> None:
    """Write both files, and print the table."""
    command = " ".join([f"python -m benchmarks.{name}", *sys.argv[1:]])
    common = {"machine": machine(), "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "command": command}
    rows = [{k: v for k, v in asdict(f).items() if k != "at_most"} | {"met": f.met} | common for f in figures]
    write_json(FOLDER / f"{name}.json", rows)
    lines = [f"# {name}", "", f"`{command}`, {common['date']}, {common['machine']}", ""]
    lines += ["| figure | value | unit | target | met |", "| --- | --- | --- | --- | --- |"]
    for f in figures:
        sign = "≤" if f.at_most else "≥"
        target = "" if f.target is None else f"{sign} {f.target:.4g}"
        met = {None: "", True: "yes", False: "**no**"}[f.met]
        value = "not run" if f.value is None else f"{f.value:.4g}"
        lines.append(f"| {f.name} | {value} | {f.unit} | {target} | {met} |")
    text = "\n".join(lines) + "\n"
    write_bytes(FOLDER / f"{name}.md", text.encode())
    sys.stdout.write(text)
