"""Train one style: set up, go on where a killed run stopped, loop, swap the finished model in.

    models/.avataaars.work/run/   the training in progress: its last checkpoint, metrics.jsonl, samples/
    models/avataaars/             the finished model: the same files, config.json, metrics.json and plots/

Ctrl-C and SIGTERM save at the end of the running step. A run that is killed loses at most `checkpoint_every_steps`
steps; the same command goes on from the last checkpoint and on the CPU ends with bit-equal weights. A run with another
configuration, dataset or version of the modules that decide the numbers (`origin.MODULES`) is not gone on with but set
aside (`resume.py`): half a model of each would be neither. No checkpoint is written of a state that has diverged.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from signal import SIGINT
from typing import Any

import torch

from scgan_data import files
from scgan_data.errors import DatasetError, ScganError, StoppedError
from scgan_data.records import SELFIE
from scgan_data.stage import StageFolder, open_stage
from scgan_data.terminal import say
from scgan_model import checkpoint, journal, keeping, resume, watch
from scgan_model.arithmetic import arithmetic
from scgan_model.config import TrainConfig
from scgan_model.journal import FILE_NAME as METRICS_LINES
from scgan_model.journal import Journal, read_lines
from scgan_model.loggers import event_writer
from scgan_model.origin import origin as origin_of
from scgan_model.ranks import Ranks, is_first, joined
from scgan_model.resume import Take
from scgan_model.run import Run, content, next_batch, set_up
from scgan_model.step import train_step
from scgan_model.stopping import StopSignals


def train(dataset: Path, model: Path, *, style: str, config: TrainConfig, take: Take = "same") -> None:
    """Train `style` on `dataset` into the folder `model`; `take` says which unfinished run is gone on with.

    Raises DatasetError, CheckpointError, StageBusyError, StoppedError at Ctrl-C and SIGTERM, or ScganError where the
    training diverges.
    """
    if style == SELFIE:
        raise DatasetError(f"`{SELFIE}` is the domain of the photographs, not a style: name a cartoon domain")
    try:
        with joined(lambda: config.resolved().device) as ranks:
            _train(dataset, model, style, config, take, ranks)
    except (ScganError, KeyboardInterrupt) as error:
        if not is_first():
            sys.exit(getattr(error, "exit_code", 1))  # the first process says it
        if isinstance(error, KeyboardInterrupt):  # before the loop, which saves
            raise StoppedError("train: stopped outside its steps; nothing is lost by running it again") from None
        raise


def _train(dataset: Path, model: Path, style: str, config: TrainConfig, take: Take, ranks: Ranks) -> None:
    """The first process holds the stage's folder and decides what is done; all do it."""
    origin = ranks.by_first(lambda: origin_of(dataset, style))  # a misspelt style leaves no folder
    with contextlib.ExitStack() as held:
        folder = ranks.by_first(lambda: held.enter_context(_opened(model)))
        plan = ranks.share(ranks.by_first(lambda: _plan(folder, origin, config, take) if folder and origin else None))
        if plan is not None:
            run = _trained(dataset, folder.work / "run" if folder else model, plan, ranks)
            ranks.together(lambda: _finish(run, folder))


def _opened(model: Path) -> contextlib.AbstractContextManager[StageFolder]:
    resume.refuse_loss(model)
    return open_stage("train", model)


Plan = tuple[dict[str, Any], dict[str, Any] | None]
"""Origin with the resolved configuration, and the checkpoint to go on from."""


def _plan(folder: StageFolder, origin: dict[str, Any], config: TrainConfig, take: Take) -> Plan | None:
    """What is to be done; None where the folder holds the finished model. Raises ConfigError."""
    if config.tensorboard:
        event_writer()  # that it is missing is said before the pictures are loaded
    if take != "fresh" and resume.finished(folder.home, origin, config):
        say(f"train: {folder.home} is finished already with this dataset and configuration")
        return None
    keeping.forget_partial(folder.work)
    partial = resume.partial(folder, origin, config, take)
    if partial is not None:
        keeping.forget_other_best(folder.work / "run", partial)
    return origin | {"config": resume.resolved(config, partial).model_dump(mode="json")}, partial


def _trained(dataset: Path, folder: Path, plan: Plan, ranks: Ranks) -> Run:
    origin, partial = plan
    with arithmetic(TrainConfig.model_validate(origin["config"])):
        begun = ranks.together(lambda: set_up(dataset, folder, origin, partial, ranks))
        _check_length(begun)
        begun.state.l_per_scale = ranks.share(begun.state.l_per_scale)  # on another kind of machine it, and what a
        ranks.share_tensors(begun.state.weights())  # seed gives, may differ in the last bits, and then for ever
        _loop(begun)
    return begun


def _check_length(run: Run) -> None:
    total = run.schedule.total_steps
    if run.step > total:
        raise ScganError(f"train: the run is at step {run.step} already and {total} are asked for; raise train.steps")


def _loop(run: Run) -> None:
    total, ranks = run.schedule.total_steps, run.state.ranks
    kid = ranks.by_first(lambda: watch.kid_watch(run))
    with ranks.by_first(lambda: _journal(run)) or contextlib.nullcontext() as told:
        try:
            with StopSignals(patient=ranks.count > 1, last=ranks.count > 1 and ranks.first) as signals:
                if run.step == 0:
                    ranks.together(lambda: _tell(run, told, None, {}))
                while run.step < total and not ranks.any(signals.caught is not None):
                    _step(run, told, kid)
                if run.step < total:
                    _save(run)
        except KeyboardInterrupt:
            raise StoppedError(
                f"train: stopped at step {run.step} of {total}; the same command goes on from step {run.saved_step}"
            ) from None
        if run.step < total:
            raise StoppedError(
                f"train: stopped at step {run.step} of {total} and saved; the same command goes on from there",
                signals.caught or SIGINT,
            )


def _journal(run: Run) -> Journal:
    return Journal(
        run.folder,
        title=f"train {run.origin['style']}",
        step=run.step,
        total_steps=run.schedule.total_steps,
        pairs=run.config.batch_pairs,
        tensorboard=run.config.tensorboard,
    )


def _step(run: Run, told: Journal | None, kid: watch.KidWatch | None) -> None:
    """One step; then metrics, samples, KID and checkpoint where they are due, in this order, so that the checkpoint's
    step has all its lines."""
    config, ranks, began = run.config, run.state.ranks, time.monotonic()
    run.means.add(train_step(run.state, next_batch(run), run.schedule.factor_at(run.step)))
    run.step += 1
    line: dict[str, Any] = {}
    if _due(run, config.log_every_steps):
        rate = config.generator_lr * config.lr_scale * run.schedule.factor_at(run.step - 1)
        line |= run.means.read(ranks) | {"lr": rate}
        _check(run, journal.diverged(line))
    run.seconds += time.monotonic() - began  # after the means are read, which waits for the device
    if line or _due(run, config.sample_every_steps) or _due(run, config.kid_every_steps):
        ranks.together(lambda: _tell(run, told, kid, line))
    if _due(run, config.kid_every_steps):
        _keep_best(run)
    if _due(run, config.checkpoint_every_steps):
        _save(run)
    if told is not None:
        told.advance(run.step)


def _tell(run: Run, told: Journal | None, kid: watch.KidWatch | None, line: dict[str, Any]) -> None:
    """Add samples and KID where they are due to a line, and write it: by the first process, which has the journal."""
    if told is None:
        return
    if _due(run, run.config.sample_every_steps):
        line |= watch.look(run, told)
    if kid is not None and _due(run, run.config.kid_every_steps):
        line |= kid.measure(run, told)
    _check(run, journal.diverged(line))
    told.write({"step": run.step, "seconds": round(run.seconds, 3), **line})


def _due(run: Run, every: int | None) -> bool:
    return every is not None and (run.step % every == 0 or run.step == run.schedule.total_steps)


def _keep_best(run: Run) -> None:
    """Where the first process has just measured the least KID so far, all put the state together for best.pt."""
    run.best = run.state.ranks.share(run.best)
    if run.best is not None and run.best["step"] == run.step:
        whole = content(run)
        run.state.ranks.by_first(lambda: keeping.save_best(run.folder, whole))


def _check(run: Run, trouble: str | None) -> None:
    """Raise ScganError where the training has diverged, naming what is still good."""
    if trouble is None:
        return
    file = run.folder / checkpoint.FILE_NAME
    good = f"the last good checkpoint is {file}, step {run.saved_step}" if run.saved_step else "there is no checkpoint"
    raise ScganError(
        f"training diverged before step {run.step}: {trouble}; {good}. Lower train.generator_lr and "
        "train.discriminator_lr, or set train.precision=fp32, and go on with --allow-changes or begin with --fresh"
    )


def _save(run: Run) -> None:
    """A checkpoint; none where a weight is not a number, so that what is there before is the last good one."""
    networks = run.state.networks.named().values()
    finite = torch.stack([p.isfinite().all() for network in networks for p in network.parameters()]).all().item()
    _check(run, None if finite else "a weight is not a number any more")
    whole = content(run)
    run.state.ranks.by_first(lambda: keeping.save(run.folder, whole, keep=run.config.keep_checkpoints))
    run.saved_step = run.step


def _finish(run: Run, folder: StageFolder | None) -> None:
    """Summaries, then the swap, by the first process, which has the folder."""
    if folder is None:
        return
    lines = read_lines(run.folder / METRICS_LINES)
    cycles = [line["test_cycle"] for line in lines if "test_cycle" in line]
    other = ("step", "seconds", "test_cycle", "kid", "lr")
    summary: dict[str, Any] = {
        "steps": run.step,
        "seconds": round(run.seconds, 1),
        "test_cycle": {"start": cycles[0], "end": cycles[-1], "ratio": cycles[-1] / cycles[0]},
        "losses": {name: value for name, value in lines[-1].items() if name not in other},
    }
    if run.best is not None:
        summary["kid"] = {"end": lines[-1].get("kid"), "best": run.best["kid"], "best_step": run.best["step"]}
    journal.write_tables(run.folder)
    files.write_json(run.folder / "config.json", run.origin["config"])
    files.write_json(run.folder / "metrics.json", summary)
    keeping.forget_partial(run.folder)
    keeping.forget_former(run.folder)
    folder.swap_in(run.folder)
