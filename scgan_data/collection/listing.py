"""Listing: the streams of all sources, each read by a thread, their offers checked and written into the state.

Some sources are read at a time, so that a slow search holds up no list. Bytes on this machine are read here, at once;
URLs wait in the state for the scheduler.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from scgan_data.collection.budget import Goal, Spent
from scgan_data.collection.state import State
from scgan_data.credit import permission
from scgan_data.credit.licenses import LicensesConfig
from scgan_data.sources import Offer, Stream
from scgan_data.web.address import RefusedError, parse
from scgan_data.web.fetch import Web
from scgan_data.web.request import Ask, Visited

BATCH = 256


@dataclass(frozen=True)
class Listed:
    """A stream, the source that it belongs to, and the gateway that it goes through."""

    source: str
    """Its place in params and its name: two entries may have the same name and query."""
    query: str
    stream: Stream
    web: int
    gateway: Web | None

    @property
    def is_local(self) -> bool:
        """Whether its bytes are on this machine."""
        return self.gateway is None


@dataclass(frozen=True)
class Rules:
    """What decides about an offer before anything is asked for."""

    licenses: LicensesConfig
    reject_ai: bool
    spent: Spent
    goal: Goal


class Lister:
    """Reads streams into the state, one thread's worth; `take_local` gets each offer of bytes with its URL's id."""

    def __init__(
        self,
        state: State,
        rules: Rules,
        take_local: Callable[[int, Offer], None],
    ) -> None:
        self._state, self._rules, self._take_local = state, rules, take_local
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let no stream go on."""
        self._stop.set()

    def read(self, listed: Listed) -> None:
        """Read one stream to its end, its budget's or the goal's. Raises SourceError."""
        if self._state.is_listed(listed.source, listed.query):
            for host, count in self._state.hosts_of(listed.source, listed.query):
                self._rules.spent.take(host, count)
            return
        reading = _Reading(listed)
        try:
            is_at_end = self._each(reading, listed.stream(lambda ask: self._visit(reading, ask)))
        finally:
            self._flush(reading)
        self._keep_page(reading)
        if is_at_end and not (reading.is_cut or listed.is_local):  # local bytes may still be on their way
            self._state.listed(listed.source, listed.query)

    def _each(self, reading: _Reading, offers: Iterator[Offer]) -> bool:
        """Whether the stream came to its own end."""
        taken = 0
        while self._rules.spent.has_room(taken) and not self._stop.is_set():
            offer = next(offers, None)
            if offer is None or self._rules.goal.is_reached(offer.domain):
                return offer is None
            reading.batch.append(self._judged(offer))
            taken += 1
            if len(reading.batch) == BATCH or offer.local is not None:
                self._flush(reading)
        return False

    def _judged(self, offer: Offer) -> tuple[Offer, str]:
        """The offer, refused where a rule says so, and its host (origin)."""
        refused, host = offer.refused, ""
        if refused is None and offer.local is None:
            try:
                host = parse(offer.url).origin
            except RefusedError as error:
                refused = error
        if offer.license or offer.license_url:  # where none is stated, the file may state one
            refused = refused or permission.by_license(offer.license, offer.license_url, self._rules.licenses)
        refused = refused or permission.by_origin(offer.ai_generated, reject_ai=self._rules.reject_ai)
        refused = refused or self._rules.spent.take(host)
        return (offer if refused is None else replace(offer, refused=refused)), host

    def _flush(self, reading: _Reading) -> None:
        listed = reading.listed
        batch = [pair for pair in reading.batch if not self._rules.goal.is_reached(pair[0].domain)]
        reading.is_cut |= len(batch) < len(reading.batch)
        ids = self._state.offer(listed.web, listed.source, listed.query, batch)
        for url_id, (offer, _) in zip(ids, batch, strict=True):
            if offer.local is not None and offer.refused is None:
                self._take_local(url_id, offer)
        reading.batch.clear()

    def _visit(self, reading: _Reading, ask: Ask) -> Visited:
        """A page from this run's record, or from the web. Offers so far go on their way first."""
        self._flush(reading)
        self._keep_page(reading)
        name = f"{ask.url}?{urlencode(ask.params)}" if ask.params else ask.url
        known = self._state.page(name)
        if known is not None:
            return known
        assert reading.listed.gateway is not None
        answer = reading.listed.gateway.get(ask)
        page = Visited(answer.url, answer.body, answer.robots)
        if not (ask.secret_params or ask.secret_headers):  # a service may repeat the key
            reading.page = (name, page)
        return page

    def _keep_page(self, reading: _Reading) -> None:
        """Record the last page, now that its stream has gone on from it: it was what the source expects."""
        if reading.page is not None:
            self._state.keep_page(*reading.page)
            reading.page = None


@dataclass
class _Reading:
    """A stream while it is read: offers that are not written yet, and the page that they come from."""

    listed: Listed
    batch: list[tuple[Offer, str]] = field(default_factory=list)
    page: tuple[str, Visited] | None = None
    is_cut: bool = False
    """Whether offers were dropped because their domain has what is wanted."""
