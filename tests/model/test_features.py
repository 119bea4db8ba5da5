import pytest
import torch
from skimage import data as skimage_data
from torch import nn
from torchvision.models import mobilenet_v2

from scgan_data import weights
from scgan_model import features


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return features.load(torch.device("cpu"))


@pytest.fixture(scope="module")
def photographs() -> torch.Tensor:
    """(3, 3, 64, 64): two crops of a woman, one of a cat."""
    astronaut, cat = (torch.from_numpy(p()).permute(2, 0, 1) for p in (skimage_data.astronaut, skimage_data.chelsea))
    crops = [astronaut[:, 0:256, 96:352], astronaut[:, 8:264, 100:356], cat[:, 20:276, 100:356]]
    resized = nn.functional.interpolate(torch.stack(crops).float(), size=64, mode="bilinear", antialias=True)
    return resized / 127.5 - 1


def test_features_have_the_named_size_and_do_not_depend_on_batching(
    network: nn.Module, photographs: torch.Tensor
) -> None:
    together = features.extract(network, photographs)
    one_by_one = features.extract(network, photographs, batch_size=1)
    assert together.shape == (3, features.DIMENSION)
    torch.testing.assert_close(together, one_by_one, rtol=1e-3, atol=1e-4)
    assert not network.training
    assert features.extract(network, photographs[:0]).shape == (0, features.DIMENSION)


def test_they_are_the_penultimate_layer_of_torchvisions_network(network: nn.Module, photographs: torch.Tensor) -> None:
    """With the classifier put back, the cat is a cat: weights and normalisation are the trained ones."""
    whole = mobilenet_v2(weights=None)
    whole.load_state_dict(torch.load(weights.find("mobilenet-v2"), weights_only=True))
    logits = whole.eval().classifier[1](features.extract(network, photographs[2:]))
    domestic_cats = set(range(281, 286))
    assert domestic_cats & set(logits.topk(3).indices[0].tolist())


def test_near_copies_are_closer_than_other_pictures(network: nn.Module, photographs: torch.Tensor) -> None:
    woman, same_woman, cat = features.extract(network, photographs)
    assert (woman - same_woman).norm() < 0.7 * (woman - cat).norm()


def test_input_preparation(network: nn.Module) -> None:
    prepared = features.prepare(torch.ones(1, 3, 10, 20))
    assert prepared.shape == (1, 3, features.INPUT_PX, features.INPUT_PX)
    torch.testing.assert_close(
        prepared[0, :, 0, 0],
        torch.tensor([(1 - m) / s for m, s in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)]),
    )
    with pytest.raises(ValueError, match=r"expected \(N, 3, H, W\), got \(3, 8, 8\)"):
        features.extract(network, torch.zeros(3, 8, 8))


def test_loading_draws_no_random_numbers_of_the_training_around_it() -> None:
    before = torch.get_rng_state()
    features.load(torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), before)
