"""Batches drawn ahead by one other process while a training's step runs: batch k is a function of k."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

from scgan_data.workers import processes

Batch = TypeVar("Batch")


def ahead(draw: Callable[[int], Batch], start: int, stop: int, *, count: int) -> Iterator[Batch]:
    """Batches `start` to `stop` in order, up to `count` of them drawn ahead. `draw` must be picklable."""
    with processes(1) as pool:
        try:
            waiting = deque(pool.submit(draw, k) for k in range(start, min(start + count, stop)))
            for k in range(start, stop):
                if k + count < stop:
                    waiting.append(pool.submit(draw, k + count))
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # who stops early does not wait for what was ahead
