"""Refactoring must not move a bit of the training: the losses of some tiny steps, as they were."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scgan_model import step
from scgan_model.config import TrainConfig
from scgan_model.data import Batch

FILE = Path(__file__).parent / "golden" / "steps.json"
STEPS = 6
CASES: dict[str, dict[str, Any]] = {
    "demo": {"loss": {"gamma": 0, "beta": 4}},
    "vanilla": {"loss": {"gamma": 0, "gan": "vanilla"}},
    "feed_crops": {"loss": {"gamma": 0, "regions_by": "feed_crops", "region_reduction": "sum"}, "pool_images": 0},
}


def losses_of(config: TrainConfig) -> list[dict[str, float]]:
    state = step.start(config, torch.device("cpu"), torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    generator, found = torch.Generator().manual_seed(3), []
    boxes = torch.tensor([[4, 6, 28, 12], [12, 12, 20, 20], [0, 0, 0, 0]], dtype=torch.float32).expand(2, 3, 4)
    for number in range(STEPS):
        x, y = (torch.rand(2, 3, 32, 32, generator=generator) * 2 - 1 for _ in range(2))
        lines = step.train_step(state, Batch(x, boxes, y), 1 - number / 10)
        found.append({name: value.item() for name, value in sorted(lines.items())})
    return found


def here() -> str:
    """What the last bits depend on: kernels are chosen by these."""
    return f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"


def all_losses(tiny_config: Callable[..., TrainConfig]) -> dict[str, Any]:
    sizes = {"resolution_px": 32, "load_px": 32, "generator_channels": 8, "discriminator_layers": 2}
    return {name: losses_of(tiny_config(precision="fp32", **sizes | case)) for name, case in CASES.items()}


def test_the_losses_of_tiny_steps_are_what_they_were(tiny_config: Callable[..., TrainConfig]) -> None:
    """To the bit on the kind of machine that wrote them, elsewhere nearly. SCGAN_GOLDEN=write writes them anew."""
    found = all_losses(tiny_config)
    if os.environ.get("SCGAN_GOLDEN") == "write":
        FILE.write_text(json.dumps({"on": here(), "losses": found}, indent=1) + "\n")
    golden = json.loads(FILE.read_text())
    if golden["on"] == here():
        assert found == golden["losses"]
    for name, lines in golden["losses"].items():
        for ours, theirs in zip(found[name], lines, strict=True):
            assert ours == pytest.approx(theirs, rel=2e-3)
