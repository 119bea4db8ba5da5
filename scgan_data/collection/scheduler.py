"""Whose turn it is: waiting URLs in a line a host, and the lines in the order in which their hosts may be asked again.

A thread takes a URL of any host that may be asked now, so that a slow or strict host holds no thread but those it is
using. Lines are filled from the state a few URLs at a time, and only so many hosts have one at once: the memory that a
collection needs does not grow with its list.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from scgan_data.collection.outcome import Job
from scgan_data.collection.state import State
from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.fetch import Web
from scgan_data.web.host import Host, back_off_s
from scgan_data.web.request import Partial

MAX_LINES = 512
REFILL = 128
IDLE_S = 0.25
FEED_S = 0.5
LONGEST_NAP_S = 0.5


@dataclass(frozen=True)
class Transfer:
    """One URL on its way: where it is now, and what its attempts brought."""

    job: Job
    home: tuple[int, str]
    """The line that took it from the state."""
    web: Web
    host: Host
    url: str
    """The job's, or where redirects led; `host` is that one's."""
    hops: int = 0
    attempts: int = 0
    partial: Partial | None = None
    ready_at: float = 0.0


@dataclass
class _Line:
    """The URLs of one host that wait here."""

    key: tuple[int, str]
    """The gateway's number, the origin."""
    host: Host
    waiting: deque[Transfer] = field(default_factory=deque)
    later: list[tuple[float, int, Transfer]] = field(default_factory=list)
    last_id: int = 0
    unsettled: set[int] = field(default_factory=set)
    """Taken from the state and not yet settled there: until they are, the state still calls them waiting."""
    ticket: int = -1
    """Of the line's valid place in the order; older ones are void."""


class Scheduler:
    """Hands waiting URLs to threads; all methods may be called from any."""

    def __init__(self, state: State, webs: Sequence[Web], refuse: Callable[[Transfer, RefusedError], None]) -> None:
        """`refuse` is told of URLs whose host was given up; it must not call back."""
        self._state, self._webs, self._refuse = state, webs, refuse
        self._lines: dict[tuple[int, str], _Line] = {}
        self._ready: list[tuple[float, int, _Line]] = []
        self._ticket, self._cursor = count(), (-1, "")
        self._turn = threading.Condition()
        self._stopped, self._is_watched, self._fed_at = False, False, 0.0

    def feed(self) -> None:
        """Open lines for hosts that URLs wait for and that have none yet."""
        with self._turn:
            if self._lines and time.monotonic() < self._fed_at + FEED_S:
                return
            self._fed_at = time.monotonic()
            room = MAX_LINES - len(self._lines)
            found = self._state.hosts_waiting(self._cursor, room) if room > 0 else []
            self._cursor = found[-1] if room > 0 and len(found) == room else (-1, "")
            for key in found:
                if key not in self._lines:
                    self._open(key, self._webs[key[0]].host(key[1]))
            if found:
                self._turn.notify_all()

    def is_idle(self) -> bool:
        """Whether nothing waits here and nothing is under way."""
        with self._turn:
            return not self._lines

    def take(self, released: Transfer | None = None) -> Transfer | None:
        """The next URL, its host's slot held, once there is one; None once stopped.

        `released` is the caller's last transfer, whose slot it gives back: it can have it again without a round of
        waking others. Of the threads that find nothing one watches the clock, the others sleep until they are needed:
        were all to look again every few milliseconds, that would cost more than the transfers.
        """
        with self._turn:
            if released is not None:
                self._give_back(released)
            while not self._stopped:
                now = time.monotonic()
                transfer = self._next(now)
                if transfer is not None:
                    if not self._is_watched and self._ready and self._ready[0][0] <= now:
                        self._turn.notify()
                    return transfer
                if self._is_watched:
                    self._turn.wait()
                else:
                    self._is_watched = True
                    nap_s = self._ready[0][0] - now if self._ready else LONGEST_NAP_S
                    self._turn.wait(min(max(nap_s, 0.001), LONGEST_NAP_S))
                    self._is_watched = False
        return None

    def _next(self, now: float) -> Transfer | None:
        while self._ready and self._ready[0][0] <= now:
            _, ticket, line = heapq.heappop(self._ready)
            transfer = self._from(line, now) if ticket == line.ticket else None
            if transfer is not None:
                return transfer
        return None

    def _give_back(self, transfer: Transfer) -> None:
        transfer.host.release()
        line = self._lines.get((transfer.home[0], transfer.host.origin))
        if line is not None:
            self._push(line, 0.0)

    def _from(self, line: _Line, now: float) -> Transfer | None:
        """The next URL of a line, if its host may be asked now; the line goes back to its place, or ends."""
        self._refill(line, now)
        refused = line.host.given_up
        if refused is not None:
            self._give_up(line, refused)
        if not line.waiting:
            if line.later or line.unsettled:
                self._push(line, line.later[0][0] if line.later else now + IDLE_S)
            else:
                del self._lines[line.key]
            return None
        wait_s = line.host.acquire()
        if wait_s > 0:
            self._push(line, now + min(wait_s, LONGEST_NAP_S))
            return None
        self._push(line, now)
        return line.waiting.popleft()

    def _refill(self, line: _Line, now: float) -> None:
        while line.later and line.later[0][0] <= now:
            line.waiting.append(heapq.heappop(line.later)[2])
        if line.waiting:
            return
        for job in self._state.waiting(*line.key, line.last_id, REFILL):
            line.last_id = job.url_id
            if job.url_id not in line.unsettled:
                line.waiting.append(Transfer(job, line.key, self._webs[line.key[0]], line.host, job.url))
                line.unsettled.add(job.url_id)

    def _give_up(self, line: _Line, refused: RefusedError) -> None:
        """All that waits for a host that is left alone ends for the same reason."""
        for transfer in [*line.waiting, *(entry[2] for entry in line.later)]:
            self._refuse(transfer, refused)
        line.waiting.clear()
        line.later.clear()

    def _push(self, line: _Line, ready_at: float) -> None:
        line.ticket = next(self._ticket)
        heapq.heappush(self._ready, (ready_at, line.ticket, line))

    def _open(self, key: tuple[int, str], host: Host) -> _Line:
        line = self._lines[key] = _Line(key, host)
        self._push(line, 0.0)
        return line

    def again(self, transfer: Transfer, wait_s: float, retries: int) -> bool:
        """Let a failed attempt wait for the next; False where there were enough."""
        if transfer.attempts > retries:
            return False
        self._later(replace(transfer, ready_at=time.monotonic() + back_off_s(transfer.attempts, wait_s)))
        return True

    def redirected(self, transfer: Transfer, url: str, max_redirects: int) -> None:
        """Go on at another URL, in the line of its host. Raises RefusedError where that may not be or is too often."""
        if transfer.hops >= max_redirects:
            raise RefusedError(
                Reason.TOO_MANY_REDIRECTS, url[:200], value=transfer.hops + 1.0, limit=float(max_redirects)
            )
        host = transfer.web.host(url)
        self._later(replace(transfer, url=url, host=host, hops=transfer.hops + 1, attempts=0, partial=None))

    def _later(self, transfer: Transfer) -> None:
        with self._turn:
            key = (transfer.home[0], transfer.host.origin)
            line = self._lines.get(key) or self._open(key, transfer.host)
            heapq.heappush(line.later, (transfer.ready_at, next(self._ticket), transfer))
            self._turn.notify()

    def settled(self, transfers: Sequence[Transfer]) -> None:
        """The state says done of these now."""
        with self._turn:
            for transfer in transfers:
                self._lines[transfer.home].unsettled.discard(transfer.job.url_id)

    def forget(self) -> None:
        """Drop what waits here and has not been tried; the state is asked again for what still waits there."""
        with self._turn:
            for line in self._lines.values():
                dropped = {t.job.url_id for t in line.waiting if t.attempts == 0 and t.hops == 0}
                line.waiting = deque(t for t in line.waiting if t.job.url_id not in dropped)
                line.unsettled -= dropped
                line.last_id = 0

    def stop(self) -> None:
        """Wake all threads with nothing."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()
