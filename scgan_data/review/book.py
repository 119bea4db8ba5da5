"""The verdicts file while people write into it: read again when it grew, never overwritten, stale changes refused.

Every picture has a version, a hash of all lines about it. Whoever changes it sends the version that they saw; under the
file's lock it is compared with what the file says by then, lines of other servers and of editors included, and where
somebody was faster nothing is written (`StaleError` carries what they said). So two people at once cannot lose a word,
and no word is given on a state that its giver did not see. Versions a picture, not one for the file: two people who
work at two ends of the grid never meet.

After each change all lines are put in order and hashed again: 24 ms of one core where 2,000 pictures are judged, .3 s
where 20,000 are.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scgan_data import verdicts, verdicts_file
from scgan_data.review.catalog import Catalog
from scgan_data.verdicts import Line, Standing

TICK = timedelta(microseconds=1)


class StaleError(Exception):
    """Somebody changed what a change is about; `states` is what they made of it, by id."""

    def __init__(self, states: dict[str, dict[str, Any]]) -> None:
        super().__init__("changed meanwhile")
        self.states = states


class Book:
    """A verdicts file, and what it says of the pictures of a catalog."""

    def __init__(self, file: Path, catalog: Catalog) -> None:
        self.file, self._catalog = file, catalog
        self._lock = threading.RLock()
        self._stat: tuple[int, int, int] | None = None
        self._bytes = b""
        self._parsed: list[Line] = []
        self._rows: dict[str, list[Line]] = {}
        self._versions: dict[str, str] = {}
        self._changed: dict[str, int] = {}
        self.generation = 0
        """Grows with every change seen."""
        self.lines: list[Line] = []
        """All lines, undone ones and undoing ones too, the latest last."""
        self.refresh()

    def refresh(self) -> None:
        """Read the file again if it is another than before. Raises ScganError for a line that is no verdict."""
        with self._lock:
            if self._stat != _stat(self.file):
                with verdicts_file.writing(self.file):
                    self._read()

    def version(self, content_id: str) -> str:
        """Of a picture."""
        return self._versions.get(content_id, "")

    def standing(self, content_id: str) -> Standing:
        """What people say of a picture."""
        return verdicts.fold(verdicts.without_undone(self._rows.get(content_id, ())))

    def state(self, content_id: str) -> dict[str, Any]:
        """The same for the page."""
        said = self.standing(content_id)
        line = said.verdict or {}
        own = {str(region): box for region, (box, _) in self._own(said, content_id).items()}
        return {
            "version": self.version(content_id),
            "word": said.word,
            **{name: line.get(name) for name in ("reason", "note", "reviewer", "at")},
            "words": said.words if said.disputed else {},
            "moved": own,
        }

    def _own(self, said: Standing, content_id: str) -> dict[Any, tuple[Any, Line]]:
        """The boxes that were drawn on this very picture."""
        return {region: found for region, found in said.boxes.items() if found[1]["id"] == content_id}

    def changed_since(self, generation: int) -> dict[str, dict[str, Any]]:
        """The states of pictures that changed after a generation."""
        with self._lock:
            return {name: self.state(name) for name, at in self._changed.items() if at > generation}

    def add(self, lines: Iterable[Mapping[str, Any]], reviewer: str, seen: Mapping[str, str]) -> str:
        """Append lines of one reviewer, stamped, if every picture in `seen` has the version seen; the time stamped.

        Raises StaleError, and nothing is written then.
        """
        with self._lock, verdicts_file.writing(self.file) as write:
            self._read()
            stale = [name for name, version in seen.items() if self.version(name) != version]
            if stale:
                raise StaleError({name: self.state(name) for name in stale})
            at = self._now()
            write([{**line, "reviewer": reviewer, "at": at} for line in lines])
            self._read()
            return at

    def said_at(self, reviewer: str, at: str, ids: Iterable[str]) -> list[Line]:
        """What a reviewer said of these pictures at that time, and has not undone; an undo counts as said."""
        mine: dict[str, Line] = {}
        for name in ids:
            for line in verdicts.without_undone(self._rows.get(name, ()), keeps_undoing=True):
                if line.get("reviewer") == reviewer and line.get("at") == at:
                    mine[line["id"]] = line
        return list(mine.values())

    def actions(self, reviewer: str, last: int = 200) -> list[dict[str, Any]]:
        """The latest changes of a reviewer that stand, with time and pictures, so that undo outlives a page."""
        found: dict[tuple[float, str], list[str]] = {}
        for name, lines in self._rows.items():
            for line in verdicts.without_undone(lines):
                at = verdicts.time_of(line)
                if at is not None and line.get("reviewer") == reviewer:
                    found.setdefault((at, line["at"]), []).append(name)
        return [{"at": key[1], "ids": found[key]} for key in sorted(found)[-last:]]

    def _now(self) -> str:
        """UTC, later than every line: no clock that runs behind lets an older word stand."""
        stamps = [at for line in self.lines if (at := verdicts.time_of(line)) is not None]
        latest = datetime.fromtimestamp(max(stamps, default=0.0), UTC) + 2 * TICK  # a float may have lost one
        return max(datetime.now(UTC), latest).isoformat(timespec="microseconds")

    def _read(self) -> None:
        """Take up what the file has, its lock held: only new bytes are parsed where it was appended to."""
        stat = _stat(self.file)
        if self._stat is not None and stat == self._stat:
            return
        data = self.file.read_bytes() if stat else b""
        whole = data[: data.rfind(b"\n") + 1]
        if not whole.startswith(self._bytes):
            self._bytes, self._parsed = b"", []
        number = self._bytes.count(b"\n") + 1
        new = verdicts.parse(whole[len(self._bytes) :], self.file, first=number)
        last = verdicts.parse(data[len(whole) :], self.file, first=whole.count(b"\n") + 1)
        self._bytes, self._parsed, self._stat = whole, [*self._parsed, *new], stat
        self.lines = verdicts.in_order([*self._parsed, *last])
        self._take_up()

    def _take_up(self) -> None:
        ids = self._catalog.ids
        rows = verdicts.by_row(self.lines, ids, self._catalog.parents)
        self._rows = {name: lines for name, lines in zip(ids, rows, strict=True) if lines}
        before, self._versions = self._versions, {name: _hash(lines) for name, lines in self._rows.items()}
        changed = [n for n in {*before, *self._versions} if before.get(n) != self._versions.get(n)]
        self.generation += 1
        self._changed |= dict.fromkeys(changed, self.generation)


def _stat(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _hash(lines: list[Line]) -> str:
    return hashlib.sha256(json.dumps(lines, sort_keys=True).encode()).hexdigest()[:16]
