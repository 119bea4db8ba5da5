"""The collection as it runs: listers, scheduler, fetch threads, decode processes, recorder.

    streams --listers--> state --scheduler--> fetch threads --bytes--> decode processes --facts--> recorder --> state

All of them work at once, and each waits when the next has too much to do. Fetching is one process of threads: a 5 KB
picture costs it .55 ms of CPU, start-up apart, so one core does more than hosts agree to. Decoding, 3 ms at 5 KB and
13 at 100 KB (benchmarks/collect.py, whole stage less fetch only), is spread over the cores. The recorder is the main
thread: it flushes a group's pictures to disk, then lets their rows say done.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from scgan_data.collection import decode, disk
from scgan_data.collection.listing import Listed, Lister, Rules
from scgan_data.collection.scheduler import Scheduler
from scgan_data.collection.settle import settle
from scgan_data.collection.state import State
from scgan_data.collection.tally import Tally
from scgan_data.collection.transfers import Item, Limits, Transfers
from scgan_data.errors import ScganError
from scgan_data.hashes import DecodeConfig
from scgan_data.stage import StageFolder
from scgan_data.web.fetch import FetchConfig, Web

LISTERS = 4
TASK_PICTURES, TASK_BYTES = 16, 2**20
GROUP, GROUP_S = 512, 0.3
TICK_S, LONGEST_S = 0.01, 0.1
FEW_TASKS = 4
"""Below it processes may be idle: what there is goes to them, however little."""


@dataclass(frozen=True)
class Setting:
    """What a collection runs with."""

    fetch: FetchConfig
    decode: DecodeConfig
    rules: Rules
    webs: Sequence[Web]
    decoders: Executor
    watch: Callable[[Tally], None]
    """Called at each turn of the main thread."""


class Collection:
    """The running collection of one stage's folder."""

    def __init__(self, state: State, folder: StageFolder, setting: Setting) -> None:
        self._state, self._folder, self._setting = state, folder, setting
        limits = Limits(setting.fetch.retries, setting.fetch.max_redirects, setting.decode.max_bytes)
        self._transfers = Transfers(state, folder, limits)
        self._scheduler = Scheduler(state, setting.webs, self._transfers.refuse)
        self._lister = Lister(state, setting.rules, self._transfers.read)
        self._undecoded: list[Item] = []
        self._decoding: dict[Future[Any], list[Item]] = {}
        self._finished: list[Item] = []
        self._recorded_at = time.monotonic()
        self.tally = Tally(state, setting.webs)

    def run(self, streams: Sequence[Listed]) -> None:
        """Collect until nothing is left or the goal is reached. Raises SourceError, at the end, for a failed stream."""
        pool = ThreadPoolExecutor(LISTERS, thread_name_prefix="list")
        if self._setting.webs:
            self._transfers.start(self._scheduler, self._setting.fetch.threads)
        try:
            listing = [pool.submit(self._lister.read, listed) for listed in streams]
            while not (all(future.done() for future in listing) and self._is_idle()):
                self._turn()
        except BrokenProcessPool:
            raise ScganError(
                "collect: a decoding process died, most likely for lack of memory; run the same command again with "
                "fewer --workers: finished pictures are kept"
            ) from None
        finally:
            self._shut_down(pool)
            self._record()
        for future in listing:
            future.result()

    def _is_idle(self) -> bool:
        if self._undecoded or self._decoding or self._finished or not self._transfers.inbox.empty():
            return False
        return self._scheduler.is_idle() and not self._state.hosts_waiting((-1, ""), 1)

    def _turn(self) -> None:
        self._scheduler.feed()
        self._receive()
        self._submit()
        if len(self._finished) >= GROUP or time.monotonic() - self._recorded_at > GROUP_S:
            self._record()
        self._setting.watch(self.tally)

    def _shut_down(self, pool: ThreadPoolExecutor) -> None:
        self._lister.stop()
        self._scheduler.stop()
        self._transfers.stop()
        for web in self._setting.webs:
            web.stop()
        pool.shutdown(wait=False, cancel_futures=True)

    def _receive(self) -> None:
        """Take in what threads and processes have done since: at its own pace, not woken for each."""
        time.sleep(TICK_S)
        ends = time.monotonic() + LONGEST_S
        with suppress(queue.Empty):
            while time.monotonic() < ends:
                self._take_in(self._transfers.inbox.get_nowait())

    def _take_in(self, message: Item | Future[Any] | BaseException) -> None:
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, Future):
            items = self._decoding.pop(message)
            for item, picture in zip(items, message.result(), strict=True):
                item.picture = picture
                self._finish(item)
        elif message.data is not None and not self._transfers.in_hand(message.outcome.content_id or ""):
            self._undecoded.append(message)
        else:
            self._finish(message)

    def _finish(self, item: Item) -> None:
        self._transfers.free(item)
        self._finished.append(item)

    def _submit(self) -> None:
        """Hand bytes to the processes, some pictures a task: one by one they would cost more to hand over."""
        while len(self._undecoded) >= TASK_PICTURES or (self._undecoded and len(self._decoding) < FEW_TASKS):
            task: list[Item] = []
            while self._undecoded and len(task) < TASK_PICTURES and sum(len(i.data or b"") for i in task) < TASK_BYTES:
                task.append(self._undecoded.pop())
            given = [(item.outcome.content_id or "", item.data or b"") for item in task]
            future = self._setting.decoders.submit(decode.decode, given, self._setting.decode, self._folder.files)
            self._decoding[future] = task
            future.add_done_callback(self._transfers.inbox.put)

    def _record(self) -> None:
        """A group of finished work: its pictures flushed to disk, then its rows."""
        items, self._finished = self._finished, []
        self._recorded_at = time.monotonic()
        if not items:
            return
        pictures = [item.picture for item in items if item.picture is not None]
        if any(picture.suffix for picture in pictures):
            disk.flush(self._folder.work)
        settle(self._state, [item.outcome for item in items], pictures)
        self._scheduler.settled([item.transfer for item in items if item.transfer is not None])
        self.tally.add(items)
        self._towards_goal(items)

    def _towards_goal(self, items: list[Item]) -> None:
        """Count what was collected; once a domain has what is wanted, its waiting URLs are put off."""
        goal = self._setting.rules.goal
        if not goal.is_set:
            return
        reached = goal.reached()
        for domain, content_id in self._state.collected([item.outcome.url_id for item in items]):
            goal.count(domain, content_id)
        if goal.reached() != reached:
            self._state.put_off(sorted(goal.reached()))
            self._scheduler.forget()
