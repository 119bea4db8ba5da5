import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from scgan_model.config import TrainConfig
from scgan_model.networks import build
from scgan_model.norm import InstanceNorm, _Normalise, instance_norm

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def picture(format_name: str, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    x = torch.randn(3, 5, 8, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 3 + 1
    return x.to(dtype).contiguous(memory_format=FORMATS[format_name])


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("function", [instance_norm, _Normalise.apply])
def test_it_equals_torchs_and_keeps_the_format(format_name: str, function: object) -> None:
    assert callable(function)
    x = picture(format_name)
    ours, theirs = function(x), F.instance_norm(x)
    assert (ours - theirs).abs().max() < 1e-6
    assert ours.is_contiguous(memory_format=FORMATS[format_name])


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("function", [instance_norm, _Normalise.apply])
def test_its_gradient_is_the_finite_difference(format_name: str, function: object) -> None:
    assert gradcheck(function, picture(format_name, torch.float64).requires_grad_())


@pytest.mark.parametrize("function", [instance_norm, _Normalise.apply])
def test_bf16_stays_bf16_with_statistics_of_fp32(function: object) -> None:
    assert callable(function)
    x = picture("channels_last", torch.bfloat16).requires_grad_()
    y = function(x)
    assert y.dtype == torch.bfloat16
    assert (y.float() - F.instance_norm(x.float())).abs().max() < 0.02
    torch.autograd.backward(y, torch.ones_like(y))
    assert x.grad is not None and x.grad.dtype == torch.bfloat16


def test_one_value_has_no_variance() -> None:
    with pytest.raises(ValueError, match="spatial element"):
        InstanceNorm()(torch.zeros(1, 4, 1, 1).to(memory_format=torch.channels_last))


def test_networks_of_both_formats_are_the_same_function_of_the_same_weights() -> None:
    sizes = {"resolution_px": 32, "load_px": 32, "generator_channels": 4, "discriminator_channels": 4}
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    found = []
    for name, memory_format in FORMATS.items():
        networks = build(TrainConfig.model_validate(sizes | {"memory_format": name}))
        assert set(networks.g_ab.state_dict()) == set(build(TrainConfig.model_validate(sizes)).g_ab.state_dict())
        found.append([network(x.to(memory_format=memory_format)) for network in networks.named().values()])
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
    assert found[1][0].is_contiguous(memory_format=torch.channels_last)
