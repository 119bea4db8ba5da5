"""Where a training comes from: what a checkpoint records so that somebody can find code and data again.

`style`, `dataset` (our own hash of names and metadata) and `code` (a hash of the modules that decide the numbers) must
be the same for a resume; `pictures` says in what one dataset differs from another. `git` and `dvc` are for people: the
commit of the code, `-dirty` where files differ from it, and the hash under which DVC keeps the dataset; None outside a
repository. They do not decide, since a commit that changes a comment of the README, or a dataset that was copied out of
DVC, changes no number. `crop` is what the dataset's pictures were cropped with, for whoever translates further ones.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scgan_data.errors import DatasetError
from scgan_data.stage import CROP_FILE, version_of
from scgan_model import data

DECIDING = (
    "arithmetic",
    "data",
    "ema",
    "losses",
    "networks",
    "norm",
    "passes",
    "pool",
    "ranks",
    "run",
    "schedule",
    "step",
    "vgg",
)
MODULES = tuple(f"scgan_model.{name}" for name in DECIDING)


def origin(dataset: Path, style: str) -> dict[str, Any]:
    """Style, hashes of dataset and code, git revision and DVC hash; what the dataset holds, and how it was cropped.

    Raises DatasetError.
    """
    pictures = data.contents(dataset, style)
    return {
        "style": style,
        "dataset": data.identity(pictures),
        "pictures": pictures,
        "code": version_of(MODULES),
        "git": git_revision(Path(__file__).parent),
        "dvc": dvc_hash(dataset),
        "crop": crop_settings(dataset),
    }


def crop_settings(dataset: Path) -> dict[str, Any] | None:
    """What the dataset's pictures were cropped with; None where its folder does not say. Raises DatasetError."""
    file = dataset / CROP_FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    except ValueError:
        content = ()
    if content is not None and not isinstance(content, dict):
        raise DatasetError(f"{file} is damaged: run the data stages again (`dvc repro`)")
    return content


def git_revision(folder: Path) -> str | None:
    """The commit that is checked out where `folder` lies, with `-dirty` where tracked files differ; or None."""
    command = ["git", "--no-optional-locks", "-C", str(folder), "status", "--porcelain=v2", "--branch"]
    try:  # not `describe --dirty`, which locks the index: killed, or where files may not grow, it leaves it locked
        done = subprocess.run([*command, "--untracked-files=no"], capture_output=True, text=True, check=False)
    except OSError:  # git is not installed
        return None
    lines = done.stdout.splitlines()
    commit = next((line.split()[-1] for line in lines if line.startswith("# branch.oid ")), "(initial)")
    if done.returncode or commit == "(initial)":
        return None
    return commit if all(line.startswith("#") for line in lines) else f"{commit}-dirty"


def dvc_hash(dataset: Path) -> str | None:
    """The hash that dvc.lock, or a .dvc file beside it, gives the dataset's folder; None where DVC knows none."""
    dataset = dataset.absolute()
    for file, outs in _tracked(dataset):
        for out in outs:
            if isinstance(out, dict) and (file.parent / str(out.get("path"))).absolute() == dataset:
                return out.get("md5") or out.get("hash")
    return None


def _tracked(dataset: Path) -> Iterator[tuple[Path, list[Any]]]:
    """The outputs that DVC's files beside and above a folder name, the nearest first."""
    for folder in dataset.parents:
        pointer, lock = folder / f"{dataset.name}.dvc", folder / "dvc.lock"
        if pointer.is_file():
            yield pointer, _read(pointer).get("outs") or []
        if lock.is_file():
            for stage in (_read(lock).get("stages") or {}).values():
                yield lock, stage.get("outs") or []
        if (folder / ".dvc").is_dir():
            return


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):  # in the middle of a merge, for example: no reason to stop a training
        return {}
    return content if isinstance(content, dict) else {}
