"""A SQLite file that threads share: one connection behind a lock, whole transactions, a full disk said as such.

One connection and a lock rather than a connection a thread: the threads of a collection write little and often, and
with a lock of our own they take turns, where SQLite's would make them wait and try again. WAL with `synchronous=NORMAL`
outlives `kill -9` whole; a power cut may take the last transactions, never the file.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Database:
    """An open file."""

    def __init__(self, file: Path, schema: str) -> None:
        """Open it, and make what is not there yet of `schema`: statements with semicolons between them."""
        self._file = file
        self._lock = threading.RLock()
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        with self.transaction():
            for statement in schema.split(";"):
                self._db.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Several statements at once, all or none. Raises OSError where the disk is full, like any other write."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and "disk" in str(error):
                    raise OSError(errno.ENOSPC, "the disk is full", str(self._file)) from None
                raise

    def all(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def one(self, query: str, values: Sequence[Any] = ()) -> Any:
        """The first row of a query, or None."""
        with self._lock:
            return self._db.execute(query, values).fetchone()

    def chunks(self, query: str, values: dict[str, Any], count: int) -> Iterator[list[Any]]:
        """The rows of a query, `count` at a time; nothing else may write meanwhile."""
        cursor = self._db.execute(query, values)
        while rows := cursor.fetchmany(count):
            yield rows

    def close(self) -> None:
        """Close the file."""
        self._db.close()
