"""Threads, determinism and rounding hold while a training runs, and what was there before comes back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scgan_model import train
from scgan_model.config import TrainConfig
from tests.model.training import at_step, weights


def held() -> tuple[Any, ...]:
    """What decides how products are calculated."""
    backends = torch.backends
    rounding = backends.cudnn.conv.fp32_precision, backends.cuda.matmul.fp32_precision
    return (*rounding, backends.cudnn.benchmark, torch.are_deterministic_algorithms_enabled(), torch.get_num_threads())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"precision": "fp32"}, ("ieee", "ieee", True, False, 1)),
        ({"precision": "tf32", "threads": 2}, ("tf32", "tf32", True, False, 2)),
        ({"precision": "fp32", "deterministic": True}, ("ieee", "ieee", False, True, 1)),
    ],
)
def test_a_training_calculates_as_it_is_told(
    tiny_dataset: Path,
    tmp_path: Path,
    tiny_config: Callable[..., TrainConfig],
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, Any],
    expected: tuple[Any, ...],
) -> None:
    before, seen = held(), list[tuple[Any, ...]]()
    at_step(monkeypatch, 1, lambda _: seen.append(held()))
    train.train(tiny_dataset, tmp_path / "model", style="dots", config=tiny_config(steps=2, **given))
    assert seen == [expected]
    assert held() == before


def test_determinism_changes_nothing_on_a_cpu(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Callable[..., TrainConfig]
) -> None:
    for name, asked in (("free", False), ("bound", True)):
        config = tiny_config(steps=4, precision="fp32", deterministic=asked)
        train.train(tiny_dataset, tmp_path / name, style="dots", config=config)
    assert torch.equal(weights(tmp_path / "free"), weights(tmp_path / "bound"))
