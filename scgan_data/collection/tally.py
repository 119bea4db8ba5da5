"""What a running collection has done so far, by host: counted as it is recorded, read by the live table."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scgan_data.collection.state import State
from scgan_data.collection.transfers import Item
from scgan_data.web.fetch import Web

WINDOW_S = 10.0


@dataclass
class HostTally:
    """Of one host."""

    had: int = 0
    not_had: int = 0
    since: float = field(default_factory=time.monotonic)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """URLs finished a second, since the first."""
        return (self.had + self.not_had) / max(time.monotonic() - self.since, 1.0)


class Tally:
    """Of the whole run."""

    def __init__(self, state: State, webs: Sequence[Web] = ()) -> None:
        self._state, self._webs = state, webs
        self.started = time.monotonic()
        self.hosts: defaultdict[str, HostTally] = defaultdict(HostTally)
        self.finished = self.pictures = 0
        self._recent: deque[tuple[float, int]] = deque()

    def add(self, items: Iterable[Item]) -> None:
        """Count recorded items."""
        before = self.finished
        for item in items:
            self.finished += 1
            self.pictures += bool(item.picture and item.picture.suffix)
            self._add_to_host(item)
        self._recent.append((time.monotonic(), self.finished - before))

    def _add_to_host(self, item: Item) -> None:
        host = self.hosts[item.transfer.home[1] if item.transfer else "this machine"]
        if item.outcome.content_id is None:
            host.not_had += 1
            host.reasons[item.outcome.reason or ""] += 1
        else:
            host.had += 1

    @property
    def per_second(self) -> float:
        """URLs and files finished a second, over the last seconds."""
        now = time.monotonic()
        while self._recent and self._recent[0][0] < now - WINDOW_S:
            self._recent.popleft()
        span_s = min(WINDOW_S, now - self.started)
        return sum(count for _, count in self._recent) / span_s if span_s > 0 else 0.0

    def paces(self) -> dict[str, tuple[int, float]]:
        """(requests under way, seconds between two) of each host, as of now."""
        return {host.origin: (host.busy, host.spacing_s) for web in self._webs for host in web.hosts()}

    def waiting(self) -> int:
        """URLs that wait, or are under way."""
        return self._state.count_waiting()
