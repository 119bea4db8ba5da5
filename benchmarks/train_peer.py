"""The plain loop that `benchmarks.train` compares ours with: CycleGAN training as it is usually written, in fp32.

The same networks, losses, weights and Adam; no measure of DESIGN section 7. Each half of the step makes its own fakes;
real and fake go through a discriminator one after the other, whose weights are frozen by a flag while the generators
learn; the regions of Eq. 4 are cut out picture by picture in Python; the photographs come as files through a DataLoader
that decodes, resizes, cuts and flips them with PIL; every loss is read back for the log at every step. `reuse_fakes`
is CycleGAN's own order, which keeps the fakes of the generators' half for the discriminators'.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import functional as pictures

from scgan_model.config import LossConfig, TrainConfig
from scgan_model.networks import Networks
from scgan_model.step import State

REGIONS = 3


class Folder(Dataset[tuple[Tensor, Tensor]]):
    """Selfies with the boxes of their regions, or portraits, one file each; `size` and `load` in pixels."""

    def __init__(self, files: list[Path], boxes: Tensor, *, size: int, load: int) -> None:
        self.files, self.boxes, self.size, self.load = files, boxes, size, load

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        with Image.open(self.files[index]) as file:
            image = file.convert("RGB")
        boxes = self.boxes[index] * (self.load / image.width)
        image = image.resize((self.load, self.load), Image.Resampling.BICUBIC)
        left, top = (random.randint(0, self.load - self.size) for _ in range(2))
        image = image.crop((left, top, left + self.size, top + self.size))
        boxes -= torch.tensor([left, top, left, top])
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            boxes = boxes[:, [2, 1, 0, 3]]
            boxes[:, [0, 2]] = self.size - boxes[:, [0, 2]]
        return pictures.to_tensor(image) * 2 - 1, boxes.clamp(0, self.size)


class ImagePool:
    """CycleGAN's history of fakes, as a list."""

    def __init__(self, size: int) -> None:
        self.size, self.images = size, list[Tensor]()

    def query(self, images: Tensor) -> Tensor:
        """What the discriminator sees for these fakes."""
        shown = []
        for image in images.detach():
            if len(self.images) < self.size:
                self.images.append(image.clone())
                shown.append(image)
            elif self.size and random.random() > 0.5:
                place = random.randrange(self.size)
                shown.append(self.images[place])
                self.images[place] = image.clone()
            else:
                shown.append(image)
        return torch.stack(shown)


@dataclass
class Loop:
    """The plain loop's state, and its step."""

    config: TrainConfig
    networks: Networks
    vgg: nn.Module | None
    """VGG19 that gives the perceptual layer's activation by name."""
    scale: float
    """What the perceptual loss is divided by."""
    reuse_fakes: bool = False
    pools: tuple[ImagePool, ImagePool] = field(init=False)
    adams: tuple[torch.optim.Adam, torch.optim.Adam] = field(init=False)

    def __post_init__(self) -> None:
        config, n = self.config, self.networks
        betas = (config.adam_beta1, 0.999)
        generators = itertools.chain(n.g_ab.parameters(), n.g_ba.parameters())
        discriminators = itertools.chain(n.d_a.parameters(), n.d_b.parameters())
        self.adams = (
            torch.optim.Adam(generators, lr=config.generator_lr * config.lr_scale, betas=betas),
            torch.optim.Adam(discriminators, lr=config.discriminator_lr * config.lr_scale, betas=betas),
        )
        self.pools = ImagePool(config.pool_images), ImagePool(config.pool_images)

    def step(self, x: Tensor, boxes: Tensor, y: Tensor) -> dict[str, float]:
        """One step on selfies x with boxes (B, 3, 4) and portraits y; every loss as a number."""
        found = self.generators(x, boxes, y)
        fake_a, fake_b = found.pop("fake_a"), found.pop("fake_b")
        if not self.reuse_fakes:
            fake_a, fake_b = self.networks.g_ba(y).detach(), self.networks.g_ab(x).detach()
        found |= self.discriminators(x, y, fake_a, fake_b)
        return {name: value.item() for name, value in found.items()}

    def generators(self, x: Tensor, boxes: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Eq. 8; the fakes too."""
        n, weights = self.networks, self.config.loss
        set_requires_grad([n.d_a, n.d_b], False)
        self.adams[0].zero_grad()
        fake_b, fake_a = n.g_ab(x), n.g_ba(y)
        rebuilt_a, rebuilt_b = n.g_ba(fake_b), n.g_ab(fake_a)
        found = {
            "gan_ab": self.gan(n.d_b(fake_b), True),
            "gan_ba": self.gan(n.d_a(fake_a), True),
            "cycle_a": weights.lambda_whole * nn.functional.l1_loss(rebuilt_a, x)
            + regions(x, rebuilt_a, boxes, weights),
            "cycle_b": nn.functional.l1_loss(rebuilt_b, y),
            "tv": nn.functional.l1_loss(fake_b[..., :, 1:], fake_b[..., :, :-1])
            + nn.functional.l1_loss(fake_b[..., 1:, :], fake_b[..., :-1, :]),
            "per": torch.zeros((), device=x.device),
        }
        if self.vgg is not None:
            layer = weights.perceptual_layer
            found["per"] = nn.functional.l1_loss(self.vgg(fake_b)[layer], self.vgg(x)[layer]) / self.scale
        found["total"] = (
            found["gan_ab"]
            + found["gan_ba"]
            + weights.alpha * (found["cycle_a"] + found["cycle_b"])
            + weights.beta * found["tv"]
            + weights.gamma * found["per"]
        )
        torch.autograd.backward(found["total"])
        self.adams[0].step()
        return found | {"fake_a": fake_a, "fake_b": fake_b}

    def discriminators(self, x: Tensor, y: Tensor, fake_a: Tensor, fake_b: Tensor) -> dict[str, Tensor]:
        """Eq. 2."""
        n = self.networks
        set_requires_grad([n.d_a, n.d_b], True)
        self.adams[1].zero_grad()
        found = {}
        for name, network, real, fake in (
            ("d_a", n.d_a, x, self.pools[0].query(fake_a)),
            ("d_b", n.d_b, y, self.pools[1].query(fake_b)),
        ):
            found[name] = (self.gan(network(real), True) + self.gan(network(fake), False)) / 2
            torch.autograd.backward(found[name])
        self.adams[1].step()
        return found

    def gan(self, scores: Tensor, real: bool) -> Tensor:
        """Scores against a picture of labels."""
        labels = torch.ones_like(scores) if real else torch.zeros_like(scores)
        if self.config.loss.gan == "vanilla":
            return nn.functional.binary_cross_entropy_with_logits(scores, labels)
        return nn.functional.mse_loss(scores, labels)


def regions(x: Tensor, rebuilt: Tensor, boxes: Tensor, weights: LossConfig) -> Tensor:
    """Eq. 4's regions, picture by picture."""
    lambdas = (weights.lambda_eyes, weights.lambda_nose, weights.lambda_mouth)
    total = torch.zeros((), device=x.device)
    for picture in range(len(x)):
        for region in range(REGIONS):
            x0, y0, x1, y1 = (round(edge.item()) for edge in boxes[picture, region])
            if x1 > x0 and y1 > y0:
                ours = rebuilt[picture, :, y0:y1, x0:x1]
                total = total + lambdas[region] * nn.functional.l1_loss(ours, x[picture, :, y0:y1, x0:x1])
    return total / len(x)


def set_requires_grad(networks: list[nn.Module], on: bool) -> None:
    """The flag of every parameter."""
    for network in networks:
        for parameter in network.parameters():
            parameter.requires_grad = on


def loop(state: State, *, reuse_fakes: bool = False) -> Loop:
    """A plain loop from copies of the weights of one of our states (`step.State`), in torch's usual memory format."""
    n, plain = state.networks, torch.contiguous_format
    copies = Networks(*(deepcopy(network).to(memory_format=plain) for network in (n.g_ab, n.g_ba, n.d_a, n.d_b)))
    vgg = deepcopy(state.vgg).float().to(memory_format=plain) if state.vgg is not None else None
    return Loop(state.config, copies, vgg, state.l_per_scale or 1.0, reuse_fakes)


def batches(
    selfies: Folder, portraits: Folder, *, batch: int, workers: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Selfies, their boxes and portraits without end, by a DataLoader each."""
    held: dict[str, Any] = {"batch_size": batch, "shuffle": True, "drop_last": True, "num_workers": workers}
    held |= {"persistent_workers": workers > 0, "pin_memory": device.type == "cuda"}
    loaders = [DataLoader(folder, **held) for folder in (selfies, portraits)]
    while True:
        for (x, boxes), (y, _) in zip(*loaders, strict=False):
            yield x.to(device), boxes, y.to(device)
