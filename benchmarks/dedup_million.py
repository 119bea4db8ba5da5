"""The whole of `scgan-data dedup` over a manifest of 100,000 and of 1,000,000 pictures that nobody has.

    python -m benchmarks.dedup_million [COUNT ...]

Rows are of dedup_million_rows, a tenth of them copies. The command runs in a process of its own. It searches as far as
it does by default; as there are no files to look at, limits are set so that hashes settle what they leave (SETTINGS).
That none is opened is counted at `open` itself (an audit hook). Seconds of CPU are said beside those of the clock; the
compiled code is there from a run over 2,000 rows. A merge is false where one is kept for a row of another picture.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks import dedup_million_rows as generator
from benchmarks.results import Figure, write

COUNTS = (100_000, 1_000_000)
WARM = 2_000
TARGET_S, TARGET_GIB = 180.0, 6.0
SETTINGS = ("hash256_distance=48", "view_agreement=8", "sure_distance256=256")
_COMMAND = """
import json, resource, sys
opened = [0]
def heard(event, given):
    opened[0] += event == "open" and str(given[0]).startswith("/nowhere/")
sys.addaudithook(heard)
from scgan_data.cli import app
app(sys.argv[1:], standalone_mode=False)
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"opened": opened[0], "peak_kib": peak}))
"""


@dataclass(frozen=True)
class Run:
    """What one run of the command took, and made."""

    seconds: float
    cpu_s: float
    peak_gib: float
    opened: int
    found: int
    copies: int
    false: int


def main() -> None:
    """Measure and write."""
    counts = tuple(map(int, sys.argv[1:])) or COUNTS
    with tempfile.TemporaryDirectory(prefix="scgan-bench-million-") as home:
        _measured(Path(home), WARM)
        write("dedup_million", [figure for count in counts for figure in _figures(count, _measured(Path(home), count))])


def _figures(count: int, run: Run) -> list[Figure]:
    of, is_target = f"{count:,} rows", count == COUNTS[-1]
    return [
        Figure(f"{of}: the command", run.seconds, "s", TARGET_S if is_target else None, at_most=True),
        Figure(f"{of}: CPU, all threads", run.cpu_s, "s"),
        Figure(f"{of}: peak memory", run.peak_gib, "GiB", TARGET_GIB if is_target else None, at_most=True),
        Figure(f"{of}: pictures opened", run.opened, "files", 0, at_most=True),
        Figure(f"{of}: copies in the group of their original", run.found / run.copies, "share"),
        Figure(f"{of}: rejected as the copy of another picture", run.false, "rows"),
    ]


def _measured(home: Path, count: int) -> Run:
    src, dst = home / f"in-{count}", home / f"out-{count}"
    generator.write(src, count)
    options = [option for setting in SETTINGS for option in ("--set", f"{setting}")]
    command = [sys.executable, "-c", _COMMAND, "dedup", str(src), str(dst), *options]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = json.loads(done.stdout.splitlines()[-1])
    found, copies, false = _judged(src, dst, count)
    run = Run(seconds, cpu_s, said["peak_kib"] / 2**20, said["opened"], found, copies, false)
    sys.stderr.write(f"{run}\n")
    return run


def _judged(src: Path, dst: Path, count: int) -> tuple[int, int, int]:
    """Copies in their original's group, all copies, rows rejected for another picture's."""
    _, of = generator.signatures(count)
    picture = np.where(of < 0, np.arange(count), of)
    number = {name: row for row, name in enumerate(_column(src, "id"))}
    place = np.array([number[name] for name in _column(dst, "id")])
    groups = np.empty(count, object)
    groups[place] = _column(dst, "group_id")
    copies = np.flatnonzero(of >= 0)
    kept_for = [(number[one], here) for one, here in zip(_column(dst, "detail"), place.tolist(), strict=True) if one]
    false = sum(picture[one] != picture[here] for one, here in kept_for)
    return int((groups[copies] == groups[of[copies]]).sum()), len(copies), int(false)


def _column(folder: Path, name: str) -> list[str]:
    column: list[str] = pq.read_table(folder / "manifest.parquet", columns=[name])[name].to_pylist()
    return column


if __name__ == "__main__":
    main()
