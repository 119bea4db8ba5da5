"""What ends one process of a real torchrun (gloo, CPU) ends both, with one line, and the next run goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scgan_model import checkpoint, resume
from scgan_model.config import TrainConfig
from scgan_model.origin import origin
from scgan_model.ranks import KILLED
from tests.model.ranks import errors_of, torchrun

Make = Callable[..., TrainConfig]

FULL = """
import os, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if os.environ["RANK"] == "0":
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
"""
ELSEWHERE = """
import os, sys
if os.environ["RANK"] == "1":
    sys.argv[1] += "-elsewhere"
"""


@pytest.mark.parametrize(("before", "line"), [(FULL, "the disk is full: "), (ELSEWHERE, "process 1: ")])
def test_work_that_waits_for_nobody_fails_for_all(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, before: str, line: str
) -> None:
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", tiny_config(precision="fp32"), before=before, code=1)
    (error,) = errors_of(said)
    assert error.startswith(line)
    assert said.count("Traceback") == 1, "torchrun's own"


IN_A_STEP = """
import os, signal, time, torch
from scgan_data.errors import ScganError
from scgan_model import ranks, train
ranks.GRACE_S = 1.0
original = train.next_batch
def patience():
    return str(torch.distributed.group.WORLD._get_backend(torch.device("cpu")).options._timeout)
def next_batch(run):
    if run.step == 6:
        {act}
    return original(run)
train.next_batch = next_batch
"""
FAIL_1 = 'if os.environ["RANK"] == "1": '
CASES = {
    "a known error": (FAIL_1 + "raise ScganError('a picture is broken')", "process 1: a picture is broken"),
    "any error": (FAIL_1 + "raise MemoryError('no room')", "process 1: MemoryError: no room"),
    "the first one's": ("if run.state.ranks.first: raise ScganError(patience())", "1:00:00"),
    "unnoticed": (FAIL_1 + "raise ScganError('gone')\n        time.sleep(600)", "process 1: gone"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_error_within_a_step_ends_both(tiny_dataset: Path, tmp_path: Path, tiny_config: Make, case: str) -> None:
    act, line = CASES[case]
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32")
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config, before=IN_A_STEP.format(act=act), code=1)
    assert [error[: len(line)] for error in errors_of(said)] == [line], said


NO_GPU = """
import os, sys
os.environ["CUDA_VISIBLE_DEVICES"] = ""
if os.environ["RANK"] == "1":
    sys.argv[3] = sys.argv[3].replace('"device":"cpu"', '"device":"cuda"')
from scgan_model import ranks
ranks.GRACE_S = 1.0
"""


def test_an_error_before_they_have_joined_ends_both(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    config = tiny_config(batch_pairs=4, device="cpu")
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config, before=NO_GPU, code=1)
    (error,) = errors_of(said)
    assert error.startswith("process 1: train.device = cuda, and torch finds no GPU here"), said
    assert not (tmp_path / "two").exists()


SLOW_TO_LEAVE = """
from contextlib import contextmanager
journal = train._journal
@contextmanager
def slow(run):
    try:
        with journal(run) as told:
            yield told
    finally:
        time.sleep(3)
train._journal = slow
"""


def test_one_that_is_slow_to_leave_still_says_why(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    """torchrun, which looks every tenth of a second, asks the first process to end before it has said its line."""
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32")
    before = IN_A_STEP.format(act=FAIL_1 + "os.kill(os.getpid(), signal.SIGKILL)")
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config, before=before + SLOW_TO_LEAVE, code=1)
    assert errors_of(said) == [KILLED], said


def test_one_that_was_killed_ends_both_and_the_next_run_goes_on(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make
) -> None:
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32")
    before = IN_A_STEP.format(act=FAIL_1 + "os.kill(os.getpid(), signal.SIGKILL)")
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config, before=before, code=1)
    assert errors_of(said) == [KILLED], said
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config)
    assert said.count("going on from step 4") == 1
    assert resume.finished(tmp_path / "two", origin(tiny_dataset, "dots"), config)
    assert checkpoint.load(tmp_path / "two" / "checkpoint.pt")["step"] == config.steps


def test_both_end_where_torchrun_was_killed(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32")
    act = FAIL_1 + "os.kill(os.getppid(), signal.SIGKILL)\n        time.sleep(600)"
    before = IN_A_STEP.format(act=act)
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config, before=before, code=-9)  # once both have ended
    assert errors_of(said) == [KILLED]
