"""What became of every URL and file that collect knows of, kept as it happens: SQLite (WAL) beside the stage's folder.

One row a URL with its last status, attempts, timings and reason; one a content with what its decode measured; one an
offer (who named the URL, for which domain, under which licence). A row says done when its picture lies on disk, synced:
a `kill -9` or a power cut costs the transfers that were under way and nothing else, and nothing is asked for twice.

Runs are counted. One that was killed is gone on with if sources and code are the same; after one that finished, the
next asks again, but conditionally, so that an unchanged picture costs a 304. New content at a known URL becomes a new
version and the old one stays; a picture that is gone upstream stays too, unless its owner now forbids our use.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scgan_data.collection.database import Database
from scgan_data.collection.outcome import Job
from scgan_data.records import Reason
from scgan_data.sources import Offer
from scgan_data.web.request import Visited

FORBIDDEN = (Reason.ROBOTS_DISALLOWED, Reason.NOAI, Reason.ADDRESS_FORBIDDEN)
"""What withdraws a picture that is in hand; any other failure leaves it."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, key TEXT, listing TEXT, finished INTEGER);
CREATE TABLE IF NOT EXISTS streams (stream TEXT, query TEXT, run INTEGER, PRIMARY KEY (stream, query));
CREATE TABLE IF NOT EXISTS pages (url TEXT PRIMARY KEY, run INTEGER, final_url TEXT, robots TEXT, body BLOB);
CREATE TABLE IF NOT EXISTS urls (
  id INTEGER PRIMARY KEY, url TEXT UNIQUE, web INTEGER, host TEXT, run INTEGER, done INTEGER,
  status INTEGER, attempts INTEGER, seconds REAL, final_url TEXT, etag TEXT, last_modified TEXT, rules TEXT,
  via_proxy INTEGER, reason TEXT, value REAL, max_value REAL, detail TEXT, content_id TEXT, retrieved_at TEXT);
CREATE INDEX IF NOT EXISTS waiting ON urls (web, host, id) WHERE done = 0;
CREATE TABLE IF NOT EXISTS offers (
  url_id INTEGER, domain TEXT, run INTEGER, stream TEXT, source TEXT, query TEXT, page_url TEXT,
  license TEXT, license_url TEXT, author TEXT, ai_generated TEXT, extra TEXT,
  reason TEXT, value REAL, max_value REAL, detail TEXT,
  PRIMARY KEY (url_id, domain)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (
  url_id INTEGER, content_id TEXT, retrieved_at TEXT, PRIMARY KEY (url_id, content_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pictures (content_id TEXT PRIMARY KEY, key TEXT, suffix TEXT, facts TEXT) WITHOUT ROWID;
"""


class State(Database):
    """The record of one stage's folder; threads share it."""

    def __init__(self, work: Path, key: str, *, listing: str, decode_key: str, reopen: bool = False) -> None:
        """Open it. A run is gone on with under the same `key` (also a finished one, to `reopen` it).

        `listing` names what decides which offers are taken, `decode_key` what measured facts depend on.
        """
        super().__init__(work / "collect.sqlite", _SCHEMA)
        self.decode_key = decode_key
        with self.transaction() as db:
            self.run = self._begin(db, key, listing, reopen=reopen)

    def _begin(self, db: sqlite3.Connection, key: str, listing: str, *, reopen: bool) -> int:
        last = self.one("SELECT run, key, listing, finished FROM runs ORDER BY run DESC LIMIT 1")
        if last and last[1] == key and (reopen or not last[3]):
            if last[2] != listing:
                db.execute("DELETE FROM streams")
            db.execute("UPDATE runs SET finished = 0, listing = ? WHERE run = ?", (listing, last[0]))
            return int(last[0])
        run = last[0] + 1 if last else 1
        db.execute("INSERT INTO runs VALUES (?, ?, ?, 0)", (run, key, listing))
        db.execute("DELETE FROM pages")
        return run

    def finish(self) -> None:
        """This run is complete: the next asks again. What no source names any more is forgotten."""
        with self.transaction() as db:
            db.execute("DELETE FROM offers WHERE run != ?", (self.run,))
            db.execute("DELETE FROM urls WHERE id NOT IN (SELECT url_id FROM offers)")
            db.execute("DELETE FROM versions WHERE url_id NOT IN (SELECT url_id FROM offers)")
            db.execute(
                "DELETE FROM pictures WHERE content_id NOT IN (SELECT content_id FROM urls WHERE content_id NOTNULL"
                " UNION SELECT content_id FROM versions)"
            )
            db.execute("DELETE FROM pages")
            db.execute("DELETE FROM streams WHERE run != ?", (self.run,))
            db.execute("UPDATE runs SET finished = 1 WHERE run = ?", (self.run,))

    def is_listed(self, stream: str, query: str) -> bool:
        """Whether this run has had all offers of a stream."""
        return (
            self.one("SELECT 1 FROM streams WHERE stream=? AND query=? AND run=?", (stream, query, self.run))
            is not None
        )

    def listed(self, stream: str, query: str) -> None:
        """This run has had all offers of a stream."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO streams VALUES (?, ?, ?)", (stream, query, self.run))

    def are_listed(self, streams: Iterable[tuple[str, str]]) -> bool:
        """Whether this run has had all offers of all these streams."""
        return all(self.is_listed(stream, query) for stream, query in streams)

    def page(self, url: str) -> Visited | None:
        """A page that this run has had."""
        row = self.one("SELECT final_url, body, robots FROM pages WHERE url = ? AND run = ?", (url, self.run))
        return Visited(row[0], row[1], frozenset(filter(None, row[2].split(",")))) if row else None

    def keep_page(self, url: str, page: Visited) -> None:
        """This run has had a page."""
        with self.transaction() as db:
            values = (url, self.run, page.url, ",".join(sorted(page.robots)), page.body)
            db.execute("INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?, ?)", values)

    def offer(self, web: int, stream: str, query: str, offers: Iterable[tuple[Offer, str]]) -> list[int]:
        """Record offers, each with its URL's host (origin), for the gateway number `web`; the ids of their URLs.

        In one run the first offer of a URL for a domain counts. A URL waits from then on, unless the run had it
        already, the offer is refused, or its bytes are on this machine.
        """
        with self.transaction() as db:
            return [self._offer(db, web, (stream, query), offer, host) for offer, host in offers]

    def _offer(self, db: sqlite3.Connection, web: int, stream: tuple[str, str], offer: Offer, host: str) -> int:
        waits = offer.refused is None and offer.local is None
        row = db.execute("SELECT id, run FROM urls WHERE url = ?", (offer.url,)).fetchone()
        url_id: int | None = row[0] if row else None
        if url_id is None:
            new = (offer.url, web, host, self.run if waits else 0, int(not waits))
            url_id = db.execute("INSERT INTO urls (url, web, host, run, done) VALUES (?, ?, ?, ?, ?)", new).lastrowid
        elif waits and row[1] != self.run:
            again = (web, host, self.run, url_id)
            db.execute("UPDATE urls SET web = ?, host = ?, run = ?, done = 0 WHERE id = ?", again)
        assert url_id is not None
        self._name(db, url_id, stream, offer)
        return url_id

    def _name(self, db: sqlite3.Connection, url_id: int, stream: tuple[str, str], offer: Offer) -> None:
        said = offer.refused
        refusal = (said.reason.value, said.value, said.limit, str(said.detail)) if said else (None, None, None, None)
        extra = json.dumps(dict(offer.extra), ensure_ascii=False, sort_keys=True) if offer.extra else None
        credit = (offer.page_url, offer.license, offer.license_url, offer.author, offer.ai_generated, extra)
        db.execute(
            "INSERT INTO offers VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET run = excluded.run,"
            " stream = excluded.stream, source = excluded.source, query = excluded.query, page_url = excluded.page_url,"
            " license = excluded.license, license_url = excluded.license_url, author = excluded.author,"
            " ai_generated = excluded.ai_generated, extra = excluded.extra, reason = excluded.reason,"
            " value = excluded.value, max_value = excluded.max_value, detail = excluded.detail"
            " WHERE offers.run != excluded.run OR (offers.reason NOTNULL AND excluded.reason ISNULL)",
            (url_id, offer.domain, self.run, stream[0], offer.source, stream[1] or None, *credit, *refusal),
        )

    def suffix_of(self, content_id: str) -> tuple[bool, str | None]:
        """Whether the facts of a content are known, and its picture's suffix, if it is a picture for us."""
        query = "SELECT suffix FROM pictures WHERE content_id = ? AND key = ?"
        row = self.one(query, (content_id, self.decode_key))
        return (row is not None, row[0] if row else None)

    def content_of(self, url_id: int) -> tuple[str, str | None] | None:
        """The content that a URL gave last, and its validator."""
        row = self.one("SELECT content_id, etag FROM urls WHERE id = ?", (url_id,))
        return (row[0], row[1]) if row and row[0] else None

    def pictures(self) -> Iterator[tuple[str, str]]:
        """(content id, suffix) of all pictures; nothing else may write meanwhile."""
        for chunk in self.chunks("SELECT content_id, suffix FROM pictures WHERE suffix NOTNULL", {}, 10_000):
            yield from chunk

    def stale(self) -> list[tuple[str, str | None, str]]:
        """(content id, suffix, facts) of what another version of the decoding measured."""
        return self.all("SELECT content_id, suffix, facts FROM pictures WHERE key != ?", (self.decode_key,))

    def forget_contents(self, content_ids: Iterable[str]) -> None:
        """These contents are not in hand any more; the URLs that gave them wait again, those of this machine aside."""
        with self.transaction() as db:
            for content_id in content_ids:
                db.execute("DELETE FROM pictures WHERE content_id = ?", (content_id,))
                db.execute(
                    "UPDATE urls SET done = host = '', content_id = NULL, etag = NULL, last_modified = NULL"
                    " WHERE content_id = ?",
                    (content_id,),
                )

    def count_waiting(self) -> int:
        """URLs that wait or are under way."""
        return int(self.one("SELECT COUNT(*) FROM urls WHERE done = 0")[0])

    def collected(self, url_ids: Sequence[int] | None = None) -> list[tuple[str, str]]:
        """(domain, content id) of this run's good pictures, of these URLs or of all."""
        named = "" if url_ids is None else f" AND urls.id IN ({', '.join(map(str, url_ids))})"
        return self.all(
            "SELECT domain, content_id FROM offers JOIN urls ON id = url_id JOIN pictures USING (content_id)"
            f" WHERE offers.run = ? AND offers.reason ISNULL AND done = 1 AND suffix NOTNULL{named}",
            (self.run,),
        )

    def hosts_of(self, stream: str, query: str) -> list[tuple[str, int]]:
        """The hosts of a stream's offers in this run that are not refused, and how many there are."""
        return self.all(
            "SELECT host, COUNT(*) FROM offers JOIN urls ON id = url_id"
            " WHERE offers.run = ? AND offers.reason ISNULL AND stream = ? AND COALESCE(query, '') = ? GROUP BY host",
            (self.run, stream, query),
        )

    def put_off(self, domains: Sequence[str]) -> None:
        """What only these domains want waits no more in this run; `take_up` lets it wait again."""
        marks = ", ".join("?" * len(domains))
        wanted = f"SELECT url_id FROM offers WHERE run = ? AND reason ISNULL AND domain NOT IN ({marks})"
        with self.transaction() as db:
            db.execute(f"UPDATE urls SET done = 2 WHERE done = 0 AND id NOT IN ({wanted})", (self.run, *domains))

    def take_up(self) -> None:
        """What was put off waits again."""
        with self.transaction() as db:
            db.execute("UPDATE urls SET done = 0 WHERE done = 2")

    def hosts_waiting(self, after: tuple[int, str], count: int) -> list[tuple[int, str]]:
        """Up to `count` (web, host) that URLs wait for, in order, behind `after`."""
        found: list[tuple[int, str]] = []
        while len(found) < count:
            row = self.one(
                "SELECT web, host FROM urls WHERE done = 0 AND (web, host) > (?, ?) ORDER BY web, host LIMIT 1", after
            )
            if row is None:
                break
            after = (row[0], row[1])
            found.append(after)
        return found

    def waiting(self, web: int, host: str, after: int, count: int) -> list[Job]:
        """Up to `count` URLs of a host that wait, by id, behind the id `after`."""
        return [
            Job(*row)
            for row in self.all(
                "SELECT id, url, etag, last_modified, content_id FROM urls"
                " WHERE done = 0 AND web = ? AND host = ? AND id > ? ORDER BY id LIMIT ?",
                (web, host, after, count),
            )
        ]
