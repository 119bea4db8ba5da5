"""A training step's pace, against the plain fp32 loop of train_peer and, on a GPU, against the arithmetic itself.

    python -m benchmarks.train [--rounds 25]

Both sides start from the same weights and train the same networks by the same losses (tests/model/test_profiling.py:
their first steps' losses are equal), data included: ours crops and flips uint8 pictures in memory, the plain loop
decodes files. They go in turns, one step each; a ratio is the median of the rounds' ratios, so that a busy moment hits
all. On a CPU: the demo's networks and batch (32 channels, 2 pairs), one thread each, the loader in the same process, by
CPU time (on one thread that is what a clock shows on a free core; other work on the machine does not count); `auto` is
what ships, bf16 where the CPU calculates in it, fp32 against fp32 is stated beside it. On CUDA: the presets
`fast` and `faithful` at 256 px and 64 channels, the loader with four workers; where there is no GPU those rows are
listed as not run.

On a CPU in fp32 both sides spend most of their time in the same convolutions of the same library, and what ours saves
is what it does not do: two forward passes of generators for the discriminators' half, plain Adam, reading back.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import torch

from benchmarks import train_peer, train_runs
from benchmarks.results import Figure, write
from scgan_model import profiling
from scgan_model.config import TrainConfig

CPU_SIZES = (64, 128)
RECIPE_PAIRS = 3300 * 200
GPU_STEPS, GPU_ROUNDS = 50, 5
GPU_ROWS = (
    ("pace", "pairs/s", False),
    ("of the floor", "share", False),
    ("GPU memory reserved", "GiB", True),
    ("3,300 pairs x 200 epochs at this pace", "minutes", True),
    ("pace / the plain fp32 loop's at the same batch", "times", False),
)
"""What is measured on a GPU, its unit, and whether less is better."""
GPU_TARGETS = {("fast", 16): (1200.0, 0.6, 24.0, 15.0, 10.0), ("fast", 1): (200.0, None, None, None, None)}
Way = Callable[[], object]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    figures = [] if torch.cuda.is_available() else [f for px in CPU_SIZES for f in on_cpu(px, rounds)]
    for preset in ("fast", "faithful"):
        for batch in (16, 1):
            figures += on_gpu(preset, batch)
    write("train", figures)


def on_cpu(px: int, rounds: int) -> list[Figure]:
    """The demo's step at a size, four ways in turns."""
    torch.set_num_threads(1)
    auto, fp32 = (cpu_config(px, precision) for precision in ("auto", "fp32"))
    chosen = auto.resolved().precision
    ours = {name: train_runs.run(config) for name, config in (("auto", auto), ("fp32", fp32))}
    with tempfile.TemporaryDirectory() as home:
        files = train_runs.folders(Path(home), fp32)
        ways: dict[str, Way] = {name: partial(profiling.step, run) for name, run in ours.items()}
        for name, reuse in (("plain", False), ("plain, fakes reused", True)):
            loop = train_peer.loop(ours["fp32"].state, reuse_fakes=reuse)
            ways[name] = plain_step(loop, files, workers=0, device=torch.device("cpu"))
        seconds = in_turns(ways, rounds)
    sys.stderr.write(f"{px} px: { {name: round(statistics.median(s), 3) for name, s in seconds.items()} }\n")
    name = f"CPU, {px} px, {fp32.batch_pairs} pairs"
    shown = {
        "auto": f"auto ({chosen})",
        "fp32": "fp32",
        "plain": "plain loop",
        "plain, fakes reused": "plain loop that reuses its fakes",
    }
    return [
        Figure(f"{name}: auto ({chosen}) against the plain fp32 loop", ratio(seconds, "plain", "auto"), "times", 1.5),
        Figure(f"{name}: fp32 against the plain fp32 loop", ratio(seconds, "plain", "fp32"), "times"),
        Figure(
            f"{name}: fp32 against one that reuses its fakes", ratio(seconds, "plain, fakes reused", "fp32"), "times"
        ),
        *(Figure(f"{name}: a step, {shown[way]}", statistics.median(s), "CPU s") for way, s in seconds.items()),
    ]


def cpu_config(px: int, precision: str) -> TrainConfig:
    """The demo's settings at a size, pictures an eighth larger than what is cut out of them."""
    sizes = {"resolution_px": px, "load_px": px * 9 // 8}
    return TrainConfig.model_validate(sizes | {"precision": precision, "device": "cpu", "threads": 1})


def plain_step(
    loop: train_peer.Loop, files: tuple[train_peer.Folder, train_peer.Folder], *, workers: int, device: torch.device
) -> Way:
    """The plain loop's next step, data included."""
    loaded = train_peer.batches(*files, batch=loop.config.batch_pairs, workers=workers, device=device)
    return lambda: loop.step(*next(loaded))


def in_turns(ways: dict[str, Way], rounds: int, *, warm: int = 2) -> dict[str, list[float]]:
    """CPU seconds of each round's run of each way, after some to warm up."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(warm + rounds):
        for name, way in ways.items():
            began = time.process_time()
            way()
            if turn >= warm:
                found[name].append(time.process_time() - began)
    return found


def ratio(seconds: dict[str, list[float]], slow: str, fast: str) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(seconds[slow], seconds[fast], strict=True))


def on_gpu(preset: str, batch: int) -> list[Figure]:
    """A preset at the paper's size: pace, floor, memory, recipe, and the plain loop; without values where no GPU is."""
    targets = GPU_TARGETS.get((preset, batch), (None,) * len(GPU_ROWS))
    values = gpu_values(preset, batch) if torch.cuda.is_available() else (None,) * len(GPU_ROWS)
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "H100"
    return [
        Figure(f"{card}, 256 px, {preset}, batch {batch}: {name}", value, unit, target, at_most=at_most)
        for (name, unit, at_most), value, target in zip(GPU_ROWS, values, targets, strict=True)
    ]


def gpu_values(preset: str, batch: int) -> tuple[float, ...]:
    """The values of GPU_ROWS."""
    config = TrainConfig.model_validate({"preset": preset, "batch_pairs": batch, "device": "cuda"})
    run = train_runs.run(config)
    ours = pace(partial(profiling.step, run), batch)
    found = profiling.measure(run)
    state = train_runs.run(config.model_copy(update={"precision": "fp32", "compile": "off"})).state
    del run
    free()
    with tempfile.TemporaryDirectory() as home:
        loop, files = train_peer.loop(state), train_runs.folders(Path(home), config)
        del state
        plain = pace(plain_step(loop, files, workers=4, device=torch.device("cuda")), batch)
    del loop
    free()
    floor = found.floor_seconds * ours / batch
    return ours, floor, found.memory_bytes / 2**30, RECIPE_PAIRS / ours / 60, ours / plain


def pace(way: Way, batch: int) -> float:
    """Pairs a second of many steps in a row: the device is waited for before and after, not in between."""
    rates = []
    for number in count():
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(GPU_STEPS):
            way()
        torch.cuda.synchronize()
        if number:  # the first compiles
            rates.append(GPU_STEPS * batch / (time.perf_counter() - began))
        if number == GPU_ROUNDS:
            return statistics.median(rates)
    raise AssertionError


def free() -> None:
    """Give the GPU's memory back, so that the next one's peak is its own."""
    gc.collect()
    torch._dynamo.reset()
    torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
