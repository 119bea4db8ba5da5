"""Train the second network of the detector of drawn faces, which places a face's parts: a stage of `train_drawn`.

Loss: the plain distance of all places, the generalised IoU of the boxes, the cross entropy of visibility. Rate, running
mean, checkpoints, determinism: as in `train_drawn`.
"""

from __future__ import annotations

import time
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from pipelines.drawn_bank import SEED
from pipelines.drawn_crops import Crops, crops
from pipelines.train_drawn_state import SAY_EVERY, State, average, kept, rate, restore
from scgan_data.faces.drawn_net import PartsNet
from scgan_data.files import write_bytes


def train_parts(bank: Path, checkpoint: Path, steps: int, checkpoint_every: int) -> PartsNet:
    """A trained network, from the checkpoint where there is one."""
    state = start()
    if checkpoint.is_file():
        restore(state, checkpoint.read_bytes())
        print(f"going on after step {state.step}", flush=True)
    told: list[tuple[float, ...]] = []
    began = time.monotonic()
    for batch in crops(bank, steps, start=state.step):
        told.append(advance(state, batch, steps))
        if state.step % SAY_EVERY == 0:
            parts = " ".join(f"{v:.3f}" for v in np.mean(told[-SAY_EVERY:], axis=0))
            print(
                f"parts, step {state.step}: places, boxes, visibility {parts}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
        if state.step % checkpoint_every == 0:
            write_bytes(checkpoint, kept(state))
    write_bytes(checkpoint, kept(state))
    net = state.mean.eval()
    assert isinstance(net, PartsNet)
    return net


def start() -> State:
    """The state before the first step; sets torch's threads, seed and determinism for the process."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    net = PartsNet().train().to(memory_format=torch.channels_last)
    return State(net, torch.optim.AdamW(net.parameters(), lr=0.0, weight_decay=1e-2), deepcopy(net))


def advance(state: State, batch: Crops, steps: int) -> tuple[float, ...]:
    """One step of so many; its losses."""
    for group in state.optimizer.param_groups:
        group["lr"] = rate(state.step, steps)
    parts = losses(state.net, batch)
    state.optimizer.zero_grad(set_to_none=True)
    torch.stack(parts).sum().backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.net.parameters(), 10.0)
    state.optimizer.step()
    state.step += 1
    average(state)
    return tuple(part.item() for part in parts)


def losses(net: torch.nn.Module, batch: Crops) -> list[Tensor]:
    """Of places, boxes and visibility."""
    assert isinstance(net, PartsNet)
    x_nchw = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.autocast("cpu", torch.bfloat16):
        features = net.features(x_nchw)
    found = net.places(net.hidden(features.float()).relu())
    truth, weight = torch.from_numpy(batch.places), torch.from_numpy(batch.weights)
    places = ((found[:, :26] - truth).abs() * weight).sum() / len(truth)
    shares = torch.stack([_unshared(found, truth, weight, first) for first in (0, 14, 18, 22)]).sum() / len(truth)
    sure = torch.from_numpy(batch.visible_weights)
    seen = binary_cross_entropy_with_logits(found[:, 26:], torch.from_numpy(batch.visible), sure)
    return [places, shares, seen]


def _unshared(found: Tensor, truth: Tensor, weight: Tensor, first: int) -> Tensor:
    """One less the generalised IoU of the boxes in the four columns from `first`, summed."""
    x0, y0, x1, y1 = found[:, first : first + 4].unbind(1)
    u0, v0, u1, v1 = truth[:, first : first + 4].unbind(1)
    both = (x1.minimum(u1) - x0.maximum(u0)).clamp(min=0) * (y1.minimum(v1) - y0.maximum(v0)).clamp(min=0)
    union = (x1 - x0).clamp(min=0) * (y1 - y0).clamp(min=0) + (u1 - u0) * (v1 - v0) - both
    hull = (x1.maximum(u1) - x0.minimum(u0)).clamp(min=0) * (y1.maximum(v1) - y0.minimum(v0)).clamp(min=0)
    value = both / union.clamp(min=1e-4) - (hull - union) / hull.clamp(min=1e-4)
    return ((1 - value) * weight[:, first]).sum()
