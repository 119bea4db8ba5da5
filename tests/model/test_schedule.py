import pytest

from scgan_model.config import TrainConfig
from scgan_model.schedule import factor, plan


@pytest.mark.parametrize(("epoch", "expected"), [(1, 1.0), (100, 1.0), (101, 100 / 101), (200, 1 / 101)])
def test_the_factor_is_cyclegans(epoch: int, expected: float) -> None:
    assert factor(epoch, 100, 100) == pytest.approx(expected)


def test_epochs_of_the_paper() -> None:
    schedule = plan(TrainConfig.model_validate({"preset": "paper"}), 3300)
    assert schedule.total_steps == 200 * 3300
    assert schedule.factor_at(100 * 3300 - 1) == 1.0
    assert schedule.factor_at(100 * 3300) == schedule.factor_at(101 * 3300 - 1) == pytest.approx(100 / 101)
    assert schedule.factor_at(200 * 3300 - 1) == pytest.approx(1 / 101)


def test_steps_fall_one_by_one() -> None:
    schedule = plan(TrainConfig(steps=10, constant_fraction=0.6), 300)
    factors = [schedule.factor_at(step) for step in range(10)]
    assert schedule.total_steps == 10
    assert factors == pytest.approx([1] * 6 + [0.8, 0.6, 0.4, 0.2])


def test_a_last_partial_batch_counts_as_a_step_of_its_epoch() -> None:
    schedule = plan(TrainConfig.model_validate({"epochs": 2, "batch_pairs": 4}), 9)
    assert schedule.total_steps == 2 * 3
