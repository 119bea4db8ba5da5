"""Train the detector of drawn faces that ships in scgan_data/drawn.npz: `python -m pipelines.train_drawn`.

Four stages, each with a checkpoint, so that a run that was killed goes on and ends with the bytes of an undisturbed one
(`training_state`): banks of heads, scenes and faces seen closely; the first network, which finds faces; the second,
which places their parts and says whether it is a face (`train_drawn_parts`); the second again, for a few hundred steps,
with what the first takes for faces in pictures without one (`drawn_doubts`).

The first network's step takes sixteen rendered pictures (`drawn_samples`). Its loss is CenterNet's for the faces'
centres (Zhou et al. 2019, a cross entropy that counts the sure less), the plain distance of all lengths in units of the
face, the generalised IoU of the boxes, and the cross entropy of the regions' visibility. All layers but the last
multiply as `training_state.half` says.

What ships is of one run of this command on two cores with bfloat16, which a training of watermarks used too: 7,200
steps of the first network (76,800 pictures, half of them twice: 49 minutes) beside 20,000 of the second (20,000
pictures: an hour), then 6,000 more (17 minutes), and 3 minutes for the banks. Two cores that have AVX2 alone (.92 and
.58 s a step where both are busy) take about four hours; there, --steps 4800 --parts-steps 10000 --again-steps 3000
takes about two.

Tried: samples of 160 px before emptier grounds (every held-out face found as well, but every second busy picture had a
false one); parts from the detector's own cells (`scgan_data/faces/drawn_parts` says how far that went); the mean score
of all sizes of look without a close one (on busy renders 20 of 160 pictures with a false face where a close look at
96 px left 4, with as many found), closer or with less around it (worse), with more (better: 1 of 80 instead of 5).
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from pipelines import train_drawn_parts, training_state
from pipelines.drawn_bank import DRAWING, SEED, Sizes, draw_bank, sources_hash
from pipelines.drawn_batches import Batch, batches
from pipelines.drawn_doubts import find_doubts
from pipelines.drawn_losses import unshared
from pipelines.drawn_windows import draw_windows
from pipelines.training_state import Rate, State
from scgan_data import weights, workers
from scgan_data.faces import drawn_net
from scgan_data.faces.drawn_net import HEAT, VISIBLE, FaceNet, PartsNet

REGION_WEIGHT, VISIBLE_WEIGHT = 1.5, 0.3
WARM_STEPS = 200
COMPOSING = ("laying", "samples")
"""The modules (`drawn_*`) that decide what a picture composed from a bank shows."""


@dataclass(frozen=True)
class Run:
    """What a training depends on, and where its files are."""

    folder: Path
    """Holds the bank and the checkpoint."""
    steps: int = 7200
    sizes: Sizes = field(default_factory=Sizes)
    checkpoint_every: int = 200
    """Steps."""
    parts_steps: int = 20000
    """Of the second network."""
    again_steps: int = 6000
    """Of the second network, the second time."""
    windows: int = 20000
    """Faces that the second network is shown."""

    @property
    def checkpoint(self) -> Path:
        """A checkpoint of other data, or of a rate that falls over other steps, has another name."""
        return self._named("faces", (*COMPOSING, "batches"), str(self.steps))

    @property
    def parts_checkpoint(self) -> Path:
        """Of the second network."""
        names = (*COMPOSING, "windows", "crops")
        return self._named("parts", names, f"{self.windows}-{self.parts_steps}")

    def _named(self, kind: str, names: tuple[str, ...], what: str) -> Path:
        data = sources_hash((*DRAWING, *names))
        return self.folder / f"{kind}-{data}-{self.sizes.heads}-{self.sizes.scenes}-{what}.pt"


def main() -> None:
    """Parse the command line, train, write, print the hash to register."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("scgan_data/drawn.npz"))
    parser.add_argument("--folder", type=Path, default=weights.cache_folder() / "drawn", help="banks and checkpoints")
    parser.add_argument("--steps", type=int, default=Run.steps)
    parser.add_argument("--parts-steps", type=int, default=Run.parts_steps, help="of the second network")
    parser.add_argument("--again-steps", type=int, default=Run.again_steps, help="of the second network, again")
    parser.add_argument("--heads", type=int, default=Sizes.heads, help="drawn heads in the bank")
    parser.add_argument("--scenes", type=int, default=Sizes.scenes, help="grounds in the bank")
    parser.add_argument("--windows", type=int, default=Run.windows, help="faces seen closely in their bank")
    parser.add_argument("--checkpoint-every", type=int, default=Run.checkpoint_every, help="steps")
    given = parser.parse_args()
    sizes = Sizes(given.heads, given.scenes)
    run = Run(
        given.folder, given.steps, sizes, given.checkpoint_every, given.parts_steps, given.again_steps, given.windows
    )
    drawn_net.save(*train(run), given.out)
    digest = hashlib.sha256(given.out.read_bytes()).hexdigest()
    print(f"{given.out}: sha256 {digest}, register it in weights.py, then run pipelines.fit_drawn_score")


def train(run: Run) -> tuple[FaceNet, PartsNet]:
    """Trained networks, from the run's checkpoints where there are such; the first two side by side."""
    _shown(run)
    with workers.pool(2) as pool:
        for done in [pool.submit(_to_its_end, one, run) for one in (train_faces, train_parts)]:
            done.result()
    faces = train_faces(run)
    return faces, train_parts_again(run, faces, train_parts(run))


def _to_its_end(one: Callable[[Run], object], run: Run) -> None:
    """A training by another process: what it leaves is its last checkpoint."""
    one(run)


def train_faces(run: Run) -> FaceNet:
    """The first network."""
    bank = draw_bank(run.folder, run.sizes)
    state, rate = start(), Rate(run.steps, WARM_STEPS)
    training_state.resume(state, run.checkpoint)
    found = batches(bank, run.steps, start=state.step)
    say = "centres, lengths, boxes, visibility {:.3f} {:.3f} {:.3f} {:.3f}"
    at = (run.checkpoint, run.checkpoint_every)
    return training_state.run(state, found, partial(advance, state, rate=rate), at, say)


def train_parts(run: Run) -> PartsNet:
    """The second network."""
    bank, windows = _shown(run)
    at = (run.parts_checkpoint, run.checkpoint_every)
    return train_drawn_parts.train_parts((bank, windows, None), at, run.parts_steps)


def train_parts_again(run: Run, faces: FaceNet, parts: PartsNet) -> PartsNet:
    """The second network, taught what the first one doubts."""
    bank, windows = _shown(run)
    found = hashlib.sha256(b"".join(value.numpy().tobytes() for value in faces.state_dict().values())).hexdigest()[:12]
    stem = run.parts_checkpoint.stem
    doubts = find_doubts(faces, bank, run.folder / f"doubts-{stem}-{found}.npy")
    at = (run.folder / f"again-{stem}-{found}-{run.again_steps}.pt", run.checkpoint_every)
    return train_drawn_parts.train_parts((bank, windows, doubts), at, run.again_steps, parts)


def _shown(run: Run) -> tuple[Path, Path]:
    """The bank and its windows."""
    bank = draw_bank(run.folder, run.sizes)
    name = f"{sources_hash((*DRAWING, *COMPOSING, 'windows'))}-{run.sizes.heads}-{run.sizes.scenes}"
    return bank, draw_windows(bank, run.folder / f"windows-{name}-{run.windows}", run.windows)


def start() -> State[FaceNet]:
    """The state before the first step."""
    return training_state.start(FaceNet, seed=SEED, decay=1e-3)


def advance(state: State[FaceNet], batch: Batch, *, rate: Rate) -> tuple[float, ...]:
    """One step; its `losses`."""
    parts = losses(state.net, batch)
    training_state.descend(state, torch.stack(parts).sum(), rate.at(state.step), clip=10.0)
    return tuple(part.item() for part in parts)


def losses(net: FaceNet, batch: Batch) -> list[Tensor]:
    """Of centres, lengths, boxes' shares and visibility, weighted as they are added."""
    x_nchw = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    with training_state.half():
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
    shares = torch.stack([_shares(found, batch, weight, first) for first in (2, 16, 20, 24)]).sum() / near
    seen = binary_cross_entropy_with_logits(found[:, VISIBLE], torch.from_numpy(batch.visible), sure, reduction="sum")
    return [centres, lengths, shares, seen * VISIBLE_WEIGHT / near]


def _shares(found: Tensor, batch: Batch, weight: Tensor, first: int) -> Tensor:
    """What the boxes in the four channels from `first` do not share, summed."""
    true = torch.from_numpy(batch.lengths)[:, first - 1 : first + 3]
    return (unshared(found[:, first : first + 4], true) * weight[:, first - 1].clamp(max=1)).sum()


def _centres(logits: Tensor, heat: Tensor) -> Tensor:
    """The focal cross entropy of each cell: near a centre, being no centre counts less."""
    p = logits.sigmoid()
    at = (1 - p) ** 2 * logsigmoid(logits)
    beside = (1 - heat) ** 4 * p**2 * logsigmoid(-logits)
    return -torch.where(heat == 1, at, beside)


if __name__ == "__main__":
    main()
