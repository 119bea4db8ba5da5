"""What is looked at while a model trains: sample grids, held-out cycle error, and KID with the best checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scgan_model import data, features, metrics, samples
from scgan_model.journal import Journal
from scgan_model.run import Run

KID_PORTRAITS = 1000
"""The first portraits by id that stand for the style: KID's spread comes from the few held-out selfies."""


def look(current: Run, journal: Journal) -> dict[str, float]:
    """A sample grid and the held-out cycle error."""
    networks = current.state.shown
    file = current.folder / "samples" / f"step_{current.step:06d}.png"
    samples.write_grid(file, networks, current.test[: current.config.sample_selfies])
    journal.picture(current.step, file)
    error = samples.cycle_error(networks, current.test)
    journal.say(f"train: step {current.step} of {current.schedule.total_steps}, held-out cycle error {error:.3f}")
    return {"test_cycle": error}


@dataclass
class KidWatch:
    """The KID of held-out cartoons against the style; network and the portraits' features are kept."""

    network: nn.Module
    style: Tensor
    """(M, 1280) features of portraits."""

    def measure(self, current: Run, journal: Journal) -> dict[str, float]:
        """KID now, which `current.best` follows."""
        cartoons = samples.cartoons(current.state.shown, current.test)
        found = features.extract(self.network, cartoons)
        kid = metrics.kid(found, self.style, replicates=2).value  # the interval is not looked at
        if current.best is None or kid < current.best["kid"]:
            current.best = {"kid": kid, "step": current.step}
        journal.say(f"train: step {current.step}, KID {kid:.4f}, least {current.best['kid']:.4f}")
        return {"kid": kid}


def kid_watch(current: Run) -> KidWatch | None:
    """Features of the portraits, or None where the configuration asks for no KID. Raises WeightsError."""
    if current.config.kid_every_steps is None:
        return None
    network = features.load(current.state.device)
    portraits = current.portraits.pixels[:KID_PORTRAITS]
    middle, _ = data.center_crop(portraits, current.portraits.boxes[:KID_PORTRAITS], current.config.resolution_px)
    parts = [features.extract(network, data.to_range(part)) for part in torch.split(middle, 32)]
    return KidWatch(network, torch.cat(parts))
