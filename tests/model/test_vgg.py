import zlib
from pathlib import Path

import pytest
import torch

from scgan_data.errors import WeightsError
from scgan_model import vgg


@pytest.fixture(scope="module")
def network() -> vgg.VGG19:
    return vgg.VGG19(["conv4_4", "relu4_4"])


def photograph_like(side_px: int) -> torch.Tensor:
    """(1, 3, H, W) uint8: smooth and coloured, the same on every machine."""
    ramp = torch.linspace(0, 255, side_px)
    x, y = ramp.expand(side_px, side_px), ramp.unsqueeze(1).expand(side_px, side_px)
    return torch.stack([x, y, 255 - (x + y) / 2]).unsqueeze(0).round().byte()


def test_layers_map_to_torchvisions_indices() -> None:
    expected = {"conv1_1": 0, "conv2_1": 5, "conv3_1": 10, "conv4_1": 19, "conv4_4": 25, "relu4_4": 26, "conv5_4": 34}
    assert {name: vgg.LAYERS[name] for name in expected} == expected
    torchvision = pytest.importorskip("torchvision.models").vgg19(weights=None).features
    ours = vgg._modules()
    assert [type(m) for m in ours] == [type(m) for m in torchvision]
    pairs = zip(ours, torchvision, strict=True)
    assert all(a.weight.shape == b.weight.shape for a, b in pairs if isinstance(a, torch.nn.Conv2d))


def test_the_weights_are_the_files(network: vgg.VGG19) -> None:
    weight = network.features[0].weight
    assert isinstance(weight, torch.Tensor) and weight.shape == (64, 3, 3, 3)
    assert 200 < len(set(weight.flatten().tolist())) <= 256  # a table of 256 values
    assert not any(p.requires_grad for p in network.parameters())
    assert len(network.features) == 27  # nothing beyond the last layer asked for


def test_activations_of_photographs_have_the_known_scale(network: vgg.VGG19) -> None:
    """About 1,040 at 64 px for faces (DESIGN.md): the raw norm of Eq. 7 would drown every other loss."""
    scale = vgg.activation_scale(network, photograph_like(64))
    assert 300 < scale["conv4_4"] < 3000
    assert scale["relu4_4"] < scale["conv4_4"]


def test_relu_follows_the_convolution(network: vgg.VGG19) -> None:
    found = network(photograph_like(32).float() / 127.5 - 1)
    assert found["conv4_4"].shape == (1, 512, 4, 4)
    assert torch.equal(found["relu4_4"], found["conv4_4"].relu())
    assert found["conv4_4"].min() < 0


def test_input_is_bgr_from_0_to_255_minus_the_means(network: vgg.VGG19) -> None:
    """The first filters answer to what the Caffe model expects: by hand for one pixel of a plain colour."""
    first = vgg.VGG19(["conv1_1"])
    rgb = torch.tensor([255.0, 0.0, 51.0])
    x = (rgb / 127.5 - 1).view(1, 3, 1, 1).expand(1, 3, 5, 5)
    caffe = torch.tensor([51 - 103.939, 0 - 116.779, 255 - 123.68])
    convolution = first.features[0]
    assert isinstance(convolution, torch.nn.Conv2d) and convolution.bias is not None
    by_hand = (convolution.weight.sum(dim=(2, 3)) * caffe).sum(dim=1) + convolution.bias
    assert torch.allclose(first(x)["conv1_1"][0, :, 2, 2], by_hand, atol=1e-2)


def test_the_network_tells_things_apart(network: vgg.VGG19) -> None:
    """A shifted picture is nearer in content than an unrelated one: what Eq. 7 needs of it."""
    picture = photograph_like(64).float() / 127.5 - 1
    noise = torch.rand(picture.shape, generator=torch.Generator().manual_seed(zlib.crc32(b"noise"))) * 2 - 1
    shifted = picture.roll(1, dims=-1)
    original = network(picture)["relu4_4"]
    near, far = ((network(x)["relu4_4"] - original).abs().mean() for x in (shifted, noise))
    assert near < 0.5 * far


def test_gradients_reach_the_picture(network: vgg.VGG19) -> None:
    x = (photograph_like(32).float() / 127.5 - 1).requires_grad_()
    torch.autograd.backward(network(x)["conv4_4"].abs().mean())
    assert x.grad is not None and x.grad.abs().sum() > 0


def test_the_scale_is_a_mean_over_pictures(network: vgg.VGG19) -> None:
    a, b = photograph_like(32), photograph_like(32).flip(2)
    both = vgg.activation_scale(network, torch.cat([a, b]), batch=1)["conv4_4"]
    single = [vgg.activation_scale(network, x)["conv4_4"] for x in (a, b)]
    assert both == pytest.approx(sum(single) / 2)


def test_another_file_is_one_clear_line(tmp_path: Path) -> None:
    other = tmp_path / "weights.bin"
    other.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"weights.bin does not hold VGG19's convolutions"):
        vgg.VGG19(["conv1_1"], file=other)
