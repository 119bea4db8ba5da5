"""A tiny dataset in the layout of the dataset stage, and a configuration that trains on it in seconds."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch: waiting threads that spin starve busy machines

import numpy as np
import pytest
import torch
from PIL import Image

from scgan_model.config import TrainConfig

SIDE_PX = 20


def write_domain(folder: Path, domain: str, count: int, *, side_px: int = SIDE_PX) -> None:
    """Noise pictures with the regions at fixed places; every third has no mouth."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(sum(str(folder.parent.name + domain).encode()))
    lines = []
    for number in range(count):
        name = f"{domain[:2]}{number:03d}"
        pixels = random.integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
        row: dict[str, Any] = {"file_name": f"{name}.png", "id": name, "domain": domain}
        row |= {"width": side_px, "height": side_px, "eyes": [4, 4, 16, 8], "nose": [8, 8, 12, 12]}
        row |= {"mouth": None if number % 3 == 2 else [6, 13, 14, 17], "source_url": None, "license": None}
        lines.append(json.dumps(row | {"author": None, "group_id": name}) + "\n")
    (folder / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks this small gain nothing from a second one, and on a busy machine wait for it."""
    torch.set_num_threads(1)


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> Path:
    dataset = tmp_path / "dataset"
    write_domain(dataset / "train" / "selfie", "selfie", 7)
    write_domain(dataset / "test" / "selfie", "selfie", 3)
    write_domain(dataset / "train" / "dots", "dots", 5)
    return dataset


@pytest.fixture
def tiny_config() -> Callable[..., TrainConfig]:
    """A maker of configurations: 16 px, a few thousand parameters, no VGG19, ten steps; keys override."""

    def make(**changes: Any) -> TrainConfig:
        base: dict[str, Any] = {"resolution_px": 16, "load_px": 18, "threads": 1, "device": "cpu", "batch_pairs": 2}
        base |= {"generator_channels": 4, "discriminator_channels": 4, "discriminator_layers": 1, "pool_images": 3}
        base |= {"steps": 10, "log_every_steps": 2, "checkpoint_every_steps": 4, "sample_every_steps": 5}
        return TrainConfig.model_validate(base | {"loss": {"gamma": 0}} | changes)

    return make


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a dataset, a tiny model trained on it and its evaluation: data/06_dataset, models/, reports/."""
    from scgan_model.evaluate import EvaluateConfig, evaluate
    from scgan_model.train import train

    project = tmp_path_factory.mktemp("project")
    dataset = project / "data" / "06_dataset"
    for split, domain, count in (("train", "selfie", 7), ("test", "selfie", 5), ("train", "dots", 6)):
        write_domain(dataset / split / domain, domain, count)
    sizes: dict[str, Any] = {"generator_channels": 4, "discriminator_channels": 4, "discriminator_layers": 1}
    sizes |= {"resolution_px": 16, "load_px": 18, "steps": 12, "log_every_steps": 2, "checkpoint_every_steps": 4}
    config = TrainConfig.model_validate(
        sizes | {"threads": 1, "device": "cpu", "batch_pairs": 2, "sample_every_steps": 4, "loss": {"gamma": 0}}
    )
    train(dataset, project / "models" / "dots", style="dots", config=config)
    settings = EvaluateConfig(grid_pictures=3, bootstrap_replicates=200)
    evaluate(dataset, project / "models" / "dots", project / "reports" / "dots", style="dots", config=settings)
    return project
