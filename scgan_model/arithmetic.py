"""How this process calculates while it trains: threads, deterministic kernels, the rounding of products in fp32.

`precision` means the same on every device: `fp32` is IEEE's there too, although torch rounds the factors of fp32
convolutions to 10 bits (TF32) on CUDA unless it is told not to; who wants that says `tf32`. Kernels are chosen by
trial on CUDA (cudnn.benchmark), which may choose others the next time; `deterministic` forbids that and every operation
whose result is left to the order of threads, so that a run that was stopped ends bit-equal on a GPU as well. On a CPU a
step's operations are deterministic for a number of threads either way. The CUDA side has not run on a GPU yet.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch

from scgan_model.config import TrainConfig


@contextlib.contextmanager
def arithmetic(config: TrainConfig) -> Iterator[None]:
    """Calculate as the resolved configuration says, and put back what was there."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    rounded = _convolutions().fp32_precision, torch.backends.cuda.matmul.fp32_precision
    if config.deterministic:  # read when the first product is calculated; without it such a product is refused
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    _set(config.threads, config.deterministic, benchmark=not config.deterministic)
    _round(*(["ieee" if config.precision == "fp32" else "tf32"] * 2))
    try:
        yield
    finally:
        _set(before[0], before[1], benchmark=before[2])
        _round(*rounded)


def _set(threads: int, deterministic: bool, *, benchmark: bool) -> None:
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = benchmark


def _round(convolutions: str, matmul: str) -> None:
    _convolutions().fp32_precision = convolutions
    torch.backends.cuda.matmul.fp32_precision = matmul


def _convolutions() -> Any:
    return torch.backends.cudnn.conv  # type: ignore[attr-defined]  # torch puts an object in the module's place
