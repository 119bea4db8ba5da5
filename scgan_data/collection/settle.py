"""What finished transfers and decodes do to the state: rows done, new versions, and reasons tried once more."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scgan_data.collection.outcome import Outcome, Picture
from scgan_data.collection.state import FORBIDDEN, State
from scgan_data.records import Reason
from scgan_data.web.address import RefusedError


def now() -> str:
    """UTC, ISO 8601, in seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def refusal(url_id: int, refused: RefusedError) -> Outcome:
    """The outcome of a URL or file that was not had."""
    return Outcome(
        url_id,
        reason=refused.reason.value,
        value=refused.value,
        max_value=refused.limit,
        detail=str(refused.detail),
        status=int(refused.value) if refused.reason == Reason.HTTP_ERROR and refused.value else None,
    )


def settle(state: State, outcomes: Sequence[Outcome], pictures: Iterable[Picture] = ()) -> None:
    """Record finished work in one transaction. The pictures' files are on disk, synced, before this is called."""
    with state.transaction() as db:
        db.executemany(
            "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)",
            [(p.content_id, state.decode_key, p.suffix, json.dumps(p.facts, sort_keys=True)) for p in pictures],
        )
        before = _before(db, [outcome.url_id for outcome in outcomes])
        at = now()
        db.executemany(_UPDATE, [_values(outcome, before[outcome.url_id], at) for outcome in outcomes])
        new = [(o, before[o.url_id]) for o in outcomes if before[o.url_id].content_id]
        versions = [
            (o.url_id, b.content_id, b.retrieved_at) for o, b in new if o.content_id not in (None, b.content_id)
        ]
        db.executemany("INSERT OR IGNORE INTO versions VALUES (?, ?, ?)", versions)
        db.executemany("DELETE FROM versions WHERE url_id = ?", [(o.url_id,) for o, _ in new if o.reason in FORBIDDEN])


class _Before(NamedTuple):
    """What the row of a URL said so far."""

    content_id: str | None
    reason: str | None
    retrieved_at: str | None
    etag: str | None
    last_modified: str | None
    final_url: str | None
    rules: str | None
    via_proxy: int | None


_SET = (*_Before._fields, "value", "max_value", "detail", "status", "attempts", "seconds")
_UPDATE = f"UPDATE urls SET done = 1, {', '.join(f'{name} = ?' for name in _SET)} WHERE id = ?"


def _before(db: sqlite3.Connection, url_ids: Sequence[int]) -> dict[int, _Before]:
    columns, ids = ", ".join(_Before._fields), ", ".join(map(str, url_ids))
    rows = db.execute(f"SELECT id, {columns} FROM urls WHERE id IN ({ids})")
    return {row[0]: _Before(*row[1:]) for row in rows}


def _values(outcome: Outcome, before: _Before, at: str) -> tuple[Any, ...]:
    """What the row of a URL says from now on.

    Content in hand stays where a visit brings none, unless its owner now forbids our use.
    """
    measured = (outcome.value, outcome.max_value, outcome.detail, outcome.status, outcome.attempts, outcome.seconds)
    if outcome.content_id is None and before.content_id is not None and outcome.reason not in FORBIDDEN:
        return (*before._replace(reason=outcome.reason), *measured, outcome.url_id)
    is_same = outcome.content_id == before.content_id
    is_known = is_same and (outcome.content_id is not None or outcome.reason == before.reason)
    first = before.retrieved_at if is_known and before.retrieved_at else at
    said = (outcome.etag, outcome.last_modified, outcome.final_url, outcome.rules, outcome.via_proxy)
    return (outcome.content_id, outcome.reason, first, *said, *measured, outcome.url_id)


def try_again(state: State, reasons: Iterable[Reason]) -> int:
    """Let the URLs that ended for one of these reasons wait once more, in the last run; how many there are."""
    names = [reason.value for reason in reasons]
    marks = ", ".join("?" * len(names))
    broken = f"SELECT content_id FROM pictures WHERE json_extract(facts, '$.reason') IN ({marks})"
    with state.transaction() as db:
        changed = db.execute(
            f"UPDATE urls SET done = 0, content_id = NULL, etag = NULL, last_modified = NULL"
            f" WHERE done = 1 AND host != '' AND content_id IN ({broken})",
            names,
        ).rowcount
        changed += db.execute(
            f"UPDATE urls SET done = 0 WHERE done = 1 AND host != '' AND reason IN ({marks})", names
        ).rowcount
    return changed
