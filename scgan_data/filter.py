"""filter: size, aspect, contrast, sharpness and visible watermarks, each with a limit a domain.

Only the watermark's score is measured here, for every row that came in kept; the others were measured at collection.
The decisions are pure functions of the manifest's columns, in the order of `CHECKS`, the first reason wins: a changed
limit measures nothing again, and every value stays in the manifest beside the decision.

The default limits come from the sample's 999 selfies and rendered portraits of five styles: sharpness .09 and .12
reject 1 of 999 and 0 of 600 clean pictures, and all whose copies are blurred by 3 px of 178; contrast 8 is half the
least seen (16); the watermark's .935 rejects 26 of 999 selfies (9 of those carry a real mark), its .91 rejects 3 of 780
portraits (benchmarks/watermark.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from scgan_data import manifest, watermark, weights
from scgan_data.config import Config, PerDomain, limit_for
from scgan_data.records import Reason
from scgan_data.runner import Work, per_image
from scgan_data.stage import StageFolder, version_of
from scgan_data.watermark import WatermarkConfig

MODULES = ("scgan_data.images", "scgan_data.watermark", "scgan_data.watermark_net")
"""What decides the measurement. Not this module: an edit of a decision measures nothing again."""


class FilterConfig(Config):
    """Section `filter` of params.yaml. Every limit is a number, null (off) or a mapping of domains."""

    min_side_px: PerDomain = 100.0
    """Least shorter side."""
    max_aspect: PerDomain = 2.0
    """Most of the longer side over the shorter."""
    min_contrast: PerDomain = 8.0
    """Least contrast, 0 to 127 (`hashes`); below it a picture is flat."""
    min_sharpness: PerDomain = {"selfie": 0.09, "drawn": 0.12}
    """Least sharpness (`hashes`); below it a picture is blurred."""
    max_watermark_score: PerDomain = {"selfie": 0.935, "drawn": 0.91}
    """Most certainty, 0 to 1, that a visible mark is there."""
    watermark: WatermarkConfig = WatermarkConfig()
    """How the score is measured."""


@dataclass(frozen=True)
class Check:
    """One decision: what is compared with which limit."""

    reason: Reason
    value: Callable[[pd.DataFrame], pd.Series[float]]
    limit: Callable[[FilterConfig], PerDomain]
    at_most: bool
    """The limit is an upper one."""


def _shorter_px(rows: pd.DataFrame) -> pd.Series[float]:
    return rows[["width", "height"]].astype("float64").min(axis=1)


def _aspect(rows: pd.DataFrame) -> pd.Series[float]:
    return rows[["width", "height"]].astype("float64").max(axis=1) / _shorter_px(rows)


CHECKS = (
    Check(Reason.TOO_SMALL, _shorter_px, lambda config: config.min_side_px, at_most=False),
    Check(Reason.ASPECT, _aspect, lambda config: config.max_aspect, at_most=True),
    Check(Reason.FLAT, lambda rows: rows["contrast"], lambda config: config.min_contrast, at_most=False),
    Check(Reason.BLURRED, lambda rows: rows["sharpness"], lambda config: config.min_sharpness, at_most=False),
    Check(
        Reason.WATERMARKED,
        lambda rows: rows["watermark_score"],
        lambda config: config.max_watermark_score,
        at_most=True,
    ),
)
"""In the order in which they are asked."""


def run(rows: pd.DataFrame, config: FilterConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """All rows, in their order: kept ones with their watermark score, those beyond a limit rejected with the reason."""
    weights.find(watermark.WEIGHTS)  # once, here, rather than by every worker
    rows = manifest.table(rows)
    kept = manifest.kept(rows)
    version = version_of(MODULES, [weights.WEIGHTS[watermark.WEIGHTS].sha256])
    measured = per_image(kept, Work(watermark.score_batch, config.watermark, version), folder, workers=workers)
    rows.loc[kept.index, "watermark_score"] = measured["watermark_score"].to_numpy()
    return decide(rows, config)


def decide(rows: pd.DataFrame, config: FilterConfig) -> pd.DataFrame:
    """A copy of `rows` in which still-kept ones beyond a limit carry the first reason, the value and the limit.

    A null value is never beyond a limit, and a null limit is off.
    """
    for check in CHECKS:
        value = check.value(rows).astype("float64")
        limits = {d: limit_for(check.limit(config), d) for d in rows["domain"].unique()}
        limit = rows["domain"].map(limits).astype("float64")
        beyond = value > limit if check.at_most else value < limit
        rows = manifest.reject(rows, beyond, check.reason, stage="filter", value=value, limit=limit)
    return rows
