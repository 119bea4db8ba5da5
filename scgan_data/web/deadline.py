"""A wall clock over whole HTTP transfers: a watcher thread cuts the connection of one that outlives its deadline.

Socket timeouts bound only the wait for the next byte: a server that sends one byte a second, in the headers or in the
body, would hold a worker for ever. Each thread has at most one transfer under way, kept in a dict by thread: entering
and leaving is one dict operation, which the interpreter makes whole, so no request takes a lock.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.request import AgainError

POLL_S = 0.1
_STILL_COMING = 0.1
"""A transfer whose last byte came within this part of its deadline was slow; else it had stalled."""


class Transfer:
    """One transfer under watch, from its connection's first packet to its last byte."""

    __slots__ = ("_socket", "cut", "ends", "last_byte", "started")

    def __init__(self, deadline_s: float) -> None:
        self.started = self.last_byte = time.monotonic()
        self.ends = self.started + deadline_s
        self.cut = False
        self._socket: socket.socket | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return round(time.monotonic() - self.started, 3)

    def hold(self, sock: socket.socket | None) -> None:
        """Name the socket that this transfer's thread waits for, or None: it is done with it.

        Once None was named and `cut` is still false, the socket will not be cut any more and may serve others: `end`
        sets `cut` before it looks at the socket.
        """
        self._socket = sock
        if self.cut and sock is not None:
            _break(sock)

    def end(self) -> None:
        """Break the connection under the reader."""
        self.cut = True
        if (sock := self._socket) is not None:
            _break(sock)


def _break(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


class Watch:
    """The watcher thread and the transfers of all threads."""

    def __init__(self) -> None:
        self._transfers: dict[int, Transfer] = {}
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
        self._thread.start()

    @contextmanager
    def ends_after(self, deadline_s: float) -> Iterator[Transfer]:
        """Watch the transfer that this thread makes inside the block."""
        thread = threading.get_ident()
        transfer = self._transfers[thread] = Transfer(deadline_s)
        if self.stopped.is_set():
            transfer.end()
        try:
            yield transfer
        finally:
            del self._transfers[thread]

    def stop(self) -> None:
        """End the thread, and what is still under way (Ctrl-C, an error elsewhere)."""
        self.stopped.set()
        for transfer in list(self._transfers.values()):
            transfer.end()
        self._thread.join()

    def _run(self) -> None:
        while not self.stopped.wait(POLL_S):
            now = time.monotonic()
            for transfer in list(self._transfers.values()):
                if now > transfer.ends:
                    transfer.end()


def late(error: AgainError | RefusedError, transfer: Transfer, deadline_s: float) -> AgainError | RefusedError:
    """What broke because the watcher cut it: late, and worth going on with if bytes were still coming."""
    refused = error.refused if isinstance(error, AgainError) else error
    if refused.reason not in (Reason.TRANSFER_BROKEN, Reason.BAD_ANSWER):
        return error
    told = RefusedError(Reason.TIMED_OUT, "the transfer did not end", value=transfer.seconds, limit=deadline_s)
    partial = error.partial if isinstance(error, AgainError) else None
    if partial is not None and transfer.ends - transfer.last_byte < _STILL_COMING * deadline_s:
        return AgainError(told, wait_s=0.0, partial=partial)
    return told
