import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from scgan_data import files
from scgan_data.errors import ConfigError
from scgan_data.images import encode_png
from scgan_model import loggers, train
from scgan_model.config import TrainConfig
from scgan_model.journal import Journal
from tests.model.training import SCRIPT, lines, weights, work_of

Make = Callable[..., TrainConfig]


@pytest.fixture
def tensorboard() -> None:
    pytest.importorskip("tensorboard")


def read_back(folder: Path) -> tuple[dict[str, list[tuple[int, float]]], list[int]]:
    """Scalars by tag and the steps of the grids, as TensorBoard's own reader gives them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
    found.Reload()
    tags = found.Tags()
    scalars = {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in tags["scalars"]}
    return scalars, [e.step for tag in tags["images"] for e in found.Images(tag)]


def told(folder: Path, first: int, last: int, **changes: Any) -> None:
    """A journal whose lines and grids are of the steps from `first` to `last`."""
    with Journal(folder, title="t", step=max(first - 1, 0), total_steps=9, **changes) as journal:
        for step in range(first, last + 1):
            file = folder / "samples" / f"step_{step:06d}.png"
            files.write_bytes(file, encode_png(Image.new("RGB", (8, 6), (step, 0, 0))))
            journal.picture(step, file)
            journal.write({"step": step, "seconds": 0.5 * step, "tv": 1.0 + step})


@pytest.mark.usefixtures("tensorboard")
def test_tensorboard_has_every_figure_and_grid_once_after_a_resume(tmp_path: Path) -> None:
    told(tmp_path, 0, 6, tensorboard=True)
    told(tmp_path, 4, 5, tensorboard=True)  # from the checkpoint of step 3
    scalars, grids = read_back(tmp_path)
    assert scalars["loss/tv"] == [(step, 1.0 + step) for step in range(6)]
    assert scalars["schedule/seconds"] == [(step, 0.5 * step) for step in range(6)]
    assert grids == list(range(6))


@pytest.mark.usefixtures("tensorboard")
def test_tensorboard_asked_for_later_gets_what_was_before(tmp_path: Path) -> None:
    told(tmp_path, 0, 4)
    assert not (tmp_path / "tensorboard").exists()
    told(tmp_path, 3, 5, tensorboard=True)
    scalars, grids = read_back(tmp_path)
    assert [step for step, _ in scalars["loss/tv"]] == grids == list(range(6))


@pytest.mark.usefixtures("tensorboard")
def test_a_killed_training_has_no_hole_and_no_double_in_tensorboard(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make
) -> None:
    config = tiny_config(steps=60, tensorboard=True)
    arguments = [str(tiny_dataset), str(tmp_path / "dots"), config.model_dump_json()]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stderr=subprocess.DEVNULL)
    while not (work_of(tmp_path / "dots") / "checkpoint.pt").exists() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=config)
    scalars, grids = read_back(tmp_path / "dots")
    for name, tag in (("total", "loss/total"), ("lr", "schedule/lr"), ("test_cycle", "held_out/test_cycle")):
        logged = [(line["step"], pytest.approx(line[name])) for line in lines(tmp_path / "dots") if name in line]
        assert scalars[tag] == logged, tag
    assert grids == list(range(0, 61, 5))
    train.train(tiny_dataset, tmp_path / "plain", style="dots", config=tiny_config(steps=60))
    assert torch.equal(weights(tmp_path / "plain"), weights(tmp_path / "dots"))


@pytest.mark.usefixtures("tensorboard")
def test_an_unfinished_run_goes_on_with_tensorboard(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config(steps=2))
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config(steps=2, tensorboard=True))
    assert "finished already" in capsys.readouterr().err


def test_tensorboard_that_is_not_installed_is_one_line(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match=r"train.tensorboard = true needs .* pip install 'scgan\[tensorboard\]'"):
        train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config(tensorboard=True))
    assert not (tmp_path / "dots").exists()


def test_a_table_is_cut_at_the_step_that_is_gone_on_from(tmp_path: Path) -> None:
    table = tmp_path / "tv.tsv"
    table.write_text("step\ttv\n0\t1.5\n2\t1.25\n4\t1.0\n6\t.")
    loggers._cut(table, 2)
    assert table.read_text() == "step\ttv\n0\t1.5\n2\t1.25\n"
    table.write_text("st")
    loggers._cut(table, 2)
    assert table.read_text() == ""


@pytest.mark.filterwarnings("default")
def test_dvclive_has_no_step_twice_after_a_resume(tmp_path: Path) -> None:
    pytest.importorskip("dvclive")
    told(tmp_path, 0, 6)
    told(tmp_path, 4, 5)
    table = (tmp_path / "dvclive" / "plots" / "metrics" / "tv.tsv").read_text().splitlines()
    assert table == ["step\ttv", *(f"{step}\t{1.0 + step}" for step in range(6))]
