"""One search in a process of its own, so that its peak memory is its own: prints a line of JSON.

    python -m benchmarks.dedup_search_run HASHES.npy DISTANCE [PAIRS.npy]

The compiled code is loaded, or compiled, on a few hashes first; that is timed apart.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from scgan_data import hamming


def _peak_mib() -> float:
    """Of this program alone: getrusage's figure begins with the memory of the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def main() -> None:
    """Load, warm up, search, print."""
    hashes, distance = np.load(sys.argv[1]), int(sys.argv[2])
    started = time.perf_counter()
    hamming.pairs_within(hashes[:10_000], 2)
    warm_s = time.perf_counter() - started
    started, cpu = time.perf_counter(), time.process_time()
    pairs, distances = hamming.pairs_within(hashes, distance)
    said = {
        "seconds": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu,
        "warm_s": warm_s,
        "pairs": distances.size,
        "peak_mib": _peak_mib(),
    }
    if len(sys.argv) > 3:
        np.save(sys.argv[3], pairs)
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
