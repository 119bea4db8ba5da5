"""The side of a collection that waits for others: threads that fetch what the scheduler hands out, and local reads.

What arrives goes into the main thread's inbox as an `Item`. The bytes that wait there for decoding are bounded: threads
stop taking URLs while there are too many.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from scgan_data.collection.outcome import Outcome, Picture
from scgan_data.collection.scheduler import Scheduler, Transfer
from scgan_data.collection.settle import refusal
from scgan_data.collection.state import State
from scgan_data.errors import StoppedError
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.stage import StageFolder
from scgan_data.web.address import RefusedError
from scgan_data.web.request import AgainError, Answer, Redirect

BACKLOG_BYTES = 128 * 2**20


@dataclass
class Item:
    """One URL or file on its way through decoding to the record."""

    outcome: Outcome
    data: bytes | None = None
    """To decode; None where what they give is known."""
    transfer: Transfer | None = None
    picture: Picture | None = None


Inbox = queue.SimpleQueue[Item | Future[Any] | BaseException]


@dataclass(frozen=True)
class Limits:
    """Of attempts and bytes."""

    retries: int
    max_redirects: int
    max_file_bytes: int


class Transfers:
    """Threads that fetch, and reads of this machine's files by whatever thread lists them."""

    def __init__(self, state: State, folder: StageFolder, limits: Limits) -> None:
        self._state, self._folder, self._limits = state, folder, limits
        self.inbox: Inbox = queue.SimpleQueue()
        self._room, self._backlog, self._stopped = threading.Condition(), 0, False

    def start(self, scheduler: Scheduler, threads: int) -> None:
        """Start fetching."""
        for number in range(threads):
            threading.Thread(target=self._run, args=(scheduler,), name=f"fetch-{number}", daemon=True).start()

    def stop(self) -> None:
        """Let no thread wait for room any longer."""
        with self._room:
            self._stopped = True
            self._room.notify_all()

    def free(self, item: Item) -> None:
        """The bytes of an item are not needed any more."""
        if item.data is not None:
            with self._room:
                was_full = self._backlog > BACKLOG_BYTES
                self._backlog -= len(item.data)
                if was_full:
                    self._room.notify_all()
            item.data = None

    def in_hand(self, content_id: str) -> bool:
        """Whether a content's facts are known and its picture, if it is one, lies here."""
        known, suffix = self._state.suffix_of(content_id)
        return known and (suffix is None or self._folder.picture(content_id, suffix) is not None)

    def refuse(self, transfer: Transfer, refused: RefusedError) -> None:
        """A URL that is not had."""
        outcome = replace(refusal(transfer.job.url_id, refused), attempts=transfer.attempts)
        self.inbox.put(Item(outcome, transfer=transfer))

    def read(self, url_id: int, offer: Offer) -> None:
        """Read bytes of this machine, unless they are known and have not changed since."""
        assert offer.local is not None
        known = self._state.content_of(url_id)
        if known is not None and known[1] == offer.local.signature and self.in_hand(known[0]):
            self.inbox.put(Item(Outcome(url_id, known[0], etag=known[1])))
            return
        self._wait_for_room()
        limit = self._limits.max_file_bytes
        try:
            size = offer.local.size_bytes
            if size is not None and size > limit:
                raise RefusedError(Reason.TOO_MANY_BYTES, f"{size} bytes", value=float(size), limit=float(limit))
            data = offer.local.read()
        except RefusedError as refused:
            self.inbox.put(Item(refusal(url_id, refused)))
        except OSError as error:
            unreadable = RefusedError(Reason.FILE_UNREADABLE, error.strerror or str(error))
            self.inbox.put(Item(refusal(url_id, unreadable)))
        else:
            self._arrived(Item(Outcome(url_id, _id(data), etag=offer.local.signature), data))

    def _run(self, scheduler: Scheduler) -> None:
        """One thread's transfers."""
        transfer: Transfer | None = None
        while (transfer := scheduler.take(transfer)) is not None:
            try:
                self._attempt(scheduler, transfer)
            except StoppedError:
                return
            except BaseException as error:  # a bug must end the run, and not one thread of it in silence
                self.inbox.put(error)
                return
            self._wait_for_room()

    def _attempt(self, scheduler: Scheduler, transfer: Transfer) -> None:
        job = transfer.job
        in_hand = job.content_id if job.content_id and self.in_hand(job.content_id) else None
        etag, last_modified = (job.etag, job.last_modified) if in_hand else (None, None)
        transfer = replace(transfer, attempts=transfer.attempts + 1)
        try:
            got = transfer.web.attempt(transfer.url, etag=etag, last_modified=last_modified, partial=transfer.partial)
            if isinstance(got, Redirect):
                scheduler.redirected(transfer, got.url, self._limits.max_redirects)
                return
            if got.status == 304 and in_hand is None:
                raise RefusedError(Reason.HTTP_ERROR, "HTTP 304 to an unconditional request", value=304.0)
        except AgainError as again:
            transfer = replace(transfer, partial=again.partial)
            if not scheduler.again(transfer, again.wait_s, self._limits.retries):
                self.refuse(transfer, again.refused)
        except RefusedError as refused:
            self.refuse(transfer, refused)
        else:
            self._arrived(_item(transfer, got, in_hand))

    def _arrived(self, item: Item) -> None:
        with self._room:
            self._backlog += len(item.data or b"")
        self.inbox.put(item)

    def _wait_for_room(self) -> None:
        with self._room:
            while self._backlog > BACKLOG_BYTES and not self._stopped:
                self._room.wait(1.0)


def _item(transfer: Transfer, answer: Answer, in_hand: str | None) -> Item:
    job, is_same = transfer.job, answer.status == 304
    outcome = Outcome(
        job.url_id,
        in_hand if is_same else _id(answer.body),
        status=answer.status,
        attempts=transfer.attempts,
        seconds=answer.seconds,
        final_url=answer.url if answer.url != job.url else None,
        etag=answer.headers.get("etag") or (job.etag if is_same else None),
        last_modified=answer.headers.get("last-modified") or (job.last_modified if is_same else None),
        rules=answer.rules or None,
        via_proxy=answer.via_proxy,
    )
    return Item(outcome, None if is_same else answer.body, transfer)


def _id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
