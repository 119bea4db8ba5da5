"""Which code, data and programs made this report: what somebody else needs to get the same one."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from scgan_data import manifest

DATASET = "06_dataset"
PACKAGES = ("torch", "torchvision", "numpy", "pandas", "pillow", "scikit-image", "matplotlib", "dvc")


@dataclass(frozen=True)
class Provenance:
    """Revision of the code, hash of the dataset, versions."""

    revision: str | None
    """The Git commit; None outside a repository."""
    changed: bool
    """Tracked files differ from it."""
    dataset: str | None
    """DVC's hash of the dataset folder, else `sha256:` of its manifest; None where there is no dataset."""
    versions: dict[str, str]


def read_provenance(data: Path) -> Provenance:
    """Of the project that the `data` folder lies in."""
    root = data.absolute().parent
    revision = _git(root, "rev-parse", "HEAD")
    changed = bool(revision and _git(root, "status", "--porcelain", "--untracked-files=no"))
    return Provenance(revision, changed, _dataset_hash(data), _versions())


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _dataset_hash(data: Path) -> str | None:
    try:
        lock: Any = yaml.safe_load((data.absolute().parent / "dvc.lock").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        lock = None
    for stage in (lock or {}).get("stages", {}).values():
        for out in stage.get("outs", []):
            if out.get("path") == f"{data.name}/{DATASET}" and "md5" in out:
                return f"md5:{out['md5']}"
    file = data / DATASET / manifest.FILE_NAME
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" if file.is_file() else None


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
