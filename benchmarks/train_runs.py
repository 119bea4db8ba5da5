"""What the training benchmarks train on: drawn faces of noise, in memory for us and as files for the plain loop.

A picture costs a step the same whatever it shows, but losses should have something to learn: a selfie is a soft ellipse
with two dark eyes and a mouth on a background of large spots, a portrait the same in eight flat colours.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from benchmarks import train_peer
from scgan_model import schedule
from scgan_model.config import TrainConfig
from scgan_model.data import Pictures, Sampler, center_crop, derived_seed
from scgan_model.run import Run
from scgan_model.step import start

REGIONS = ((0.28, 0.36, 0.72, 0.48), (0.44, 0.46, 0.56, 0.62), (0.36, 0.66, 0.64, 0.76))
"""Eyes, nose, mouth: (x0, y0, x1, y1) in parts of the side."""


def drawn(count: int, side: int, seed: int, *, flat: bool) -> NDArray[np.uint8]:
    """(count, side, side, 3) pictures, portraits where `flat`."""
    random = np.random.default_rng(seed)
    spots = random.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    y, x = np.mgrid[:side, :side] / side
    found = np.empty((count, side, side, 3), np.uint8)
    for number in range(count):
        picture = np.asarray(Image.fromarray(spots[number]).resize((side, side), Image.Resampling.BICUBIC), np.float32)
        skin = random.uniform((120, 80, 60), (250, 210, 190)) * (1.1 - 0.4 * x[..., None])
        wide = random.uniform(0.28, 0.36)
        face = ((x - 0.5) / wide) ** 2 + ((y - 0.52) / 0.4) ** 2 < 1
        picture = np.where(face[..., None], skin, picture)
        for x0, y0, x1, y1 in ((0.32, 0.39, 0.44, 0.45), (0.56, 0.39, 0.68, 0.45), (0.4, 0.68, 0.6, 0.73)):
            picture[(x > x0) & (x < x1) & (y > y0) & (y < y1)] = random.uniform(0, 60, 3)
        picture += 0 if flat else random.normal(0, 6, picture.shape)
        found[number] = (np.round(picture / 128) * 127).clip(0, 255) if flat else picture.clip(0, 255)
    return found


def boxes(count: int, side: int) -> Tensor:
    """(count, 3, 4) boxes of the regions, whole pixels."""
    return (torch.tensor(REGIONS) * side).round().expand(count, 3, 4).clone()


def run(config: TrainConfig, *, count: int = 64) -> Run:
    """A training of ours at its first step, on `count` selfies and as many portraits."""
    config = config.resolved()
    torch.manual_seed(config.seed)
    device, side = torch.device(config.device), config.load_px
    selfies, portraits = (
        Pictures(
            tuple(map(str, range(count))),
            torch.from_numpy(drawn(count, side, seed, flat=flat)).permute(0, 3, 1, 2).contiguous().to(device),
            boxes(count, side).to(device),
        )
        for seed, flat in ((0, False), (1, True))
    )
    photographs, _ = center_crop(selfies.pixels, selfies.boxes, config.resolution_px)
    return Run(
        folder=Path(),
        origin={"style": "flat", "config": config.model_dump(mode="json")},
        state=start(config, device, photographs),
        schedule=schedule.plan(config, count),
        selfies=selfies,
        portraits=portraits,
        test=photographs[:1],
        selfie_order=Sampler(count, config.seed, "selfie", device=device),
        portrait_order=Sampler(count, config.seed, "flat", device=device),
        augmentation=torch.Generator(device).manual_seed(derived_seed(config.seed, "augmentation")),
    )


def folders(home: Path, config: TrainConfig, *, count: int = 64) -> tuple[train_peer.Folder, train_peer.Folder]:
    """The same pictures as PNG files of `resolution_px`, which the plain loop's loaders enlarge and cut."""
    found = []
    for seed, flat in ((0, False), (1, True)):
        folder = home / str(seed)
        folder.mkdir(parents=True)
        for number, pixels in enumerate(drawn(count, config.resolution_px, seed, flat=flat)):
            Image.fromarray(pixels).save(folder / f"{number:04d}.png")
        regions = boxes(count, config.resolution_px)
        sizes = {"size": config.resolution_px, "load": config.load_px}
        found.append(train_peer.Folder(sorted(folder.iterdir()), regions, **sizes))
    return found[0], found[1]
