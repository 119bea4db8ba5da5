"""How long `scgan-data whatif` takes for 100,000 rows: the whole process, as a person waits for it.

The manifest is synthetic, with every column that a filtered folder has (ids, URLs, hashes, values); the pictures that
flip are real files of 512 px, rendered here. Whole processes, medians of nine, the variants interleaved: with the
sheet, without it, and `--help` as what starting the command line costs alone. Beside the seconds that pass stand those
of the processors, which say more on a busy machine. Python may cache what it compiles, as it does by default: where the
environment forbids that, each call takes another .09 s.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.results import Figure, write
from scgan_data import manifest
from scgan_data.files import content_path

ROWS, RUNS, SIDE_PX = 100_000, 9, 512
LIMIT = 0.3
FLIPPED = 60
"""Pictures between the recorded limit and the one that is tried."""


def rows(folder: Path) -> pd.DataFrame:
    """A filtered folder's rows of two domains; the pictures that will flip are written to `folder`."""
    rng = np.random.default_rng(4)
    ids = [rng.bytes(32).hex() for _ in range(ROWS)]
    sharpness = np.where(np.arange(ROWS) < FLIPPED, rng.uniform(0.2, LIMIT, ROWS), rng.uniform(LIMIT, 1, ROWS))
    score = rng.beta(0.3, 6, ROWS)
    status, by, reason = (np.full(ROWS, value, object) for value in ("kept", None, None))
    marked, copies = np.flatnonzero(score > 0.9), rng.choice(np.arange(FLIPPED, ROWS), ROWS // 10, replace=False)
    for where, stage, why in ((marked, "filter", "watermarked"), (copies, "dedup", "near_duplicate")):
        status[where], by[where], reason[where] = "rejected", stage, why
    frame = {
        "id": ids,
        "pixel_id": [rng.bytes(32).hex() for _ in range(ROWS)],
        "domain": np.where(rng.random(ROWS) < 0.7, "selfie", "anime"),
        "path": [str(folder / content_path(i, ".jpg")) for i in ids],
        "source_url": [f"https://example.org/gallery/{n}/{i[:12]}.jpg" for n, i in enumerate(ids)],
        "page_url": [f"https://example.org/gallery/{n}" for n in range(ROWS)],
        "retrieved_at": "2026-01-01T00:00:00Z",
        "license": "CC0-1.0",
        "width": SIDE_PX,
        "height": SIDE_PX,
        "format": "JPEG",
        "phash": [rng.bytes(8).hex() for _ in range(ROWS)],
        "phash256": [rng.bytes(32).hex() for _ in range(ROWS)],
        "group_id": [i[:16] for i in ids],
        "sharpness": sharpness,
        "contrast": rng.uniform(20, 80, ROWS),
        "watermark_score": score,
        "status": status,
        "rejected_by": by,
        "reason": reason,
    }
    for path in frame["path"][:FLIPPED]:
        _draw(Path(path), rng)
    return manifest.table(pd.DataFrame(frame))


def _draw(file: Path, rng: np.random.Generator) -> None:
    coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    file.parent.mkdir(parents=True, exist_ok=True)
    coarse.resize((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC).save(file, quality=90)


def seconds(*arguments: str, cwd: Path) -> tuple[float, float]:
    """A whole process of the command line: how long it took, and how long all its threads computed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(cwd / "bytecode")
    command = [sys.executable, "-m", "scgan_data.cli", *arguments]
    start, used = time.perf_counter(), _computed()
    subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)
    return time.perf_counter() - start, _computed() - used


def _computed() -> float:
    """Processor seconds of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def figures() -> list[Figure]:
    """The measured figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "data" / "03_filter"
        manifest.write(folder, rows(folder))
        what = f"whatif at {ROWS:,} rows, {FLIPPED} flips of {SIDE_PX} px drawn, whole process"
        command = ("whatif", f"filter.min_sharpness={LIMIT}")
        variants = {
            what: command,
            "the same with --no-sheet": (*command, "--no-sheet"),
            "scgan-data --help, for comparison": ("--help",),
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
        seconds(*command, cwd=Path(scratch))  # compiles
        for _ in range(RUNS):
            for name, arguments in variants.items():
                times[name].append(seconds(*arguments, cwd=Path(scratch)))
    made = []
    for name, values in times.items():
        passed, computed = (round(statistics.median(v), 3) for v in zip(*values, strict=True))
        made.append(Figure(name, passed, "s", target=None if "--help" in name else 1, at_most=True))
        made.append(Figure(f"{name}: processor time", computed, "s"))
    return made


if __name__ == "__main__":
    write("whatif", figures())
