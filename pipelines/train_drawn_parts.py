"""Train the second network of the detector of drawn faces, which places a face's parts and says whether it is one.

Loss: the plain distance of all places, the generalised IoU of the boxes, the cross entropy of visibility and of being a
face. A stage of `train_drawn`; what trainings share is in `training_state`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from pipelines import training_state
from pipelines.drawn_bank import SEED
from pipelines.drawn_crops import FACES, Crops, Sources, crops
from pipelines.drawn_losses import unshared
from pipelines.training_state import Rate, State
from scgan_data.faces.drawn_net import PLACES, PartsNet

WARM_STEPS, SECOND_PEAK = 200, 8e-4
"""Of the rate; its peak the second time."""
BOXES = (0, 14, 18, 22)
"""Where the face's and the regions' boxes begin among the places."""


def train_parts(sources: Sources, checkpoint: tuple[Path, int], steps: int, first: PartsNet | None = None) -> PartsNet:
    """A trained network, from the checkpoint (file, every so many steps) where there is one.

    `first` is the network of the first time, which the second one goes on from, with doubts among its sources.
    """
    state, rate = start(), Rate(steps, WARM_STEPS)
    if first is not None:
        rate = Rate(steps, WARM_STEPS, SECOND_PEAK)
        state.net.load_state_dict(first.state_dict())
        state.mean.load_state_dict(first.state_dict())
    training_state.resume(state, checkpoint[0])
    batches = crops(sources, steps, start=state.step)
    say = "places, boxes, visibility {:.3f} {:.3f} {:.4f}"
    return training_state.run(state, batches, partial(advance, state, rate=rate), checkpoint, say)


def start() -> State[PartsNet]:
    """The state before the first step."""
    return training_state.start(PartsNet, seed=SEED, decay=1e-2)


def advance(state: State[PartsNet], batch: Crops, *, rate: Rate) -> tuple[float, ...]:
    """One step; its losses."""
    parts = losses(state.net, batch)
    training_state.descend(state, torch.stack(parts).sum(), rate.at(state.step), clip=10.0)
    return tuple(part.item() for part in parts)


def losses(net: PartsNet, batch: Crops) -> list[Tensor]:
    """Of places, boxes and visibility."""
    x_nchw = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    with training_state.half():
        fine, deepest = net.features(x_nchw)
    found = net.told(fine.float(), deepest.float())
    true, weight = torch.from_numpy(batch.places), torch.from_numpy(batch.weights)
    places = ((found[:, :PLACES] - true).abs() * weight).sum() / FACES
    boxes = [unshared(found[:, k : k + 4], true[:, k : k + 4]) * weight[:, k] for k in BOXES]
    sure = torch.from_numpy(batch.visible_weights)
    seen = binary_cross_entropy_with_logits(found[:, PLACES:], torch.from_numpy(batch.visible), sure)
    return [places, torch.stack(boxes).sum() / FACES, seen]
