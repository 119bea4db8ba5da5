"""The networks as a training step calls them: themselves, or compiled where the configuration and the device want it.

The compiled ones share the weights. Samples, metrics and checkpoints use the networks themselves: other batch sizes and
the evaluation mode would each compile anew. Each network is one graph without a break, and is compiled by itself, not
the step as a whole, in which the pools' random places and Adam would break it. CUDA graphs (`mode="reduce-overhead"`)
overwrite a pass's output at the next call of the same network, while a step calls each generator twice before it goes
back. How much compiling wins has not been measured yet: it wants a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scgan_model.config import TrainConfig
from scgan_model.networks import Networks

Pass = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Passes:
    """What a step calls."""

    g_ab: Pass
    g_ba: Pass
    d_a: Pass
    d_b: Pass
    vgg: Callable[[Tensor], dict[str, Tensor]] | None


def passes(networks: Networks, vgg: nn.Module | None, config: TrainConfig, device: torch.device) -> Passes:
    """The networks, compiled on CUDA where `config.compile` is `auto`; compilation happens at the first call."""
    called = Passes(networks.g_ab, networks.g_ba, networks.d_a, networks.d_b, vgg)
    return called if config.compile == "off" or device.type != "cuda" else compiled(called)


def compiled(called: Passes) -> Passes:
    """The same networks compiled, on whatever device they are."""
    return Passes(
        torch.compile(called.g_ab),
        torch.compile(called.g_ba),
        torch.compile(called.d_a),
        torch.compile(called.d_b),
        torch.compile(called.vgg) if called.vgg else None,
    )
