"""Train the detector of drawn faces that ships in scgan_data/drawn.npz: `python -m pipelines.train_drawn`.

Each step takes sixteen rendered pictures (`drawn_samples`). The loss is CenterNet's for the faces' centres (Zhou et al.
2019, a cross entropy that counts the sure less), the plain distance of all lengths in units of the face, the
generalised IoU of the boxes, and the cross entropy of the regions' visibility. The rate falls to nothing as half a
cosine, and what is written is a running mean of the parameters. Every `checkpoint_every` steps the whole state is
written, by rename; a run that was killed goes on from there and ends with the bytes of an undisturbed one.

Fixed seeds, one thread and deterministic kernels: two runs on one machine agree bit for bit. All layers but the last
multiply in bfloat16, their sums and parameters have 32 bits: a step takes .2 s instead of .36 on one free core of a
processor that has such instructions (avx512_bf16); where they are imitated it is slower than with 32 bits.

What ships: 6,200 steps on 99,200 samples (27 minutes of one core), then 4,000 steps of the second network on faces cut
from the first 64,000 of the same samples (`train_drawn_parts`, 8 minutes). What is known to be wrong: the truth of a
part that is a stroke is the stroke's middle line, so a straight mouth's box has no height. With its width taken in,
3,000 steps of the second network gave no better boxes yet (mean IoU .29 to .66 of nose, mouth and eyes on renders with
other seeds, instead of .30 to .67); both networks want more steps, and the second one larger faces.

Tried: samples of 160 px before emptier grounds (every held-out face found as well, but every second busy picture had a
false one); parts from the detector's own cells (`scgan_data/faces/drawn_parts` says how far that went); the mean score
of all sizes of look without a close one (on busy renders 20 of 160 pictures with a false face where a close look at
96 px left 4, with as many found), closer or with less around it (worse), with more (better: 1 of 80 instead of 5).
"""

from __future__ import annotations

import argparse
import hashlib
import time
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from pipelines.drawn_bank import DRAWING, SEED, Sizes, draw_bank, sources_hash
from pipelines.drawn_batches import Batch, batches
from pipelines.train_drawn_parts import train_parts
from pipelines.train_drawn_state import PEAK_RATE, SAY_EVERY, State, average, kept, rate, restore
from scgan_data import weights
from scgan_data.faces import drawn_net
from scgan_data.faces.drawn_net import HEAT, VISIBLE, FaceNet, PartsNet
from scgan_data.files import write_bytes

REGION_WEIGHT, VISIBLE_WEIGHT = 1.5, 0.3


@dataclass(frozen=True)
class Run:
    """What a training depends on, and where its files are."""

    folder: Path
    """Holds the bank and the checkpoint."""
    steps: int = 6200
    sizes: Sizes = field(default_factory=Sizes)
    checkpoint_every: int = 200
    """Steps."""
    parts_steps: int = 4000
    """Of the second network."""

    @property
    def checkpoint(self) -> Path:
        """A checkpoint of other data, or of a rate that falls over other steps, has another name."""
        data = sources_hash((*DRAWING, "samples", "batches"))
        return self.folder / f"run-{data}-{self.sizes.heads}-{self.sizes.scenes}-{self.steps}.pt"


def main() -> None:
    """Parse the command line, train, write, print the hash to register."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("scgan_data/drawn.npz"))
    parser.add_argument("--folder", type=Path, default=weights.cache_folder() / "drawn", help="bank and checkpoint")
    parser.add_argument("--steps", type=int, default=Run.steps)
    parser.add_argument("--parts-steps", type=int, default=Run.parts_steps, help="of the second network")
    parser.add_argument("--heads", type=int, default=Sizes.heads, help="drawn heads in the bank")
    parser.add_argument("--scenes", type=int, default=Sizes.scenes, help="grounds in the bank")
    parser.add_argument("--checkpoint-every", type=int, default=Run.checkpoint_every, help="steps")
    given = parser.parse_args()
    run = Run(given.folder, given.steps, Sizes(given.heads, given.scenes), given.checkpoint_every, given.parts_steps)
    drawn_net.save(*train(run), given.out)
    print(f"{given.out}: sha256 {hashlib.sha256(given.out.read_bytes()).hexdigest()}, register it in weights.py")


def train(run: Run) -> tuple[FaceNet, PartsNet]:
    """Trained networks, from the run's checkpoints where there are such."""
    bank = draw_bank(run.folder, run.sizes)
    faces = _train_faces(run, bank)
    data = sources_hash((*DRAWING, "samples", "batches", "crops"))
    checkpoint = run.folder / f"parts-{data}-{run.sizes.heads}-{run.sizes.scenes}-{run.parts_steps}.pt"
    return faces, train_parts(bank, checkpoint, run.parts_steps, run.checkpoint_every)


def _train_faces(run: Run, bank: Path) -> FaceNet:
    state, checkpoint = start(), run.checkpoint
    if checkpoint.is_file():
        restore(state, checkpoint.read_bytes())
        print(f"going on after step {state.step}", flush=True)
    told: list[tuple[float, ...]] = []
    began = time.monotonic()
    for batch in batches(bank, run.steps, start=state.step):
        told.append(advance(state, batch, run.steps))
        if state.step % SAY_EVERY == 0:
            parts = " ".join(f"{v:.3f}" for v in np.mean(told[-SAY_EVERY:], axis=0))
            seconds = time.monotonic() - began
            print(f"step {state.step}: centres, lengths, boxes, visibility {parts}, {seconds:.0f} s", flush=True)
        if state.step % run.checkpoint_every == 0:
            write_bytes(checkpoint, kept(state))
    write_bytes(checkpoint, kept(state))
    return _faces(state.mean.eval())


def _faces(net: torch.nn.Module) -> FaceNet:
    assert isinstance(net, FaceNet)
    return net


def start() -> State:
    """The state before the first step; sets torch's threads, seed and determinism for the process."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    net = FaceNet().train().to(memory_format=torch.channels_last)
    return State(net, torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-3), deepcopy(net))


def advance(state: State, batch: Batch, steps: int) -> tuple[float, ...]:
    """One step of so many; its `losses`."""
    for group in state.optimizer.param_groups:
        group["lr"] = rate(state.step, steps)
    parts = losses(_faces(state.net), batch)
    state.optimizer.zero_grad(set_to_none=True)
    torch.stack(parts).sum().backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.net.parameters(), 10.0)
    state.optimizer.step()
    state.step += 1
    average(state)
    return tuple(part.item() for part in parts)


def losses(net: FaceNet, batch: Batch) -> list[Tensor]:
    """Of centres, lengths, boxes' shares and visibility, weighted as they are added."""
    x_nchw = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.autocast("cpu", torch.bfloat16):
        features = net.features(x_nchw)
    found = net.cells(features.float())
    heat, counted = torch.from_numpy(batch.heat), torch.from_numpy(batch.counted)
    faces = (heat == 1).sum().clamp(min=1)
    centres = (_centres(found[:, HEAT], heat) * counted).sum() / faces
    weight = torch.from_numpy(batch.weights).clone()
    near = weight[:, 0].sum().clamp(min=1)
    weight[:, 15:] *= REGION_WEIGHT
    lengths = ((found[:, 1:28] - torch.from_numpy(batch.lengths)).abs() * weight).sum() / near
    sure = torch.from_numpy(batch.visible_weights)
    shares = torch.stack([_unshared(found, batch, weight, first) for first in (2, 16, 20, 24)]).sum() / near
    seen = binary_cross_entropy_with_logits(found[:, VISIBLE], torch.from_numpy(batch.visible), sure, reduction="sum")
    return [centres, lengths, shares, seen * VISIBLE_WEIGHT / near]


def _unshared(found: Tensor, batch: Batch, weight: Tensor, first: int) -> Tensor:
    """One less the generalised IoU (Rezatofighi et al. 2019) of the boxes in the four channels from `first`, summed."""
    x0, y0, x1, y1 = found[:, first : first + 4].unbind(1)
    u0, v0, u1, v1 = torch.from_numpy(batch.lengths)[:, first - 1 : first + 3].unbind(1)
    both = (x1.minimum(u1) - x0.maximum(u0)).clamp(min=0) * (y1.minimum(v1) - y0.maximum(v0)).clamp(min=0)
    union = (x1 - x0).clamp(min=0) * (y1 - y0).clamp(min=0) + (u1 - u0) * (v1 - v0) - both
    hull = (x1.maximum(u1) - x0.minimum(u0)).clamp(min=0) * (y1.maximum(v1) - y0.minimum(v0)).clamp(min=0)
    least = 1e-4
    value = both / union.clamp(min=least) - (hull - union) / hull.clamp(min=least)
    return ((1 - value) * weight[:, first - 1].clamp(max=1)).sum()


def _centres(logits: Tensor, heat: Tensor) -> Tensor:
    """The focal cross entropy of each cell: near a centre, being no centre counts less."""
    p = logits.sigmoid()
    at = (1 - p) ** 2 * logsigmoid(logits)
    beside = (1 - heat) ** 4 * p**2 * logsigmoid(-logits)
    return -torch.where(heat == 1, at, beside)


if __name__ == "__main__":
    main()
