"""Train the watermark detector that ships in scgan_data/watermark.npz: `python -m pipelines.train_watermark`.

Each step takes twelve windows of clean pictures, each clean and under a mark (`watermark_batches`). The loss is the
cross entropy of every 8 x 8 cell (does a mark touch it) and of the picture. Fixed seeds, one thread (two on contended
cores ran 15 times slower) and deterministic kernels: two runs on one machine agree bit for bit. No research photograph
is used: `watermark_pictures` names all that is.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from pipelines.watermark_batches import SEED, Batch, batches, draw_banks
from scgan_data import watermark_net
from scgan_data.watermark_net import MarkNet

PEAK_RATE = 2.5e-3


def main() -> None:
    """Parse the command line, train, write, print the hash to register."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("scgan_data/watermark.npz"))
    parser.add_argument("--steps", type=int, default=2800)
    parser.add_argument("--bank", type=int, default=2000, help="clean pictures, and as many marks")
    given = parser.parse_args()
    net = train(batches(given.steps, draw_banks(given.bank)), steps=given.steps)
    watermark_net.save(net, given.out)
    print(f"{given.out}: sha256 {hashlib.sha256(given.out.read_bytes()).hexdigest()}, register it in weights.py")


def train(drawn: Iterable[Batch], *, steps: int, say_every: int = 100) -> MarkNet:
    """A network trained on that many batches."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    net = MarkNet().train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=max(20, steps), pct_start=0.1)
    told = []
    started = time.monotonic()
    for step, batch in enumerate(drawn, 1):
        loss, right = _step(net, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        told.append((loss.item(), right))
        if step % say_every == 0:
            mean_loss, share = np.mean(told[-say_every:], axis=0)
            seconds = time.monotonic() - started
            print(f"step {step}: loss {mean_loss:.3f}, {share:.1%} right, {seconds:.0f} s", flush=True)
    return net.eval()


def _step(net: MarkNet, batch: Batch) -> tuple[Tensor, float]:
    """Loss of a batch and the share of pictures judged right."""
    x_nchw = torch.from_numpy(batch.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    cells = torch.from_numpy(batch.cells).float()
    marked = (cells.sum((1, 2)) > 0).float()
    with torch.autocast("cpu", torch.bfloat16):
        found_cells, found = net(x_nchw)
    found_cells, found = found_cells.float(), found.float()
    loss = cross_entropy(found_cells, cells, 1 + 3 * cells) + cross_entropy(found, marked)
    return loss, ((found > 0) == (marked > 0)).float().mean().item()


if __name__ == "__main__":
    main()
