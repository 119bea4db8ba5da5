from typing import Literal

import pytest
import torch
from torch import nn

from scgan_model.config import TrainConfig
from scgan_model.networks import PatchGAN, UNet, build, parameter_count


def test_parameter_counts_are_the_papers() -> None:
    with torch.device("meta"):
        assert parameter_count(UNet(256, 64)) == 54_409_603
        assert parameter_count(PatchGAN(64)) == 2_764_737


def test_the_patchgan_answers_30_by_30_at_256_px() -> None:
    assert PatchGAN(2)(torch.zeros(1, 3, 256, 256)).shape == (1, 1, 30, 30)


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70)])
def test_the_patchgans_receptive_field(layers: int, field: int) -> None:
    torch.manual_seed(0)
    convolutions = [m for m in PatchGAN(2, layers) if isinstance(m, nn.Conv2d)]
    x = torch.zeros(1, 3, 160, 160, requires_grad=True)
    scores = nn.Sequential(*convolutions)(x)
    torch.autograd.backward(scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2])
    assert x.grad is not None
    seen = x.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (seen.max(dim=0).values - seen.min(dim=0).values + 1).tolist() == [field, field]


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("resolution", [16, 64])
def test_a_small_unet_keeps_shape_and_range(upsampling: Literal["transposed", "resize"], resolution: int) -> None:
    network = UNet(resolution, 4, upsampling=upsampling)
    y = network(torch.randn(2, 3, resolution, resolution) * 9)
    assert y.shape == (2, 3, resolution, resolution)
    assert y.abs().max() <= 1


def test_the_bottleneck_is_one_pixel_without_a_norm() -> None:
    network = UNet(64, 4)
    assert not any(isinstance(module, nn.InstanceNorm2d) for module in network.down[-1].modules())
    assert not any(isinstance(module, nn.InstanceNorm2d) for module in network.down[0].modules())
    x = torch.randn(1, 3, 64, 64)
    for down in network.down:
        x = down(x)
    assert x.shape[2:] == (1, 1)
    assert x.abs().max() > 0


def test_the_input_reaches_the_output_around_the_bottleneck() -> None:
    network = UNet(16, 4).eval()
    nn.init.zeros_(network.down[-1][1].weight)  # type: ignore[index]
    a, b = network(torch.zeros(1, 3, 16, 16)), network(torch.randn(1, 3, 16, 16))
    assert not torch.equal(a, b)


def test_dropout_is_in_the_inner_levels_only_and_off_by_default() -> None:
    def dropouts(network: nn.Module) -> int:
        return sum(isinstance(module, nn.Dropout) for module in network.modules())

    with torch.device("meta"):
        assert dropouts(UNet(256, 4)) == 0
        assert dropouts(UNet(256, 4, dropout=0.5)) == 3


def test_initial_weights_depend_on_the_seed_alone() -> None:
    config = TrainConfig(generator_channels=4, discriminator_channels=4)
    first = build(config).g_ab.state_dict()
    torch.manual_seed(99)
    before = torch.get_rng_state()
    again = build(config).g_ab.state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = build(config.model_copy(update={"seed": 1})).g_ab.state_dict()
    assert not torch.equal(first["down.0.0.weight"], other["down.0.0.weight"])


def test_initial_weights_are_narrow_normals_without_bias() -> None:
    network = build(TrainConfig(generator_channels=16)).g_ab
    weight = network.down[3][1].weight  # type: ignore[index]
    assert weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert all(not p.any() for name, p in network.named_parameters() if name.endswith("bias"))
