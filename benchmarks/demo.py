"""The demo's figures, read from a finished `make demo` in this folder: planted against found, kept, learned.

    make demo && python -m benchmarks.demo [SECONDS] [PEAK_MIB]

SECONDS and PEAK_MIB are the whole command's, measured outside (`/usr/bin/time -v make demo`). Writes results/demo.json
and results/demo.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from benchmarks.results import Figure, write
from scgan_data import manifest
from scgan_data.records import Split
from scgan_data.sample.score import score

AT_LEAST = {"exact_copy": 1.0, "near_copy": 0.95, "watermarked": 0.8, "faceless": 1.0, "several_faces": 1.0,
            "truncated": 1.0, "not_an_image": 1.0, "disallowed": 1.0, "disallowed_page": 1.0,
            "behind_disallowed_page": 1.0}  # fmt: skip
AT_MOST = {"clean: dropped as copies": 0.01, "clean: taken for watermarked": 0.03}


def main(arguments: list[str]) -> None:
    """Read and write."""
    rows = manifest.read(Path("data/06_dataset"))
    truth = json.loads(Path("data/01_collect/truth.json").read_text(encoding="utf-8"))
    figures = [*_planted(score(truth, rows)), *_training(rows), *_learned()]
    names = (
        ("make demo, whole", "s", 900.0),
        ("make demo, peak memory of all its processes (PSS, sampled)", "MiB", 8192.0),
    )
    figures += [
        Figure(name, float(value), unit, target, at_most=True)
        for value, (name, unit, target) in zip(arguments, names, strict=False)
    ]
    write("demo", figures)


def _planted(table: pd.DataFrame) -> list[Figure]:
    figures = []
    for row in table.to_dict("records"):
        kind, found, planted = str(row["kind"]), int(row["found"]), int(row["planted"])
        target = AT_MOST.get(kind, AT_LEAST.get(kind))
        unit = f"fraction ({found} of {planted})"
        figures.append(Figure(f"{row['domain']}: {kind}", found / planted, unit, target, at_most=kind in AT_MOST))
    return figures


def _training(rows: pd.DataFrame) -> list[Figure]:
    train = manifest.kept(rows)
    counts = train[train["split"] == Split.TRAIN]["domain"].value_counts()
    return [Figure(f"{domain}: pictures that reach training", int(n), "pictures", 250) for domain, n in counts.items()]


def _learned() -> list[Figure]:
    figures = []
    for file in sorted(Path("reports/evaluation").glob("*/metrics.json")):
        systems = json.loads(file.read_text(encoding="utf-8"))
        before, after = systems["untrained"]["cycle_error"], systems["trained"]["cycle_error"]
        unit = f"of the untrained cycle error ({before:.3f} to {after:.3f})"
        figures.append(Figure(f"{file.parent.name}: held-out cycle error", after / before, unit, 1 / 3, at_most=True))
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
