"""What is left of a training that ends early: signals, a full disk, a divergence."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from scgan_data.errors import ScganError, StoppedError
from scgan_model import checkpoint, train
from scgan_model.config import TrainConfig
from tests.model.training import SCRIPT, at_step, lines, weights, work_of

Make = Callable[..., TrainConfig]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_after_the_running_step_and_the_same_command_ends_bit_equal(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        at_step(patch, 6, lambda _: os.kill(os.getpid(), number))
        with pytest.raises(StoppedError, match="stopped at step 7 of 10 and saved; the same command goes on") as error:
            train.train(tiny_dataset, stopped, style="dots", config=tiny_config())
    assert error.value.exit_code == 128 + number
    assert signal.getsignal(number) == before
    assert checkpoint.load(work_of(stopped) / "checkpoint.pt")["step"] == 7  # no multiple of log_every_steps
    train.train(tiny_dataset, stopped, style="dots", config=tiny_config())
    train.train(tiny_dataset, straight, style="dots", config=tiny_config())
    assert torch.equal(weights(stopped), weights(straight))
    assert lines(stopped) == lines(straight)


def test_a_second_ctrl_c_does_not_wait(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(_: train.Run) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    at_step(monkeypatch, 6, twice)
    with pytest.raises(StoppedError, match="stopped at step 6 of 10; the same command goes on from step 4"):
        train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())


def test_a_ctrl_c_while_pictures_are_loaded_is_one_line_and_the_same_command_trains(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = train.set_up

    def set_up(*given: Any) -> train.Run:
        os.kill(os.getpid(), signal.SIGINT)
        return original(*given)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with monkeypatch.context() as patch:
            patch.setattr(train, "set_up", set_up)
            with pytest.raises(StoppedError, match="stopped outside its steps; nothing is lost by running it again"):
                train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    finally:
        signal.signal(signal.SIGINT, before)
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    assert checkpoint.load(tmp_path / "dots" / "checkpoint.pt")["step"] == 10


def test_a_second_ctrl_c_while_saving_leaves_the_checkpoint_before(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_step(monkeypatch, 6, lambda _: os.kill(os.getpid(), signal.SIGINT))
    original = train.content

    def content(run: train.Run) -> dict[str, Any]:
        if run.step == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return original(run)

    monkeypatch.setattr(train, "content", content)
    with pytest.raises(StoppedError, match="stopped at step 7 of 10; the same command goes on from step 4"):
        train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())


def test_sigterm_of_a_real_process_is_one_line_and_code_143(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make
) -> None:
    config = tiny_config(steps=100_000, checkpoint_every_steps=2)
    command = [sys.executable, "-c", SCRIPT, str(tiny_dataset), str(tmp_path / "dots"), config.model_dump_json()]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    file = work_of(tmp_path / "dots") / "checkpoint.pt"
    while not file.exists() and process.poll() is None:
        time.sleep(0.05)
    process.terminate()
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 143
    last = " ".join(said.splitlines()[-1].split())
    assert last.startswith("error: train: stopped at step ") and "Traceback" not in said
    assert f"step {checkpoint.load(file)['step']} of" in last


AT_STEP = """
from scgan_model import train
original = train.next_batch
def next_batch(run):
    if run.step == {}:  # what follows finds no room for a checkpoint
        full()
    return original(run)
train.next_batch = next_batch
"""
LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def full():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
"""
FILLED = """
import os, sys
def full():
    disk = os.path.dirname(sys.argv[2])
    room = os.statvfs(disk)
    with open(disk + "/filler", "wb") as file:
        file.write(bytes(room.f_bavail * room.f_bsize - 20_000))
"""


@pytest.fixture(params=["limited", "filled"])
def narrow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and what makes it full: a limit on a file's size, or a small disk of its own (root only)."""
    folder = tmp_path / "narrow"
    folder.mkdir()
    if request.param == "limited":
        yield folder, LIMITED
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder, FILLED
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("full_at", "words", "left"),
    [
        (5, "step 8 could not be written, the one before it is whole; .* goes on from there", 4),
        (2, "step 4 could not be written, there is none before it; .* begins at step 0", None),
    ],
)
def test_a_full_disk_leaves_the_checkpoint_before_and_says_what_to_do(
    tiny_dataset: Path,
    tmp_path: Path,
    tiny_config: Make,
    narrow: tuple[Path, str],
    full_at: int,
    words: str,
    left: int | None,
) -> None:
    """The write of a checkpoint fails half-way."""
    straight, model = tmp_path / "straight", narrow[0] / "dots"
    script = narrow[1] + AT_STEP.format(full_at) + SCRIPT
    arguments = [str(tiny_dataset), str(model), tiny_config().model_dump_json()]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    said = " ".join(done.stderr.splitlines()[-1].split())
    assert re.search(f"^error: the disk is full: .*{words}", said), said
    file = work_of(model) / "checkpoint.pt"
    assert (checkpoint.load(file)["step"] if file.exists() else None) == left
    assert not list(work_of(model).glob(".*.tmp"))
    (model.parent / "filler").unlink(missing_ok=True)
    train.train(tiny_dataset, model, style="dots", config=tiny_config())
    train.train(tiny_dataset, straight, style="dots", config=tiny_config())
    assert torch.equal(weights(model), weights(straight)) and lines(model) == lines(straight)


@pytest.mark.parametrize("where", ["weight", "loss"])
def test_a_divergence_names_the_last_good_checkpoint_and_keeps_it(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def spoil(run: train.Run) -> None:
        network = run.state.networks.g_ab if where == "loss" else run.state.networks.d_a
        next(iter(network.parameters())).data.fill_(float("nan"))

    with monkeypatch.context() as patch:
        # after the last reading of losses before the checkpoint of step 8, or long before it
        at_step(patch, 6 if where == "loss" else 7, spoil)
        with pytest.raises(ScganError, match=r"diverged before step 8: .* not a number any more; the last good") as e:
            train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    assert f"{work_of(tmp_path / 'dots') / 'checkpoint.pt'}, step 4" in str(e.value)
    assert checkpoint.load(work_of(tmp_path / "dots") / "checkpoint.pt")["step"] == 4
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config(generator_lr=1e-4), take="changed")
    assert checkpoint.load_generators(tmp_path / "dots").step == 10
