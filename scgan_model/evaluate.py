"""Evaluation of one style: the trained model on the held-out selfies, next to untrained and to Image Binarization.

Every system turns the same held-out selfies into cartoons at the model's resolution. KID compares those with the
style's portraits, read at the same resolution; these are the portraits that the model was trained on (the paper holds
none out either), the selfies are ones that it never saw. Two reference rows say what the figures mean: the selfies as
they are, and one random half of the portraits against the other, which is as good as KID gets on so few pictures.

`OUT/metrics.json` holds the figures by system, for `dvc metrics diff`; `examples.py` says what lies beside it. The
pictures shown are the first by id, which is a hash: nobody chose them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from pydantic import Field
from torch import Tensor, nn

from scgan_data.config import Config
from scgan_data.errors import DatasetError, ScganError
from scgan_data.files import write_json
from scgan_data.records import ATTENTIVE, SELFIE, Split
from scgan_data.terminal import say
from scgan_model import checkpoint, data, examples, features, metrics
from scgan_model.baselines import binarize
from scgan_model.config import TrainConfig


class EvaluateConfig(Config):
    """How the figures are computed."""

    bootstrap_replicates: int = Field(1000, ge=100)
    """Resamplings behind KID's interval."""
    confidence: float = Field(0.95, gt=0, lt=1)
    """Of KID's interval."""
    seed: int = 0
    """Of the resampling and of the halves of the portraits."""
    batch_size: int = Field(32, ge=1)
    """Pictures at a time through the generators and the feature network."""
    grid_pictures: int = Field(12, ge=1)
    """Held-out selfies shown in grid.png and in examples/."""


@dataclass(frozen=True)
class Pictures:
    """A part of the dataset as the generators see it, in the order of the ids."""

    ids: tuple[str, ...]
    pixels: Tensor
    """(N, 3, R, R) in [-1, 1]."""
    boxes: Tensor
    """(N, 3, 4) regions in pixels of R, all 0 where the region is hidden or unknown."""


@dataclass(frozen=True)
class System:
    """What one way of turning selfies into cartoons made of them: (N, 3, R, R) in [-1, 1] on the CPU."""

    cartoons: Tensor
    reconstructions: Tensor | None = None
    """None for a system that has no way back."""


def evaluate(dataset: Path, model: Path, out: Path, *, style: str, config: EvaluateConfig) -> None:
    """Evaluate the model folder `model` on the dataset folder `dataset` and write the folder `out`.

    Raises DatasetError where there are no held-out selfies or no portraits, CheckpointError, WeightsError, and
    ScganError for a style that is not the model's or an `out` that holds something else.
    """
    examples.refuse_loss(out)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trained = checkpoint.load_generators(model, device)
    if style != trained.style:
        raise ScganError(f"{model} draws the style `{trained.style}`, not `{style}`: name its own, or another model")
    untrained = checkpoint.untrained_generators(model)
    selfies = load(dataset, Split.TEST, SELFIE, trained.config)
    portraits = load(dataset, Split.TRAIN, style, trained.config)
    if len(selfies.ids) < 2 or len(portraits.ids) < 4:
        raise DatasetError(
            f"{dataset} has {len(selfies.ids)} held-out selfies and {len(portraits.ids)} portraits of {style}: KID "
            "needs at least 2 and 4; collect more, or hold out more (section `dataset`)"
        )
    systems = {
        "trained": run(trained.g_ab, trained.g_ba, selfies.pixels, config.batch_size),
        "untrained": run(untrained.g_ab.to(device), untrained.g_ba.to(device), selfies.pixels, config.batch_size),
        "binarization": System(binarize(selfies.pixels)),
    }
    facts: dict[str, Any] = {"style": style, "step": trained.step, "resolution_px": trained.config.resolution_px}
    figures = facts | compare(systems, selfies, portraits.pixels, features.load(device), config)
    examples.write(out, examples_of(selfies, systems, config.grid_pictures))
    write_json(out / "metrics.json", figures)
    kid, cycle = (f"{figures['trained'][name]:.4f}" for name in ("kid", "cycle_error"))
    say(f"evaluate: KID {kid} and cycle error {cycle} on {figures['n']} held-out selfies; figures and grid in {out}")


def load(dataset: Path, split: Split, domain: str, config: TrainConfig) -> Pictures:
    """A part of the dataset as training's looked at it, without augmentation: the middle of pictures of `load_px`."""
    pictures = data.load_pictures(dataset, split, domain, size_px=config.load_px)
    pixels, boxes = data.center_crop(pictures.pixels, pictures.boxes, config.resolution_px)
    return Pictures(pictures.ids, data.to_range(pixels), boxes)


@torch.no_grad()
def run(g_ab: nn.Module, g_ba: nn.Module, selfies: Tensor, batch_size: int) -> System:
    """Cartoons of the selfies, and the selfies that come back from them."""
    device = next(g_ab.parameters()).device
    batches = [selfies[i : i + batch_size].to(device) for i in range(0, len(selfies), batch_size)]
    cartoons = [g_ab(batch).float() for batch in batches]
    back = [g_ba(cartoon).float().cpu() for cartoon in cartoons]
    return System(torch.cat([c.cpu() for c in cartoons]), torch.cat(back))


def compare(
    systems: Mapping[str, System], selfies: Pictures, portraits: Tensor, network: nn.Module, config: EvaluateConfig
) -> dict[str, Any]:
    """Every system's figures and the two reference rows, as `metrics.json` holds them."""
    describe = partial(features.extract, network, batch_size=config.batch_size)
    style = describe(portraits)
    half = torch.randperm(len(style), generator=torch.Generator().manual_seed(config.seed))
    near, far = style[half[::2]], style[half[1::2]]
    rows: dict[str, Any] = {
        "feature": features.NAME,
        "n": len(selfies.ids),
        "n_portraits": len(portraits),
        "confidence": config.confidence,
        "seed": config.seed,
    }
    for name, system in systems.items():
        rows[name] = _kid(describe(system.cartoons), style, config) | _sharpness(system.cartoons)
        rows[name] |= cycle_errors(selfies, system.reconstructions)
    rows["selfies"] = _kid(describe(selfies.pixels), style, config) | _sharpness(selfies.pixels)
    rows["portraits"] = _kid(near, far, config) | _sharpness(portraits)
    return rows


def cycle_errors(selfies: Pictures, reconstructions: Tensor | None) -> dict[str, float | None]:
    """The mean cycle error, whole and by region; None where a system has no way back or no picture has the region."""
    names = ["cycle_error", *(f"cycle_error_{region}" for region in ATTENTIVE)]
    if reconstructions is None:
        return dict.fromkeys(names)
    whole = metrics.cycle_error(selfies.pixels, reconstructions)
    regions = metrics.region_cycle_errors(selfies.pixels, reconstructions, selfies.boxes)
    errors = [whole, *regions.unbind(1)]
    return dict(zip(names, map(metrics.mean_or_none, errors), strict=True))


def _kid(x: Tensor, y: Tensor, config: EvaluateConfig) -> dict[str, float]:
    kid = metrics.kid(x, y, replicates=config.bootstrap_replicates, confidence=config.confidence, seed=config.seed)
    return {"kid": kid.value, "kid_low": kid.low, "kid_high": kid.high}


def _sharpness(pictures: Tensor) -> dict[str, float | None]:
    return {"average_gradient": metrics.mean_or_none(metrics.average_gradient(pictures))}


def examples_of(selfies: Pictures, systems: Mapping[str, System], count: int) -> dict[str, list[Image.Image]]:
    """The first `count` selfies by id, each with its pictures in the order of `examples.COLUMNS`."""
    trained = systems["trained"]
    assert trained.reconstructions is not None
    columns = [selfies.pixels, trained.cartoons, trained.reconstructions]
    columns += [systems[name].cartoons for name in examples.COLUMNS[3:]]
    return {name: [to_image(column[i]) for column in columns] for i, name in enumerate(selfies.ids[:count])}


def to_image(picture: Tensor) -> Image.Image:
    """(3, H, W) in [-1, 1] as an RGB picture."""
    levels = ((picture.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().cpu().numpy())
