"""The `review` command: kill -9 loses nothing, Ctrl-C ends with a line, an error is one."""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from scgan_data import manifest
from scgan_data.errors import ScganError
from scgan_data.records import Reason
from scgan_data.review import catalog, changes, command
from scgan_data.review.book import Book
from scgan_data.verdicts import read_verdicts
from tests.data.reviewing import Visitor, served


def start(review_folder: Path, verdicts_file: Path) -> tuple[subprocess.Popen, Visitor]:
    options = ["--verdicts", str(verdicts_file), "--reviewer", "carl", "--no-browser"]
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "scgan_data.cli", "review", str(review_folder), *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    said = server.stdout.readline()
    return server, Visitor(re.search(r"http://\S+", said)[0])


def test_nothing_is_lost_to_kill_9_and_ctrl_c_ends_with_a_line(review_folder: Path, verdicts_file: Path) -> None:
    with ExitStack() as ends:
        server, carl = start(review_folder, verdicts_file)
        ends.callback(server.stdout.close)
        carl.judge("reject", "crop01", "crop02")
        undone = carl.judge("accept", "crop03")["at"]
        os.kill(server.pid, signal.SIGKILL)
        assert server.wait(10) == -signal.SIGKILL
        with pytest.raises(requests.ConnectionError):
            carl.get("/api/session")
        carl.web.close()
        server, carl = start(review_folder, verdicts_file)
        ends.callback(server.stdout.close)
        assert [carl.state(f"crop0{n}")["word"] for n in (1, 2, 3)] == ["reject", "reject", "accept"]
        assert [action["ids"] for action in carl.session["actions"]] == [["crop01", "crop02"], ["crop03"]]
        assert carl.post("/api/undo", {"at": undone, "seen": carl.seen("crop03")}).status_code == 200
        carl.judge("accept", "crop05")
        carl.web.close()
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0
        assert "review: 1 accepted, 1 undone" in server.stdout.read()
    assert [line["id"] for line in read_verdicts(verdicts_file)] == ["crop01", "crop02", "crop05"]


def test_what_was_done_is_one_s_own_and_of_this_time(review_folder: Path, verdicts_file: Path) -> None:
    book = Book(verdicts_file, catalog.read(review_folder))
    book.add([{"id": "crop01", "verdict": "reject"}], "carl", {})
    before = 1
    book.add([{"id": "crop02", "verdict": "reject"}], "dora", {})
    assert "nothing changed" in command.done(book, "carl", before)
    book.add([{"id": "crop03", "verdict": "accept"}], "carl", {})
    assert command.done(book, "carl", before).startswith("review: 1 accepted;")


def test_errors_are_one_line(review_folder: Path, verdicts_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ScganError, match="none is not there"):
        command.review(tmp_path / "none", verdicts_file, "anna", print)
    manifest.write(tmp_path / "empty", manifest.table([{"id": "a", "domain": "selfie", "status": "kept"}]))
    with pytest.raises(ScganError, match="no picture to review"):
        command.review(tmp_path / "empty", verdicts_file, "anna", print)
    with (
        served(review_folder, verdicts_file) as anna,
        pytest.raises(ScganError, match=r"cannot listen on .* take another --port"),
    ):
        command.review(review_folder, verdicts_file, "anna", print, port=anna.access.port)
    assert command.default_reviewer()
    assert Reason.HUMAN_REJECTED in changes.REASONS
