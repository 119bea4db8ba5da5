"""Whether bf16, and compiled networks, train to the same losses as fp32 and eager ones.

    python -m benchmarks.train_precision [--steps 500] [--compiled]

The same data and seed both ways, 64 px, VGG19 included, narrow networks (16 channels) so that a CPU takes minutes. Two
trainings of a GAN that differ in a last bit drift apart like two seeds, so no single step can be compared: what is
stated is the mean of each loss over the last 50 steps, as a part of fp32's, and beside it the same between two seeds in
fp32, the yardstick. The bound holds for the weighted sum and for the losses that go down; the players' own losses
circle, and are stated only. `--compiled` (always on CUDA) needs a C++ compiler on a CPU, and minutes to compile.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from typing import Any

import torch

from benchmarks import train_runs
from benchmarks.results import Figure, write
from scgan_model import profiling
from scgan_model.config import TrainConfig
from scgan_model.passes import compiled

BOUND = 0.10
BOUNDED = ("total", "cycle_a", "cycle_b", "per")
STATED = ("tv", "gan_ab", "gan_ba", "d_a", "d_b")
LAST = 50


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--compiled", action="store_true", default=torch.cuda.is_available())
    asked = parser.parse_args()
    plain = trained(asked.steps)
    yardstick = trained(asked.steps, seed=1)
    figures = compared("bf16 against fp32", plain, trained(asked.steps, precision="bf16"), bound=BOUND)
    faster = trained(asked.steps, compile_them=True) if asked.compiled else None
    figures += compared("compiled against eager", plain, faster, bound=BOUND)
    figures += compared("the yardstick, seed 1 against seed 0", plain, yardstick, bound=None)
    figures += [Figure(f"fp32: {name} at the end", value, "mean of 50 steps") for name, value in plain.items()]
    write("train_precision", figures)


def trained(steps: int, *, precision: str = "fp32", seed: int = 0, compile_them: bool = False) -> dict[str, float]:
    """Each loss, the mean of the last steps of a training."""
    keys: dict[str, Any] = {"precision": precision, "seed": seed, "steps": steps, "load_px": 72}
    keys |= {"generator_channels": 16, "discriminator_channels": 16}
    run = train_runs.run(TrainConfig.model_validate(keys))
    torch.set_num_threads(1)
    if compile_them:
        run.state.passes = compiled(run.state.passes)
    found: list[dict[str, torch.Tensor]] = []
    began = time.monotonic()
    for run.step in range(steps):
        found.append(profiling.step(run))
    sys.stderr.write(f"{precision}, seed {seed}{', compiled' * compile_them}: {time.monotonic() - began:.0f} s\n")
    return {name: statistics.fmean(line[name].item() for line in found[-LAST:]) for name in (*BOUNDED, *STATED)}


def compared(
    what: str, plain: dict[str, float], other: dict[str, float] | None, *, bound: float | None
) -> list[Figure]:
    """How far each loss ends from fp32's, as a part of it."""
    return [
        Figure(
            f"{what}: {name}",
            abs(other[name] - value) / abs(value) if other else None,
            "of fp32's, mean of the last 50 steps",
            bound if name in BOUNDED else None,
            at_most=True,
        )
        for name, value in plain.items()
    ]


if __name__ == "__main__":
    main()
