"""A training's whole state in one file, so that a run goes on bit for bit where it stopped.

The file is written beside its place and renamed: whoever reads it sees a whole one. It is torch's own format, loaded
with `weights_only=True` (tensors, numbers, texts, lists and mappings, no code), and says itself what it is. At the
demo's size it takes 190 MB and .4 s: weights, twice as much for Adam, and the pools.
"""

from __future__ import annotations

import platform
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from scgan_data import files
from scgan_data.errors import CheckpointError
from scgan_model.config import TrainConfig
from scgan_model.networks import UNet, build
from scgan_model.step import State

FORMAT = "scgan-checkpoint-1"
FILE_NAME = "checkpoint.pt"
KEYS = ("style", "config", "dataset", "code", "step", "versions", "l_per_scale", "networks", "optimizers", "pools")


@dataclass(frozen=True)
class Generators:
    """What evaluation and translation need of a trained (or untrained) model."""

    g_ab: UNet
    """Selfie to cartoon: (B, 3, R, R) in [-1, 1] to the same."""
    g_ba: UNet
    """Cartoon to selfie."""
    config: TrainConfig
    """As resolved when training started."""
    step: int
    """Steps trained; 0 is untrained."""
    style: str
    """The cartoon domain."""
    l_per_scale: float | None
    """What Eq. 7 is divided by; None where it had no weight."""
    origin: dict[str, str | None]
    """Git revision, DVC hash and our own hash of the dataset, as far as they are known."""
    crop: dict[str, Any] | None
    """What its pictures were cropped with, where that is known (`origin.crop_settings`)."""


def state_dict(state: State) -> dict[str, Any]:
    """The part of a checkpoint that is the state of `step.train_step`, and torch's random numbers. Among several
    processes all must call it; the first gets the pools and random numbers of all."""
    return {
        "l_per_scale": state.l_per_scale,
        "networks": {name: network.state_dict() for name, network in state.networks.named().items()},
        "ema": state.ema.state_dict() if state.ema else None,
        "optimizers": {"g": state.adam_g.state_dict(), "d": state.adam_d.state_dict()},
        **(own := own_state(state)),
        "other_ranks": state.ranks.gather(own)[1:],
    }


def own_state(state: State) -> dict[str, Any]:
    """What each of several processes has for itself: pools and random numbers."""
    return {
        "pools": {"a": state.pool_a.state_dict(), "b": state.pool_b.state_dict()},
        "torch_rng": torch.get_rng_state(),
        "cuda_rng": [torch.cuda.get_rng_state(state.device)] if state.device.type == "cuda" else [],
    }


def load_state_dict(state: State, content: dict[str, Any]) -> None:
    """Put a state back, in place. Raises KeyError, RuntimeError or ValueError where the content is not for it.

    Adam's settings are the configuration's, which `--allow-changes` may have changed: only its moments come back.
    """
    for name, network in state.networks.named().items():
        network.load_state_dict(content["networks"][name])
    if state.ema:
        state.ema.load_state_dict(content["ema"], state.networks)
    for adam, found in ((state.adam_g, content["optimizers"]["g"]), (state.adam_d, content["optimizers"]["d"])):
        betas = adam.param_groups[0]["betas"]
        adam.load_state_dict(found)
        adam.param_groups[0]["betas"] = betas
    ranks = [content, *content["other_ranks"]]
    if state.ranks.rank < len(ranks):  # else more processes than before: this one begins with an empty pool
        _load_own_state(state, ranks[state.ranks.rank])


def _load_own_state(state: State, content: dict[str, Any]) -> None:
    state.pool_a.load_state_dict(content["pools"]["a"], state.device)
    state.pool_b.load_state_dict(content["pools"]["b"], state.device)
    torch.set_rng_state(content["torch_rng"].cpu())
    if state.device.type == "cuda" and content["cuda_rng"]:
        torch.cuda.set_rng_state(content["cuda_rng"][0].cpu(), state.device)


def versions() -> dict[str, str]:
    """What the numbers depend on besides the code: kept for the record, not compared."""
    return {"torch": str(torch.__version__), "python": platform.python_version(), "machine": platform.machine()}


def save(file: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint by temporary file and rename, waiting for the disk: machines that train are taken away.

    It is put together in memory first: torch's own writer turns a full disk into a RuntimeError without a name.
    """
    buffer = BytesIO()
    torch.save({"format": FORMAT, "versions": versions(), **content}, buffer)
    files.write_bytes(file, buffer.getvalue(), durable=True)


def load(file: Path, *, advice: str | None = None) -> dict[str, Any]:
    """Read a checkpoint, to the CPU: Adam's moments and pools would take a GPU's memory for nothing, and a GPU without
    room is no damaged file. Raises CheckpointError where it is missing, truncated or something else; `advice` is what
    training says to do about the last two."""
    if not file.is_file():
        raise CheckpointError(f"{file} is missing: the model is not trained; run the train stage first")
    try:
        with zipfile.ZipFile(file) as archive:  # torch writes checksums and does not look at them
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(damaged)
        content = torch.load(file, map_location="cpu", weights_only=True)
    except (MemoryError, PermissionError):
        raise
    except Exception as error:  # torch and pickle raise a dozen types for bytes that end early or are something else
        raise CheckpointError(
            f"{file} is no whole checkpoint (truncated, damaged or another format: {type(error).__name__}); "
            + (advice or "restore it (`dvc checkout` or `dvc pull`), or delete it and train again")
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or any(key not in content for key in KEYS):
        raise CheckpointError(
            f"{file} is no checkpoint of this version ({FORMAT}): it was written by another program or version; "
            + (advice or "name a model that this version trained, or train again")
        )
    return content


def load_config(file: Path, content: dict[str, Any]) -> TrainConfig:
    """The configuration that a checkpoint was trained with. Raises CheckpointError."""
    try:
        return TrainConfig.model_validate(content["config"])
    except ValidationError as error:
        key = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise CheckpointError(
            f"{file} holds a configuration that this version does not know (`{key}`); train again"
        ) from None


def load_generators(path: Path, device: torch.device | str = "cpu") -> Generators:
    """The trained generators of a model's folder or checkpoint file, for evaluation: their moving averages where the
    training kept some. Raises CheckpointError."""
    file = path / FILE_NAME if path.is_dir() else path
    content = load(file)
    generators = _initial(file, content, device, step=int(content["step"]))
    try:
        weights = content.get("ema") or content["networks"]
        generators.g_ab.load_state_dict(weights["g_ab"])
        generators.g_ba.load_state_dict(weights["g_ba"])
    except (KeyError, RuntimeError):
        raise CheckpointError(
            f"{file} holds weights of another size than its own configuration says; train again"
        ) from None
    return generators


def untrained_generators(path: Path, device: torch.device | str = "cpu") -> Generators:
    """The same networks as they were before the first step. Raises CheckpointError."""
    file = path / FILE_NAME if path.is_dir() else path
    return _initial(file, load(file), device, step=0)


def _initial(file: Path, content: dict[str, Any], device: torch.device | str, *, step: int) -> Generators:
    config = load_config(file, content)
    networks = build(config, device)
    g_ab, g_ba = (_frozen(g) for g in (networks.g_ab, networks.g_ba))
    origin = {key: content.get(key) for key in ("git", "dvc", "dataset")}
    style, l_per_scale, crop = str(content["style"]), content["l_per_scale"], content.get("crop")
    return Generators(g_ab, g_ba, config, step, style, l_per_scale, origin, crop)


def _frozen(network: UNet) -> UNet:
    frozen: nn.Module = network.eval().requires_grad_(False)
    assert isinstance(frozen, UNet)
    return frozen
