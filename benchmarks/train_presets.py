"""Where `faithful` and `fast` end up: a small model of each, as many pictures seen, the same held-out selfies.

    python -m benchmarks.train_presets DATASET FOLDER [--pairs 2400] [--resolution 64]

DATASET is a folder that `scgan-data dataset` wrote. Both presets are cut to a size that a CPU can train (`SMALL`); what
tells them apart stays theirs: batch 1 in fp32 at the paper's rate, against batches of 16 in bf16 (where the machine
calculates in it), rates raised by the root of the batch, and averaged weights. A third run is `fast` with its rates
left alone, which is what a user gets who only raises the batch. Cycle error and KID are
those of `scgan evaluate`, with its intervals over the 95 % of resampled pictures; one seed each, so differences within
an interval say nothing. FOLDER keeps the models: a run that was stopped goes on. Writes results/train_presets.json
and .md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.results import Figure, write
from scgan_model.config import TrainConfig
from scgan_model.evaluate import EvaluateConfig, evaluate
from scgan_model.train import train

SMALL: dict[str, Any] = {
    "generator_channels": 32,
    "discriminator_channels": 32,
    "threads": 1,
    "compile": "off",
    "memory_format": "contiguous",
    "kid_every_steps": None,
    "keep_checkpoints": 1,
    "epochs": None,
}
RUNS: dict[str, dict[str, Any]] = {
    "faithful": {"preset": "faithful"},
    "fast": {"preset": "fast", "precision": "auto"},
    "fast, rates fixed": {"preset": "fast", "precision": "auto", "lr_rule": "fixed"},
}
LINES = 40
"""Lines of metrics and checkpoints a run."""


def main() -> None:
    """Train what is not trained yet, evaluate, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--style", default="avataaars")
    parser.add_argument("--pairs", type=int, default=2400, help="selfies, and as many portraits, that each run sees")
    parser.add_argument("--resolution", type=int, default=64, help="pixels")
    given = parser.parse_args()
    rows: list[Figure] = []
    for name in RUNS:
        model = given.folder / name.replace(", ", "-").replace(" ", "-")
        config = TrainConfig.model_validate(settings(name, given.pairs, given.resolution))
        if not (model / "metrics.json").is_file():
            train(given.dataset, model, style=given.style, config=config)
        evaluate(given.dataset, model, model / "evaluation", style=given.style, config=EvaluateConfig())
        rows += figures(name, model, reference=not rows)
    write("train_presets", rows)


def settings(name: str, pairs: int, resolution_px: int) -> dict[str, Any]:
    """The `train` section of a run that sees so many pairs."""
    run = SMALL | RUNS[name]
    batch = 16 if run["preset"] == "fast" else 1
    steps = pairs // batch
    every = max(1, steps // LINES)
    size = {"resolution_px": resolution_px, "load_px": resolution_px * 9 // 8}
    length = {
        "steps": steps,
        "log_every_steps": every,
        "checkpoint_every_steps": every,
        "sample_every_steps": 5 * every,
    }
    return run | size | length


def figures(name: str, model: Path, *, reference: bool) -> list[Figure]:
    """What the trained model's evaluation and log say; `reference` adds the rows that hold for every run."""
    found = json.loads((model / "evaluation" / "metrics.json").read_text())
    told = json.loads((model / "metrics.json").read_text())
    rows = []
    if reference:
        rows = [_kid(f"{row} (reference)", found[row]) for row in ("untrained", "selfies", "portraits")]
    trained = found["trained"]
    rows.append(_kid(name, trained))
    rows.append(Figure(f"{name}: held-out cycle error", trained["cycle_error"], "mean absolute difference"))
    rows += [
        Figure(f"{name}: cycle error, {region}", trained[f"cycle_error_{region}"], "")
        for region in ("eyes", "nose", "mouth")
    ]
    rows.append(Figure(f"{name}: average gradient", trained["average_gradient"], ""))
    rows.append(Figure(f"{name}: time", told["seconds"], f"s for {told['steps']} steps"))
    return rows


def _kid(name: str, row: dict[str, float]) -> Figure:
    return Figure(f"{name}: KID", row["kid"], f"{row['kid_low']:.4f} to {row['kid_high']:.4f}")


if __name__ == "__main__":
    main()
