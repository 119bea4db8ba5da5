"""The learning rate: constant, then linear to 0.

In units of epochs this is CycleGAN's rule, epoch k (from 1) having the factor 1 - max(0, k - constant) / (decay + 1);
a training whose length is given in steps uses the same rule a step.
"""

from __future__ import annotations

from dataclasses import dataclass

from scgan_model.config import TrainConfig


def factor(unit: int, constant: int, decay: int) -> float:
    """The factor on the learning rate in epoch (or step) `unit`, counted from 1; it never reaches 0 within
    `constant + decay`."""
    return 1.0 - max(0, unit - constant) / (decay + 1)


@dataclass(frozen=True)
class Schedule:
    """The length of a training and its learning-rate factors."""

    total_steps: int
    unit_steps: int
    """Steps that share one factor: 1, or an epoch's."""
    constant: int
    decay: int

    def factor_at(self, step: int) -> float:
        """The factor of a step, counted from 0."""
        return factor(step // self.unit_steps + 1, self.constant, self.decay)


def plan(config: TrainConfig, pictures: int) -> Schedule:
    """The schedule for a dataset whose larger domain has that many training pictures."""
    epoch_steps = -(-pictures // config.batch_pairs)
    units = config.epochs or config.steps
    assert units is not None
    unit_steps = epoch_steps if config.epochs else 1
    constant = round(units * config.constant_fraction)
    return Schedule(units * unit_steps, unit_steps, constant, units - constant)
