"""`kill -9` at random moments of a collection, then the same command: nothing lost, nothing done twice.

SCGAN_KILLS=20 SCGAN_PICTURES=2000 runs it at the size that the README states.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scgan_data import images, manifest

KILLS = int(os.environ.get("SCGAN_KILLS", "4"))
PICTURES = int(os.environ.get("SCGAN_PICTURES", "200"))


def command(home: Path, listed: Path) -> list[str]:
    fetch = ("contact=tests@example.org", "interval_s=0", "connections_per_host=8", "retries=1")
    settings = [part for key in fetch for part in ("--set", f"fetch.{key}")]
    here = ("--from", str(listed), "--allow-private", "--workers", "2")
    return [sys.executable, "-m", "scgan_data.cli", "collect", str(home), *here, *settings]


def done_urls(work: Path) -> set[str]:
    """The URLs whose rows say done."""
    file = work / "collect.sqlite"
    if not file.is_file():
        return set()
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        try:
            return {row[0] for row in db.execute("SELECT url FROM urls WHERE done = 1")}
        except sqlite3.OperationalError:  # killed before the tables were there
            return set()


def run_and_kill(arguments: list[str], due: Callable[[], bool], later_s: float) -> bool:
    """Kill the run so long after `due`; whether it had not ended by then."""
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL, cwd=Path(arguments[4]).parent) as process:
        while process.poll() is None and not due():
            time.sleep(0.002)
        time.sleep(later_s)
        process.kill()
    return process.returncode == -signal.SIGKILL


@pytest.fixture
def listed(tmp_path: Path, web_server: Any, jpeg: Callable[..., bytes]) -> Path:
    bodies = [jpeg(number) for number in range(PICTURES)]
    for number, body in enumerate(bodies):
        web_server.serve(f"/{number}.jpg", body if number % 50 else body[:500])  # one of fifty is cut short
    names = [*range(PICTURES), "missing-1", "missing-2"]
    file = tmp_path / "list.txt"
    file.write_text("\n".join(f"{web_server.url}/{name}.jpg" for name in names))
    return file


def test_killed_at_random_moments_it_ends_as_if_undisturbed(tmp_path: Path, web_server: Any, listed: Path) -> None:
    subprocess.run(command(tmp_path / "whole", listed), check=True, stderr=subprocess.DEVNULL, cwd=tmp_path)
    home, work = tmp_path / "killed", tmp_path / ".killed.work"
    moments, kills = random.Random(7), 0
    web_server.requests.clear()
    asked_again: list[str] = []
    while kills < KILLS:
        finished, seen = done_urls(work), len(web_server.requests)
        until = seen + moments.randrange(PICTURES // KILLS // 2)  # by requests, not by a clock: machines are busy
        due = partial(lambda last: len(web_server.requests) >= last, until)
        if not run_and_kill(command(home, listed), due, moments.uniform(0, 0.1)):
            break
        kills += 1
        asked_again += [path for path in web_server.paths()[seen:] if web_server.url + path in finished]
    finished, seen = done_urls(work), len(web_server.requests)
    if not (home / "manifest.parquet").is_file():
        subprocess.run(command(home, listed), check=True, stderr=subprocess.DEVNULL, cwd=tmp_path)
        asked_again += [path for path in web_server.paths()[seen:] if web_server.url + path in finished]
    sys.stdout.write(f"{PICTURES} pictures, {kills} kills, {len(web_server.requests)} requests\n")
    assert kills > KILLS // 2  # a collection ends once all is done, however many were meant
    assert asked_again == []
    check_equal(tmp_path / "whole", home)
    assert not [file for file in [*home.rglob("*"), *work.rglob("*")] if file.name.endswith(".tmp")]


def check_equal(whole: Path, killed: Path) -> None:
    one, other = manifest.read(whole), manifest.read(killed)
    drop = ["retrieved_at", "path"]
    pd.testing.assert_frame_equal(one.drop(columns=drop), other.drop(columns=drop))
    files = [{f.relative_to(home): f.read_bytes() for f in home.rglob("*.jpg")} for home in (whole, killed)]
    assert files[0] == files[1] and len(files[0]) == PICTURES - -(-PICTURES // 50)
    for row in manifest.kept(other).itertuples():
        assert images.decode(Path(str(row.path)).read_bytes()).pixel_id == row.pixel_id
