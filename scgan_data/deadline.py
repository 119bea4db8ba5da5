"""A wall clock over whole HTTP transfers: a watcher thread cuts the connection of one that outlives its deadline.

Socket timeouts bound only the wait for the next byte: a server that sends one byte a second, in the headers or in the
body, would hold a worker for ever.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

POLL_S = 0.1
_here = threading.local()


class Transfer:
    """One transfer under watch."""

    def __init__(self, deadline_s: float) -> None:
        self.started = time.monotonic()
        self.ends = self.started + deadline_s
        self.socket: socket.socket | None = None
        self.cut = False

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return round(time.monotonic() - self.started, 3)

    def end(self) -> None:
        """Break the connection under the reader."""
        self.cut = True
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


class Watch:
    """The watcher thread and the transfers of all threads."""

    def __init__(self) -> None:
        self._transfers: set[Transfer] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @contextmanager
    def ends_after(self, deadline_s: float) -> Iterator[Transfer]:
        """Watch the transfer that this thread makes inside the block."""
        transfer = Transfer(deadline_s)
        _here.transfer = transfer
        with self._lock:
            self._transfers.add(transfer)
        try:
            yield transfer
        finally:
            with self._lock:
                self._transfers.discard(transfer)
            _here.transfer = None

    def stop(self) -> None:
        """End the thread, and what is still under way (Ctrl-C, an error elsewhere)."""
        self._stop.set()
        with self._lock:
            for transfer in self._transfers:
                transfer.end()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            with self._lock:
                late = [t for t in self._transfers if time.monotonic() > t.ends]
                for transfer in late:
                    transfer.end()


def _note(sock: socket.socket | None) -> None:
    transfer: Transfer | None = getattr(_here, "transfer", None)
    if transfer is not None:
        transfer.socket = sock


class _HTTP(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Tell the watch which socket this thread is about to read from."""
        _note(self.sock)
        return super().getresponse()


class _HTTPS(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Tell the watch which socket this thread is about to read from."""
        _note(self.sock)
        return super().getresponse()


class HTTPPool(HTTPConnectionPool):
    """Connections under watch."""

    ConnectionCls = _HTTP


class HTTPSPool(HTTPSConnectionPool):
    """TLS connections under watch."""

    ConnectionCls = _HTTPS
