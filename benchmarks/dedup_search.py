"""All pairs of near hashes: time, memory, exactness, growth, and faiss and imagededup on the same hashes.

    python -m benchmarks.dedup_search [--small]

Hashes come from dedup_search_hashes. Each search is a process of its own; repeated ones go in turns and medians are
kept. Peers (faiss-cpu 1.15.1, imagededup 0.3.3.post2, in a virtual environment made at the first run) get the sizes
they can do in a minute or two, and their times at a million are extrapolated, which each such figure's name says:
brute force by the square of the count. `--small` is the whole at a hundredth of the size, and writes nothing.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import dedup_search_hashes as generator
from benchmarks.dedup_search_plot import draw
from benchmarks.results import FOLDER, Figure, write

MILLION = 1_000_000
ROUNDS = 3
TARGET_S = {4: 3.0, 8: 45.0}
GROWTH = (10_000, 100_000, 1_000_000, 10_000_000)
SECONDS_MOST = 600
VENV = Path(tempfile.gettempdir()) / "scgan-bench-search"
PACKAGES = ("imagededup==0.3.3.post2", "faiss-cpu==1.15.1")
PEER_SIZES = {
    "faiss flat": 100_000,
    "faiss multi-hash": 100_000,
    "imagededup brute force": 10_000,
    "imagededup BK-tree": 2_000,
}
QUADRATIC = ("faiss flat", "imagededup brute force")
PEER_ROUNDS = 3


@dataclass(frozen=True)
class Run:
    """What a search's process said."""

    seconds: float
    pairs: int
    peak_mib: float = math.nan
    warm_s: float = math.nan


@dataclass(frozen=True)
class Bench:
    """Where files of hashes lie, and by what all sizes are divided."""

    home: Path
    smaller: int = 1

    def file(self, count: int) -> Path:
        """The generator's hashes, count / smaller of them, made once."""
        count = max(200, count // self.smaller)
        path = self.home / f"{count}.npy"
        if not path.is_file():
            np.save(path, generator.hashes(count))
        return path


def main() -> None:
    """Measure everything and write the results."""
    small = "--small" in sys.argv[1:]
    measured = figures(100 if small else 1, None if small else FOLDER / "dedup_search.png")
    if not small:
        write("dedup_search", measured)
    else:
        sys.stdout.writelines(f"{f.name}: {f.value:.4g} {f.unit}\n" for f in measured)


def figures(smaller: int = 1, plot: Path | None = None) -> list[Figure]:
    """All figures, with sizes divided by `smaller`; the growth is drawn to `plot`."""
    with tempfile.TemporaryDirectory(prefix="scgan-bench-") as home:
        bench = Bench(Path(home), smaller)
        found = [*_generator(bench), *_exactness(bench), *_million(bench), *_peers(bench)]
        return [*found, *_growth(bench, plot)]


def _generator(bench: Bench) -> list[Figure]:
    """How like real hashes the generated ones are, as shares of unrelated pairs."""
    hashes = generator.originals_of(6000, np.random.default_rng(1))
    distances = np.bitwise_count(hashes[:, None] ^ hashes)[np.triu_indices(hashes.size, 1)]
    shares = {d: 1e6 * float((distances <= d).mean()) for d in (4, 8, 12)}
    return [Figure(f"generator: unrelated pairs within {d}, of a million", s, "pairs") for d, s in shares.items()]


def _exactness(bench: Bench) -> list[Figure]:
    """Pairs that are only in one of our answer and brute force's."""
    file = bench.file(50_000)
    hashes = np.load(file)
    figures = []
    for distance in (4, 8, 12):
        _ours(file, distance, bench.home / "pairs.npy")
        ours = np.load(bench.home / "pairs.npy")
        differing = set(map(tuple, ours.tolist())) ^ set(map(tuple, _brute_force(hashes, distance).tolist()))
        name = f"{hashes.size:,} hashes, distance {distance}: pairs not also brute force's, repeated or missing"
        wrong = len(differing) + len(ours) - len(np.unique(ours, axis=0))
        figures.append(Figure(name, wrong, "pairs", 0, at_most=True))
    return figures


def _brute_force(hashes: np.ndarray, distance: int) -> np.ndarray:
    found = []
    for start in range(0, hashes.size, 500):
        near = np.argwhere(np.bitwise_count(hashes[start : start + 500, None] ^ hashes) <= distance)
        near[:, 0] += start
        found.append(near[near[:, 0] < near[:, 1]])
    return np.concatenate(found)


def _million(bench: Bench) -> list[Figure]:
    file = bench.file(MILLION)
    runs: dict[int, list[Run]] = {4: [], 8: [], 12: []}
    for turn in range(ROUNDS):
        for distance, had in runs.items():
            if distance in TARGET_S or not turn:  # 12 once: only reported
                had.append(_ours(file, distance))
                sys.stderr.write(f"a million, distance {distance}: {had[-1]}\n")
    figures = []
    for distance, had in runs.items():
        name = f"{_size(file):,} hashes, distance {distance}"
        seconds = statistics.median(run.seconds for run in had)
        memory_target = 1024 if distance in TARGET_S else None
        peak = max(run.peak_mib for run in had)
        figures += [
            Figure(f"{name}: all pairs", seconds, "s", TARGET_S.get(distance), at_most=True),
            Figure(f"{name}: peak memory of the process, pairs included", peak, "MiB", memory_target, at_most=True),
            Figure(f"{name}: pairs", had[0].pairs, "pairs"),
        ]
    warm = statistics.median(run.warm_s for had in runs.values() for run in had)
    figures.append(Figure("numba's import, kept compiled code loaded, 10,000 hashes searched", warm, "s"))
    return [*figures, Figure("the same with nothing kept: compiled anew", _compiled_anew(bench), "s")]


def _compiled_anew(bench: Bench) -> float:
    nowhere = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_CACHE_DIR": os.devnull + "/none"}
    return _ours(bench.file(10_000), 2, environment=nowhere).warm_s


def _peers(bench: Bench) -> list[Figure]:
    python = _peer_python()
    figures = []
    for tool, count in PEER_SIZES.items():
        file = bench.file(count)
        for distance in TARGET_S:
            runs = [(_ours(file, distance), _peer(python, tool, file, distance)) for _ in range(PEER_ROUNDS)]
            sys.stderr.write(f"{tool}, {count}, distance {distance}: {runs[-1]}\n")
            _check(tool, runs)
            figures += _compared(f"{_size(file):,} hashes, distance {distance}", tool, runs)
            if tool in QUADRATIC and bench.smaller == 1:
                seconds = statistics.median(theirs.seconds for _, theirs in runs) * (MILLION / count) ** 2
                name = f"1,000,000 hashes, distance {distance}: {tool}, extrapolated from {count:,} by the square"
                figures.append(Figure(name, seconds, "s", versus=tool))
    return figures


def _compared(name: str, tool: str, runs: list[tuple[Run, Run]]) -> list[Figure]:
    ours, theirs = (statistics.median(pair[side].seconds for pair in runs) for side in (0, 1))
    return [
        Figure(f"{name}: ours", ours, "s"),
        Figure(f"{name}: {tool}", theirs, "s", versus=tool),
        Figure(f"{name}: ours against {tool}", statistics.median(b.seconds / a.seconds for a, b in runs), "x"),
    ]


def _check(tool: str, runs: list[tuple[Run, Run]]) -> None:
    ours, theirs = runs[0]
    if ours.pairs != theirs.pairs:
        sys.exit(f"{tool} found {theirs.pairs} pairs, ours {ours.pairs}; the comparison would be void")


def _growth(bench: Bench, plot: Path | None) -> list[Figure]:
    """One run a size, each at most ten minutes; a size that takes longer is left out, and said."""
    lines: dict[int, dict[int, float]] = {}
    for distance in TARGET_S:
        lines[distance] = {}
        for count in GROWTH:
            file = bench.file(count)
            try:
                lines[distance][_size(file)] = _ours(file, distance).seconds
            except subprocess.TimeoutExpired:
                sys.stderr.write(f"{count:,} hashes, distance {distance}: more than {SECONDS_MOST} s\n")
    if plot is not None:
        draw(lines, TARGET_S, plot)
    return [
        Figure(f"growth: {count:,} hashes, distance {distance}", seconds, "s")
        for distance, line in lines.items()
        for count, seconds in line.items()
    ]


def _size(file: Path) -> int:
    return int(np.load(file, mmap_mode="r").size)


def _ours(file: Path, distance: int, pairs: Path | None = None, environment: dict[str, str] | None = None) -> Run:
    more = [str(pairs)] if pairs else []
    command = [sys.executable, "-m", "benchmarks.dedup_search_run", str(file), str(distance), *more]
    said = _said(command, os.environ | (environment or {}))
    return Run(said["seconds"], int(said["pairs"]), said["peak_mib"], said["warm_s"])


def _peer(python: Path, tool: str, file: Path, distance: int) -> Run:
    script = Path(__file__).with_name("dedup_search_peer.py")
    said = _said([str(python), str(script), tool, str(file), str(distance), str(os.cpu_count())], dict(os.environ))
    return Run(said["seconds"], int(said["pairs"]))


def _said(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS_MOST, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-500:]}")
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def _peer_python() -> Path:
    python = VENV / "bin" / "python"
    installed = VENV / "installed"
    if not installed.is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
        subprocess.run([str(VENV / "bin" / "pip"), "install", "-q", *PACKAGES], check=True)
        installed.touch()
    return python


if __name__ == "__main__":
    main()
