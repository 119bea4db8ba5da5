"""The plain loop that the step is timed against does the same work: its first step's losses and gradients are ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import train_peer, train_runs
from scgan_model import profiling, step
from scgan_model.config import TrainConfig
from scgan_model.run import next_batch

Make = Callable[..., TrainConfig]


@pytest.mark.parametrize("gan", ["lsgan", "vanilla"])
@pytest.mark.parametrize("reuse_fakes", [False, True])
def test_the_first_step_is_the_same(tiny_config: Make, gan: str, reuse_fakes: bool) -> None:
    settings: dict[str, Any] = {"precision": "fp32", "loss": {"gan": gan}}
    if not reuse_fakes:  # it makes fakes anew after the generators' update, so the update must move nothing
        settings["generator_lr"] = 1e-12
    run = train_runs.run(tiny_config(**settings), count=4)
    loop, batch = train_peer.loop(run.state, reuse_fakes=reuse_fakes), next_batch(run)
    theirs = loop.step(batch.x, batch.boxes, batch.y)
    ours = {name: value.item() for name, value in step.train_step(run.state, batch, 1.0).items()}
    assert ours.pop("identity") == 0
    assert theirs.keys() == ours.keys()
    assert min(ours.values()) > 0
    assert theirs == pytest.approx(ours, rel=1e-4)
    for network, copy in zip(run.state.networks.named().values(), loop.networks.named().values(), strict=True):
        mine, other = gradient(network), gradient(copy)
        assert (other - mine).norm() < 1e-4 * mine.norm()


def gradient(network: torch.nn.Module) -> torch.Tensor:
    """All of a network's in a row: those of biases before a norm are rounding noise about 0."""
    found = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    assert len(found) == len(list(network.parameters()))
    return torch.cat(found)


def test_both_loops_start_from_copies(tiny_config: Make) -> None:
    run = train_runs.run(tiny_config(precision="fp32", loss={"gamma": 0}), count=4)
    before = [p.clone() for p in run.state.networks.generators()]
    loop, batch = train_peer.loop(run.state), next_batch(run)
    loop.step(batch.x, batch.boxes, batch.y)
    assert all(torch.equal(a, b) for a, b in zip(before, run.state.networks.generators(), strict=True))
    profiling.step(run)
    assert not all(torch.equal(a, b) for a, b in zip(before, run.state.networks.generators(), strict=True))


def test_files_are_cut_and_mirrored_with_their_boxes(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[4:8, 2:6] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    boxes = torch.tensor([[[2.0, 4, 6, 8], [0, 0, 0, 0], [0, 0, 16, 16]]])
    whole = train_peer.Folder([tmp_path / "a.png"], boxes, size=16, load=16)
    seen = set()
    for _ in range(40):
        picture, moved = whole[0]
        x0, y0, x1, y1 = moved[0].int().tolist()
        inside = torch.zeros(16, 16, dtype=torch.bool)
        inside[y0:y1, x0:x1] = True
        assert torch.equal(picture[0] > 0, inside)
        seen.add(x0)
    assert seen == {2, 10}
    assert torch.equal(boxes[0, 0], torch.tensor([2.0, 4, 6, 8]))


def test_the_loaders_give_what_the_loop_takes(tmp_path: Path, tiny_config: Make) -> None:
    config = tiny_config(load_px=32, resolution_px=16)
    selfies, portraits = train_runs.folders(tmp_path, config, count=5)
    loaded = train_peer.batches(selfies, portraits, batch=2, workers=0, device=torch.device("cpu"))
    for _ in range(4):  # more than an epoch
        x, boxes, y = next(loaded)
        assert x.shape == y.shape == (2, 3, 16, 16) and boxes.shape == (2, 3, 4)
        assert x.min() >= -1 and x.max() <= 1 and x.min() < 0 < x.max()
        assert boxes.min() >= 0 and boxes.max() <= 16
