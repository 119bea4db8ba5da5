"""Train the watermark detector that ships in scgan_data/watermark.npz: `python -m pipelines.train_watermark`.

Each step takes eight windows of clean pictures, each clean and under a mark (`watermark_batches`). The loss is the
cross entropy of every 8 x 8 cell (does a mark touch it) and of the picture's pooled score. The rate falls to nothing as
half a cosine, and what is written is a running mean of the parameters. Every `CHECKPOINT_EVERY` steps the whole state
is written, by rename; a run that was killed goes on from there and ends with the bytes of an undisturbed one. What
ships took 82 minutes on two cores that others used too (a step takes .35 s on a free one).

Tried: 5,400 steps under a rate that fell with the root of the step (on selfies average precision .986 instead of .987,
on film stills .921 instead of .894); the scores of both networks together (.988, .917); the mean of their parameters
(.951). What is left is not for lack of training: banners with repeated logos behind people look like tiled marks.

Fixed seeds, one thread (two on contended cores ran 15 times slower), 32-bit numbers (bfloat16 is imitated on most
processors, at a tenth of the speed) and deterministic kernels: two runs on one machine agree bit for bit. No research
photograph is used: `watermark_pictures` names all that is.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import time
from copy import deepcopy
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from pipelines.watermark_batches import SEED, Batch, batches, draw_bank, sources_hash
from scgan_data import watermark_net, weights
from scgan_data.files import write_bytes
from scgan_data.watermark_net import MarkNet, pooled

PEAK_RATE, WARM_STEPS = 2e-3, 150
"""The rate rises to its peak in so many steps."""
MEAN_STEPS = 400
"""How far back the running mean of the parameters reaches."""
CHECKPOINT_EVERY = 200
SAY_EVERY = 100


@dataclass(frozen=True)
class Run:
    """What a training depends on, and where its files are."""

    folder: Path
    """Holds the bank of pictures and the checkpoint."""
    steps: int = 9000
    bank: int = 2400
    """Clean pictures."""
    selfies: bool = False

    @property
    def checkpoint(self) -> Path:
        """A checkpoint of other data, or of a rate that falls over other steps, has another name."""
        return self.folder / f"run-{sources_hash()}-{self.bank}-{self.steps}{'-selfies' if self.selfies else ''}.pt"


@dataclass
class State:
    """All that changes from step to step."""

    net: MarkNet
    optimizer: torch.optim.Optimizer
    mean: MarkNet
    """The running mean of `net`, which is what ships."""
    step: int = 0


def main() -> None:
    """Parse the command line, train, write, print the hash to register."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("scgan_data/watermark.npz"))
    parser.add_argument("--folder", type=Path, default=weights.cache_folder() / "watermark", help="bank and checkpoint")
    parser.add_argument("--steps", type=int, default=Run.steps)
    parser.add_argument("--bank", type=int, default=Run.bank, help="clean pictures")
    parser.add_argument("--selfies", action="store_true", help="add the research-only sample: for local use only")
    given = parser.parse_args()
    if given.selfies and given.out == parser.get_default("out"):
        parser.error("--selfies: what ships holds no research-only picture; name another file with --out")
    net = train(Run(given.folder, given.steps, given.bank, given.selfies))
    watermark_net.save(net, given.out)
    print(f"{given.out}: sha256 {hashlib.sha256(given.out.read_bytes()).hexdigest()}, register it in weights.py")


def train(run: Run) -> MarkNet:
    """A trained network, from the run's checkpoint where there is one."""
    bank = draw_bank(run.folder, run.bank, selfies=run.selfies)
    state, checkpoint = start(), run.checkpoint
    if checkpoint.is_file():
        restore(state, checkpoint.read_bytes())
        print(f"going on after step {state.step}", flush=True)
    told: list[tuple[float, float]] = []
    began = time.monotonic()
    for batch in batches(bank, run.steps, start=state.step):
        told.append(advance(state, batch, run.steps))
        if state.step % SAY_EVERY == 0:
            loss, share = np.mean(told[-SAY_EVERY:], axis=0)
            seconds = time.monotonic() - began
            print(f"step {state.step}: loss {loss:.3f}, {share:.1%} right, {seconds:.0f} s", flush=True)
        if state.step % CHECKPOINT_EVERY == 0:
            write_bytes(checkpoint, kept(state))
    write_bytes(checkpoint, kept(state))
    return state.mean.eval()


def start() -> State:
    """The state before the first step; sets torch's threads, seed and determinism for the process."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    net = MarkNet().train().to(memory_format=torch.channels_last)
    return State(net, torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-3), deepcopy(net))


def rate(step: int, steps: int) -> float:
    """The learning rate of a step, from 0, of so many."""
    return PEAK_RATE * min((step + 1) / WARM_STEPS, 1.0) * (1 + math.cos(math.pi * step / steps)) / 2


def advance(state: State, batch: Batch, steps: int) -> tuple[float, float]:
    """One step of so many; the loss and the share of pictures judged right."""
    for group in state.optimizer.param_groups:
        group["lr"] = rate(state.step, steps)
    loss, right = _loss(state.net, batch)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    state.step += 1
    _average(state)
    return loss.item(), right


@torch.no_grad()
def _average(state: State) -> None:
    share = 1 / min(MEAN_STEPS, 1 + state.step / 3)
    now = state.net.state_dict()
    for name, value in state.mean.state_dict().items():
        if value.is_floating_point():
            value.lerp_(now[name], share)
        else:
            value.copy_(now[name])


def _loss(net: MarkNet, batch: Batch) -> tuple[Tensor, float]:
    x_nchw = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    cells = torch.from_numpy(batch.cells).float()
    marked = (cells.sum((1, 2)) > 0).float()
    found_cells = net(x_nchw)
    found = pooled(found_cells)
    loss = cross_entropy(found_cells, cells, 1 + 3 * cells) + cross_entropy(found, marked)
    return loss, ((found > 0) == (marked > 0)).float().mean().item()


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


if __name__ == "__main__":
    main()
