"""Generators whose weights are the moving average of the trained ones: what evaluation and samples look at.

The two players of a GAN circle around each other; their average lies nearer to the middle than any one step. The decay
warms up as min(decay, (1 + t) / (10 + t)) after t updates (as TensorFlow's ExponentialMovingAverage does), so that the
random weights of the beginning are forgotten after some tens of steps and not after some thousands.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from scgan_model.networks import Networks, UNet


class Ema:
    """Averages of both generators, which start as copies of them. Buffers there are none."""

    def __init__(self, networks: Networks, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.g_ab, self.g_ba = _frozen_copy(networks.g_ab), _frozen_copy(networks.g_ba)

    @torch.no_grad()
    def update(self, networks: Networks) -> None:
        """Move the averages towards the generators as they are now; nothing waits for the device."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        averages: list[Tensor] = [*self.g_ab.parameters(), *self.g_ba.parameters()]
        torch._foreach_lerp_(averages, list(networks.generators()), 1 - decay)

    def shown(self, networks: Networks) -> Networks:
        """The same networks with the averages in the generators' places."""
        return Networks(self.g_ab, self.g_ba, networks.d_a, networks.d_b)

    def state_dict(self) -> dict[str, Any]:
        """Weights and the number of updates."""
        return {"updates": self.updates, "g_ab": self.g_ab.state_dict(), "g_ba": self.g_ba.state_dict()}

    def load_state_dict(self, state: dict[str, Any] | None, networks: Networks) -> None:
        """Go on where `state_dict` was taken; from the generators themselves where a run had no averages before."""
        source = state or {"updates": 0, "g_ab": networks.g_ab.state_dict(), "g_ba": networks.g_ba.state_dict()}
        self.updates = source["updates"]
        self.g_ab.load_state_dict(source["g_ab"])
        self.g_ba.load_state_dict(source["g_ba"])


def _frozen_copy(network: UNet) -> UNet:
    copy: nn.Module = deepcopy(network).requires_grad_(False)
    assert isinstance(copy, UNet)
    return copy
