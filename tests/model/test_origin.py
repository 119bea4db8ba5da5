"""The commit that a checkpoint records, of real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from scgan_data.errors import DatasetError
from scgan_model.origin import crop_settings, git_revision


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("a = 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "a commit")
    return tmp_path


def test_the_commit_and_whether_tracked_files_differ(repository: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    (repository / "untracked").write_text("")
    assert git_revision(repository) == commit
    (repository / "code.py").write_text("a = 2\n")
    assert git_revision(repository) == f"{commit}-dirty"
    git(repository, "add", "-A")
    assert git_revision(repository) == f"{commit}-dirty"


def test_none_outside_a_repository_and_before_the_first_commit(tmp_path: Path) -> None:
    assert git_revision(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert git_revision(tmp_path) is None


def test_the_index_is_not_written(repository: Path) -> None:
    """Whoever commits meanwhile finds no lock, and none stays where the training is killed."""
    index = repository / ".git" / "index"
    before = index.stat().st_ino, index.stat().st_mtime_ns
    os.utime(repository / "code.py", (1, 1))  # what the index knows of the file is out of date
    assert git_revision(repository) == git(repository, "rev-parse", "HEAD")
    assert (index.stat().st_ino, index.stat().st_mtime_ns) == before


def test_what_a_dataset_was_cropped_with_is_read_or_unknown(tmp_path: Path) -> None:
    assert crop_settings(tmp_path) is None
    (tmp_path / "crop.json").write_text('{"preset": "ffhq"}')
    assert crop_settings(tmp_path) == {"preset": "ffhq"}
    for damaged in ('{"preset": "ff', "[]"):
        (tmp_path / "crop.json").write_text(damaged)
        with pytest.raises(DatasetError, match=r"crop.json is damaged: run the data stages again"):
            crop_settings(tmp_path)
