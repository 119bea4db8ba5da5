"""Stage folders: locked, swapped in whole, mended after a kill, results used again under the same key only."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel

from scgan_data import files, manifest, stage
from scgan_data.errors import StageBusyError

ROWS = manifest.table([{"id": "aa11", "domain": "selfie", "status": "kept"}])


class Settings(BaseModel):
    size: int = 1


def test_a_second_process_is_told_to_wait(tmp_path: Path) -> None:
    holder = (
        "import sys, time; from pathlib import Path; from scgan_data.stage import open_stage\n"
        f"with open_stage('crop', Path({str(tmp_path / '04')!r})): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(StageBusyError, match="is writing"), stage.open_stage("crop", tmp_path / "04"):
            pass
        process.kill()
        process.wait()
        with stage.open_stage("crop", tmp_path / "04"):  # the lock went with the process
            pass


def test_the_finished_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    home = tmp_path / "04"
    for number in (1, 2):
        with stage.open_stage("crop", home) as folder:
            files.write_bytes(folder.files / files.content_path(f"aa{number}"), b"png")
            files.write_bytes(folder.extras / "note.txt", b"x")
            path = str(home / files.content_path(f"aa{number}"))
            folder.commit(ROWS.assign(id=f"aa{number}", path=path))
    names = sorted(p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file())
    assert names == ["aa/aa2.png", "manifest.parquet", "note.txt", "summary.json"]


@pytest.mark.parametrize("point", ["before", "between", "after"])
def test_a_kill_at_any_point_of_the_swap_leaves_one_whole_folder(tmp_path: Path, point: str) -> None:
    home, work = tmp_path / "04", tmp_path / ".04.work"
    for folder, text in ((home, "old"), (work / "new", "new")):
        folder.mkdir(parents=True)
        manifest.write(folder, ROWS)
        (folder / "which").write_text(text)
    if point != "before":
        home.rename(work / "old")
    if point == "after":
        (work / "new").rename(home)
    with stage.open_stage("crop", home):
        assert (home / "which").read_text() == ("old" if point == "before" else "new")
        assert manifest.read(home)["id"].tolist() == ["aa11"]
        assert not (work / "new").exists() and not (work / "old").exists()


def test_an_interrupted_new_folder_without_manifest_is_not_taken(tmp_path: Path) -> None:
    home, work = tmp_path / "04", tmp_path / ".04.work"
    (work / "new").mkdir(parents=True)
    (work / "old").mkdir()
    manifest.write(work / "old", ROWS)
    with stage.open_stage("crop", home):
        assert manifest.read(home)["id"].tolist() == ["aa11"]


def test_results_hold_for_one_version_and_configuration(tmp_path: Path) -> None:
    with stage.open_stage("crop", tmp_path / "04") as folder:
        key = stage.key_of("v1", Settings())
        stage.Results(folder, key).add(pd.DataFrame({"_input": ["selfie/a"], "value": [1.0]}))
        assert stage.Results(folder, key).load()["value"].tolist() == [1.0]
        for other in (stage.key_of("v2", Settings()), stage.key_of("v1", Settings(size=2))):
            assert stage.Results(folder, other).load().empty


def test_a_damaged_result_counts_as_not_done(tmp_path: Path) -> None:
    with stage.open_stage("crop", tmp_path / "04") as folder:
        results = stage.Results(folder, "k")
        results.add(pd.DataFrame({"_input": ["selfie/a"], "value": [1.0]}))
        results.add(pd.DataFrame({"_input": ["selfie/b"], "value": [2.0]}))
        file = sorted((folder.work / "results" / "k").iterdir())[0]
        file.write_bytes(file.read_bytes()[:50])
        assert len(results.load()) == 1


def test_the_version_follows_the_source_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "some_stage_module.py"
    module.write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    first = stage.version_of(["some_stage_module"], ["weights"])
    assert first == stage.version_of(["some_stage_module"], ["weights"])
    assert first != stage.version_of(["some_stage_module"], ["others"])
    module.write_text("x = 2\n")
    assert first != stage.version_of(["some_stage_module"], ["weights"])


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/proc/mounts").exists(), reason="needs root to mount a small tmpfs")
def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        source = disk / "01"
        source.mkdir()
        manifest.write(source, ROWS.assign(crop_quad=[[0.0] * 8] * len(ROWS)))
        before = (source / manifest.FILE_NAME).read_bytes()
        with pytest.raises(OSError, match="No space left"):
            for number in range(80):
                files.write_bytes(disk / "ballast" / f"{number}.png", b"0" * 4096)
        run = [sys.executable, "-m", "scgan_data.cli", "annotate", str(source), str(disk / "05")]
        done = subprocess.run(run, capture_output=True, text=True)
        assert done.returncode == 1
        assert "the disk is full" in done.stderr and "Traceback" not in done.stderr
        assert (source / manifest.FILE_NAME).read_bytes() == before
        shutil.rmtree(disk / "ballast")
        assert subprocess.run(run, capture_output=True).returncode == 0
    finally:
        subprocess.run(["umount", "-l", disk], check=False)
