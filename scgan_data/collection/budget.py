"""How much is asked for: budgets a query, a host and in all, and the goal of `--until`.

A query that has its number is not asked for more pages; a URL over its host's number is a row that says so. The goal
counts pictures that are accepted, not URLs: a picture that a later stage has judged counts as it was judged, one that
none has judged yet counts by the share of its domain's judged pictures that were accepted (1 where none was judged).
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from pydantic import Field

from scgan_data import manifest
from scgan_data.config import Config
from scgan_data.records import Reason, Status
from scgan_data.web.address import RefusedError


class BudgetConfig(Config):
    """Limits on what is asked for; null means none."""

    max_per_query: int | None = Field(None, ge=1)
    """Offers taken of one search, list, page or folder."""
    max_per_host: int | None = Field(None, ge=1)
    """URLs asked of one host."""
    max_total: int | None = Field(None, ge=1)
    """Offers taken in all."""
    until: dict[str, int] | int | None = None
    """Accepted pictures after which no more are asked for: for each domain, or by domain."""
    judged: Path | None = None
    """A later stage's folder, of an earlier round (data/06_dataset): what it accepted, `until` counts."""


class Spent:
    """What the streams of one run have offered so far; their threads share it."""

    def __init__(self, config: BudgetConfig) -> None:
        self._config, self._lock = config, threading.Lock()
        self._total, self._hosts = 0, Counter[str]()

    def has_room(self, taken: int) -> bool:
        """Whether a stream that has given `taken` offers may give another."""
        per_query, total = self._config.max_per_query, self._config.max_total
        return (per_query is None or taken < per_query) and (total is None or self._total < total)

    def take(self, host: str, count: int = 1) -> RefusedError | None:
        """Count an offer of a host; why it is not asked for, where the host's budget is spent."""
        limit = self._config.max_per_host
        with self._lock:
            self._total += count
            self._hosts[host] += count
            if not host or limit is None or self._hosts[host] <= limit:
                return None
            return RefusedError(
                Reason.OVER_BUDGET, f"{host}: the host's budget", value=float(self._hosts[host]), limit=float(limit)
            )


class Goal:
    """How many accepted pictures there are, against how many are wanted."""

    def __init__(self, config: BudgetConfig, collected: Iterable[tuple[str, str]] = ()) -> None:
        """`collected`: (domain, content id) of what is there already. Raises ManifestError where `judged` has none."""
        self._until = config.until
        self._expected: defaultdict[str, float] = defaultdict(float)
        self._counted: set[tuple[str, str]] = set()
        self._judged: dict[tuple[str, str], bool] = {}
        self._rate: dict[str, float] = {}
        if config.until is not None and config.judged is not None:
            self._read(manifest.read(config.judged))
        for domain, content_id in collected:
            self.count(domain, content_id)

    def _read(self, rows: pd.DataFrame) -> None:
        source_ids = rows["parent_id"].fillna(rows["id"])
        accepted = rows["status"] == Status.KEPT
        keys = zip(rows["domain"], source_ids, strict=True)
        self._judged = {key: bool(word) for key, word in zip(keys, accepted, strict=True)}
        had = rows["pixel_id"].notna()
        self._rate = {str(domain): float(part.mean()) for domain, part in accepted[had].groupby(rows["domain"][had])}

    @property
    def is_set(self) -> bool:
        """Whether any number is wanted."""
        return self._until is not None

    def count(self, domain: str, content_id: str) -> None:
        """A picture of this domain is there; one that has been counted counts no more."""
        if (domain, content_id) not in self._counted:
            self._counted.add((domain, content_id))
            judged = self._judged.get((domain, content_id))
            self._expected[domain] += self._rate.get(domain, 1.0) if judged is None else float(judged)

    def is_reached(self, domain: str) -> bool:
        """Whether a domain has what is wanted."""
        wanted = self._until.get(domain) if isinstance(self._until, dict) else self._until
        return wanted is not None and self._expected[domain] >= wanted

    def reached(self) -> frozenset[str]:
        """The domains that have what is wanted."""
        return frozenset(domain for domain in tuple(self._expected) if self.is_reached(domain))
