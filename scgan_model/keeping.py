"""Which checkpoints of a run stay on disk: the last, some before it, and the one whose cartoons had the least KID.

    checkpoint.pt                 the last: what a resume goes on from
    checkpoints/step_000400.pt    where `keep_checkpoints` is above 1: that many, the last among them, to go back to
    best.pt                       the least KID so far, where `kid_every_steps` is set

The former ones are hard links where the file system has them: keeping one costs no second write. When the training
finishes they go, and `best.pt` stays: at the paper's size each is 1.4 GB.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

from scgan_data.errors import CheckpointError
from scgan_data.terminal import say
from scgan_model import checkpoint

FORMER = "checkpoints"
BEST = "best.pt"


def save(folder: Path, content: dict[str, Any], *, keep: int) -> None:
    """Write the run's last checkpoint, keeping `keep - 1` before it. Raises CheckpointError where the disk is full."""
    last = folder / checkpoint.FILE_NAME
    _write(last, content)
    for later in former(folder):  # of a training that somebody went back from
        if _step(later) > content["step"]:
            later.unlink()
    if keep > 1:
        _link(last, folder / FORMER / f"step_{content['step']:06d}.pt")
    for old in former(folder)[:-keep]:
        old.unlink()


def save_best(folder: Path, content: dict[str, Any]) -> None:
    """Write `best.pt`. Raises CheckpointError where the disk is full."""
    _write(folder / BEST, content)


def forget_other_best(folder: Path, content: dict[str, Any]) -> None:
    """Drop a `best.pt` that is not of the step at which `content`, the state gone on with, knows the least KID: the
    training went back behind it. The next measured one is the best again."""
    file, best = folder / BEST, content["best"]
    if file.is_file() and best is not None and _step_within(file) == best["step"]:
        return
    if file.is_file():
        say(f"train: {BEST} is dropped, it is of a step that this training went back behind; the next one is measured")
    file.unlink(missing_ok=True)
    content["best"] = None


def _step_within(file: Path) -> int | None:
    try:
        step: int = checkpoint.load(file)["step"]
    except CheckpointError:
        return None
    return step


def former(folder: Path) -> list[Path]:
    """The kept checkpoints by step, oldest first; their names sort so up to a million steps only."""
    return sorted((folder / FORMER).glob("step_*.pt"), key=_step)


def _step(file: Path) -> int:
    return int(file.stem.removeprefix("step_"))


def forget_former(folder: Path) -> None:
    """At the end of a training."""
    shutil.rmtree(folder / FORMER, ignore_errors=True)


def forget_partial(folder: Path) -> None:
    """At the start: what a kill in the middle of a write left may have the size of a checkpoint, each time."""
    for stray in folder.rglob(".*.tmp"):
        stray.unlink()


def _write(file: Path, content: dict[str, Any]) -> None:
    try:
        checkpoint.save(file, content)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        whole = "the one before it is whole" if file.is_file() else "there is none before it"
        again = "goes on from there" if (file.parent / checkpoint.FILE_NAME).is_file() else "begins at step 0"
        raise CheckpointError(
            f"the disk is full: {file} of step {content['step']} could not be written, {whole}; free some space and "
            f"run the same command again, which {again}"
        ) from error


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
