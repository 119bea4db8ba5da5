"""One origin as the gateway knows it: its addresses, its robots.txt, and whose turn it is to ask it something."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from email.utils import mktime_tz, parsedate_tz

from scgan_data.address import RefusedError
from scgan_data.records import Reason
from scgan_data.robots import Rules


@dataclass
class Host:
    """What is known of one origin."""

    addresses: list[tuple[str, int]]
    slots: threading.BoundedSemaphore
    interval_s: float
    next_at: float = 0.0
    paused_until: float = 0.0
    rules: Rules | RefusedError | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    rules_lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for_turn(self, longest_s: float) -> None:
        """Sleep until this request's turn. Raises RefusedError where the host asked for a longer pause than that."""
        with self.lock:
            now = time.monotonic()
            if self.paused_until - now > longest_s:
                wait_s = round(self.paused_until - now, 1)
                raise RefusedError(Reason.RATE_LIMITED, "the host asked for a pause", value=wait_s, limit=longest_s)
            start = max(now, self.next_at, self.paused_until)
            self.next_at = start + self.interval_s
        time.sleep(start - now)

    def pause(self, wait_s: float) -> None:
        """Let no request start for that long."""
        with self.lock:
            self.paused_until = max(self.paused_until, time.monotonic() + wait_s)


def retry_after_s(text: str | None) -> float | None:
    """Retry-After in seconds from now, from either form (seconds or a date); None where it is missing or garbled."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    date = parsedate_tz(text)
    return None if date is None else max(0.0, mktime_tz(date) - time.time())
