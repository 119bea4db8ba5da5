"""Where a training step's time goes, and how near it is to what the device could do: `scgan train --profile`.

The command line is the training's own with `--profile` beside it: the same data, networks and settings, for some steps
that are thrown away. The step says which of its parts begins (`State.mark`); from each mark to the next is that part's.
On CUDA the marks are events on the stream, read when all steps are done, so that nothing waits that does not wait
otherwise, and the parts add up to the whole; beside them stands how long Python took to launch each part: where both
are equal it is the launches that take the time. torch.profiler was tried first: it knows every kernel, but the backward
pass runs in a thread of its own, which its ranges do not hold.

The floor of a step is its arithmetic and the memory traffic that nothing can avoid, one after the other:

    floor = FLOP / peak + BYTES_A_WEIGHT x learned weights / bandwidth

FLOP are those of the convolutions of this very step, forward and backward, counted by torch.utils.flop_counter while it
runs (at the paper's size 384 GFLOP a pair). Peak is the best that a large matrix product or a large 3x3 convolution
reaches here and now at the step's precision, with as many threads; bandwidth that of a large copy. Activations are
taken to stay in a cache, so no step reaches its floor.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

from scgan_data.errors import ConfigError
from scgan_model.arithmetic import arithmetic
from scgan_model.config import TrainConfig
from scgan_model.marks import Marks
from scgan_model.passes import Passes
from scgan_model.peaks import Peaks, peak_memory, peaks
from scgan_model.run import Run, next_batch, set_up
from scgan_model.step import Losses, train_step, unmarked

PARTS: dict[str, str] = {
    "data": "gather, crop, flip",
    "fakes": "G_AB(x), G_BA(y)",
    "cycle": "G_BA and G_AB of the fakes",
    "D on fakes": "D_A, D_B in the generators' step",
    "losses": "L1, regions, TV, weighted sum",
    "VGG19": "of x and of G_AB(x)",
    "G: backward": "through G, D and VGG19",
    "G: Adam": "both generators, their average",
    "D: forward": "real and pooled fakes",
    "D: backward": "",
    "D: Adam": "both discriminators",
    "rest": "sums of losses",
}
"""What a step is made of, in order, and what is in it."""
WARM_STEPS, STEPS, MOST_SECONDS, LEAST_STEPS = 3, 20, 60.0, 3
BYTES_A_WEIGHT = 32
"""fp32: the gradient written; weight, gradient and Adam's two moments read; weight and moments written."""


@dataclass(frozen=True)
class Part:
    """One part of a step."""

    name: str
    seconds: float
    """On the device; the median step's."""
    launch_seconds: float
    """Until Python had asked for it; on a CPU the same."""
    flop: int


@dataclass(frozen=True)
class Profile:
    """What some steps took."""

    parts: tuple[Part, ...]
    step_seconds: float
    """Of the whole step; the median."""
    steps: int
    batch_pairs: int
    peaks: Peaks
    learned: int
    """Weights that the step trains."""
    memory_bytes: int
    """Most that lay in the device's memory; on a CPU, of the whole process since its start."""

    @property
    def flop(self) -> int:
        """Of one step."""
        return sum(part.flop for part in self.parts)

    @property
    def floor_seconds(self) -> float:
        """The least that a step could take here: see the module."""
        return self.flop / self.peaks.flop_per_s + BYTES_A_WEIGHT * self.learned / self.peaks.bytes_per_s

    @property
    def floor_fraction(self) -> float:
        """How near the step is to its floor; 1 would be there."""
        return self.floor_seconds / self.step_seconds

    @property
    def pairs_per_s(self) -> float:
        """Pairs of a selfie and a portrait a second."""
        return self.batch_pairs / self.step_seconds


def profile(dataset: Path, style: str, config: TrainConfig) -> None:
    """Print where the time of some steps on this dataset goes; nothing is written.

    Raises DatasetError, WeightsError, or ConfigError among several processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("train: --profile looks at one process; start it without torchrun")
    resolved = config.resolved()
    origin = {"style": style, "config": resolved.model_dump(mode="json")}
    with arithmetic(resolved):
        found = measure(set_up(dataset, Path(), origin, None))
    Console(highlight=False).print(table(found, resolved))


def measure(run: Run, *, steps: int = STEPS, most_seconds: float = MOST_SECONDS) -> Profile:
    """Some steps of a run after some to warm up (compilation, allocation); fewer where they take too long."""
    device = run.state.device
    flop = count_flop(run)
    if device.type == "cuda":
        torch.cuda.empty_cache()  # what the counted step took, which was not compiled
    for _ in range(WARM_STEPS):
        step(run)
    marks = Marks(device)
    run.state.mark = marks
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
    began, done = time.perf_counter(), 0
    while done < steps and (done < LEAST_STEPS or time.perf_counter() - began < most_seconds):
        marks.begin()
        step(run)
        done += 1
    run.state.mark = unmarked
    whole, parts = marks.medians()
    networks = run.state.networks
    return Profile(
        parts=tuple(Part(name, *parts[name], flop.get(name, 0)) for name in PARTS if name in parts),
        step_seconds=whole,
        steps=done,
        batch_pairs=run.config.batch_pairs,
        peaks=peaks(device, run.config.precision),
        learned=sum(p.numel() for group in (networks.generators(), networks.discriminators()) for p in group),
        memory_bytes=peak_memory(device),
    )


def step(run: Run) -> Losses:
    """One step as a training takes it, data included; nothing is read back."""
    run.state.mark("data")
    batch = next_batch(run)
    losses = train_step(run.state, batch, run.schedule.factor_at(run.step))
    run.state.mark("rest")
    run.means.add(losses)
    return losses


def count_flop(run: Run) -> dict[str, int]:
    """FLOP by part of the run's next step, which is taken, by the networks as they are and not compiled."""
    state, passes = run.state, run.state.passes
    n = state.networks
    found = dict.fromkeys(PARTS, 0)
    begun = "rest"

    def mark(part: str) -> None:
        nonlocal begun
        found[begun] += counter.get_total_flops() - sum(found.values())
        begun = part

    state.passes = Passes(n.g_ab, n.g_ba, n.d_a, n.d_b, state.vgg)
    state.mark = mark
    with FlopCounterMode(display=False) as counter:
        step(run)
        mark("rest")
    state.passes, state.mark = passes, unmarked
    return found


def table(found: Profile, config: TrainConfig) -> Table:
    """The parts in milliseconds, and under them the whole, its pace and its floor."""
    title = f"{found.steps} steps of {found.batch_pairs} pairs, {config.resolution_px} px, {config.precision}, "
    title += torch.cuda.get_device_name() if config.device == "cuda" else f"CPU, {config.threads} threads"
    made = Table(title=title, title_justify="left", caption=_caption(found), caption_justify="left", show_footer=True)
    columns = ("part", "", "ms", "% of the step", "launched in ms", "GFLOP", "TFLOP/s")
    total = Part("whole step", found.step_seconds, sum(p.launch_seconds for p in found.parts), found.flop)
    for number, (head, foot) in enumerate(zip(columns, _cells(total, found), strict=True)):
        if head != "launched in ms" or config.device == "cuda":
            made.add_column(head, foot, justify="left" if number < 2 else "right")
    for part in found.parts:
        cells = _cells(part, found)
        made.add_row(
            *(c for head, c in zip(columns, cells, strict=True) if head != "launched in ms" or config.device == "cuda")
        )
    return made


def _cells(part: Part, found: Profile) -> tuple[str, ...]:
    share, rate = part.seconds / found.step_seconds, part.flop / part.seconds / 1e12
    worked = (f"{part.flop / 1e9:.2f}", f"{rate:.3f}") if part.flop else ("", "")
    times = f"{1e3 * part.seconds:.2f}", f"{100 * share:.1f}", f"{1e3 * part.launch_seconds:.2f}"
    return part.name, PARTS.get(part.name, ""), *times, *worked


def _caption(found: Profile) -> str:
    rate, width = found.peaks.flop_per_s / 1e12, found.peaks.bytes_per_s / 1e9
    return (
        f"{found.pairs_per_s:.2f} pairs/s; {100 * found.floor_fraction:.0f} % of the floor, which is "
        f"{1e3 * found.floor_seconds:.2f} ms: {found.flop / 1e9:.2f} GFLOP at {rate:.3f} TFLOP/s and "
        f"{BYTES_A_WEIGHT * found.learned / 1e9:.2f} GB at {width:.0f} GB/s, both measured here; "
        f"peak memory {found.memory_bytes / 2**30:.2f} GiB"
    )
