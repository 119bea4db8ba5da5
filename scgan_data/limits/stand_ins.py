"""stand_ins: copies taken up again where the picture that dedup kept of them turns out framed or marked.

Dedup keeps the largest and sharpest of several copies; a frame makes a picture larger, a mark makes it sharper. What
dedup rejected as a copy of a picture that is not kept either is no copy of anything that is kept. So where the filter
rejects a keeper for what a copy need not have (`MENDED`), its copies are measured too, and the best that no check
rejects or doubts is kept in its place, in dedup's own order. A doubtful one is not: the limit would be given a second
chance with each copy. This is the one case in which a rejected row is kept again.
"""

from __future__ import annotations

from collections.abc import Set

import pandas as pd

from scgan_data.duplicates import order
from scgan_data.records import Reason, Status

MENDED = (Reason.BORDERED, Reason.WATERMARKED, Reason.RECURRING_MARK, Reason.SCREENSHOT)
"""What an edit adds to a picture."""
DECISION = ("rejected_by", "reason", "value", "limit", "detail")


def waiting(rows: pd.DataFrame) -> pd.DataFrame:
    """The near-copies of keepers that the filter rejected for such a reason, as rows that nobody rejected.

    `keeper` is the index of the keeper's row.
    """
    rejected = rows["status"] == Status.REJECTED
    lost = rows[rejected & (rows["rejected_by"] == "filter") & rows["reason"].isin(MENDED)]
    copies = rows[rejected & (rows["rejected_by"] == "dedup") & (rows["reason"] == Reason.NEAR_DUPLICATE)]
    by_name = pd.Series(lost.index, lost["domain"] + "/" + lost["id"])
    keeper = (copies["domain"] + "/" + copies["detail"]).map(by_name[~by_name.index.duplicated()])
    copies = copies.assign(status=Status.KEPT.value, **dict.fromkeys(DECISION), keeper=keeper)
    return copies[keeper.notna()].astype({"keeper": "int64"})


def taken_up(rows: pd.DataFrame, copies: pd.DataFrame, refused: Set[str]) -> pd.DataFrame:
    """Rows in which the best of each keeper's good copies is kept; both say so in `detail`.

    `copies` are rows of `waiting` as the filter decides them, `refused` the ids that a person rejected.
    """
    good = (copies["status"] == Status.KEPT) & copies["doubt"].isna() & ~copies["id"].isin(refused)
    best = order.best_first(copies[good].assign(row=copies.index[good]), set()).drop_duplicates("keeper")
    rows = rows.copy()
    for row, keeper, content_id in best[["row", "keeper", "id"]].itertuples(index=False):
        rows.loc[row, ["status", *DECISION]] = [Status.KEPT.value, *[None] * len(DECISION)]
        rows.loc[row, "detail"] = f"in place of {rows.loc[keeper, 'id']}: {rows.loc[keeper, 'reason']}"
        rows.loc[keeper, "detail"] = f"kept in its place: {content_id}"
    return rows
