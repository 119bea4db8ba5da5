"""The transfers of one source: a few threads ask for its offers, a window ahead; each outcome is recorded at once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from scgan_data import manifest, robots
from scgan_data.address import RefusedError
from scgan_data.fetch import Web
from scgan_data.journal import Journal, Outcome, now, refusal
from scgan_data.records import Reason
from scgan_data.sources import Offer, Visited


class Transfers:
    """The transfers of one source: a few threads fetch, this one asks and records."""

    def __init__(self, web: Web | None, journal: Journal, *, threads: int, max_file_bytes: int) -> None:
        self._web, self._journal, self._threads, self._max_file_bytes = web, journal, threads, max_file_bytes
        self._pending: dict[str, Future[Outcome]] = {}

    def visit(self, url: str) -> Visited:
        """A page's content, from this run's record where it is there. Raises RefusedError, which is not recorded."""
        assert self._web is not None
        known, is_fresh = self._journal.find(url)
        if not (known and is_fresh and _is_there(known, self._journal)):
            known = _fetch(self._web, self._journal, url, known, is_page=True)
            if known.reason is not None:
                raise RefusedError(known.reason, known.detail or "", value=known.value, limit=known.max_value)
            known = self._journal.record(known)
        assert known.content_id is not None
        body = self._journal.raw(known.content_id).read_bytes()
        return Visited(known.final_url or url, body, frozenset((known.robots or "").split(",")) - {""})

    def of(self, offers: Iterator[Offer]) -> Iterator[tuple[Offer, Outcome]]:
        """Each offer with its outcome, in the order of the offers; a window of transfers runs ahead."""
        pool = ThreadPoolExecutor(self._threads)
        waiting: deque[tuple[Offer, Future[Outcome]]] = deque()
        try:
            for offer in offers:
                waiting.append((offer, self._start(pool, offer)))
                while len(waiting) > 8 * self._threads or (waiting and waiting[0][1].done()):
                    yield self._settle(*waiting.popleft())
            while waiting:
                yield self._settle(*waiting.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, pool: ThreadPoolExecutor, offer: Offer) -> Future[Outcome]:
        if offer.refused is not None:
            return _done(self._journal.record(refusal(offer.url, offer.refused)))
        if offer.file is not None:
            return _done(self._journal.record(_read(offer, self._journal, self._max_file_bytes)))
        known, is_fresh = self._journal.find(offer.url)
        if known and is_fresh and (known.reason is not None or _is_there(known, self._journal)):
            return _done(known)
        if offer.url not in self._pending:
            self._pending[offer.url] = pool.submit(self._fetch, offer.url, known)
        return self._pending[offer.url]

    def _settle(self, offer: Offer, future: Future[Outcome]) -> tuple[Offer, Outcome]:
        outcome = future.result()
        self._pending.pop(offer.url, None)
        return offer, outcome

    def _fetch(self, url: str, known: Outcome | None) -> Outcome:
        """In a thread."""
        assert self._web is not None
        return self._journal.record(_fetch(self._web, self._journal, url, known, is_page=False))


def _done(outcome: Outcome) -> Future[Outcome]:
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def _is_there(outcome: Outcome, journal: Journal) -> bool:
    return outcome.content_id is not None and journal.raw(outcome.content_id).is_file()


def _fetch(web: Web, journal: Journal, url: str, known: Outcome | None, *, is_page: bool) -> Outcome:
    """In a thread: ask for a URL, conditionally where its content is in hand; bytes are on disk before this returns."""
    in_hand = known if known is not None and _is_there(known, journal) else None
    etag, last_modified = (in_hand.etag, in_hand.last_modified) if in_hand else (None, None)
    try:
        answer = web.get(url, etag=etag, last_modified=last_modified)
        directives = robots.directives(answer.headers.getlist("X-Robots-Tag"))
        if not is_page and (word := robots.forbids(directives)):
            raise RefusedError(Reason.NOAI, f"X-Robots-Tag: {word}")
        if answer.status == 304 and in_hand is None:
            raise RefusedError(Reason.HTTP_ERROR, "HTTP 304 to an unconditional request", value=304.0)
    except RefusedError as refused:
        return refusal(url, refused)
    if answer.status == 304 and in_hand is not None:
        return in_hand
    return Outcome(
        url,
        final_url=answer.url,
        content_id=journal.keep(answer.body),
        etag=answer.headers.get("ETag"),
        last_modified=answer.headers.get("Last-Modified"),
        robots=",".join(sorted(directives)) or None,
        retrieved_at=now(),
    )


def has_plain_name(file: Path) -> bool:
    """Whether a table can name the file: its name is Unicode. One that is not is copied to where raw bytes lie."""
    return not any("\ud800" <= letter <= "\udfff" for letter in str(file))


def _read(offer: Offer, journal: Journal, max_bytes: int) -> Outcome:
    """The content id of a file that stays where it is."""
    file, url = offer.file, offer.url
    assert file is not None
    try:
        if not file.is_file():
            raise RefusedError(Reason.FILE_UNREADABLE, "no plain file" if file.exists() else "a link to nothing")
        size = file.stat().st_size
        if size > max_bytes:
            raise RefusedError(Reason.TOO_MANY_BYTES, f"{size} bytes", value=float(size), limit=float(max_bytes))
        data = file.read_bytes()
        content_id = manifest.id_of_bytes(data) if has_plain_name(file) else journal.keep(data)
        return Outcome(url, content_id=content_id, retrieved_at=now())
    except OSError as error:
        return refusal(url, RefusedError(Reason.FILE_UNREADABLE, os.strerror(error.errno or 0)))
    except RefusedError as refused:
        return refusal(url, refused)
