"""What a device reaches on its best day: the rates that a step's floor is calculated from, and the memory it took."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch

from scgan_model.marks import Marks


@dataclass(frozen=True)
class Peaks:
    """What the device reaches on its best day."""

    flop_per_s: float
    bytes_per_s: float


def peaks(device: torch.device, precision: str) -> Peaks:
    """What a large matrix product, a large convolution (the better of both) and a large copy reach on the device."""
    large = device.type == "cuda"
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    n, side, copied = (8192, 64, 2**30) if large else (1024, 32, 2**26)
    a, b = (torch.randn(n, n, device=device, dtype=kind) for _ in range(2))
    x = torch.randn(16 if large else 2, 256, side, side, device=device, dtype=kind)
    w = torch.randn(256, 256, 3, 3, device=device, dtype=kind)
    x, w = (t.to(memory_format=torch.channels_last) for t in (x, w))
    source = torch.ones(copied // 4, device=device)
    target = torch.empty_like(source)
    with torch.no_grad():
        product = 2 * n**3 / best_seconds(lambda: a @ b, device)
        convolution = 2 * 9 * 256 * x.numel() / best_seconds(lambda: torch.conv2d(x, w, padding=1), device)
        copy = 2 * copied / best_seconds(lambda: target.copy_(source), device)
    return Peaks(max(product, convolution), copy)


def best_seconds(work: Callable[[], object], device: torch.device, *, times: int = 10) -> float:
    """The least time of some runs after two to warm up."""
    found = []
    for _ in range(times + 2):
        marks = Marks(device)
        marks.begin()
        marks("")
        work()
        found.append(marks.medians()[0])
    return min(found[2:])


def peak_memory(device: torch.device) -> int:
    """Bytes: on CUDA the most that was reserved since the statistics were reset; else the process's most ever."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
