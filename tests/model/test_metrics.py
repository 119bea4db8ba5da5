import math

import pytest
import torch

from scgan_model import metrics


def test_kid_equals_a_slow_reference() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(5, 3, generator=generator)
    y = torch.randn(4, 3, generator=generator) + 0.5

    def k(a: torch.Tensor, b: torch.Tensor) -> float:
        return (sum(float(p) * float(q) for p, q in zip(a, b, strict=True)) / 3 + 1) ** 3

    within_x = sum(k(x[i], x[j]) for i in range(5) for j in range(5) if i != j) / 20
    within_y = sum(k(y[i], y[j]) for i in range(4) for j in range(4) if i != j) / 12
    across = sum(k(a, b) for a in x for b in y) / 20
    assert metrics.kid(x, y, replicates=10).value == pytest.approx(within_x + within_y - 2 * across, rel=1e-6)


def test_kid_of_two_draws_from_one_distribution_is_zero_within_its_interval() -> None:
    generator = torch.Generator().manual_seed(2)
    x, y = torch.randn(80, 16, generator=generator), torch.randn(120, 16, generator=generator)
    same = metrics.kid(x, y)
    assert same.low < 0 < same.high
    apart = metrics.kid(x, y + 1)
    assert apart.low > same.high


def test_kid_of_a_set_with_itself_is_only_its_own_pairs() -> None:
    """-2/N (mean k(x, x) - mean k(x_i, x_j)): near zero, and exactly what unbiasedness takes away."""
    x = torch.randn(200, 16, generator=torch.Generator().manual_seed(3))
    k = metrics.polynomial_kernel(x, x)
    own = k.diagonal().mean()
    others = (k.sum() - k.diagonal().sum()) / (200 * 199)
    assert metrics.kid(x, x).value == pytest.approx(float(-2 / 200 * (own - others)))


def test_kid_interval_depends_on_the_seed_only_and_holds_the_value() -> None:
    generator = torch.Generator().manual_seed(4)
    x, y = torch.randn(30, 8, generator=generator), torch.randn(40, 8, generator=generator) + 0.3
    first, again, other = (metrics.kid(x, y, seed=s) for s in (5, 5, 6))
    assert first == again
    assert other.value == first.value
    assert other.low != first.low
    assert first.low < first.value < first.high


def test_bootstrap_replicates_are_centred_on_the_value() -> None:
    """Pairs of a picture with itself would shift them by about mean k(x, x) / N."""
    generator = torch.Generator().manual_seed(5)
    x, y = torch.randn(25, 8, generator=generator), torch.randn(25, 8, generator=generator) + 1
    narrow = metrics.kid(x, y, replicates=4000, confidence=0.02)
    assert narrow.value == pytest.approx((narrow.low + narrow.high) / 2, rel=0.06)


def test_kid_names_wrong_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(1, 3\)"):
        metrics.kid(torch.zeros(1, 3), torch.zeros(4, 3))


def test_average_gradient_of_a_ramp() -> None:
    """Grey rising by 3 a pixel to the right and 4 downwards: sqrt((9 + 16) / 2)."""
    grey = torch.arange(12)[None, :] * 3.0 + torch.arange(10)[:, None] * 4.0
    picture = (grey / 127.5 - 1).expand(1, 3, 10, 12)
    assert metrics.average_gradient(picture).item() == pytest.approx(math.sqrt(12.5), rel=1e-4)


def test_average_gradient_of_a_flat_picture_is_zero_and_uses_bt601_grey() -> None:
    assert metrics.average_gradient(torch.full((2, 3, 8, 8), 0.3)).tolist() == [0, 0]
    red_edge = torch.full((1, 3, 2, 2), -1.0)
    red_edge[:, 0, :, 1] = 1
    assert metrics.average_gradient(red_edge).item() == pytest.approx(0.299 * 255 / math.sqrt(2), rel=1e-5)


def test_cycle_error_whole_and_by_region() -> None:
    x = torch.zeros(2, 3, 4, 4)
    back = x.clone()
    back[0, :, 0:2, 1:3] = 0.8
    assert metrics.cycle_error(x, back).tolist() == pytest.approx([0.8 * 4 / 16, 0])
    boxes = torch.zeros(2, 3, 4)
    boxes[0, 0] = torch.tensor([1.0, 0, 3, 2])
    boxes[0, 1] = torch.tensor([1.0, 0, 3, 4])
    by_region = metrics.region_cycle_errors(x, back, boxes)
    assert by_region[0, :2].tolist() == pytest.approx([0.8, 0.4])
    assert by_region[0, 2].isnan()
    assert by_region[1].isnan().all()
    assert metrics.mean_or_none(by_region[:, 0]) == pytest.approx(0.8)
    assert metrics.mean_or_none(by_region[:, 2]) is None
