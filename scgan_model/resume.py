"""Whether what lies in a model's folder, or in an unfinished run's, belongs to the training that is asked for.

A training is made of its style, dataset, code and configuration. A checkpoint is gone on with only where all four are
the same. An unfinished run of another training is neither deleted nor an error: it is set aside, a line says in what it
differs, and the command that began it finds it again. An error would have stopped `dvc repro` after every change of
params.yaml that follows a killed training, and a queue of experiments with it. `--allow-changes` goes on with the
unfinished run, or else with the finished model, under the new settings; `--fresh` takes up nothing.

    .avataaars.work/run/          the unfinished run
    .avataaars.work/aside/KEY/    of other settings, the newest three
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

from scgan_data.errors import CheckpointError, ScganError
from scgan_data.stage import StageFolder, key_of
from scgan_data.terminal import say
from scgan_model import checkpoint, journal, keeping
from scgan_model.config import TrainConfig

Take = Literal["same", "changed", "fresh"]
"""Which unfinished training is gone on with: one that is the same in everything, also one that is not, or none."""
DECIDING = {"style": "the style", "code": "the training code", "dataset": "the dataset"}
"""In the order in which the first difference is named: other code may take the hash of the same dataset otherwise."""
NOT_COMPARED = ("preset", "tensorboard")
"""A preset's values are compared one by one; who else is told changes no number."""
ASIDE_LIMIT = 3
"""Unfinished runs kept aside: a checkpoint may have 1.4 GB."""
RESTORED = "restore it (`dvc checkout` or `dvc pull`), or begin at step 0 with --fresh"
"""What to do about a damaged finished model."""


def refuse_loss(model: Path) -> None:
    """Raises ScganError where a finished training would replace what is no model: its folder is replaced whole."""
    ours = any((model / name).is_file() for name in (checkpoint.FILE_NAME, journal.FILE_NAME))
    if not ours and (model.is_file() or (model.is_dir() and any(model.iterdir()))):
        raise ScganError(f"{model} is no model's folder, and would be replaced whole: name another")


def finished(home: Path, origin: dict[str, Any], config: TrainConfig) -> bool:
    """Whether the folder holds the model that is asked for."""
    content = _load(home, RESTORED)
    return content is not None and difference(content, origin, config) is None


def resolved(config: TrainConfig, content: dict[str, Any] | None) -> TrainConfig:
    """The configuration on this machine, with threads and precision of the checkpoint that it goes on from."""
    return config.resolved(begun=content["config"] if content else None)


def partial(folder: StageFolder, origin: dict[str, Any], config: TrainConfig, take: Take) -> dict[str, Any] | None:
    """The checkpoint to go on from, lying in `folder.work / "run"`; None where the training begins at step 0.

    Raises CheckpointError where the unfinished run's checkpoint is damaged.
    """
    run, aside = folder.work / "run", folder.work / "aside"
    if take == "fresh":  # whatever lies there, and be it damaged
        _clear(run)
        return None
    content = _load(run, _back(run))
    if content is not None:
        changed = difference(content, origin, config)
        if changed is None or take == "changed":
            return _going_on(content, changed)
        _set_aside(run, aside, content)
        say(
            f"train: {changed} changed since the unfinished run's step {content['step']}; starting afresh. It is kept "
            "aside: the settings that it began with, or --allow-changes next time, go on with it"
        )
    if take == "changed" and (found := _load(folder.home, RESTORED)) is not None:
        _clear(run)
        shutil.copytree(folder.home, run, dirs_exist_ok=True)
        return _going_on(found, difference(found, origin, config))
    _clear(run)
    return _from_aside(run, aside, origin, config)


def difference(content: dict[str, Any], origin: dict[str, Any], config: TrainConfig) -> str | None:
    """In words, the first thing in which a checkpoint is of another training than the wanted one."""
    for key, words in DECIDING.items():
        if content[key] != origin[key]:
            return words + (_of_dataset(content, origin) if key == "dataset" else "")
    old, new = _flat(content["config"]), _flat(resolved(config, content).model_dump(mode="json"))
    changed = [f"{key} {old.get(key)} -> {new.get(key)}" for key in sorted(old.keys() | new.keys())
               if old.get(key) != new.get(key)]  # fmt: skip
    return f"the configuration ({', '.join(changed)})" if changed else None


def _of_dataset(content: dict[str, Any], origin: dict[str, Any]) -> str:
    """In brackets, what came, went or is told otherwise in each part of the dataset (`data.contents`), and DVC's hashes
    where both are known."""
    old, new = content["pictures"], origin["pictures"]
    said = []
    for part in sorted(old.keys() & new.keys()):
        (facts, *before), (told, *after) = old[part], new[part]
        came, went = len(set(after) - set(before)), len(set(before) - set(after))
        if came or went:
            said.append(f"{part}: {came} pictures came, {went} went")
        elif facts != told:
            said.append(f"{part}: boxes or other facts about the same pictures")
    if content["dvc"] and origin["dvc"] and content["dvc"] != origin["dvc"]:
        said.append(f"DVC's {content['dvc']} -> {origin['dvc']}")
    return f" ({'; '.join(said)})" if said else ""


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    nested = {f"loss.{key}": value for key, value in config["loss"].items()}
    return {key: value for key, value in config.items() if key not in ("loss", *NOT_COMPARED)} | nested


def _load(folder: Path, advice: str) -> dict[str, Any] | None:
    file = folder / checkpoint.FILE_NAME
    return checkpoint.load(file, advice=advice) if file.is_file() else None


def _back(run: Path) -> str:
    """What to do about a damaged checkpoint of an unfinished run, of which DVC knows nothing."""
    kept = f", or copy a whole one of {run / keeping.FORMER} over it" if keeping.former(run) else ""
    return f"begin at step 0 with --fresh{kept}"


def _going_on(content: dict[str, Any], changed: str | None) -> dict[str, Any]:
    say(f"train: going on from step {content['step']}" + (f" although {changed} changed" if changed else ""))
    return content


def _clear(run: Path) -> None:
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir(parents=True)


def _set_aside(run: Path, aside: Path, content: dict[str, Any]) -> None:
    """Move a run to where its own settings find it; the oldest beyond the limit go."""
    target = aside / key_of(" ".join(content[key] for key in DECIDING), content["config"])
    shutil.rmtree(target, ignore_errors=True)
    aside.mkdir(exist_ok=True)
    run.replace(target)
    target.touch()
    for old in sorted(aside.iterdir(), key=lambda each: each.stat().st_mtime_ns)[:-ASIDE_LIMIT]:
        shutil.rmtree(old, ignore_errors=True)


def _from_aside(run: Path, aside: Path, origin: dict[str, Any], config: TrainConfig) -> dict[str, Any] | None:
    """A run of exactly these settings that another one had pushed aside, back in its place."""
    for kept in sorted(aside.iterdir()) if aside.is_dir() else ():
        try:
            content = _load(kept, "")
        except CheckpointError:  # of which settings it was cannot be told: no reason to stop those of others
            say(f"train: {kept}, a run set aside, cannot be read and is passed over")
            continue
        if content is not None and difference(content, origin, config) is None:
            shutil.rmtree(run)
            kept.replace(run)
            return _going_on(content, None)
    return None
