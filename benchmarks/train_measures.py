"""What each measure of speed wins: the same work without and with it, and what that saves of a step.

    python -m benchmarks.train_measures [--rounds 15] [--threads]

The demo's step (64 px, 32 channels, 2 pairs) on one thread by CPU time; on CUDA `fast`'s networks, batch and format
without compilation, waiting for the device before and after. Without and with go in turns; medians. A measure that
concerns a part of the step is timed on that part, and its saving stated as a share of the fp32 step (where it is about
bf16, of the bf16 step). What does not pay is not in the code; its rows are here so that nobody tries again:

    kept on every device    fakes made once, D frozen, real and fake together, regions by masks, pictures in memory,
                            fused Adam, VGG19's weights converted to bf16 once, channels_last in VGG19
    kept where it pays      bf16 (CPUs that calculate in it, CUDA), channels_last in the small networks (CUDA)
    not kept                VGG19(x) kept for each picture and mirroring: it needs fixed crops, which only the demo has
                            (.25 MB a picture at 64 px); its 900 steps would find two thirds of their pictures there,
                            9 % of a step in fp32, and a resumed run, whose other batches move last bits, would differ
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import train_peer, train_runs
from benchmarks.results import Figure, write
from scgan_model import losses, profiling
from scgan_model.config import TrainConfig
from scgan_model.data import Batch
from scgan_model.run import Run, next_batch

Way = Callable[[], object]
CUDA = torch.cuda.is_available()


@dataclass(frozen=True)
class Measure:
    """The same work without and with a measure."""

    name: str
    without: Way
    using: Way
    step: str = "fp32"
    """The step whose share is saved."""


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", action="store_true", help="two threads too: by the clock, on a free machine")
    asked = parser.parse_args()
    rounds = asked.rounds
    torch.set_num_threads(1)
    runs = {precision: train_runs.run(config(precision=precision)) for precision in ("fp32", "bf16")}
    run, batch = runs["fp32"], next_batch(runs["fp32"])
    with tempfile.TemporaryDirectory() as home:
        measures = [
            *of_step(runs),
            *of_discriminators(run, batch),
            *of_vgg(runs, batch),
            *of_losses(batch),
            *of_adam(run),
            of_data(run, Path(home)),
        ]
        steps = {name: median_ms([lambda one=one: profiling.step(one)], 5)[0] for name, one in runs.items()}
        figures = [Figure(f"a step, {name}", ms, "ms") for name, ms in steps.items()]
        figures += [figure for measure in measures for figure in rows(measure, steps, rounds)]
    write("train_measures", [*figures, *(of_threads(run) if asked.threads else [])])


def config(**changes: Any) -> TrainConfig:
    """The demo's settings; on CUDA those of `fast`, not compiled."""
    base: dict[str, Any] = {"preset": "fast", "compile": "off"} if CUDA else {"threads": 1, "load_px": 72}
    return TrainConfig.model_validate(base | changes)


def rows(measure: Measure, steps: dict[str, float], rounds: int) -> list[Figure]:
    """Without, with, and the saving."""
    without, using = median_ms([measure.without, measure.using], rounds)
    saved = 100 * (without - using) / steps[measure.step]
    return [
        Figure(f"{measure.name}: without", without, "ms"),
        Figure(f"{measure.name}: with", using, "ms"),
        Figure(f"{measure.name}: saves", saved, f"% of the {measure.step} step"),
    ]


def median_ms(ways: list[Way], rounds: int) -> list[float]:
    """Medians of ways run in turns, after two rounds to warm up."""
    found: list[list[float]] = [[] for _ in ways]
    for turn in range(rounds + 2):
        for way, seconds in zip(ways, found, strict=True):
            began = _now()
            way()
            if turn > 1:
                seconds.append(_now() - began)
    return [1000 * statistics.median(seconds) for seconds in found]


def _now() -> float:
    if CUDA:
        torch.cuda.synchronize()
        return time.perf_counter()
    return time.process_time()


def of_step(runs: dict[str, Run]) -> list[Measure]:
    """What concerns the step as a whole."""
    run, networks = runs["fp32"], runs["fp32"].state.networks
    batch = next_batch(run)
    own, other = ("channels_last", "contiguous") if CUDA else ("contiguous", "channels_last")
    turned = train_runs.run(config(precision="fp32", memory_format=other))

    def fakes_again() -> None:
        profiling.step(run)
        networks.g_ab(batch.x).detach(), networks.g_ba(batch.y).detach()

    layouts = {own: lambda: profiling.step(run), other: lambda: profiling.step(turned)}
    return [
        Measure("fakes made once", fakes_again, lambda: profiling.step(run)),
        Measure("bf16", lambda: profiling.step(run), lambda: profiling.step(runs["bf16"])),
        Measure("channels_last in generators and discriminators", layouts["contiguous"], layouts["channels_last"]),
    ]


def of_discriminators(run: Run, batch: Batch) -> list[Measure]:
    """Frozen in the generators' step; real and fake in one pass in their own."""
    d, fake = deepcopy(run.state.networks.d_b), batch.x.clone().requires_grad_()

    def judged(frozen: bool) -> None:
        d.requires_grad_(not frozen)
        losses.gan_generator(d(fake), "lsgan").backward()
        d.zero_grad()

    def learned(together: bool) -> None:
        d.requires_grad_(True)
        both = (batch.y, batch.x)
        real, made = d(torch.cat(both)).chunk(2) if together else (d(picture) for picture in both)
        losses.gan_discriminator(real, made, "lsgan").backward()
        d.zero_grad()

    return [
        Measure("a discriminator frozen in G's step", lambda: judged(False), lambda: judged(True)),
        Measure("real and fake together through a discriminator", lambda: learned(False), lambda: learned(True)),
    ]


def of_vgg(runs: dict[str, Run], batch: Batch) -> list[Measure]:
    """Its format, its weights' type, and its answers for x."""
    fp32, bf16 = runs["fp32"].state.vgg, runs["bf16"].state.vgg
    assert fp32 is not None and bf16 is not None
    contiguous = deepcopy(fp32).to(memory_format=torch.contiguous_format)
    cache = torch.cat([fp32(batch.x)["conv4_4"]] * 16)
    place = torch.arange(len(batch.x), device=cache.device) * 3

    def passed(network: torch.nn.Module, precision: str) -> None:
        fake = batch.x.clone().requires_grad_()
        with torch.autocast(batch.x.device.type, torch.bfloat16, enabled=precision == "bf16"):
            found = network(fake)["conv4_4"]
        found.float().abs().mean().backward()

    @torch.no_grad()
    def answered() -> Tensor:
        return fp32(batch.x)["conv4_4"]

    return [
        Measure("channels_last in VGG19", lambda: passed(contiguous, "fp32"), lambda: passed(fp32, "fp32")),
        Measure("VGG19's weights in bf16 once", lambda: passed(fp32, "bf16"), lambda: passed(bf16, "bf16"), "bf16"),
        Measure("VGG19(x) kept (not taken)", answered, lambda: cache[place]),
    ]


def of_losses(batch: Batch) -> list[Measure]:
    """The regions of Eq. 4 for the step's batch, and for 16."""
    plain = train_peer.regions
    weights = config().loss

    def grouped(x: Tensor, boxes: Tensor) -> None:
        rebuilt = (x * 0.9).requires_grad_()
        losses.region_errors(x, rebuilt, boxes).mean(dim=0).sum().backward()

    def looped(x: Tensor, boxes: Tensor) -> None:
        rebuilt = (x * 0.9).requires_grad_()
        plain(x, rebuilt, boxes, weights).backward()

    found = []
    for count in sorted({len(batch.x), 16}):
        x = batch.x.repeat(-(-count // len(batch.x)), 1, 1, 1)[:count]
        boxes = batch.boxes[:1].round().expand(count, 3, 4)
        name = f"regions by masks, {count} pictures"
        found.append(Measure(name, lambda a=x, b=boxes: looped(a, b), lambda a=x, b=boxes: grouped(a, b)))
    return found


def of_adam(run: Run) -> list[Measure]:
    """Both generators' update."""

    def adam(**how: bool) -> Way:
        parameters = [p.detach().clone().requires_grad_() for p in run.state.networks.generators()]
        for parameter in parameters:
            parameter.grad = torch.rand_like(parameter) * 1e-3
        return torch.optim.Adam(parameters, lr=1e-4, betas=(0.5, 0.999), **how).step

    fused = adam(fused=True)
    return [
        Measure("fused Adam instead of plain", adam(foreach=False), fused),
        Measure("fused Adam instead of foreach", adam(foreach=True), fused),
    ]


def of_data(run: Run, home: Path) -> Measure:
    """A step's pictures: uint8 in memory, or files through a DataLoader in the same process."""
    files = train_runs.folders(home, run.config)
    loaded = train_peer.batches(*files, batch=run.config.batch_pairs, workers=0, device=run.state.device)
    return Measure("pictures in memory", lambda: next(loaded), lambda: next_batch(run))


def of_threads(run: Run) -> list[Figure]:
    """A step by the clock on one and on two threads of a CPU: it says as much of the machine's other work."""
    found: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(8):
        for threads, seconds in found.items():
            torch.set_num_threads(threads)
            began = time.perf_counter()
            profiling.step(run)
            seconds.append(1000 * (time.perf_counter() - began))
    torch.set_num_threads(1)
    name = "threads, by the clock"
    return [Figure(f"{name}: {t}", statistics.median(ms[2:]), "ms a step, fp32") for t, ms in found.items()]


if __name__ == "__main__":
    main()
