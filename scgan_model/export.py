"""The trained selfie-to-cartoon generator alone, for others: weights as safetensors, and a model card.

    OUT/model.safetensors    G_AB (its moving average where the training kept one); in its metadata the configuration,
                             and what its pictures were cropped with
    OUT/README.md            the card: what it is for, what it learned from and under which licences, its figures

A checkpoint of the paper's size has 1.4 GB, of which this is 218 MB. safetensors holds numbers and no code, and is what
model hubs and other programs read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from scgan_data import files
from scgan_data.errors import CheckpointError, DatasetError, ScganError
from scgan_data.terminal import say
from scgan_model import checkpoint, networks
from scgan_model.config import TrainConfig
from scgan_model.model_card import model_card
from scgan_model.networks import UNet

FILE_NAME = "model.safetensors"
FORMAT = "scgan-g_ab-1"


@dataclass(frozen=True)
class Exported:
    """What translation needs of an exported model."""

    g_ab: UNet
    """Selfie to cartoon: (B, 3, R, R) in [-1, 1] to the same."""
    config: TrainConfig
    style: str
    step: int
    crop: dict[str, Any] | None
    """What its pictures were cropped with, where that is known (`origin.crop_settings`)."""


def export(model: Path, out: Path, *, dataset: Path | None = None, evaluation: Path | None = None) -> None:
    """Write the folder `out` from a model's folder or checkpoint file.

    `dataset` is the folder whose card names sources and licences, `evaluation` one that `scgan evaluate` wrote. Raises
    CheckpointError, DatasetError where a named folder has no card or no figures, or those of another model, and
    ScganError where `out` has a README.md of something else.
    """
    _refuse_loss(out)
    found = checkpoint.load_generators(model)
    weights = {name: value.contiguous() for name, value in found.g_ab.state_dict().items()}
    config = found.config.model_dump(mode="json")
    facts = {"format": FORMAT, "style": found.style, "step": str(found.step), "config": json.dumps(config)}
    facts |= {key: value for key, value in found.origin.items() if value is not None}
    facts |= {"crop": json.dumps(found.crop)} if found.crop else {}
    card = model_card(facts, config, _card_of(dataset), _figures_of(evaluation, found))
    files.write_bytes(out / FILE_NAME, save(weights, metadata=facts))
    files.write_bytes(out / "README.md", card.encode())
    say(f"{out / FILE_NAME} and its card written")


def load_exported(path: Path, device: torch.device | str = "cpu") -> Exported:
    """The generator of an exported folder or file, frozen, in evaluation mode. Raises CheckpointError."""
    file = path / FILE_NAME if path.is_dir() else path
    try:
        with safe_open(file, framework="pt", device=str(device)) as content:
            facts = content.metadata() or {}
            weights = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 - it is no mapping
        if facts.get("format") != FORMAT:
            raise CheckpointError(f"{file} is no model that `scgan export` of this version wrote")
        config = TrainConfig.model_validate_json(facts["config"])
        crop = json.loads(facts.get("crop", "null"))
        g_ab = networks.generator(config).to(device).to(memory_format=networks.memory_format(config))
        g_ab.load_state_dict(weights)
    except FileNotFoundError:
        raise CheckpointError(f"{file} is missing: write it with `scgan export`") from None
    except (SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(f"{file} is no whole exported model ({type(error).__name__}): export it again") from error
    g_ab.eval().requires_grad_(False)
    return Exported(g_ab, config, facts["style"], int(facts["step"]), crop)


def _refuse_loss(out: Path) -> None:
    if (out / "README.md").exists() and not (out / FILE_NAME).is_file():
        raise ScganError(f"{out / 'README.md'} is of something else and would be replaced: name another folder")


def _card_of(dataset: Path | None) -> str | None:
    if dataset is None:
        return None
    file = dataset / "README.md"
    if not file.is_file():
        raise DatasetError(f"{file} is missing: name a folder that `scgan-data dataset` wrote")
    return file.read_text(encoding="utf-8")


def _figures_of(evaluation: Path | None, model: checkpoint.Generators) -> dict[str, Any] | None:
    if evaluation is None:
        return None
    try:
        content: dict[str, Any] = json.loads((evaluation / "metrics.json").read_text(encoding="utf-8"))
        measured = content["style"], content["step"]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        raise DatasetError(f"{evaluation / 'metrics.json'} is missing or damaged: run `scgan evaluate` first") from None
    if measured != (model.style, model.step):
        of = f"is of a model of `{measured[0]}` at step {measured[1]}, this one is of `{model.style}` at {model.step}"
        raise DatasetError(f"{evaluation / 'metrics.json'} {of}: run `scgan evaluate` on it first")
    return content
