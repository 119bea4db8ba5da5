"""Clocks for parts of a step: events on CUDA's stream, read when all is done, so that nothing waits; else Python's."""

from __future__ import annotations

import itertools
import statistics
import time

import torch


class Marks:
    """The times at which the parts of steps began, by the device's clock and by Python's."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._steps: list[list[tuple[str, float, torch.cuda.Event | None]]] = []

    def begin(self) -> None:
        """A step begins, and the one before ends."""
        self._steps.append([])
        if len(self._steps) > 1:
            self._steps[-2].append(self._now(""))

    def __call__(self, part: str) -> None:
        self._steps[-1].append(self._now(part))

    def _now(self, part: str) -> tuple[str, float, torch.cuda.Event | None]:
        event = None
        if self._cuda:
            event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            event.record()
        return part, time.perf_counter(), event

    def medians(self) -> tuple[float, dict[str, tuple[float, float]]]:
        """Seconds of the whole step, and by part on the device and in Python; ends the last step."""
        self._steps[-1].append(self._now(""))
        if self._cuda:
            torch.cuda.synchronize()
        steps = [self._spans(step) for step in self._steps]
        parts = {name: tuple(statistics.median(s[name][k] for s in steps) for k in (0, 1)) for name in steps[0]}
        return statistics.median(sum(one for one, _ in s.values()) for s in steps), parts  # type: ignore[return-value]

    @staticmethod
    def _spans(step: list[tuple[str, float, torch.cuda.Event | None]]) -> dict[str, tuple[float, float]]:
        found: dict[str, tuple[float, float]] = {}
        for (part, began, first), (_, ended, last) in itertools.pairwise(step):
            python = ended - began
            device = first.elapsed_time(last) / 1000 if first is not None and last is not None else python
            before = found.get(part, (0.0, 0.0))
            found[part] = before[0] + device, before[1] + python
        return found
