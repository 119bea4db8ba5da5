"""CycleGAN's pool of past fakes: the discriminator also judges what the generator drew some steps ago.

Which fake is swapped is drawn on the CPU and needs nothing of the pictures themselves, so that on a GPU no step waits
for a value.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """Up to `size` past fakes; a size of 0 passes everything through."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.count = 0
        self.images: Tensor | None = None
        self.generator = torch.Generator().manual_seed(seed)

    def swap(self, fakes: Tensor) -> Tensor:
        """What the discriminator should see for fakes (B, 3, H, W), detached: each one itself, or with probability ½
        (once the pool is full) a past one that it replaces."""
        fakes = fakes.detach()
        if not self.size:
            return fakes
        if self.images is None:
            self.images = fakes.new_zeros((self.size, *fakes.shape[1:]))
        shown = fakes.clone()
        for position, fake in enumerate(fakes):
            if self.count < self.size:
                self.images[self.count] = fake
                self.count += 1
            elif self._draw(2):
                place = self._draw(self.size)
                shown[position] = self.images[place]
                self.images[place] = fake
        return shown

    def _draw(self, limit: int) -> int:
        return int(torch.randint(limit, (), generator=self.generator))

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides the next swaps."""
        images = None if self.images is None else self.images.clone().cpu()
        return {"count": self.count, "images": images, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on where `state_dict` was taken; from a pool of another size with as many of its fakes as fit."""
        self.count, self.images = min(state["count"], self.size), None
        if state["images"] is not None and self.size:
            found = state["images"][: self.size].to(device)
            self.images = torch.cat([found, found.new_zeros((self.size - len(found), *found.shape[1:]))])
        self.generator.set_state(state["generator"].cpu())
