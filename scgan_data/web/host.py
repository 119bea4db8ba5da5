"""One origin as the gateway knows it: whose turn it is to ask it something, and when it is better left alone.

Nothing here waits or touches the network: a scheduler asks `acquire` and is told how long not to ask again. The pace
follows the host. Connections begin at two, grow by one per few quick answers and shrink when answers get much slower
than the best; 429 and 503 halve them and double the spacing, which recovers slowly; Retry-After pauses all. A
Crawl-delay means one connection and at least that spacing. Failures in a row open a circuit breaker: the host rests,
one request probes it, and if that fails too the host is given up for this run. Until robots.txt is known only one
request is under way, so that no other thread has to wait for it inside a connection's slot.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.robots import Rules

BUSY = (429, 503)
FAILURES = frozenset(
    {Reason.NOT_CONNECTED, Reason.NAME_NOT_FOUND, Reason.TLS_FAILED, Reason.TIMED_OUT, Reason.TRANSFER_BROKEN}
)
_FIRST_CONNECTIONS = 2
_QUICK_ANSWERS = 4
"""So many per further connection."""
_SLOW_FACTOR, _SLOW_S = 3.0, 0.1
"""Slow: the smoothed latency is above the best times this plus that."""
_LEAST_SPACING_S = 0.1
"""What 429 doubles where there was no spacing."""
_RECOVERY = 0.9
"""Of the extra spacing, after each few quick answers."""
_LATER_S = 0.005, 0.25
"""When to ask again for a connection that some other request holds, at the earliest and the latest."""


@dataclass(frozen=True)
class Pace:
    """How a host may be used."""

    connections: int
    interval_s: float
    max_wait_s: float
    failures_before_break: int
    break_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one request went."""

    latency_s: float | None = None
    """Until the answer's headers had come."""
    status: int | None = None
    failure: Reason | None = None
    retry_after_s: float | None = None


class Host:
    """What is known of one origin."""

    def __init__(self, origin: str, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self.origin = origin
        self.rules: Rules | RefusedError | None = None
        self.rules_lock = threading.Lock()
        self.rules_tries = 0
        self._pace, self._clock = pace, clock
        self._lock = threading.Lock()
        self._most, self._spacing_s = pace.connections, pace.interval_s
        self._interval_s = pace.interval_s
        self._connections = min(_FIRST_CONNECTIONS, pace.connections)
        self._opened = False
        self._busy = 0
        self._next_at = self._paused_until = self._rests_until = self._slowed_until = -math.inf
        self._best_s = self._usual_s = math.nan
        self._quick = self._busy_answers = self._failures = self._unknown_names = 0
        self._probing = False
        self._given_up: RefusedError | None = None

    @property
    def given_up(self) -> RefusedError | None:
        """Why the host's URLs cannot be had now; None if they may be asked for."""
        if self._given_up is not None:
            return _copy(self._given_up)
        wait_s, limit_s = self._paused_until - self._clock(), self._pace.max_wait_s
        if wait_s > limit_s:
            detail = "the host asked for a pause"
            return RefusedError(Reason.RATE_LIMITED, detail, value=round(wait_s, 1), limit=limit_s)
        return None

    @property
    def connections(self) -> int:
        """Requests that may be under way at a time, as of now."""
        return 1 if not self._opened or self._is_broken() else self._connections

    @property
    def spacing_s(self) -> float:
        """Time between the starts of two requests, as of now."""
        return self._spacing_s

    @property
    def busy(self) -> int:
        """Requests under way."""
        return self._busy

    def acquire(self) -> float:
        """0.0: go now, a connection and this start are taken; else seconds until it is worth asking again."""
        with self._lock:
            if self._given_up is not None:
                return math.inf
            now = self._clock()
            wait_s = max(self._next_at, self._paused_until, self._rests_until) - now
            if wait_s > 0:
                return wait_s
            if self._busy >= self.connections:
                usual_s = 0.0 if math.isnan(self._usual_s) else self._usual_s
                return min(max(usual_s / self._busy, _LATER_S[0]), _LATER_S[1])
            self._busy += 1
            self._next_at = now + self._spacing_s
            self._probing = self._is_broken()
            return 0.0

    def release(self) -> None:
        """Give the connection's slot back."""
        with self._lock:
            self._busy -= 1

    def open(self, interval_s: float = 0.0) -> None:
        """Its robots.txt is known and asks for that spacing (Crawl-delay); the request that follows starts now."""
        with self._lock:
            self._opened = True
            if interval_s > self._pace.max_wait_s:
                detail, limit = "robots.txt asks for so many seconds between requests", self._pace.max_wait_s
                self._given_up = RefusedError(Reason.RATE_LIMITED, detail, value=interval_s, limit=limit)
            if interval_s > 0:
                self._most = self._connections = 1
                self._interval_s = max(self._interval_s, interval_s)
                self._spacing_s = max(self._spacing_s, self._interval_s)
                self._next_at = self._clock() + self._spacing_s

    def spare(self) -> None:
        """The start that was taken was not used: nothing was requested."""
        with self._lock:
            self._next_at = min(self._next_at, self._clock())

    def no_such_name(self) -> None:
        """The host's name does not exist. Said twice, the host is given up."""
        with self._lock:
            self._unknown_names += 1
            if self._unknown_names > 1:
                self._given_up = RefusedError(Reason.NAME_NOT_FOUND, f"{self.origin}: the name does not exist")

    def note(self, outcome: Outcome) -> None:
        """Learn from one request."""
        with self._lock:
            now = self._clock()
            if outcome.status in BUSY:
                self._slow_down(now, outcome.retry_after_s)
            if outcome.failure in FAILURES or (outcome.status or 0) >= 500:
                self._count_failure(now, outcome)
            elif outcome.status is not None:
                self._failures, self._probing, self._rests_until = 0, False, -math.inf
                if outcome.status not in BUSY and outcome.latency_s is not None:
                    self._busy_answers = 0
                    self._adapt(outcome.latency_s)

    def _is_broken(self) -> bool:
        return self._failures >= self._pace.failures_before_break

    def _count_failure(self, now: float, outcome: Outcome) -> None:
        self._failures += 1
        self._quick = 0
        if self._probing:
            last = outcome.failure if outcome.failure in FAILURES else f"HTTP {outcome.status}"
            detail = f"{self._failures} failures in a row, the last: {last}"
            limit = float(self._pace.failures_before_break)
            self._given_up = RefusedError(Reason.HOST_GIVEN_UP, detail, value=float(self._failures), limit=limit)
        elif self._is_broken() and self._rests_until == -math.inf:
            self._rests_until = now + self._pace.break_s

    def _slow_down(self, now: float, asked_s: float | None) -> None:
        """After 429 or 503; answers to requests that were under way together count once."""
        if now >= self._slowed_until:
            self._busy_answers += 1
            self._connections = max(1, self._connections // 2)
            self._spacing_s = min(max(2 * self._spacing_s, _LEAST_SPACING_S), self._pace.max_wait_s)
            self._slowed_until = now + self._spacing_s
            self._quick = 0
        pause_s = min(2.0 ** (self._busy_answers - 1), self._pace.max_wait_s) if asked_s is None else asked_s
        self._paused_until = max(self._paused_until, now + pause_s)
        self._next_at = max(self._next_at, now + self._spacing_s)

    def _adapt(self, latency_s: float) -> None:
        first = math.isnan(self._best_s)
        self._best_s = latency_s if first else min(self._best_s, latency_s)
        self._usual_s = latency_s if first else 0.8 * self._usual_s + 0.2 * latency_s
        self._quick += 1
        if self._quick < _QUICK_ANSWERS:
            return
        self._quick = 0
        if self._usual_s > _SLOW_FACTOR * self._best_s + _SLOW_S:
            self._connections = max(1, self._connections - 1)
            return
        self._connections = min(self._most, self._connections + 1)
        extra_s = _RECOVERY * (self._spacing_s - self._interval_s)
        self._spacing_s = self._interval_s + (extra_s if extra_s > _LEAST_SPACING_S / 10 else 0.0)


def _copy(refused: RefusedError) -> RefusedError:
    """To raise: one exception raised by many threads would gather the frames of all of them."""
    return RefusedError(refused.reason, refused.detail, value=refused.value, limit=refused.limit)


def retry_after_s(text: str | None) -> float | None:
    """Retry-After in seconds from now, from either form (seconds or a date); None where it is missing or garbled."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return min(float(text), 1e9)
    try:
        date = parsedate_tz(text)
        return None if date is None else max(0.0, mktime_tz(date) - time.time())
    except (ValueError, OverflowError):
        return None


def back_off_s(tries: int, least_s: float = 0.0) -> float:
    """How long to wait before a URL is tried again, after so many tries: exponential with full jitter."""
    return max(least_s, random.uniform(0.0, min(0.5 * 2.0**tries, 30.0)))
