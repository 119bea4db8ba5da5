"""whatif for dedup: the recorded pairs decided anew.

`pairs.parquet` has every pair that was looked at, refused ones too, so a stricter and a looser limit can both be
judged. Only pictures of some pair can flip, and only they are put in order and decided again, by dedup's own functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data import config, manifest
from scgan_data.duplicates import order, pairs
from scgan_data.duplicates.decision import decide
from scgan_data.duplicates.settings import DedupConfig, is_sure, is_worth_opening
from scgan_data.limits import settings
from scgan_data.limits.change import KEPT, Change, reached, recorded
from scgan_data.limits.columns import Table
from scgan_data.records import Reason, Status
from scgan_data.verdicts import accepted, read_verdicts

LIMITS = ("max_difference", "sure_distance256", "across_domains")
"""What decides of a measured pair. The other keys say which pairs are measured."""
DECIDED = ("", Reason.NEAR_DUPLICATE.value, Reason.OTHER_DOMAIN.value)
"""Outcomes that depend on the limits: equal files and pixels do not."""
TEXTS = ("id", "pixel_id", "domain", "path", "source_url", "license")
NUMBERS = ("width", "height", "file_bytes", "sharpness", "watermark_score")


def what_if(changes: Sequence[str], folder: Path, params: Path | None) -> Change:
    """Decide dedup's pairs again under changed limits. Raises ConfigError, ManifestError."""
    base = config.load(DedupConfig, "dedup", file=params)
    new = settings.changed(base, "dedup", changes, LIMITS)
    table, found = Table(folder), pairs.read(folder)
    rows, labels = reached(table, "dedup")
    codes, domains = labels["domain"]
    outcomes, before = recorded(labels, [KEPT, *DECIDED[1:]])
    again = _decided(table, rows[np.isin(before, range(len(DECIDED)))], found, new)
    after, values = before.copy(), np.full(len(rows), np.nan)
    place = np.searchsorted(rows, again["row"].to_numpy(np.int64))
    after[place] = [0 if status == Status.KEPT else outcomes.index(why) for status, why in _outcomes(again)]
    values[place] = again["value"].to_numpy(np.float64)
    notes = _notes(found, new) + settings.without_pictures(changes, LIMITS, domains)
    return Change("dedup", table, rows, domains, codes, outcomes, before, after, values, notes)


def _decided(table: Table, rows: NDArray[np.int64], found: pd.DataFrame, new: DedupConfig) -> pd.DataFrame:
    """The rows of some pair, decided as if dedup had not: with their place in the manifest as `row`."""
    known = {*found["id_one"], *found["id_two"]}
    rows = np.array(
        [row for row, i in zip(rows.tolist(), table.texts("id", rows), strict=True) if i in known], np.int64
    )
    frame = pd.DataFrame({name: table.texts(name, rows) for name in TEXTS}, dtype=object)
    numbers = table.numbers(NUMBERS)
    frame = frame.assign(status=Status.KEPT.value, **{name: numbers[name][rows] for name in NUMBERS})
    liked = accepted(read_verdicts(new.verdicts))
    return decide(order.best_first(manifest.table(frame).assign(row=rows), liked), found, new, liked)


def _outcomes(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(rows["status"], rows["reason"].fillna(""), strict=True))


def _notes(found: pd.DataFrame, new: DedupConfig) -> tuple[str, ...]:
    lines = ["pairs that the hashes did not propose were never measured: in a run, a looser limit may find more"]
    unaligned = found["reason"].eq(Reason.NEAR_DUPLICATE) & found["difference"].isna() & ~is_sure(found, new)
    refused = unaligned & found["glance"].notna()
    unaligned &= ~refused
    if (reopened := refused & is_worth_opening(found, new)).any():
        lines.append(
            f"{int(reopened.sum())} pairs that their thumbnails refused before would be opened in a run; here they part"
        )
    if unaligned.any():
        lines.append(
            f"{int(unaligned.sum())} pairs that hashes settled before would be aligned in a run; here they part"
        )
    return tuple(lines)
