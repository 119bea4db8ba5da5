"""A stage's recorded decisions beside those under changed limits: what `whatif` shows, whatever the stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgan_data.limits.columns import Table
from scgan_data.records import Status

KEPT = ""
"""The outcome of a kept row, beside the reasons."""


@dataclass(frozen=True)
class Change:
    """A stage's recorded decisions, and those under changed limits, of every row that reached the stage."""

    stage: str
    table: Table
    rows: NDArray[np.int64]
    """(R,) rows of the manifest that reached the stage."""
    domains: list[str]
    codes: NDArray[np.int64]
    """(R,) index into `domains`."""
    outcomes: list[str]
    """KEPT and the reasons."""
    before: NDArray[np.int64]
    """(R,) index into `outcomes`."""
    after: NDArray[np.int64]
    values: NDArray[np.float64]
    """(R,) what decides anew: of the broken rule, or of the rule that was broken."""
    notes: tuple[str, ...] = ()
    """What the manifest cannot say about this change."""

    def flips(self, *, to_kept: bool) -> NDArray[np.int64]:
        """Indices (into `rows`) of pictures that would be kept, or would be rejected, and are not now."""
        was, would = self.before == 0, self.after == 0
        return np.flatnonzero(would & ~was if to_kept else was & ~would)


Labels = dict[str, tuple[NDArray[np.int64], list[str]]]


def reached(table: Table, stage: str) -> tuple[NDArray[np.int64], Labels]:
    """Rows that the stage decided, kept or rejected by it, and their domain, status and reason."""
    labels = table.labels(("domain", "status", "rejected_by", "reason"))
    (status, statuses), (by, stages) = labels["status"], labels["rejected_by"]
    kept = status == _index(statuses, Status.KEPT)
    rows = np.flatnonzero(kept | (by == _index(stages, stage)))
    return rows, {name: (codes[rows], texts) for name, (codes, texts) in labels.items()}


def recorded(labels: Labels, known: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """All outcomes, the known first, and each row's recorded one."""
    codes, reasons = labels["reason"]
    outcomes = list(dict.fromkeys([*known, *reasons]))
    number = np.array([*(outcomes.index(reason) for reason in reasons), 0], np.int64)  # -1, no reason: kept
    return outcomes, number[codes]


def _index(texts: list[str], text: str) -> int:
    return texts.index(text) if text in texts else -2
