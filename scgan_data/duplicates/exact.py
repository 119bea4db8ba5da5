"""Copies that need no judgement: the same bytes, or other bytes and the same pixels."""

from __future__ import annotations

from typing import Any

import pandas as pd

from scgan_data import manifest
from scgan_data.records import Reason

EXACT = (("id", Reason.SAME_BYTES), ("pixel_id", Reason.SAME_PIXELS))


def reject(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    """Rows (best first) with those of same bytes or pixels as a better one of their domain rejected; the pairs."""
    found = []
    for column, reason in EXACT:
        kept = manifest.kept(rows).dropna(subset=[column])
        copies = kept.index[kept.duplicated(["domain", column])]
        of = kept.groupby(["domain", column])["id"].transform("first")[copies].to_numpy()
        rows = manifest.reject(rows, pd.Series(rows.index.isin(copies), rows.index), reason, stage="dedup")
        rows.loc[copies, "detail"] = of
        domain = kept.loc[copies, "domain"].to_numpy()
        found.append(_pairs(reason, of, kept.loc[copies, "id"].to_numpy(), domain, domain))
    return rows, found


def across(kept: pd.DataFrame) -> list[pd.DataFrame]:
    """Pairs of the same bytes or pixels in two domains, each with the best picture that has them."""
    found = []
    for column, reason in EXACT:
        shared = kept[kept[column].notna() & kept.duplicated(column, keep=False)]
        first = shared.groupby(column)[["id", "domain"]].transform("first")
        others = shared.duplicated(column) & ((column == "id") | (first["id"] != shared["id"]))
        first, shared = first[others], shared[others]
        columns = (first["id"], shared["id"], first["domain"], shared["domain"])
        found.append(_pairs(reason, *(column.to_numpy() for column in columns)))
    return found


def _pairs(reason: Reason, one: Any, two: Any, domain_one: Any, domain_two: Any) -> pd.DataFrame:
    columns = {"id_one": one, "id_two": two, "domain_one": domain_one, "domain_two": domain_two}
    return pd.DataFrame(columns).assign(reason=reason.value, mirrored=False, distance64=0, distance256=0)
