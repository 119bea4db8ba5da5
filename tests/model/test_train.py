import json
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

from scgan_data import stage
from scgan_data.errors import CheckpointError, DatasetError, ScganError, StageBusyError
from scgan_model import checkpoint, resume, train
from scgan_model.config import TrainConfig
from scgan_model.origin import origin
from tests.model.training import SCRIPT, Killed, lines, stop_at, weights, work_of

Make = Callable[..., TrainConfig]
GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a GPU"))


def test_a_finished_model_has_all_its_parts(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    model = tmp_path / "models" / "dots"
    train.train(tiny_dataset, model, style="dots", config=tiny_config())
    names = sorted(
        p.relative_to(model).as_posix() for p in model.rglob("*") if p.is_file() and "dvclive" not in p.parts
    )
    grids = [f"samples/step_{step:06d}.png" for step in (0, 5, 10)]
    tables = sorted(f"plots/{name}.tsv" for name in {key for line in lines(model) for key in line} - {"step"})
    assert "plots/test_cycle.tsv" in tables
    assert names == ["checkpoint.pt", "config.json", "metrics.json", "metrics.jsonl", *tables, *grids]
    assert [line["step"] for line in lines(model)] == [0, 2, 4, 5, 6, 8, 10]
    assert [line["step"] for line in lines(model) if "test_cycle" in line] == [0, 5, 10]
    assert {"gan_ab", "gan_ba", "cycle_a", "cycle_b", "tv", "d_a", "d_b", "total", "lr"} <= lines(model)[-1].keys()
    summary = json.loads((model / "metrics.json").read_text())
    assert summary["steps"] == 10
    assert summary["test_cycle"]["start"] == lines(model)[0]["test_cycle"]
    assert summary["test_cycle"]["end"] == lines(model)[-1]["test_cycle"]
    assert TrainConfig.model_validate_json((model / "config.json").read_text()).threads == 1
    assert checkpoint.load_generators(model).step == 10
    assert not work_of(model).exists()


def test_the_same_command_again_does_nothing(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "dots"
    train.train(tiny_dataset, model, style="dots", config=tiny_config(steps=2))
    before = (model / "checkpoint.pt").stat().st_mtime_ns
    train.train(tiny_dataset, model, style="dots", config=tiny_config(steps=2))
    assert (model / "checkpoint.pt").stat().st_mtime_ns == before
    assert "finished already" in capsys.readouterr().err
    train.train(tiny_dataset, model, style="dots", config=tiny_config(steps=4))
    assert checkpoint.load_generators(model).step == 4


def test_a_misspelt_style_is_named_and_leaves_nothing(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    with pytest.raises(DatasetError, match=r"train/dotz/metadata.jsonl is missing: .*; did you mean `dots`\?"):
        train.train(tiny_dataset, tmp_path / "models" / "dotz", style="dotz", config=tiny_config())
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.parametrize(("at", "kid"), [(3, None), (7, 5), (9, None)])
def test_a_run_that_was_ended_anywhere_ends_bit_equal(
    tiny_dataset: Path,
    tmp_path: Path,
    tiny_config: Make,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
    kid: int | None,
    device: str,
) -> None:
    sizes = {"resolution_px": 64, "load_px": 64}  # levels deep enough to have dropout
    config = tiny_config(dropout=0.3, kid_every_steps=kid, device=device, deterministic=device == "cuda", **sizes)
    straight, ended = tmp_path / "straight", tmp_path / "ended"
    train.train(tiny_dataset, straight, style="dots", config=config)
    with monkeypatch.context() as patch:
        stop_at(patch, at, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, ended, style="dots", config=config)
    assert not ended.exists()
    train.train(tiny_dataset, ended, style="dots", config=config)
    assert torch.equal(weights(ended), weights(straight))
    assert lines(ended) == lines(straight)
    for grid in (straight / "samples").iterdir():
        assert grid.read_bytes() == (ended / "samples" / grid.name).read_bytes()


def test_kill_9_of_a_real_process_ends_bit_equal(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_config(steps=120, sample_every_steps=60)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    arguments = [str(tiny_dataset), str(killed), config.model_dump_json()]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (work_of(killed) / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(StageBusyError):
        train.train(tiny_dataset, killed, style="dots", config=config)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not killed.exists()
    train.train(tiny_dataset, killed, style="dots", config=config)
    assert "going on from step" in capsys.readouterr().err
    train.train(tiny_dataset, straight, style="dots", config=config)
    assert torch.equal(weights(killed), weights(straight))
    assert lines(killed) == lines(straight)


def test_a_kill_between_the_renames_of_the_swap_loses_nothing(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "dots"
    train.train(tiny_dataset, model, style="dots", config=tiny_config(steps=2))

    def aside_only(new: Path, home: Path, old: Path) -> None:
        home.replace(old)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(stage, "_swap", aside_only)
        with pytest.raises(Killed):
            train.train(tiny_dataset, model, style="dots", config=tiny_config(steps=4))
    stop_at(monkeypatch, 0, AssertionError("it must not train again"))
    train.train(tiny_dataset, model, style="dots", config=tiny_config(steps=4))
    assert checkpoint.load_generators(model).step == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 12}, "the configuration (steps 10 -> 12) changed"),
        ({"loss": {"gamma": 0, "beta": 1}}, "(loss.beta 4.0 -> 1.0)"),
    ],
)
def test_another_configuration_starts_afresh_and_says_so(
    tiny_dataset: Path,
    tmp_path: Path,
    tiny_config: Make,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, Any],
    words: str,
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, 6, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config(**change))
    assert words in " ".join(capsys.readouterr().err.split())
    train.train(tiny_dataset, tmp_path / "straight", style="dots", config=tiny_config(**change))
    assert torch.equal(weights(tmp_path / "dots"), weights(tmp_path / "straight"))


def test_another_dataset_starts_afresh_and_says_so(
    tiny_dataset: Path,
    tmp_path: Path,
    tiny_config: Make,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, 6, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    portraits, selfies = (tiny_dataset / "train" / domain / "metadata.jsonl" for domain in ("dots", "selfie"))
    *kept, last = portraits.read_text().splitlines(keepends=True)
    portraits.write_text("".join(kept))
    (portraits.parent / json.loads(last)["file_name"]).unlink()
    selfies.write_text(selfies.read_text() + "\n")
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    said = " ".join(capsys.readouterr().err.split())
    came_and_went = "train/dots: 0 pictures came, 1 went; train/selfie: boxes or other facts about the same pictures"
    assert f"the dataset ({came_and_went}) changed since the unfinished run's step 4; starting afresh" in said


def test_a_difference_names_dvc_s_hashes_and_other_code_before_data(tiny_dataset: Path, tiny_config: Make) -> None:
    now = origin(tiny_dataset, "dots") | {"dvc": "new.dir"}
    other = now | {"dvc": "old.dir", "dataset": "another"}
    assert resume.difference(other, now, tiny_config()) == "the dataset (DVC's old.dir -> new.dir)"
    older = {key: value for key, value in other.items() if key != "pictures"} | {"code": "before"}
    assert resume.difference(older, now, tiny_config()) == "the training code"


def test_a_truncated_unfinished_checkpoint_is_named(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, 6, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    file = work_of(tmp_path / "dots") / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"checkpoint.pt is no whole checkpoint.*; begin at step 0 with --fresh$"):
        train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    file.unlink()
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())


def test_the_selfies_are_no_style(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    with pytest.raises(DatasetError, match="not a style"):
        train.train(tiny_dataset, tmp_path / "m", style="selfie", config=tiny_config())
    with pytest.raises(DatasetError, match="oil"):
        train.train(tiny_dataset, tmp_path / "m", style="oil", config=tiny_config())
    assert not (tmp_path / "m").exists()


def test_a_folder_that_is_no_model_s_is_not_replaced(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    """`scgan train data/06_dataset models`, the style's name forgotten, would have taken all models for one."""
    train.train(tiny_dataset, tmp_path / "models" / "dots", style="dots", config=tiny_config(steps=2))
    for folder in (tmp_path / "models", tiny_dataset):
        with pytest.raises(ScganError, match="is no model's folder, and would be replaced whole: name another"):
            train.train(tiny_dataset, folder, style="dots", config=tiny_config(steps=2))
    assert checkpoint.load(tmp_path / "models" / "dots" / "checkpoint.pt")["step"] == 2
    assert sorted(each.name for each in tiny_dataset.iterdir()) == ["test", "train"]


def test_a_damaged_model_may_be_deleted_and_trained_again(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make
) -> None:
    file = tmp_path / "dots" / "checkpoint.pt"
    train.train(tiny_dataset, file.parent, style="dots", config=tiny_config(steps=2))
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"restore it \(.*\), or begin at step 0 with --fresh"):
        train.train(tiny_dataset, file.parent, style="dots", config=tiny_config(steps=2))
    file.unlink()
    train.train(tiny_dataset, file.parent, style="dots", config=tiny_config(steps=2))
    assert checkpoint.load(file)["step"] == 2
