"""A stage's contact sheets of what lies near a limit, the most doubtful first: what a person should look at.

One JPEG a domain, `sheets/doubtful_DOMAIN.jpg` in the stage's folder, each picture with its doubt and its value. Kept
and rejected doubtful pictures are both on it (`doubtful: reject` rejects them): the question is the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scgan_data import contact_sheet, files
from scgan_data.limits import decision
from scgan_data.limits.rules import Limits
from scgan_data.records import Reason
from scgan_data.stage import StageFolder


def write(rows: pd.DataFrame, config: Limits, folder: StageFolder, *, most: int) -> None:
    """Draw `rows`, all of them in doubt by the rules of `config`, with at most so many pictures a domain.

    `path` has to name a file that is there. Sheets of an earlier run go.
    """
    shutil.rmtree(folder.extras, ignore_errors=True)
    if rows.empty or not most:
        return
    value, nearness = decision.nearness(rows, config)
    rows = rows.assign(value=value, nearness=nearness).sort_values(["nearness", "id"], ascending=[False, True])
    for domain, part in rows.groupby("domain"):
        tiles = [_tile(row) for row in part.head(most).to_dict("records")]
        sheet = contact_sheet.draw(tiles, f"{domain}: {len(tiles)} of {len(part)} doubtful pictures")
        files.write_bytes(folder.extras / "sheets" / f"doubtful_{domain}.jpg", contact_sheet.encode(sheet))


def _tile(row: dict[Any, Any]) -> contact_sheet.Tile:
    return contact_sheet.Tile(Path(row["path"]), f"{row['doubt']} {row['value']:.3g}", _boxes(row))


def _boxes(row: dict[Any, Any]) -> tuple[Sequence[float], ...]:
    """The watermark, where that is the doubt."""
    box = row["watermark_xyxy"]
    has_box = row["doubt"] == Reason.WATERMARKED and box is not None and not isinstance(box, float)
    return (tuple(box),) if has_box else ()
