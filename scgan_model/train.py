"""Train one style: set up, go on where a killed run stopped, loop, swap the finished model in.

    models/.avataaars.work/run/   the training in progress: its last checkpoint, metrics.jsonl, samples/
    models/avataaars/             the finished model: the same files, config.json and metrics.json

A run that is killed at any moment loses at most `checkpoint_every_steps` steps; the same command goes on from the last
checkpoint and on the CPU ends with bit-equal weights. A run with another configuration, dataset or version of the
modules that decide the numbers (`MODULES`) starts afresh and says so: half a model of each would be neither.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from scgan_data import files
from scgan_data.errors import CheckpointError, DatasetError, StoppedError
from scgan_data.records import SELFIE, Split
from scgan_data.stage import StageFolder, open_stage, version_of
from scgan_data.terminal import console
from scgan_model import checkpoint, data, resume, samples, schedule
from scgan_model.config import TrainConfig
from scgan_model.data import Batch, Pictures, Sampler
from scgan_model.journal import FILE_NAME as METRICS_LINES
from scgan_model.journal import Journal, Means, read_lines
from scgan_model.step import State, start, train_step

MODULES = tuple(f"scgan_model.{name}" for name in ("data", "losses", "networks", "pool", "schedule", "step", "vgg"))


def train(dataset: Path, model: Path, *, style: str, config: TrainConfig) -> None:
    """Train `style` on `dataset` into the folder `model`.

    Raises DatasetError, CheckpointError, StageBusyError, StoppedError at Ctrl-C, or ScganError where the
    training diverges.
    """
    if style == SELFIE:
        raise DatasetError(f"`{SELFIE}` is the domain of the photographs, not a style: name a cartoon domain")
    with open_stage("train", model) as folder:
        origin = {"style": style, "dataset": data.identity(dataset, style), "code": version_of(MODULES)}
        if resume.finished(folder.home, origin, config):
            console.print(f"train: {model} is finished already with this dataset and configuration")
            return
        partial = resume.partial(folder.work / "run", origin, config)
        resolved = resume.resolved(config, partial)
        with _threads(resolved.threads):
            run = _set_up(dataset, folder, origin | {"config": resolved.model_dump(mode="json")}, partial)
            _loop(run)
            _finish(run, folder)


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
    test: torch.Tensor
    """(N, 3, R, R) uint8: the held-out selfies."""
    selfie_order: Sampler
    portrait_order: Sampler
    augmentation: torch.Generator
    step: int = 0
    seconds: float = 0.0
    means: Means = field(default_factory=Means)

    @property
    def config(self) -> TrainConfig:
        """The resolved configuration."""
        return self.state.config


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _set_up(dataset: Path, folder: StageFolder, origin: dict[str, Any], partial: dict[str, Any] | None) -> Run:
    """Load the pictures, build the state, put a partial checkpoint's back."""
    config = TrainConfig.model_validate(origin["config"])
    device = torch.device(config.device)
    style = origin["style"]
    selfies = data.load_pictures(dataset, Split.TRAIN, SELFIE, size_px=config.load_px, device=device)
    portraits = data.load_pictures(dataset, Split.TRAIN, style, size_px=config.load_px, device=device)
    test = data.load_pictures(dataset, Split.TEST, SELFIE, size_px=config.load_px, device=device)
    photographs, _ = data.center_crop(selfies.pixels, selfies.boxes, config.resolution_px)
    torch.manual_seed(config.seed)
    run = Run(
        folder=folder.work / "run",
        origin=origin,
        state=start(config, device, photographs, l_per_scale=partial["l_per_scale"] if partial else None),
        schedule=schedule.plan(config, max(len(selfies), len(portraits))),
        selfies=selfies,
        portraits=portraits,
        test=data.center_crop(test.pixels, test.boxes, config.resolution_px)[0],
        selfie_order=Sampler(len(selfies), config.seed, SELFIE, device=device),
        portrait_order=Sampler(len(portraits), config.seed, style, device=device),
        augmentation=torch.Generator(device).manual_seed(data.derived_seed(config.seed, "augmentation")),
    )
    if partial is not None:
        _restore(run, partial)
    return run


def _loop(run: Run) -> None:
    total = run.schedule.total_steps
    with Journal(run.folder, title=f"train {run.origin['style']}", step=run.step, total_steps=total) as journal:
        try:
            if run.step == 0:
                journal.write({"step": 0, "seconds": 0.0, **_look(run, journal)})
            while run.step < total:
                began = time.monotonic()
                run.means.add(train_step(run.state, _next_batch(run), run.schedule.factor_at(run.step)))
                run.step += 1
                _report(run, journal, began)
        except KeyboardInterrupt:
            every = run.config.checkpoint_every_steps
            raise StoppedError(
                f"train: stopped at step {run.step} of {total}; the same command goes on from step "
                f"{run.step // every * every}"
            ) from None


def _next_batch(run: Run) -> Batch:
    config, selfies, portraits = run.config, run.selfies, run.portraits
    chosen, drawn = run.selfie_order.take(config.batch_pairs), run.portrait_order.take(config.batch_pairs)
    size, flip, generator = config.resolution_px, config.flip, run.augmentation
    x, boxes = data.augment(selfies.pixels[chosen], selfies.boxes[chosen], size, flip=flip, generator=generator)
    y, _ = data.augment(portraits.pixels[drawn], portraits.boxes[drawn], size, flip=flip, generator=generator)
    return Batch(x, boxes, y)


def _report(run: Run, journal: Journal, began: float) -> None:
    """After a step: metrics, samples and checkpoint where they are due, in this order, so that the checkpoint's step
    has all its lines."""
    config, last = run.config, run.step == run.schedule.total_steps
    line: dict[str, Any] = {}
    if last or run.step % config.log_every_steps == 0:
        line |= run.means.read() | {"lr": config.generator_lr * run.schedule.factor_at(run.step - 1)}
    run.seconds += time.monotonic() - began  # after the means are read, which waits for the device
    if last or run.step % config.sample_every_steps == 0:
        line |= _look(run, journal)
    if line:
        journal.write({"step": run.step, "seconds": round(run.seconds, 3), **line})
    if last or run.step % config.checkpoint_every_steps == 0:
        _save(run)
    journal.advance(run.step)


def _look(run: Run, journal: Journal) -> dict[str, float]:
    """A sample grid and the held-out cycle error."""
    file = run.folder / "samples" / f"step_{run.step:06d}.png"
    samples.write_grid(file, run.state.networks, run.test[: run.config.sample_selfies])
    error = samples.cycle_error(run.state.networks, run.test)
    journal.say(f"train: step {run.step} of {run.schedule.total_steps}, held-out cycle error {error:.3f}")
    return {"test_cycle": error}


def _save(run: Run) -> None:
    checkpoint.save(
        run.folder / checkpoint.FILE_NAME,
        {
            **run.origin,
            **checkpoint.state_dict(run.state),
            "step": run.step,
            "seconds": run.seconds,
            "order": {"selfie": run.selfie_order.position, "portrait": run.portrait_order.position},
            "augmentation": run.augmentation.get_state(),
        },
    )


def _restore(run: Run, content: dict[str, Any]) -> None:
    """Put a run back to where its checkpoint was written. Raises CheckpointError."""
    try:
        checkpoint.load_state_dict(run.state, content)
        run.augmentation.set_state(content["augmentation"].cpu())
        run.selfie_order.position = content["order"]["selfie"]
        run.portrait_order.position = content["order"]["portrait"]
        run.step, run.seconds = content["step"], content["seconds"]
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"{run.folder / checkpoint.FILE_NAME} does not fit its own configuration ({type(error).__name__}); "
            "delete it to start afresh"
        ) from error


def _finish(run: Run, folder: StageFolder) -> None:
    """Summaries, then the swap."""
    lines = read_lines(run.folder / METRICS_LINES)
    cycles = [line["test_cycle"] for line in lines if "test_cycle" in line]
    losses = {k: v for k, v in lines[-1].items() if k not in ("step", "seconds", "test_cycle", "lr")}
    summary = {
        "steps": run.step,
        "seconds": round(run.seconds, 1),
        "test_cycle": {"start": cycles[0], "end": cycles[-1], "ratio": cycles[-1] / cycles[0]},
        "losses": losses,
    }
    files.write_json(run.folder / "config.json", run.origin["config"])
    files.write_json(run.folder / "metrics.json", summary)
    for stray in run.folder.rglob(".*.tmp"):  # of a write that a kill interrupted
        stray.unlink()
    folder.swap_in(run.folder)
