"""Other programs' records of a training: DVCLive where it is installed, TensorBoard where `train.tensorboard` asks.

Both lie in the model's folder, `dvclive/` and `tensorboard/`, and take every line of metrics.jsonl; TensorBoard takes
the sample grids too. DVCLive needs no asking: its files are small and are what DVC's own tools look for. TensorBoard
does: its event files hold every grid a second time.

No step is there twice after a kill. DVCLive only ever appends, so the rows of steps that will be trained again are cut
from its tables. TensorBoard's format has a mark for it (`purge_step`). Events are flushed line by line: torch's writer
holds them back for two minutes otherwise, and a kill would leave a hole before the checkpoint.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from scgan_data import files, images
from scgan_data.errors import ConfigError

GROUPS = {"test_cycle": "held_out", "kid": "held_out", "lr": "schedule", "seconds": "schedule"}
"""TensorBoard shows what has one prefix together; all others are losses."""


class Logger(Protocol):
    """Where a run's figures and pictures go besides metrics.jsonl and samples/."""

    def write(self, line: Mapping[str, Any]) -> None:
        """The figures of one step, `step` among them."""

    def picture(self, step: int, file: Path) -> None:
        """A sample grid that was just written."""

    def close(self) -> None:
        """No more will come."""


def loggers(folder: Path, past: Sequence[Mapping[str, Any]], *, step: int, tensorboard: bool) -> list[Logger]:
    """Those of a run in `folder` that goes on after `step`, whose lines so far are `past`. Raises ConfigError."""
    found: list[Logger] = []
    with contextlib.suppress(ImportError):
        found.append(DvcLive(folder / "dvclive", step=step))
    if tensorboard:
        found.append(TensorBoard(folder, past, step=step))
    return found


def event_writer() -> Any:
    """torch's writer of TensorBoard's files. Raises ConfigError where the package is missing."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ConfigError(
            "train.tensorboard = true needs the package tensorboard, which is not installed: "
            "pip install 'scgan[tensorboard]', or set it to false"
        ) from None
    return SummaryWriter


class DvcLive:
    """DVCLive's tables, plots/metrics/NAME.tsv, and its summary."""

    def __init__(self, folder: Path, *, step: int) -> None:
        from dvclive import Live

        for table in (folder / "plots" / "metrics").rglob("*.tsv"):
            _cut(table, step)
        self._live = Live(str(folder), resume=step > 0, save_dvc_exp=False, dvcyaml=None, monitor_system=False)

    def write(self, line: Mapping[str, Any]) -> None:
        """Append to the tables."""
        self._live.step = line["step"]
        for name, value in line.items():
            if name != "step":
                self._live.log_metric(name, value)
        self._live.sync()

    def picture(self, step: int, file: Path) -> None:
        """None: it would keep a second copy beside samples/."""

    def close(self) -> None:
        """Write the summary."""
        self._live.end()


class TensorBoard:
    """Event files; the lines and grids so far come first where the run began without them."""

    def __init__(self, folder: Path, past: Sequence[Mapping[str, Any]], *, step: int) -> None:
        events = folder / "tensorboard"
        begun = events.is_dir()
        _wait_for_a_later_name(events)
        self._writer = event_writer()(str(events), purge_step=step + 1 if step else None)
        if not begun:
            for line in past:
                self._scalars(line)
            grids = {int(file.stem.removeprefix("step_")): file for file in (folder / "samples").glob("step_*.png")}
            for at in sorted(at for at in grids if past and at <= step):
                self.picture(at, grids[at])

    def write(self, line: Mapping[str, Any]) -> None:
        """One scalar a figure."""
        self._scalars(line)
        self._writer.flush()

    def picture(self, step: int, file: Path) -> None:
        """The grid as an image; a step's grid and its line become visible together."""
        self._writer.add_image("samples", np.asarray(images.load(file)), step, dataformats="HWC")

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _scalars(self, line: Mapping[str, Any]) -> None:
        for name, value in line.items():
            if name != "step" and value is not None:
                self._writer.add_scalar(f"{GROUPS.get(name, 'loss')}/{name}", value, line["step"])


def _wait_for_a_later_name(events: Path) -> None:
    """TensorBoard reads files in the order of their names, which begin with a second and go on with a process's number:
    of one second the later file might come first, and its mark would take nothing back. Waits a second at most."""
    names = [file.name.removeprefix("events.out.tfevents.") for file in events.glob("events.out.tfevents.*")]
    newest = max((name.split(".")[0] for name in names), default="")
    for _ in range(11):
        if f"{int(time.time()):010d}" > newest:
            return
        time.sleep(0.1)


def _cut(table: Path, step: int) -> None:
    """Keep the rows of a table, whose first column is the step, up to `step`; half a row of a kill goes too."""
    text = table.read_text(encoding="utf-8")
    head, *rows = text[: text.rfind("\n") + 1].splitlines(keepends=True) or [""]
    files.write_bytes(table, (head + "".join(row for row in rows if int(row.split("\t")[0]) <= step)).encode())
