"""`kill -9` of a real parent: its worker processes end by themselves, whatever they were doing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys, time
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
    with pool(2) as workers:
        waiting = [workers.submit(work, 600 if sys.argv[1] == "starting" else 0) for _ in range(4)]
        if sys.argv[1] == "starting":
            say("ready")
        for each in waiting:
            each.result()
        if sys.argv[1] == "busy":
            waiting = [workers.submit(work, 600) for _ in range(4)]
        say("ready")
"""


@pytest.mark.parametrize("moment", ["starting", "idle", "busy", "ahead"])
def test_workers_end_with_a_killed_parent(tmp_path: Path, moment: str) -> None:
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(script), moment],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
        text=True,
    ) as parent:
        assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
        parent.kill()
        try:
            parent.communicate(timeout=30)  # the pipe ends with the last process that inherited it
        except subprocess.TimeoutExpired:
            os.killpg(parent.pid, signal.SIGKILL)
            pytest.fail("workers outlived their parent")
    assert parent.returncode == -signal.SIGKILL
