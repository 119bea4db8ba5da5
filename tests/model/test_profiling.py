import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from benchmarks import train_runs
from scgan_data.errors import ConfigError
from scgan_model import profiling
from scgan_model.cli import app
from scgan_model.config import TrainConfig
from scgan_model.marks import Marks
from scgan_model.networks import PatchGAN, UNet
from scgan_model.step import unmarked
from scgan_model.vgg import BLOCKS

Make = Callable[..., TrainConfig]
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a process of torchrun's."""
    monkeypatch.delenv("WORLD_SIZE", raising=False)


def test_marks_give_each_part_its_time_and_the_whole_theirs() -> None:
    marks, began = Marks(CPU), time.perf_counter()
    marks.begin()
    for part, seconds in (("a", 0.02), ("b", 0.01), ("a", 0.01)):
        marks(part)
        time.sleep(seconds)
    whole, parts = marks.medians()
    passed = time.perf_counter() - began
    assert parts["a"][0] >= 0.03 and parts["b"][0] >= 0.01
    assert 0.04 <= whole <= passed
    assert whole == pytest.approx(sum(seconds for seconds, _ in parts.values()))


def test_the_parts_are_the_whole_step(tiny_config: Make) -> None:
    run = train_runs.run(tiny_config(loss={}), count=4)
    began = time.perf_counter()
    found = profiling.measure(run, steps=1)
    passed = time.perf_counter() - began
    assert [part.name for part in found.parts] == list(profiling.PARTS)
    assert sum(part.seconds for part in found.parts) == pytest.approx(found.step_seconds)
    assert 0 < found.step_seconds < passed
    assert found.pairs_per_s == pytest.approx(2 / found.step_seconds)
    assert run.state.mark is unmarked
    learned = sum(p.numel() for network in run.state.networks.named().values() for p in network.parameters())
    floor = found.flop / found.peaks.flop_per_s + 32 * learned / found.peaks.bytes_per_s
    assert found.floor_seconds == pytest.approx(floor)
    assert found.floor_fraction == pytest.approx(floor / found.step_seconds)


def convolutions(network: nn.Module, size_px: int) -> list[int]:
    """FLOP of each convolution's forward pass for one picture, in order; nothing is calculated."""
    found: list[int] = []

    def note(module: nn.Module, given: tuple[torch.Tensor, ...], answer: torch.Tensor) -> None:
        positions = (given[0] if isinstance(module, nn.ConvTranspose2d) else answer)[0, 0].numel()
        found.append(2 * positions * next(module.parameters()).numel())

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(note)
    network.to("meta")(torch.zeros(1, 3, size_px, size_px, device="meta"))
    return found


def by_hand(config: TrainConfig) -> int:
    """FLOP of a step: a forward pass costs one unit, as do the gradient of the weights and that of the input."""
    size = config.resolution_px
    g = convolutions(UNet(size, config.generator_channels), size)
    d = convolutions(PatchGAN(config.discriminator_channels, config.discriminator_layers), size)
    vgg, side, inner = 0, size, 3
    for widths in BLOCKS[:4]:
        for outer in widths:
            vgg += 2 * 9 * inner * outer * side**2
            inner = outer
        side //= 2
    generators = 2 * (3 * sum(g) - g[0]) + 2 * 3 * sum(g)  # nobody asks for the gradient of a photograph
    discriminators = 2 * 2 * sum(d) + 2 * 2 * (3 * sum(d) - d[0])  # frozen on the fakes; then on real and fake
    return config.batch_pairs * (generators + discriminators + 3 * vgg)


def test_flop_are_those_of_a_count_by_hand(tiny_config: Make) -> None:
    config = tiny_config(loss={})
    counted = profiling.count_flop(train_runs.run(config, count=4))
    assert sum(counted.values()) == pytest.approx(by_hand(config), rel=1e-3)  # einsum of the regions: a little more
    assert counted["data"] == counted["G: Adam"] == counted["rest"] == 0
    assert counted["fakes"] == counted["cycle"]
    assert counted["VGG19"] > 0


def test_the_paper_s_step_is_384_gflop() -> None:
    assert by_hand(TrainConfig.model_validate({"preset": "faithful"})) / 1e9 == pytest.approx(384, rel=0.005)


def profiled(dataset: Path, model: Path, *more: str) -> str:
    """What the command prints."""
    small = ("preset=demo", "resolution_px=16", "load_px=18", "generator_channels=4", "discriminator_channels=4")
    small += ("discriminator_layers=1", "loss.gamma=0", "device=cpu", "threads=1", *more)
    sets = [argument for key in small for argument in ("--set", key)]
    arguments = ["train", str(dataset), str(model), "--style", "dots", "--profile", *sets]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_command_prints_the_table_and_writes_nothing(tiny_dataset: Path, tmp_path: Path) -> None:
    model = tmp_path / "models" / "dots"
    before = sorted(tmp_path.rglob("*"))
    shown = profiled(tiny_dataset, model)
    for part in profiling.PARTS:
        assert part in shown or part == "VGG19"  # which gamma 0 leaves out, with its loss
    assert "whole step" in shown and "pairs/s" in shown and "% of the floor" in shown and "peak memory" in shown
    assert "20 steps of 2 pairs, 16 px" in shown and "launched" not in shown
    assert sorted(tmp_path.rglob("*")) == before


def test_several_processes_are_refused_in_a_line(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="without torchrun"):
        profiling.profile(tiny_dataset, "dots", tiny_config())
