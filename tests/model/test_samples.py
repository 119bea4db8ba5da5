from pathlib import Path

import pytest
import torch

from scgan_data import images
from scgan_model import samples
from scgan_model.config import TrainConfig
from scgan_model.data import to_range
from scgan_model.networks import Networks, build


def networks_and_selfies() -> tuple[Networks, torch.Tensor]:
    config = TrainConfig(resolution_px=64, generator_channels=4, discriminator_channels=4)
    generator = torch.Generator().manual_seed(0)
    return build(config), torch.randint(0, 256, (3, 3, 64, 64), generator=generator, dtype=torch.uint8)


def test_the_cycle_error_is_a_mean_over_pictures() -> None:
    networks, selfies = networks_and_selfies()
    x = to_range(selfies)
    with torch.no_grad():
        by_hand = (networks.g_ba(networks.g_ab(x)) - x).abs().mean().item()
    assert samples.cycle_error(networks, selfies, batch=2) == pytest.approx(by_hand, rel=1e-5)
    assert networks.g_ab.training


def test_a_grid_has_a_column_a_selfie_and_three_rows(tmp_path: Path) -> None:
    networks, selfies = networks_and_selfies()
    samples.write_grid(tmp_path / "samples" / "grid.png", networks, selfies)
    grid = images.load(tmp_path / "samples" / "grid.png")
    assert grid.size == (3 * 128, 3 * 128)
    first = torch.tensor(list(grid.resize((192, 192), 0).crop((64, 0, 128, 64)).tobytes())).view(64, 64, 3)
    assert torch.equal(first, selfies[1].permute(1, 2, 0).long())
