"""Worker processes.

They are spawned, not forked: torch's thread pools do not survive a fork, and a forked child would hold the stage's lock
after its parent's death. A worker whose parent died ends itself: left to ProcessPoolExecutor it waits for ever, since
every worker holds both ends of the queue that it reads from and never sees that nobody writes any more. It waits for
the parent's end on a pipe, which needs no polling and is the same on Linux and macOS (prctl is Linux alone). Each uses
one thread: two threads on a contended core ran 2.5 times slower than one. This module is light, since every worker
imports it (with pandas, a worker's start cost .6 s of CPU more).

Ctrl-C in a terminal reaches every process of its group: workers are started with the signal blocked, so that none is
interrupted in its first imports, where Python would print a traceback each.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any


@contextmanager
def pool(workers: int) -> Iterator[Executor]:
    """Spawned processes that end with this one; one worker is this process itself.

    Whatever ends the block early, Ctrl-C above all, ends them at once: nobody would take what they are working on, and
    a second Ctrl-C while this process waited for them left it waiting for ever.
    """
    if workers <= 1:
        yield _Inline()
        return
    others = active_children()
    with processes(workers) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in active_children():
                if worker not in others:
                    worker.terminate()
            raise


def processes(count: int) -> ProcessPoolExecutor:
    """The same where one worker too is a process of its own."""
    return ProcessPoolExecutor(count, mp_context=_Context(), initializer=_start_worker)


class _Worker(SpawnProcess):
    def start(self) -> None:
        """Start it with Ctrl-C blocked: a process inherits the signals that its parent's thread blocks."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(SpawnContext):
    Process = _Worker


class _Inline(Executor):
    """The executor of one worker: this process, no start-up cost."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it now."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
