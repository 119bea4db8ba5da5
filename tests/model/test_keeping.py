"""What a training keeps: the last checkpoints and the best, runs of other settings, where code and data came from."""

import errno
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from scgan_data.errors import CheckpointError
from scgan_model import checkpoint, keeping, origin, train
from scgan_model.config import TrainConfig
from tests.model.training import Killed, at_step, killed_at_6, lines, stop_at, weights, work_of

Make = Callable[..., TrainConfig]


def test_other_errors_of_the_disk_are_not_taken_for_a_full_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError) as error:
        keeping.save(tmp_path / "file" / "x", {"step": 1}, keep=1)
    assert error.value.errno == errno.ENOTDIR


def test_the_last_checkpoints_and_the_best_are_kept(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(checkpoint_every_steps=2, keep_checkpoints=2, kid_every_steps=3)
    with monkeypatch.context() as patch:
        stop_at(patch, 9, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, tmp_path / "dots", style="dots", config=config)
    run = work_of(tmp_path / "dots")
    assert [file.name for file in keeping.former(run)] == ["step_000006.pt", "step_000008.pt"]
    assert [checkpoint.load(file)["step"] for file in keeping.former(run)] == [6, 8]
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=config)
    found = lines(tmp_path / "dots")
    kids = {line["step"]: line["kid"] for line in found if "kid" in line}
    assert list(kids) == [3, 6, 9, 10]
    best = min(kids, key=lambda step: kids[step])
    assert checkpoint.load_generators(tmp_path / "dots" / "best.pt").step == best
    summary = json.loads((tmp_path / "dots" / "metrics.json").read_text())["kid"]
    assert summary == {"end": kids[10], "best": kids[best], "best_step": best}
    assert not (tmp_path / "dots" / "checkpoints").exists()


def test_a_best_that_was_gone_back_behind_is_forgotten(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Back from step 9 to 4: the KID of 3 was least then, and `best.pt` is of a later step by now, or still of 3."""
    config = tiny_config(checkpoint_every_steps=2, keep_checkpoints=4, kid_every_steps=3)
    with monkeypatch.context() as patch:
        stop_at(patch, 9, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, tmp_path / "dots", style="dots", config=config)
    run = work_of(tmp_path / "dots")
    best = checkpoint.load(run / "best.pt")
    checkpoint.save(run / "best.pt", best | {"step": 6})
    shutil.copy(run / "checkpoints" / "step_000004.pt", run / "checkpoint.pt")
    left: list[bool] = []
    at_step(monkeypatch, 4, lambda each: left.append((each.folder / "best.pt").exists()))
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=config)
    assert left == [False]
    found = json.loads((tmp_path / "dots" / "metrics.json").read_text())["kid"]
    kids = {line["step"]: line["kid"] for line in lines(tmp_path / "dots") if "kid" in line}
    assert found["best"] == min(kids[step] for step in (6, 9, 10))
    assert checkpoint.load(tmp_path / "dots" / "best.pt")["step"] == found["best_step"]


def test_kept_checkpoints_are_in_the_order_of_steps_beyond_a_million(tmp_path: Path) -> None:
    for step in (999_998, 999_999, 1_000_000, 1_000_001):
        keeping.save(tmp_path, {"step": step}, keep=2)
    assert [file.name for file in keeping.former(tmp_path)] == ["step_1000000.pt", "step_1000001.pt"]


def test_an_unfinished_run_of_other_settings_is_kept_aside_and_found_again(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    model, straight = tmp_path / "dots", tmp_path / "straight"
    killed_at_6(tiny_dataset, model, tiny_config())
    train.train(tiny_dataset, model, style="dots", config=tiny_config(seed=1))
    said = " ".join(capsys.readouterr().err.split())
    assert "the configuration (seed 0 -> 1) changed since the unfinished run's step 4; starting afresh" in said
    train.train(tiny_dataset, model, style="dots", config=tiny_config())
    assert "going on from step 4" in capsys.readouterr().err
    train.train(tiny_dataset, straight, style="dots", config=tiny_config())
    assert torch.equal(weights(model), weights(straight)) and lines(model) == lines(straight)


def test_what_a_kill_left_of_a_write_goes_before_the_run_goes_on(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at_6(tiny_dataset, tmp_path / "dots", tiny_config())
    stray = work_of(tmp_path / "dots") / ".checkpoint.pt.1.tmp"
    stray.write_bytes(b"half")
    left: list[bool] = []
    at_step(monkeypatch, 4, lambda _: left.append(stray.exists()))
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    assert left == [False]


def test_only_the_newest_unfinished_runs_are_kept_aside(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    for seed in range(5):
        killed_at_6(tiny_dataset, tmp_path / "dots", tiny_config(seed=seed))
    aside = work_of(tmp_path / "dots").parent / "aside"
    seeds = {checkpoint.load(kept / "checkpoint.pt")["config"]["seed"] for kept in aside.iterdir()}
    assert seeds == {1, 2, 3}


def test_fresh_takes_nothing_up(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    model = tmp_path / "dots"
    killed_at_6(tiny_dataset, model, tiny_config())
    with pytest.MonkeyPatch.context() as patch:
        begun: list[int] = []
        at_step(patch, 0, lambda run: begun.append(run.step))
        train.train(tiny_dataset, model, style="dots", config=tiny_config(), take="fresh")
        train.train(tiny_dataset, model, style="dots", config=tiny_config(), take="fresh")
    assert begun == [0, 0]


def test_a_checkpoint_says_where_code_and_data_came_from(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    lock = {"stages": {"dataset": {"outs": [{"path": "dataset", "md5": "abc.dir"}, {"path": "other", "md5": "d"}]}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))
    train.train(tiny_dataset, tmp_path / "models" / "dots", style="dots", config=tiny_config(steps=2))
    content = checkpoint.load(tmp_path / "models" / "dots" / "checkpoint.pt")
    assert content["dvc"] == "abc.dir"
    here = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    assert here.returncode or str(content["git"]).removesuffix("-dirty") == here.stdout.strip()
    (tmp_path / "dataset.dvc").write_text(yaml.safe_dump({"outs": [{"path": "dataset", "md5": "ptr.dir"}]}))
    assert origin.dvc_hash(tiny_dataset) == "ptr.dir"
    assert origin.git_revision(tmp_path) is None
    (tmp_path / "dataset.dvc").write_text("outs: [")
    assert origin.dvc_hash(tiny_dataset) == "abc.dir"


def test_fresh_looks_at_no_damaged_checkpoint(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    killed_at_6(tiny_dataset, tmp_path / "dots", tiny_config())
    (work_of(tmp_path / "dots") / "checkpoint.pt").write_bytes(b"garbage")
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config(), take="fresh")
    assert checkpoint.load(tmp_path / "dots" / "checkpoint.pt")["step"] == 10


def test_a_damaged_run_set_aside_stops_no_other(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in (0, 1):
        killed_at_6(tiny_dataset, tmp_path / "dots", tiny_config(seed=seed))
    (damaged,) = (work_of(tmp_path / "dots").parent / "aside").glob("*/checkpoint.pt")
    damaged.write_bytes(b"garbage")
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config(seed=2))
    assert f"{damaged.parent}, a run set aside, cannot be read and is passed over" in capsys.readouterr().err
    assert checkpoint.load(tmp_path / "dots" / "checkpoint.pt")["config"]["seed"] == 2


def test_who_went_back_keeps_what_is_written_since(tmp_path: Path) -> None:
    for step in (4, 8, 12, 6, 7):  # back from 12 to 4, and on by other steps
        keeping.save(tmp_path, {"step": step}, keep=3)
    assert [file.name for file in keeping.former(tmp_path)] == [f"step_00000{step}.pt" for step in (4, 6, 7)]


def test_a_damaged_checkpoint_names_those_to_go_back_to(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(checkpoint_every_steps=2, keep_checkpoints=2)
    with monkeypatch.context() as patch:
        stop_at(patch, 5, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, tmp_path / "dots", style="dots", config=config)
    run = work_of(tmp_path / "dots")
    (run / "checkpoint.pt").unlink()
    (run / "checkpoint.pt").write_bytes(b"garbage")
    with pytest.raises(CheckpointError, match=f"or copy a whole one of {run / 'checkpoints'} over it"):
        train.train(tiny_dataset, tmp_path / "dots", style="dots", config=config)
    shutil.copy(run / "checkpoints" / "step_000002.pt", run / "checkpoint.pt")
    begun: list[int] = []
    at_step(monkeypatch, 2, lambda each: begun.append(each.step))
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=config)
    assert begun == [2]
