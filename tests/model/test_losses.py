import math

import pytest
import torch
from torch.autograd import gradcheck

from scgan_model import losses

WHOLE = (1.0, 0.5, 0.25, 0.0)


def double(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).requires_grad_()


def test_gan_losses_by_hand() -> None:
    real, fake = torch.tensor([[[[2.0]]]]), torch.tensor([[[[-1.0]]]])
    assert losses.gan_generator(fake, "lsgan").item() == 4
    assert losses.gan_discriminator(real, fake, "lsgan").item() == (1 + 1) / 2
    sigmoid = {score: 1 / (1 + math.exp(-score)) for score in (2, -1)}
    assert losses.gan_generator(fake, "vanilla").item() == pytest.approx(-math.log(sigmoid[-1]))
    by_hand = -(math.log(sigmoid[2]) + math.log(1 - sigmoid[-1])) / 2
    assert losses.gan_discriminator(real, fake, "vanilla").item() == pytest.approx(by_hand)


def test_cycle_by_hand() -> None:
    real, rebuilt = torch.tensor([0.0, 1.0, -1.0]), torch.tensor([0.5, 1.0, 1.0])
    assert losses.cycle(real.view(1, 3, 1, 1), rebuilt.view(1, 3, 1, 1)).item() == pytest.approx(2.5 / 3)


def pair_with_errors() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A 4x4 pair whose error is 1 in the left half and 3 in the top right pixel, 0 elsewhere."""
    real = torch.zeros(1, 3, 4, 4)
    rebuilt = real.clone()
    rebuilt[..., :, :2] = 1
    rebuilt[..., 0, 3] = -3
    boxes = torch.tensor([[[0, 0, 1, 4], [2, 0, 4, 1], [0, 0, 0, 0]]], dtype=torch.float32)
    return real, rebuilt, boxes


def test_attentive_cycle_by_hand() -> None:
    real, rebuilt, boxes = pair_with_errors()
    whole = (8 * 1 + 3) / 16
    eyes, nose = 1.0, (0 + 3) / 2
    mean = losses.attentive_cycle(real, rebuilt, boxes, WHOLE, "mean")
    assert mean.item() == pytest.approx(whole + 0.5 * eyes + 0.25 * nose)
    summed = losses.attentive_cycle(real, rebuilt, boxes, WHOLE, "sum")
    assert summed.item() == pytest.approx(whole + 0.5 * 4 / 16 + 0.25 * 3 / 16)


def test_a_null_box_weighs_nothing_and_leaves_its_neighbours_alone() -> None:
    real, rebuilt, boxes = pair_with_errors()
    errors = losses.region_errors(real, rebuilt, boxes)
    assert errors.tolist() == [[1.0, 1.5, 0.0]]
    two = losses.attentive_cycle(
        real.repeat(2, 1, 1, 1), rebuilt.repeat(2, 1, 1, 1), torch.cat([boxes, 0 * boxes]), (0, 1, 0, 0), "mean"
    )
    assert two.item() == pytest.approx(1.0 / 2)


def test_masks_hold_the_pixels_whose_centre_is_inside() -> None:
    masks = losses.region_masks(torch.tensor([[[0.4, 0.6, 2.5, 2.0]]]), 3, 4)
    assert masks[0, 0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]]


def test_crops_of_whole_pixels_are_the_pixels() -> None:
    picture = torch.rand(2, 3, 8, 8)
    box = torch.tensor([2.0, 4.0, 6.0, 8.0])
    crops = losses.region_crops(picture, box.expand(2, 3, 4), 4)
    assert crops.shape == (6, 3, 4, 4)
    assert torch.allclose(crops[0], picture[0, :, 4:8, 2:6], atol=1e-6)
    assert torch.allclose(crops[3], picture[1, :, 4:8, 2:6], atol=1e-6)


def test_fed_crops_by_hand() -> None:
    crops, rebuilt = torch.zeros(3, 3, 2, 2), torch.zeros(3, 3, 2, 2)
    rebuilt[0], rebuilt[1], rebuilt[2] = 1, 2, 7
    boxes = torch.tensor([[[0, 0, 2, 4], [0, 0, 4, 1], [0, 0, 0, 0]]], dtype=torch.float32)
    mean = losses.fed_crops_cycle(crops, rebuilt, boxes, (1, 0.5, 0.25, 1), reduction="mean", picture_px=4)
    assert mean.item() == pytest.approx(0.5 * 1 + 0.25 * 2)
    summed = losses.fed_crops_cycle(crops, rebuilt, boxes, (1, 0.5, 0.25, 1), reduction="sum", picture_px=4)
    assert summed.item() == pytest.approx(0.5 * 1 * 8 / 16 + 0.25 * 2 * 4 / 16)


def test_total_variation_by_hand() -> None:
    picture = torch.tensor([[0.0, 3.0], [4.0, 4.0]]).view(1, 1, 2, 2)
    assert losses.total_variation(picture, "anisotropic").item() == (3 + 0) / 2 + (4 + 1) / 2
    assert losses.total_variation(picture, "squared").item() == 9 / 2 + (16 + 1) / 2
    assert losses.total_variation(picture, "isotropic").item() == pytest.approx(5)


def test_perceptual_by_hand() -> None:
    fake, real = torch.tensor([[[[3.0, 0.0]]]]), torch.tensor([[[[1.0, -4.0]]]])
    assert losses.perceptual(fake, real, 1.0).item() == 3
    assert losses.perceptual(fake, real, 6.0).item() == 0.5


@pytest.mark.parametrize("form", ["vanilla", "lsgan"])
def test_gan_gradients(form: str) -> None:
    assert gradcheck(lambda s: losses.gan_generator(s, form), double(2, 1, 3, 3))
    assert gradcheck(
        lambda r, f: losses.gan_discriminator(r, f, form), (double(2, 1, 2, 2), double(2, 1, 2, 2, seed=1))
    )


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_attentive_cycle_gradients(reduction: str) -> None:
    boxes = torch.tensor([[[0, 0, 2, 2], [1, 1, 3, 4], [0, 0, 0, 0]]], dtype=torch.float64)
    real, rebuilt = double(1, 3, 4, 4).detach(), double(1, 3, 4, 4, seed=1)
    assert gradcheck(lambda r: losses.attentive_cycle(real, r, boxes, WHOLE, reduction), rebuilt)


@pytest.mark.parametrize("form", ["anisotropic", "isotropic", "squared"])
def test_total_variation_gradients(form: str) -> None:
    assert gradcheck(lambda x: losses.total_variation(x, form), double(1, 3, 4, 4))


def test_cycle_gradients() -> None:
    assert gradcheck(losses.cycle, (double(1, 3, 4, 4), double(1, 3, 4, 4, seed=1)))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_fed_crops_gradients(reduction: str) -> None:
    boxes = torch.tensor([[[0, 0, 2, 2], [1, 1, 3, 4], [0, 0, 0, 0]]], dtype=torch.float64)
    crops, rebuilt = double(3, 3, 2, 2), double(3, 3, 2, 2, seed=1)
    assert gradcheck(
        lambda c, r: losses.fed_crops_cycle(c, r, boxes, WHOLE, reduction=reduction, picture_px=4), (crops, rebuilt)
    )


def test_region_crops_gradients() -> None:
    boxes = torch.tensor([[[0.3, 0, 2.2, 2], [1, 1, 3, 4], [0, 0, 4, 4]]], dtype=torch.float64)
    assert gradcheck(lambda p: losses.region_crops(p, boxes, 3), double(1, 3, 4, 4))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_region_errors_gradients_to_both_sides(reduction: str) -> None:
    boxes = torch.tensor([[[0, 0, 2, 2], [1, 1, 3, 4], [0, 0, 0, 0]]], dtype=torch.float64)
    both = (double(1, 3, 4, 4), double(1, 3, 4, 4, seed=1))
    assert gradcheck(lambda a, b: losses.region_errors(a, b, boxes, reduction), both)


def test_perceptual_gradients_are_those_of_the_relative_error() -> None:
    """The loss is of fp32 whatever comes in, too coarse for finite differences: sign over size over scale, by hand."""
    fake, real = double(1, 2, 3, 3), double(1, 2, 3, 3, seed=1).detach()
    torch.autograd.backward(losses.perceptual(fake, real, 7.0))
    assert fake.grad is not None
    assert torch.allclose(fake.grad, (fake.detach() - real).sign() / 18 / 7)


def test_a_flat_picture_has_a_finite_gradient() -> None:
    flat = torch.zeros(1, 3, 4, 4, requires_grad=True)
    torch.autograd.backward(losses.total_variation(flat, "isotropic"))
    assert flat.grad is not None and flat.grad.isfinite().all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_region_losses_are_of_fp32_under_autocast(reduction: str) -> None:
    """Both go through a product of matrices, which autocast would take in bf16: .3 % of the loss, .06 px of a crop."""
    real, rebuilt = (torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    boxes = torch.tensor([[10.0, 20, 50, 30], [25, 25, 40, 40], [20, 45, 44, 55]]).expand(2, 3, 4)
    plain = losses.region_errors(real, rebuilt, boxes, reduction), losses.region_crops(real, boxes, 64)
    with torch.autocast("cpu", torch.bfloat16):
        cast = losses.region_errors(real, rebuilt, boxes, reduction), losses.region_crops(real, boxes, 64)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(cast, plain, strict=True))
