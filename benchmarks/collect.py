"""Collection against img2dataset: pictures a second, CPU a picture, the tail, and a list of a million URLs.

    python -m benchmarks.collect

Both tools fetch from one nginx on 127.0.0.1, each as a whole process, start-up included, in turns; figures are medians.
img2dataset (1.47.0, in a virtual environment of its own, made at the first run) goes with two processes and 32 threads.
It starts slowly, so there is a ratio without start-up too: both less their time for a list of one URL.
"Fetch only" is it with `disable_all_reencoding`, "whole stage" with its defaults (decode, 256 px, JPEG); ours hashes
bytes and pixels, two perceptual hashes, sharpness and metadata, and keeps the picture in full size. nginx shares the
cores, with both.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.collect_settings import FETCH
from benchmarks.collect_site import Site, site
from benchmarks.results import Figure, write

ROUNDS = 3
COUNTS = {"5 KB": 8000, "100 KB": 1600}
VENV = Path(tempfile.gettempdir()) / "scgan-bench-img2dataset"
THREADS = 32
VERSUS = "img2dataset 1.47.0"
MILLION = 1_000_000
STALLED_SHARE, STALL_DEADLINE_S = 0.01, 5.0


@dataclass(frozen=True)
class Run:
    """One measured process."""

    seconds: float
    cpu_s: float


def main() -> None:
    """Measure everything and write the results."""
    home = Path(tempfile.mkdtemp(prefix="scgan-bench-"))
    try:
        with site(home) as served:
            figures = [*_against_img2dataset(served), *_tail(served), *_million(served)]
        write("collect", figures)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _against_img2dataset(served: Site) -> list[Figure]:
    tool = _img2dataset()
    figures = []
    for size, count in COUNTS.items():
        listed = served.home / "list.txt"
        listed.write_text("\n".join(served.urls(size, count)), encoding="utf-8")
        out = served.home / "out"
        pairs: dict[str, tuple[list[str], list[str], float, float | None]] = {
            "fetch only": (_fetch(listed, out), [*_theirs(tool, listed, out), *RAW], 1.5, 0.5),
            "whole stage": (_collect(listed, out), _theirs(tool, listed, out), 1.2, None),
        }
        for what, (ours, theirs, target, cpu_target) in pairs.items():
            figures += _compare(f"{size}, {what}", ours, theirs, out, count, (target, cpu_target))
    return figures


RAW = ["--resize_mode", "no", "--disable_all_reencoding", "True"]


def _compare(
    name: str, ours: list[str], theirs: list[str], out: Path, count: int, targets: tuple[float, float | None]
) -> list[Figure]:
    listed = out.with_name("list.txt")
    every = listed.read_text(encoding="utf-8")
    listed.write_text(every.splitlines()[0], encoding="utf-8")
    idle_s = [_run(ours, out).seconds, _run(theirs, out).seconds]
    listed.write_text(every, encoding="utf-8")
    runs: list[tuple[Run, Run]] = []
    for _ in range(ROUNDS):
        mine = _run(ours, out)
        _check(_ours_had(out), count, name)
        runs.append((mine, _run(theirs, out)))
        _check(_theirs_had(out), count, name)
        sys.stderr.write(f"{name}: ours {runs[-1][0]}, img2dataset {runs[-1][1]}\n")

    def median(of: Callable[[Run, Run], float]) -> float:
        return statistics.median(of(*pair) for pair in runs)

    rate, cpu = f"{name}: pictures/s", f"{name}: CPU a picture"
    faster = median(lambda a, b: b.seconds / a.seconds)
    going = median(lambda a, b: (b.seconds - idle_s[1]) / (a.seconds - idle_s[0]))
    cheaper = median(lambda a, b: a.cpu_s / b.cpu_s)
    return [
        Figure(f"{rate} against img2dataset", faster, "x", targets[0], VERSUS),
        Figure(f"{cpu} against img2dataset", cheaper, "x", targets[1], VERSUS, at_most=True),
        Figure(f"{rate} against img2dataset, both less their time for a list of one", going, "x", versus=VERSUS),
        Figure(rate, median(lambda a, b: count / a.seconds), "1/s"),
        Figure(f"{rate}, img2dataset", median(lambda a, b: count / b.seconds), "1/s"),
        Figure(cpu, median(lambda a, b: 1000 * a.cpu_s / count), "ms"),
        Figure(f"{cpu}, img2dataset", median(lambda a, b: 1000 * b.cpu_s / count), "ms"),
    ]


def _ours_had(out: Path) -> int:
    """Pictures of the finished folder, or of the half that only fetches."""
    summary = out / "summary.json"
    if summary.is_file():
        return int(json.loads(summary.read_text())["selfie"]["kept"])
    with closing(sqlite3.connect(out.with_name(f".{out.name}.work") / "collect.sqlite")) as state:
        return int(state.execute("SELECT COUNT(*) FROM urls WHERE content_id NOTNULL").fetchone()[0])


def _theirs_had(out: Path) -> int:
    return sum(json.loads(file.read_text())["successes"] for file in out.glob("*_stats.json"))


def _check(had: int, wanted: int, name: str) -> None:
    if had != wanted:
        sys.exit(f"{name}: {had} pictures of {wanted} came; the comparison would be void")


def _fetch(listed: Path, out: Path) -> list[str]:
    start = "from benchmarks.collect_fetch import main; main()"
    return [sys.executable, "-c", start, str(listed), str(out)]


def _collect(listed: Path, out: Path, **more: object) -> list[str]:
    keys = ("contact", "threads", "connections_per_host", "interval_s", "deadline_s")
    fetch = {name: getattr(FETCH, name) for name in keys} | more
    settings = [part for key, value in fetch.items() for part in ("--set", f"fetch.{key}={value}")]
    start = [sys.executable, "-m", "scgan_data.cli", "collect", str(out), "--params", os.devnull]
    return [*start, "--from", str(listed), "--allow-private", *settings]


def _theirs(tool: Path, listed: Path, out: Path) -> list[str]:
    plain = ("--url_list", str(listed), "--output_folder", str(out), "--enable_wandb", "False")
    return [str(tool), *plain, "--processes_count", "2", "--thread_count", str(THREADS)]


def _img2dataset() -> Path:
    tool = VENV / "bin" / "img2dataset"
    if not tool.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        subprocess.run([str(VENV / "bin" / "pip"), "install", "-q", "img2dataset==1.47.0"], check=True)
    return tool


def _run(command: list[str], out: Path) -> Run:
    """Run a process to its end, into a folder that is new; its time and its and its children's CPU.

    What an earlier run wrote is put aside, not deleted: for minutes after, ext4 passes over every file number that was
    freed when it makes a new file, which cost the next run half as much CPU again.
    """
    for folder in (out, out.with_name(f".{out.name}.work")):
        if folder.exists():
            folder.rename(folder.with_name(f"{folder.name}.{time.monotonic_ns()}"))
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(time.monotonic() - started, usage.ru_utime + usage.ru_stime)


def _tail(served: Site) -> list[Figure]:
    """One URL in a hundred is answered never."""
    count = 2000
    stalled = served.silent_urls(int(count * STALLED_SHARE))
    listed = served.home / "tail.txt"
    listed.write_text("\n".join([*served.urls("5 KB", count - len(stalled)), *stalled]), encoding="utf-8")
    out = served.home / "tail"
    run = _run(_collect(listed, out, deadline_s=STALL_DEADLINE_S, retries=0), out)
    name = "tail: seconds to the end, 1 % of 2,000 URLs stalled"
    return [Figure(name, run.seconds, "s", STALL_DEADLINE_S + 10, at_most=True)]


def _million(served: Site) -> list[Figure]:
    """A list of a million URLs: killed after a while, then started again."""
    listed = served.home / "million.txt"
    with listed.open("w", encoding="utf-8") as file:
        file.writelines(f"{url}\n" for url in served.urls("5 KB", MILLION))
    out = served.home / "million"
    peak_mib = _killed(_collect(listed, out), served, seconds=150.0)[0]
    again_mib, first_s = _killed(_collect(listed, out), served, seconds=30.0)
    return [
        Figure("a list of 1,000,000: peak memory, all processes", max(peak_mib, again_mib), "MiB", 1024, at_most=True),
        Figure("a list of 1,000,000: resumed, seconds to the first request", first_s, "s", 5, at_most=True),
    ]


def _killed(command: list[str], served: Site, *, seconds: float) -> tuple[float, float]:
    """Peak memory (MiB, proportional set sizes summed) and the time of the first request; killed after `seconds`."""
    asked, started, peak, first_s = served.requests(), time.monotonic(), 0.0, float("inf")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while time.monotonic() - started < seconds and process.poll() is None:
            if first_s == float("inf"):
                asked += 1  # by this look itself
                first_s = time.monotonic() - started if served.requests() > asked else first_s
                time.sleep(0.02)
            else:
                peak = max(peak, _memory_mib(process.pid))
                time.sleep(0.5)
        process.kill()
    time.sleep(2.0)  # the workers end with their parent
    return peak, first_s


def _memory_mib(pid: int) -> float:
    """The process and its children."""
    total = 0.0
    for one in [pid, *_children(pid)]:
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def _children(pid: int) -> list[int]:
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in file.read_text().split():
            found += [int(child), *_children(int(child))]
    return found


if __name__ == "__main__":
    main()
