"""The two kinds of networks: pix2pix's U-Net generators and PatchGAN discriminators, with InstanceNorm throughout.

At the paper's size a generator has 54,409,603 parameters (256 px, 64 channels, eight levels down to 1x1) and a
discriminator 2,764,737 (receptive field 70x70, 30x30 answers at 256 px). Smaller ones are the same code with other
sizes: a U-Net has as many levels as halvings lead from its resolution to 1x1 (six at 64 px: 7.3 million parameters with
32 channels). No norm follows the convolution into the 1x1 bottleneck: the norm of one value is 0 whatever the value.

Norms have no parameters of their own, hence every convolution has a bias.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from scgan_model.config import TrainConfig
from scgan_model.norm import InstanceNorm

INIT_STD = 0.02
Norm = Callable[[int], nn.Module]
"""What makes the normalisation of a number of channels."""


class UNet(nn.Module):
    """A generator: (B, 3, R, R) in [-1, 1] to (B, 3, R, R) in [-1, 1], R = `resolution_px`, a power of two."""

    def __init__(
        self,
        resolution_px: int = 256,
        channels: int = 64,
        *,
        upsampling: Literal["transposed", "resize"] = "transposed",
        dropout: float = 0.0,
        norm: Norm = nn.InstanceNorm2d,
    ) -> None:
        super().__init__()
        levels = resolution_px.bit_length() - 1
        widths = [channels * min(2**level, 8) for level in range(levels)]
        self.resolution_px = resolution_px
        self.down = nn.ModuleList(
            _down(inner, outer, first=level == 0, norm=norm if 0 < level < levels - 1 else None)
            for level, (inner, outer) in enumerate(zip([3, *widths], widths, strict=False))
        )
        self.up = nn.ModuleList()
        for level in reversed(range(1, levels)):
            inner = widths[level] * (1 if level == levels - 1 else 2)  # twice: its own input and the skip
            drop = dropout if 4 <= level < levels - 1 else 0.0
            self.up.append(_up(inner, widths[level - 1], upsampling, drop, norm))
        self.out = nn.Sequential(nn.ReLU(), *_enlarge(2 * widths[0], 3, upsampling), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, R, R) in [-1, 1] to the same."""
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = skips.pop()
        for up in self.up:
            x = torch.cat([skips.pop(), up(x)], dim=1)
        return self.out(x)  # type: ignore[no-any-return]


def _down(inner: int, outer: int, *, first: bool, norm: Norm | None) -> nn.Sequential:
    layers: list[nn.Module] = [] if first else [nn.LeakyReLU(0.2)]
    layers.append(nn.Conv2d(inner, outer, 4, stride=2, padding=1))
    return nn.Sequential(*layers, *([norm(outer)] if norm else []))


def _up(inner: int, outer: int, upsampling: str, dropout: float, norm: Norm) -> nn.Sequential:
    layers = [nn.ReLU(), *_enlarge(inner, outer, upsampling), norm(outer)]
    return nn.Sequential(*layers, *([nn.Dropout(dropout)] if dropout else []))


def _enlarge(inner: int, outer: int, upsampling: str) -> list[nn.Module]:
    if upsampling == "transposed":
        return [nn.ConvTranspose2d(inner, outer, 4, stride=2, padding=1)]
    return [nn.Upsample(scale_factor=2), nn.Conv2d(inner, outer, 3, padding=1)]


class PatchGAN(nn.Sequential):
    """A discriminator: (B, 3, H, W) in [-1, 1] to raw scores (B, 1, h, w), one for each overlapping patch."""

    def __init__(self, channels: int = 64, layers: int = 3, *, norm: Norm = nn.InstanceNorm2d) -> None:
        widths = [channels * min(2**layer, 8) for layer in range(layers + 1)]
        parts: list[nn.Module] = [nn.Conv2d(3, channels, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for layer in range(1, layers + 1):
            stride = 2 if layer < layers else 1
            parts += [nn.Conv2d(widths[layer - 1], widths[layer], 4, stride=stride, padding=1)]
            parts += [norm(widths[layer]), nn.LeakyReLU(0.2)]
        super().__init__(*parts, nn.Conv2d(widths[-1], 1, 4, stride=1, padding=1))


@dataclass(frozen=True)
class Networks:
    """The four networks of one style. A is the selfies' domain, B the style's."""

    g_ab: UNet
    g_ba: UNet
    d_a: PatchGAN
    d_b: PatchGAN

    def generators(self) -> Iterator[nn.Parameter]:
        """The parameters that Eq. 8 trains."""
        yield from self.g_ab.parameters()
        yield from self.g_ba.parameters()

    def discriminators(self) -> Iterator[nn.Parameter]:
        """The parameters that Eq. 2 trains."""
        yield from self.d_a.parameters()
        yield from self.d_b.parameters()

    def named(self) -> dict[str, nn.Module]:
        """The networks by name, as a checkpoint keeps them."""
        return {"g_ab": self.g_ab, "g_ba": self.g_ba, "d_a": self.d_a, "d_b": self.d_b}


def build(config: TrainConfig, device: torch.device | str = "cpu") -> Networks:
    """The networks of a configuration at their initial weights: the same for a seed on every device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        networks = Networks(generator(config), generator(config), _discriminator(config), _discriminator(config))
        for network in networks.named().values():
            network.apply(_init)
    for network in networks.named().values():
        network.to(device).to(memory_format=memory_format(config))
    return networks


def memory_format(config: TrainConfig) -> torch.memory_format:
    """The format of weights and pictures; `preserve_format` leaves both as they come."""
    return torch.channels_last if config.memory_format == "channels_last" else torch.preserve_format


def _norm(config: TrainConfig) -> Norm:
    return (lambda channels: InstanceNorm()) if config.memory_format == "channels_last" else nn.InstanceNorm2d


def generator(config: TrainConfig) -> UNet:
    """One generator of a configuration, with torch's own initial weights."""
    sizes = (config.resolution_px, config.generator_channels)
    return UNet(*sizes, upsampling=config.upsampling, dropout=config.dropout, norm=_norm(config))


def _discriminator(config: TrainConfig) -> PatchGAN:
    return PatchGAN(config.discriminator_channels, config.discriminator_layers, norm=_norm(config))


def _init(module: nn.Module) -> None:
    """N(0, .02) weights and no bias, as pix2pix."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, INIT_STD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def parameter_count(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())
