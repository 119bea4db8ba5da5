"""The table that everything here works on: one row a kept picture, its domain, where it lies, and every quantity.

Framing comes from the manifest; what needs pixels is measured over processes and kept beside the output folder
(`.match.work`), so that a second look costs a second, whoever asks (the command or the report). No lock is held on it:
results are written whole, and two runs at once would at worst measure the same picture twice.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scgan_data.errors import DatasetError, nearest
from scgan_data.matching.framing import framing
from scgan_data.matching.measure import MODULES, MeasureConfig, measure_batch
from scgan_data.matching.quantities import FRAMING, PIXELS
from scgan_data.records import SELFIE, Status
from scgan_data.runner import Work, per_image
from scgan_data.stage import StageFolder, version_of

TABLE = ("id", "domain", "path", "whole", *FRAMING, *PIXELS)
"""`whole`: kept as it was framed (`crop.framed`), no crop by its points."""
BATCH = 64


def measured(rows: pd.DataFrame, out: Path, *, workers: int | None = None) -> pd.DataFrame:
    """`TABLE` of manifest rows that are still kept; results of earlier calls with the same `out` are used again.

    A picture whose file is gone has its framing only.
    """
    kept = rows[rows["status"] == Status.KEPT]
    out = out.absolute()
    cache = StageFolder("match", out, out.parent / f".{out.name}.work")
    work = Work(measure_batch, MeasureConfig(), version_of(MODULES), batch_size=BATCH, alone=True)
    pixels = per_image(kept, work, cache, workers=workers).reindex(columns=list(PIXELS))
    return pd.concat([framed(kept), pixels.astype(float)], axis=1)


def framed(rows: pd.DataFrame) -> pd.DataFrame:
    """The part of `TABLE` for which no picture is opened."""
    whole = rows["crop_preset"] == "whole" if "crop_preset" in rows else False
    return pd.concat([rows[["id", "domain", "path"]].assign(whole=whole), framing(rows)], axis=1)


def styles_of(rows: pd.DataFrame, wanted: str | None, where: str) -> list[str]:
    """The styles to compare with the selfies. Raises DatasetError where there is nothing to compare."""
    kept = rows.loc[rows["status"] == Status.KEPT, "domain"]
    styles = sorted({str(domain) for domain in kept} - {SELFIE})
    if SELFIE not in set(kept):
        raise DatasetError(f"{where} has no kept selfies to compare a style with")
    if wanted is None and not styles:
        raise DatasetError(f"{where} has no kept portraits of any style to compare selfies with")
    if wanted is not None and wanted not in styles:
        raise DatasetError(f"{where} has no kept portraits of the style `{wanted}`{nearest(wanted, styles)}")
    return [wanted] if wanted is not None else styles
