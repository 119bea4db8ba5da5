"""Whether what lies in a model's folder, or in an unfinished run's, belongs to the training that is asked for.

A training is made of its style, dataset, code and configuration. A checkpoint is gone on with only where all four are
the same; otherwise the run starts afresh, and a line says what changed.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from scgan_data.terminal import console
from scgan_model import checkpoint
from scgan_model.config import TrainConfig


def finished(home: Path, origin: dict[str, Any], config: TrainConfig) -> bool:
    """Whether the folder holds the model that is asked for."""
    file = home / checkpoint.FILE_NAME
    return file.is_file() and _difference(checkpoint.load(file), origin, config) is None


def resolved(config: TrainConfig, content: dict[str, Any] | None) -> TrainConfig:
    """The configuration on this machine, with threads and precision of the checkpoint that it goes on from."""
    return config.resolved(begun=content["config"] if content else None)


def partial(work: Path, origin: dict[str, Any], config: TrainConfig) -> dict[str, Any] | None:
    """The checkpoint to go on from; one of another training is deleted, with all that lies beside it."""
    file = work / checkpoint.FILE_NAME
    content = checkpoint.load(file) if file.is_file() else None
    if content is not None:
        difference = _difference(content, origin, config)
        if difference is None:
            console.print(f"train: going on from step {content['step']}")
            return content
        console.print(f"train: {difference} changed since the unfinished run's step {content['step']}; starting afresh")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return None


def _difference(content: dict[str, Any], origin: dict[str, Any], config: TrainConfig) -> str | None:
    """In words, the first thing in which a checkpoint is of another training than the wanted one."""
    meanings = {"style": "the style", "dataset": "the dataset", "code": "the training code"}
    for key, words in meanings.items():
        if content[key] != origin[key]:
            return words
    old, new = _flat(content["config"]), _flat(resolved(config, content).model_dump(mode="json"))
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return f"the configuration ({', '.join(changed)})" if changed else None


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    nested = {f"loss.{key}": value for key, value in config["loss"].items()}
    return {key: value for key, value in config.items() if key not in ("loss", "preset")} | nested
