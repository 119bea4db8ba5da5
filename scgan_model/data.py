"""From a dataset folder to batches: pictures as one uint8 tensor on the training's device, cropped and flipped there.

A picture is decoded once, at start, and stays decoded: 3,300 of 286 px are .8 GB. Each step then costs one gather. What
comes when depends on the seed alone (`Sampler`), and its whole state is one number.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from scgan_data import images
from scgan_data.errors import DatasetError, nearest
from scgan_data.records import ATTENTIVE, SELFIE, Split
from scgan_model.ranks import ALONE, Ranks

METADATA = "metadata.jsonl"
LEAST_INSIDE = 0.5
"""Part of a region's area that a crop must leave for it to count."""


@dataclass(frozen=True)
class Pictures:
    """One split of one domain, in the order of the ids."""

    ids: tuple[str, ...]
    pixels: Tensor
    """(N, 3, L, L) uint8, RGB."""
    boxes: Tensor
    """(N, 3, 4) float32, pixels of L, regions as in `records.ATTENTIVE`; all 0 where one is hidden or unknown."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Batch:
    """What a step needs of the data."""

    x: Tensor
    """(B, 3, R, R) selfies in [-1, 1]."""
    boxes: Tensor
    """(B, 3, 4) regions of x, in its pixels."""
    y: Tensor
    """(B, 3, R, R) portraits in [-1, 1]."""


def load_pictures(
    dataset: Path, split: Split, domain: str, *, size_px: int, device: torch.device | str = "cpu"
) -> Pictures:
    """Decode `dataset/split/domain`, every picture resized to a square of `size_px`. Raises DatasetError."""
    folder = dataset / split / domain
    rows = sorted(_read_metadata(folder), key=lambda row: str(row["id"]))
    pixels = np.empty((len(rows), size_px, size_px, 3), dtype=np.uint8)
    boxes = torch.zeros(len(rows), len(ATTENTIVE), 4)
    for position, row in enumerate(rows):
        image = _open(folder / row["file_name"])
        scale = size_px / image.width
        if image.width != size_px:
            image = image.resize((size_px, size_px), Image.Resampling.LANCZOS)
        pixels[position] = np.asarray(image)
        for region, name in enumerate(ATTENTIVE):
            if row.get(name) is not None:
                boxes[position, region] = torch.tensor(row[name], dtype=torch.float32) * scale
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    return Pictures(tuple(str(row["id"]) for row in rows), tensor.to(device), boxes.to(device))


def _read_metadata(folder: Path) -> list[dict[str, Any]]:
    file = folder / METADATA
    try:
        lines = file.read_text(encoding="utf-8").split("\n")  # splitlines() would also break at U+2028 in a name
        rows = [json.loads(line) for line in lines if line.strip()]
    except FileNotFoundError:
        raise DatasetError(f"{file} is missing: {_advice(folder)}") from None
    except ValueError as error:
        raise DatasetError(f"{file} is damaged ({error}): run the dataset stage again") from None
    if not rows:
        raise DatasetError(f"{file} lists no pictures: training needs some of this domain")
    if any(not isinstance(row, dict) or not {"id", "file_name"} <= row.keys() for row in rows):
        raise DatasetError(f"{file} has lines without `id` or `file_name`: run the dataset stage again")
    return rows


def _advice(folder: Path) -> str:
    """What to do about a part of a dataset that is not there."""
    styles = sorted(file.parent.name for file in folder.parent.glob(f"*/{METADATA}") if file.parent.name != SELFIE)
    named = nearest(folder.name, styles) if styles and folder.name != SELFIE else ""
    return f"run the dataset stage first, with this domain in it{named}"


def _open(file: Path) -> Image.Image:
    try:
        image = images.load(file)
    except OSError:
        raise DatasetError(f"{file} is named in {METADATA} and cannot be read: run the dataset stage again") from None
    except images.UndecodableError as error:
        raise DatasetError(f"{file} is no whole picture ({error.reason}): run the dataset stage again") from None
    if image.width != image.height:
        raise DatasetError(f"{file} is {image.width} x {image.height} px: training needs squares; crop first")
    return image


def contents(dataset: Path, style: str) -> dict[str, list[str]]:
    """What a training takes from the folder, by part ("train/selfie"): the hash of its metadata file, then the names
    of its pictures, each a hash of its content. Raises DatasetError."""
    found = {}
    for split, domain in ((Split.TRAIN, SELFIE), (Split.TEST, SELFIE), (Split.TRAIN, style)):
        folder = dataset / split / domain
        if not (folder / METADATA).is_file():
            raise DatasetError(f"{folder / METADATA} is missing: {_advice(folder)}")
        facts = hashlib.sha256((folder / METADATA).read_bytes()).hexdigest()
        found[f"{split}/{domain}"] = [facts, *sorted(file.stem for file in folder.glob("*.png"))]
    return found


def identity(found: dict[str, list[str]]) -> str:
    """One hash of `contents`."""
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()


class Sampler:
    """Indices of a domain's pictures, each once an epoch, in an order that seed, domain and epoch decide.

    `position` counts the indices given out: it is all that a checkpoint needs.
    """

    def __init__(self, count: int, seed: int, domain: str, *, device: torch.device | str = "cpu") -> None:
        self.position = 0
        self._count, self._seed, self._domain, self._device = count, seed, domain, device
        self._order: tuple[int, Tensor] | None = None

    def take(self, batch: int) -> Tensor:
        """The next `batch` indices (B,), on the device; they may straddle two epochs."""
        parts = []
        while batch:
            epoch, start = divmod(self.position, self._count)
            part = self._epoch(epoch)[start : start + batch]
            parts.append(part)
            self.position += len(part)
            batch -= len(part)
        return torch.cat(parts)

    def _epoch(self, epoch: int) -> Tensor:
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(derived_seed(self._seed, self._domain, epoch))
            self._order = epoch, torch.randperm(self._count, generator=generator).to(self._device)
        return self._order[1]


def derived_seed(*parts: object) -> int:
    """A seed of its own for each use, so that none shares its random numbers with another."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7])


def to_range(pixels: Tensor) -> Tensor:
    """uint8 to float in [-1, 1]."""
    return pixels.float() / 127.5 - 1


def augment(
    pixels: Tensor,
    boxes: Tensor,
    size_px: int,
    *,
    flip: bool,
    generator: torch.Generator,
    ranks: Ranks = ALONE,
) -> tuple[Tensor, Tensor]:
    """A random square of `size_px`, mirrored for half of the pictures when `flip`, of uint8 (B, 3, L, L) with boxes
    (B, 3, 4): to float (B, 3, size, size) in [-1, 1] and the boxes where they then lie.

    One gather on the pictures' device, where `generator` lives too: nothing waits for the CPU. Among several processes
    the pictures are this one's part of the batch; what happens to each is drawn for the whole batch, by all alike.
    """
    count, room = len(pixels) * ranks.count, pixels.shape[-1] - size_px
    left, top = torch.randint(room + 1, (2, count), generator=generator, device=pixels.device)
    mirrored = torch.rand(count, generator=generator, device=pixels.device) < (0.5 if flip else 0.0)
    left, top, mirrored = ranks.part(left), ranks.part(top), ranks.part(mirrored)
    ramp = torch.arange(size_px, device=pixels.device)
    columns = torch.where(mirrored[:, None], size_px - 1 - ramp, ramp) + left[:, None]
    rows = ramp + top[:, None]
    picture = torch.arange(len(pixels), device=pixels.device)[:, None, None]
    square = pixels[picture, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return to_range(square), move_boxes(boxes, left, top, mirrored, size_px)


def move_boxes(boxes: Tensor, left: Tensor, top: Tensor, mirrored: Tensor, size_px: int) -> Tensor:
    """Boxes (B, 3, 4) after a crop at (left, top), each (B,), and a mirroring; what lies outside is cut off.

    A region of which less than `LEAST_INSIDE` is left becomes one without area, which no loss counts: a strip of a
    mouth's corner at the picture's edge would otherwise weigh as much as a whole mouth.
    """
    x0, y0, x1, y1 = boxes.unbind(-1)
    x0, x1 = x0 - left[:, None], x1 - left[:, None]
    y0, y1 = y0 - top[:, None], y1 - top[:, None]
    x0, x1 = (
        torch.where(mirrored[:, None], size_px - x1, x0),
        torch.where(mirrored[:, None], size_px - x0, x1),
    )
    whole = torch.stack([x0, y0, x1, y1], dim=-1)
    inside = whole.clamp(0, size_px)
    enough = _areas(inside) >= LEAST_INSIDE * _areas(whole)
    return inside * enough.unsqueeze(-1)


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def center_crop(pixels: Tensor, boxes: Tensor, size_px: int) -> tuple[Tensor, Tensor]:
    """The middle square of `size_px` of uint8 (N, 3, L, L), still uint8, with its boxes: what evaluation looks at."""
    offset = (pixels.shape[-1] - size_px) // 2
    shift = torch.full((len(pixels),), offset, device=pixels.device)
    square = pixels[..., offset : offset + size_px, offset : offset + size_px]
    return square, move_boxes(boxes, shift, shift, torch.zeros_like(shift, dtype=torch.bool), size_px)
