"""Which of several copies is kept: one total, stated order over a manifest's rows.

A picture that a person accepted comes first (`review/verdicts.jsonl`), then the one with the most pixels, the sharpest
(in steps of 10 %: the blocks of a strong compression count as sharpness), the least compressed (bytes of the file a
pixel), an unmarked before a marked one (`watermark_score`, where it is known: `filter` comes later), one under a free
licence before one under another, that before one whose licence nobody said; then the smaller id and URL.
"""

from __future__ import annotations

from collections.abc import Set

import numpy as np
import pandas as pd

from scgan_data.credit import licenses

MODULES = ("scgan_data.credit",)
SHARPNESS_STEP = 0.1


def best_first(rows: pd.DataFrame, accepted: Set[str]) -> pd.DataFrame:
    """The rows, best first, numbered anew; `accepted` are the ids that a person accepted."""
    pixels = (rows["width"].astype("float64") * rows["height"].astype("float64")).fillna(0)
    sharpness = rows["sharpness"].clip(lower=1e-6).fillna(1e-6)
    keys = pd.DataFrame(
        {
            "accepted": ~rows["id"].isin(accepted),
            "pixels": -pixels,
            "sharpness": -np.floor(np.log(sharpness) / np.log1p(SHARPNESS_STEP)),
            "compression": -(rows["file_bytes"].astype("float64") / pixels.clip(lower=1)).fillna(0),
            "marked": rows["watermark_score"].fillna(0),
            "license": rows["license"]
            .map({name: _unfree(name) for name in rows["license"].dropna().unique()})
            .fillna(2),
            "id": rows["id"],
            "url": rows["source_url"].fillna(""),
            "path": rows["path"].fillna(""),
        }
    )
    return rows.loc[keys.sort_values(list(keys.columns), kind="stable").index].reset_index(drop=True)


def _unfree(license_id: str) -> int:
    return 0 if licenses.allowed(license_id, ["free"]) else 1
