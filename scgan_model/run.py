"""A training in progress: what is fixed, where it stands, and how it becomes a checkpoint and comes back from one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from scgan_data.errors import CheckpointError, ConfigError
from scgan_data.records import SELFIE, Split
from scgan_model import checkpoint, data, networks, schedule
from scgan_model.config import TrainConfig
from scgan_model.data import Batch, Pictures, Sampler
from scgan_model.journal import Means
from scgan_model.ranks import ALONE, Ranks
from scgan_model.step import State, start


@dataclass
class Run:
    """One training: what is fixed, and where it stands."""

    folder: Path
    origin: dict[str, Any]
    """Style, hashes of dataset and code, resolved configuration: what a checkpoint must share to be gone on with."""
    state: State
    schedule: schedule.Schedule
    selfies: Pictures
    portraits: Pictures
    test: Tensor
    """(N, 3, R, R) uint8: the held-out selfies."""
    selfie_order: Sampler
    portrait_order: Sampler
    augmentation: torch.Generator
    step: int = 0
    saved_step: int = 0
    """Step of the last checkpoint; 0 is none."""
    seconds: float = 0.0
    best: dict[str, float] | None = None
    """`kid` and `step` of the least KID so far."""
    means: Means = field(default_factory=Means)

    @property
    def config(self) -> TrainConfig:
        """The resolved configuration."""
        return self.state.config


def set_up(
    dataset: Path, folder: Path, origin: dict[str, Any], partial: dict[str, Any] | None, ranks: Ranks = ALONE
) -> Run:
    """Load the pictures, build the state, put a partial checkpoint's back. Raises ConfigError, DatasetError."""
    config = TrainConfig.model_validate(origin["config"])
    if config.batch_pairs % ranks.count:
        raise ConfigError(f"train.batch_pairs = {config.batch_pairs} cannot be dealt evenly to {ranks.count} processes")
    device = torch.device("cuda", torch.cuda.current_device()) if config.device == "cuda" else torch.device("cpu")
    style = origin["style"]
    selfies = data.load_pictures(dataset, Split.TRAIN, SELFIE, size_px=config.load_px, device=device)
    portraits = data.load_pictures(dataset, Split.TRAIN, style, size_px=config.load_px, device=device)
    test = data.load_pictures(dataset, Split.TEST, SELFIE, size_px=config.load_px, device=device)
    photographs, _ = data.center_crop(selfies.pixels, selfies.boxes, config.resolution_px)
    run = Run(
        folder=folder,
        origin=origin,
        state=start(config, device, photographs, l_per_scale=_known_scale(config, partial), ranks=ranks),
        schedule=schedule.plan(config, max(len(selfies), len(portraits))),
        selfies=selfies,
        portraits=portraits,
        test=data.center_crop(test.pixels, test.boxes, config.resolution_px)[0],
        selfie_order=Sampler(len(selfies), config.seed, SELFIE, device=device),
        portrait_order=Sampler(len(portraits), config.seed, style, device=device),
        augmentation=torch.Generator(device).manual_seed(data.derived_seed(config.seed, "augmentation")),
    )
    # Dropout's numbers. Only now: building the networks draws from the CPU's, and seeds every GPU's alike.
    torch.manual_seed(config.seed if ranks.first else data.derived_seed(config.seed, "rank", ranks.rank))
    if partial is not None:
        restore(run, partial)
    return run


def _known_scale(config: TrainConfig, partial: dict[str, Any] | None) -> float | None:
    """What Eq. 7 was divided by so far; None where that must be measured, or would be the scale of something else."""
    defining = ("perceptual_layer", "perceptual_scale")
    if partial is None or any(partial["config"]["loss"].get(k) != getattr(config.loss, k) for k in defining):
        return None
    scale: float | None = partial["l_per_scale"]
    return scale


def next_batch(run: Run) -> Batch:
    """The pictures of the next step, cropped and flipped: this process's part of the batch."""
    config = run.config
    x, boxes = _drawn(run, run.selfies, run.selfie_order)
    y, _ = _drawn(run, run.portraits, run.portrait_order)
    layout = networks.memory_format(config)
    return Batch(x.to(memory_format=layout), boxes, y.to(memory_format=layout))


def _drawn(run: Run, pictures: Pictures, order: Sampler) -> tuple[Tensor, Tensor]:
    config, ranks = run.config, run.state.ranks
    chosen = ranks.part(order.take(config.batch_pairs))
    return data.augment(
        pictures.pixels[chosen],
        pictures.boxes[chosen],
        config.resolution_px,
        flip=config.flip,
        generator=run.augmentation,
        ranks=ranks,
    )


def content(run: Run) -> dict[str, Any]:
    """Everything that the rest of the training depends on, as a checkpoint holds it. Every process must call it."""
    means = run.means.state_dict()  # of this process's part of the batches: all go on from the mean of theirs
    return {
        **run.origin,
        **checkpoint.state_dict(run.state),
        "step": run.step,
        "seconds": run.seconds,
        "best": run.best,
        "means": means | {"sums": {name: run.state.ranks.mean(value) for name, value in means["sums"].items()}},
        "order": {"selfie": run.selfie_order.position, "portrait": run.portrait_order.position},
        "augmentation": run.augmentation.get_state(),
    }


def restore(run: Run, found: dict[str, Any]) -> None:
    """Put a run back to where its checkpoint was written. Raises CheckpointError."""
    try:
        checkpoint.load_state_dict(run.state, found)
        if found["config"]["device"] == run.config.device:
            run.augmentation.set_state(found["augmentation"].cpu())
        else:  # a GPU's generator is another one than the CPU's, with a state of another form
            run.augmentation.manual_seed(data.derived_seed(run.config.seed, "augmentation", found["step"]))
        run.selfie_order.position = found["order"]["selfie"]
        run.portrait_order.position = found["order"]["portrait"]
        run.step, run.seconds, run.best = found["step"], found["seconds"], found["best"]
        run.means.load_state_dict(found["means"], run.state.device)
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"{run.folder / checkpoint.FILE_NAME} does not fit the configuration ({type(error).__name__}): sizes of "
            "networks cannot change in the middle of a training; --fresh starts anew"
        ) from error
    run.saved_step = run.step
