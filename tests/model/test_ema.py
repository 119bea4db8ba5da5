from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from scgan_model import checkpoint, step, train
from scgan_model.config import TrainConfig
from scgan_model.data import Batch
from scgan_model.ema import Ema
from scgan_model.networks import build
from tests.model.training import Killed, lines, stop_at, work_of

Make = Callable[..., TrainConfig]


def test_the_average_by_hand(tiny_config: Make) -> None:
    networks = build(tiny_config())
    ema, weight = Ema(networks, 0.3), networks.g_ab.out[1].weight
    by_hand = weight.detach().clone()
    for update in range(1, 6):
        with torch.no_grad():
            weight.add_(update)
        ema.update(networks)
        decay = min(0.3, (1 + update) / (10 + update))
        by_hand = decay * by_hand + (1 - decay) * weight.detach()
    assert torch.allclose(ema.g_ab.out[1].weight, by_hand, atol=1e-6)
    assert not any(parameter.requires_grad for parameter in ema.g_ba.parameters())


def test_training_is_the_same_with_and_without(tiny_config: Make) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(2, 3, 16, 16, generator=generator) * 2 - 1 for _ in range(2))
    ends = []
    for decay in (None, 0.9):
        state = step.start(tiny_config(ema_decay=decay), torch.device("cpu"), torch.zeros(1, 3, 16, 16).byte())
        for _ in range(3):
            step.train_step(state, Batch(x, torch.zeros(2, 3, 4), y), 1.0)
        ends.append(torch.cat([p.detach().flatten() for p in state.networks.generators()]))
    assert torch.equal(*ends)
    assert not torch.equal(state.shown.g_ab.out[1].weight, state.networks.g_ab.out[1].weight)


def test_the_model_is_the_average_and_a_resume_is_bit_equal(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, straight, ended = tiny_config(ema_decay=0.9), tmp_path / "straight", tmp_path / "ended"
    train.train(tiny_dataset, straight, style="dots", config=config)
    with monkeypatch.context() as patch:
        stop_at(patch, 7, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, ended, style="dots", config=config)
    assert checkpoint.load(work_of(ended) / "checkpoint.pt")["ema"]["updates"] == 4
    train.train(tiny_dataset, ended, style="dots", config=config)
    contents = [checkpoint.load(model / "checkpoint.pt") for model in (straight, ended)]
    for part in ("g_ab", "g_ba"):
        for name, value in contents[0]["ema"][part].items():
            assert torch.equal(contents[1]["ema"][part][name], value)
    assert lines(straight) == lines(ended)
    key = "out.1.weight"
    loaded = checkpoint.load_generators(straight).g_ab.state_dict()[key]
    assert torch.equal(loaded, contents[0]["ema"]["g_ab"][key])
    assert not torch.equal(loaded, contents[0]["networks"]["g_ab"][key])


def test_averages_can_begin_in_the_middle(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, 6, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config())
    train.train(tiny_dataset, tmp_path / "dots", style="dots", config=tiny_config(ema_decay=0.9), take="changed")
    assert checkpoint.load(tmp_path / "dots" / "checkpoint.pt")["ema"]["updates"] == 6
