"""What became of every URL and file that collect asked for, kept as it happens: SQLite beside the stage's folder.

A `kill -9` loses at most the transfers that were under way: each answer is recorded when its bytes are on disk, and a
run that goes on takes recorded answers as they are. Runs are counted: once one has finished, the next asks again, but
conditionally, so that an unchanged picture costs a 304. Raw bytes lie beside it, named by content.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
from dataclasses import astuple, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scgan_data.address import RefusedError
from scgan_data.manifest import id_of_bytes, write_bytes
from scgan_data.records import Reason

TRANSIENT = (Reason.FETCH_FAILED, Reason.TIMED_OUT, Reason.RATE_LIMITED)
"""What says nothing of the picture: one that is in hand stays."""


@dataclass(frozen=True)
class Outcome:
    """What became of one URL or file: content, or the reason why there is none."""

    url: str
    final_url: str | None = None
    """Where redirects led."""
    content_id: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    robots: str | None = None
    """The answer's X-Robots-Tag directives, comma-separated."""
    reason: Reason | None = None
    value: float | None = None
    max_value: float | None = None
    detail: str | None = None
    retrieved_at: str = ""
    """UTC, when this content or this refusal first came."""


_COLUMNS = [f.name for f in fields(Outcome)]


def now() -> str:
    """UTC, ISO 8601, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def refusal(url: str, refused: RefusedError) -> Outcome:
    """The outcome of a URL or file that was not had."""
    return Outcome(
        url,
        reason=refused.reason,
        value=refused.value,
        max_value=refused.limit,
        detail=str(refused.detail),
        retrieved_at=now(),
    )


class Journal:
    """The record of one stage's folder; threads share it."""

    def __init__(self, work: Path, key: str) -> None:
        """Open it; `key` names version and configuration: under another one, a killed run is not gone on with."""
        self._raw, self._file = work / "raw", work / "collect.sqlite"
        self._lock = threading.Lock()
        self._db = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        self._do("PRAGMA journal_mode=WAL")
        self._do("PRAGMA synchronous=NORMAL")
        self._do(f"CREATE TABLE IF NOT EXISTS outcomes ({', '.join(_COLUMNS)}, run INTEGER, PRIMARY KEY (url))")
        self._do("CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, key TEXT, finished INTEGER)")
        self.run = self._begin(key)

    def _begin(self, key: str) -> int:
        last = next(iter(self._do("SELECT run, key, finished FROM runs ORDER BY run DESC LIMIT 1")), None)
        if last and last[1] == key and not last[2]:
            return int(last[0])
        run = last[0] + 1 if last else 1
        self._do("INSERT INTO runs VALUES (?, ?, 0)", (run, key))
        return run

    def _do(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """One statement, in a transaction of its own. Raises OSError where the disk is full, like any other write."""
        try:
            with self._lock:
                return self._db.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if "disk" in str(error):  # "database or disk is full", "disk I/O error"
                raise OSError(errno.ENOSPC, "the disk is full", str(self._file)) from None
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def finish(self) -> None:
        """This run is complete: the next asks again. Raw bytes that no outcome names any more are dropped."""
        self._do("DELETE FROM outcomes WHERE run != ?", (self.run,))
        named = {row[0] for row in self._do("SELECT DISTINCT content_id FROM outcomes")}
        for file in self._raw.glob("*/*"):
            if file.name not in named:
                file.unlink()
        self._do("UPDATE runs SET finished = 1 WHERE run = ?", (self.run,))

    def find(self, url: str) -> tuple[Outcome | None, bool]:
        """The last outcome of a URL, and whether it is of this run."""
        found_rows = self._do(f"SELECT {', '.join(_COLUMNS)}, run FROM outcomes WHERE url = ?", (url,))
        if not found_rows:
            return None, False
        row = found_rows[0]
        found = Outcome(*row[:-1])
        return replace(found, reason=Reason(found.reason) if found.reason else None), row[-1] == self.run

    def raw(self, content_id: str) -> Path:
        """Where the fetched bytes of that content lie."""
        return self._raw / content_id[:2] / content_id

    def keep(self, data: bytes) -> str:
        """Write bytes under their content id, which is returned."""
        content_id = id_of_bytes(data)
        if not self.raw(content_id).is_file():
            write_bytes(self.raw(content_id), data)
        return content_id

    def record(self, outcome: Outcome) -> Outcome:
        """Keep an outcome of this run, in one transaction; the same as before keeps its first time.

        A transient failure does not replace content that is in hand.
        """
        before, _ = self.find(outcome.url)
        if before is not None and _says_the_same(before, outcome):
            outcome = replace(outcome, retrieved_at=before.retrieved_at)
        elif before is not None and before.content_id and outcome.reason in TRANSIENT:
            outcome = before
        marks = ", ".join("?" * (len(_COLUMNS) + 1))
        self._do(f"INSERT OR REPLACE INTO outcomes VALUES ({marks})", (*astuple(outcome), self.run))
        return outcome


def _says_the_same(one: Outcome, other: Outcome) -> bool:
    return (one.content_id, one.reason, one.value) == (other.content_id, other.reason, other.value)
