"""`kill -9` of a real parent, or Ctrl-C: its worker processes end by themselves, whatever they were doing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = """
import signal, sys, time
from pipelines.ahead import ahead
from scgan_data.workers import pool

def work(seconds):
    time.sleep(seconds)
    return seconds

def say(line):
    print(line, flush=True)
    time.sleep(600)

if __name__ == "__main__":
    if sys.argv[1] == "ahead":
        for _ in ahead(work, 0, 600, count=600):  # one is taken, another drawn
            say("ready")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    with pool(2) as workers:
        waiting = [workers.submit(work, 600 if sys.argv[1] == "starting" else 0) for _ in range(4)]
        if sys.argv[1] == "starting":
            say("ready")
        for each in waiting:
            each.result()
        if sys.argv[1] in ("busy", "stopped"):
            waiting = [workers.submit(work, 600) for _ in range(4)]
        say("ready")
"""


@contextmanager
def ready(tmp_path: Path, moment: str) -> Iterator[subprocess.Popen[str]]:
    """A parent that has said that it is ready; at the end, all that it started must have ended."""
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT)
    with (
        (tmp_path / "stderr").open("w") as stderr,
        subprocess.Popen(
            [sys.executable, str(script), moment],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            start_new_session=True,
            text=True,
        ) as parent,
    ):
        assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
        yield parent
        try:
            parent.communicate(timeout=30)  # the pipe ends with the last process that inherited it
        except subprocess.TimeoutExpired:
            os.killpg(parent.pid, signal.SIGKILL)
            pytest.fail("workers outlived their parent, or it waits for them")


@pytest.mark.parametrize("moment", ["starting", "idle", "busy", "ahead"])
def test_workers_end_with_a_killed_parent(tmp_path: Path, moment: str) -> None:
    with ready(tmp_path, moment) as parent:
        parent.kill()
    assert parent.returncode == -signal.SIGKILL


def test_ctrl_c_does_not_wait_for_what_nobody_will_take(tmp_path: Path) -> None:
    with ready(tmp_path, "stopped") as parent:
        parent.send_signal(signal.SIGINT)  # a terminal's reaches the workers too, which ignore it once they work
    assert parent.returncode == -signal.SIGINT


@pytest.mark.parametrize("later_s", [0.02, 0.04, 0.08, 0.16])
def test_a_terminals_ctrl_c_interrupts_no_workers_imports(tmp_path: Path, later_s: float) -> None:
    with ready(tmp_path, "starting") as parent:
        time.sleep(later_s)
        os.killpg(parent.pid, signal.SIGINT)
    assert parent.returncode == -signal.SIGINT
    assert (tmp_path / "stderr").read_text().count("Traceback") == 1  # the parent's
