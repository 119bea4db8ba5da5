"""Batches drawn ahead by one other process while a training's step runs: batch k is a function of k."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Batch = TypeVar("Batch")


def ahead(draw: Callable[[int], Batch], start: int, stop: int, *, count: int) -> Iterator[Batch]:
    """Batches `start` to `stop` in order, up to `count` of them drawn ahead. `draw` must be picklable."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        waiting = deque(pool.submit(draw, k) for k in range(start, min(start + count, stop)))
        for k in range(start, stop):
            if k + count < stop:
                waiting.append(pool.submit(draw, k + count))
            yield waiting.popleft().result()
