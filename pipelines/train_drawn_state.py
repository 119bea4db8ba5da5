"""What the trainings of `train_drawn` share: all that changes from step to step, kept and restored whole; the rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from io import BytesIO

import torch

PEAK_RATE, WARM_STEPS = 2e-3, 200
"""The rate rises to its peak in so many steps."""
MEAN_STEPS = 400
"""How far back the running mean of the parameters reaches."""
SAY_EVERY = 100


@dataclass
class State:
    """All that changes from step to step."""

    net: torch.nn.Module
    optimizer: torch.optim.Optimizer
    mean: torch.nn.Module
    """The running mean of `net`, which is what ships."""
    step: int = 0


def rate(step: int, steps: int) -> float:
    """The learning rate of a step, from 0, of so many."""
    return PEAK_RATE * min((step + 1) / WARM_STEPS, 1.0) * (1 + math.cos(math.pi * step / steps)) / 2


@torch.no_grad()
def average(state: State) -> None:
    """Move the running mean on."""
    share = 1 / min(MEAN_STEPS, 1 + state.step / 3)
    now = state.net.state_dict()
    for name, value in state.mean.state_dict().items():
        if value.is_floating_point():
            value.lerp_(now[name], share)
        else:
            value.copy_(now[name])


def kept(state: State) -> bytes:
    """A state as bytes."""
    buffer = BytesIO()
    parts = {"net": state.net.state_dict(), "mean": state.mean.state_dict(), "optimizer": state.optimizer.state_dict()}
    torch.save({"step": state.step, **parts}, buffer)
    return buffer.getvalue()


def restore(state: State, data: bytes) -> None:
    """Put back what `kept` gave."""
    found = torch.load(BytesIO(data), weights_only=True)
    state.net.load_state_dict(found["net"])
    state.mean.load_state_dict(found["mean"])
    state.optimizer.load_state_dict(found["optimizer"])
    state.step = found["step"]
