"""What the tests of training share: ways to end one, and what it left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scgan_model import checkpoint, train
from scgan_model.config import TrainConfig

SCRIPT = """
import os, sys
os.environ["OMP_WAIT_POLICY"] = "passive"
from pathlib import Path
from scgan_data.cli import run_app
from scgan_model.config import TrainConfig
from scgan_model.train import train
assert not {"dvc", "dvclive", "imagehash"} & set(sys.modules), "training imports a tool of other stages"
config = TrainConfig.model_validate_json(sys.argv[3])
run_app(lambda: train(Path(sys.argv[1]), Path(sys.argv[2]), style="dots", config=config))
"""
"""A training in a process of its own: DATASET MODEL CONFIG."""


def weights(model: Path) -> torch.Tensor:
    """All numbers of the four networks and of Adam in a row."""
    content = checkpoint.load(model / "checkpoint.pt")
    networks = [v for name in sorted(content["networks"]) for v in content["networks"][name].values()]
    adam = [s[key] for o in ("g", "d") for s in content["optimizers"][o]["state"].values() for key in sorted(s)]
    return torch.cat([v.flatten() for v in networks + adam])


def lines(model: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what a clock says."""
    text = (model / "metrics.jsonl").read_text()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in text.splitlines()]


def work_of(model: Path) -> Path:
    return model.parent / f".{model.name}.work" / "run"


class Killed(BaseException):
    """Stands for whatever ends a process between two lines of Python."""


def at_step(monkeypatch: pytest.MonkeyPatch, step: int, act: Callable[[train.Run], None]) -> None:
    """Do something when that step of the training begins."""
    original = train.next_batch

    def next_batch(run: train.Run) -> Any:
        if run.step == step:
            act(run)
        return original(run)

    monkeypatch.setattr(train, "next_batch", next_batch)


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
    """End the training when that step begins."""

    def end(run: train.Run) -> None:
        raise error

    at_step(monkeypatch, step, end)


def killed_at_6(dataset: Path, model: Path, config: TrainConfig) -> None:
    """A run whose checkpoint is of step 4 (`tiny_config`)."""
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, 6, Killed())
        with pytest.raises(Killed):
            train.train(dataset, model, style="dots", config=config)
