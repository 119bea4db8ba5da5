"""What the trainings of our own networks share: the rate, one step, the whole state kept and restored, the loop.

The rate rises in some steps and falls to nothing as half a cosine; what ships is a running mean of the parameters.
Fixed seeds, one thread (two on contended cores ran 15 times slower) and deterministic kernels: two runs on one machine
agree bit for bit, and a run that was killed goes on from its last checkpoint to the bytes of an undisturbed one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch

from scgan_data.files import write_bytes

Net = TypeVar("Net", bound=torch.nn.Module)
Batch = TypeVar("Batch")
MEAN_STEPS = 400
"""How far back the running mean of the parameters reaches."""
SAY_EVERY = 100


@dataclass(frozen=True)
class Rate:
    """The learning rate of each step."""

    steps: int
    warm_steps: int
    """It rises to its peak in so many."""
    peak: float = 2e-3

    def at(self, step: int) -> float:
        """Of a step, from 0."""
        rising = min((step + 1) / self.warm_steps, 1.0)
        return self.peak * rising * (1 + math.cos(math.pi * step / self.steps)) / 2


@dataclass
class State(Generic[Net]):
    """All that changes from step to step."""

    net: Net
    optimizer: torch.optim.Optimizer
    mean: Net
    """The running mean of `net`, which is what ships."""
    step: int = 0


def start(make: Callable[[], Net], *, seed: int, decay: float) -> State[Net]:
    """The state before the first step; sets torch's threads, seed and determinism for the process."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    net = make().train().to(memory_format=torch.channels_last)
    return State(net, torch.optim.AdamW(net.parameters(), lr=0.0, weight_decay=decay), deepcopy(net))


def half() -> torch.autocast:
    """Within it convolutions multiply in bfloat16, their sums and parameters having 32 bits, on a processor that has
    such instructions (avx512_bf16): a step takes .2 s instead of .36. Where they are imitated it took 3.4 s."""
    return torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported())


def descend(state: State[Net], loss: torch.Tensor, rate: float, *, clip: float | None = None) -> None:
    """One step down; `clip` limits the gradient's length."""
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if clip is not None:
        torch.nn.utils.clip_grad_norm_(state.net.parameters(), clip)
    state.optimizer.step()
    state.step += 1
    _average(state)


@torch.no_grad()
def _average(state: State[Net]) -> None:
    """Move the running mean on."""
    share = 1 / min(MEAN_STEPS, 1 + state.step / 3)
    now = state.net.state_dict()
    for name, value in state.mean.state_dict().items():
        if value.is_floating_point():
            value.lerp_(now[name], share)
        else:
            value.copy_(now[name])


def resume(state: State[Net], checkpoint: Path) -> None:
    """Go on from a checkpoint where there is one."""
    if checkpoint.is_file():
        restore(state, checkpoint.read_bytes())
        print(f"{checkpoint.name}: going on after step {state.step}", flush=True)


def run(
    state: State[Net],
    batches: Iterable[Batch],
    advance: Callable[[Batch], tuple[float, ...]],
    checkpoint: tuple[Path, int],
    say: str,
) -> Net:
    """All steps; the mean network.

    `checkpoint` is a file and every how many steps it is written, by rename; `say` a format of what `advance` returns,
    in the mean of the last steps.
    """
    told: list[tuple[float, ...]] = []
    began = time.monotonic()
    file, every = checkpoint
    for batch in batches:
        told.append(advance(batch))
        if state.step % SAY_EVERY == 0:
            means = (float(value) for value in np.mean(told[-SAY_EVERY:], axis=0))
            print(f"step {state.step}: {say.format(*means)}, {time.monotonic() - began:.0f} s", flush=True)
        if state.step % every == 0:
            write_bytes(file, kept(state))
    write_bytes(file, kept(state))
    return state.mean.eval()


def kept(state: State[Net]) -> bytes:
    """A state as bytes."""
    buffer = BytesIO()
    parts = {"net": state.net.state_dict(), "mean": state.mean.state_dict(), "optimizer": state.optimizer.state_dict()}
    torch.save({"step": state.step, **parts}, buffer)
    return buffer.getvalue()


def restore(state: State[Net], data: bytes) -> None:
    """Put back what `kept` gave."""
    found = torch.load(BytesIO(data), weights_only=True)
    state.net.load_state_dict(found["net"])
    state.mean.load_state_dict(found["mean"])
    state.optimizer.load_state_dict(found["optimizer"])
    state.step = found["step"]
