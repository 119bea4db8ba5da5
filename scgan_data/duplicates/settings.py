"""Section `dedup` of params.yaml, and which limit holds for a pair of pictures.

Measured on 50 pictures each of the sample's selfies, avataaars and anime faces with 15 edits, and all pairs of 989
selfies and 600 avataaars. Wholes at 14 bits of 64: 1,168 of 488,566 unrelated selfie pairs, of which 64 bits of 256
leave 1 (the least is 64; copies turned by 2 degrees reach 58, all but crops, frames and captions 48). Avataaars at 20
and 80: 2,932 of 179,700. Parts at 10 bits: 1,120 selfie pairs, and 96 % of pictures cut by 10 % at a random place (86 %
at 8, all at 12), all framed and captioned ones; at 12: 3,770 avataaars pairs. Aligned differences: `similarity`.

Thumbnails (`glimpse`) of 3,647 pairs of copies in two edited sets differ by at most .135 more than max_difference
allows; at a slack of .1 three are lost and 130 of the sample's 2,860 pairs opened, at .15 none and 197, at .2 290.
Of 1,055 pairs of a third set, made afterwards, none is lost (.068 at most).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from scgan_data.bare import BareConfig
from scgan_data.config import Config, PerDomain, limit_for
from scgan_data.records import Reason


class DedupConfig(Config):
    """Section `dedup` of params.yaml."""

    hash_distance: PerDomain = {"selfie": 14.0, "drawn": 20.0}
    """Bits (of 64) in which the hashes of two wholes may differ; null compares no wholes."""
    hash256_distance: PerDomain = {"selfie": 96.0, "drawn": 100.0, "avataaars": 80.0}
    """Bits (of 256) in which they may differ then; null drops none."""
    view_distance: PerDomain = {"selfie": 10.0, "drawn": 12.0}
    """Bits (of 64) between a part of one picture and the other; null compares no parts."""
    whole_agreement: PerDomain = {"selfie": 20.0, "drawn": 20.0, "avataaars": 28.0}
    """Bits (of 64) in which the other parts of two near wholes may differ in the mean; null drops none."""
    view_agreement: PerDomain = {"selfie": 25.0, "drawn": 26.0, "avataaars": 27.0}
    """The same where a part is near a part; to either, half the bits between what is near are added."""
    sure_distance256: PerDomain = {"selfie": 24.0}
    """Bits (of 256) up to which wholes are copies without being looked at; null looks at all."""
    min_correlation: Annotated[float, Field(ge=-1, le=1)] = 0.8
    """Least correlation of the 8 x 8 colours of a pair that is aligned."""
    max_difference: PerDomain = {"selfie": 0.4, "drawn": 0.45, "avataaars": 0.28}
    """Most aligned difference (similarity.difference) of a near-copy; null takes no near-copies."""
    max_spot: PerDomain = {"avataaars": 0.75}
    """Most difference in the worst spot, for styles whose portraits share most of their strokes; null allows any."""
    glance_slack: Annotated[float, Field(ge=0)] | None = 0.15
    """How far above max_difference stored thumbnails may differ of a pair whose files are opened; null opens all."""
    mirror: bool = True
    """Whether a mirrored picture is a copy."""
    across_domains: Literal["reject_both", "keep_first", "off"] = "reject_both"
    """Of a picture in two domains keep neither, or that of the first (selfies, then styles by name), or do not look."""
    max_candidates: Annotated[int, Field(ge=1)] = 10_000_000
    """Pairs that one search of hashes may propose before its distance is lowered."""
    verdicts: Path = Path("review/verdicts.jsonl")
    """People's verdicts: an accepted picture is kept before its copies."""
    bare: BareConfig = BareConfig()
    """How a bare folder of pictures is read: one without a manifest."""


def limit_between(limit: PerDomain, one: str, two: str) -> float | None:
    """The limit for a pair of two domains: the stricter one, off where either is."""
    limits = [limit_for(limit, domain) for domain in {one, two}]
    return None if None in limits else min(m for m in limits if m is not None)


def limits_of(table: pd.DataFrame, limit: PerDomain) -> NDArray[np.float64]:
    """(P,): the limit of each pair, NaN where it is off."""
    both = list(zip(table["domain_one"], table["domain_two"], strict=True))
    known = {pair: limit_between(limit, *pair) for pair in set(both)}
    return np.array([known[pair] for pair in both], np.float64)


def is_sure(table: pd.DataFrame, config: DedupConfig) -> NDArray[np.bool_]:
    """Which pairs the 256-bit hashes settle: (P,)."""
    sure: NDArray[np.bool_] = table["distance256"].to_numpy(np.float64) <= limits_of(table, config.sure_distance256)
    return sure


def is_worth_opening(table: pd.DataFrame, config: DedupConfig) -> NDArray[np.bool_]:
    """Which pairs have a `glance` that does not refuse them, or none: (P,)."""
    if config.glance_slack is None:
        return np.ones(len(table), bool)
    limits = limits_of(table, config.max_difference) + config.glance_slack
    worth: NDArray[np.bool_] = ~(table["glance"].to_numpy(np.float64) > limits)
    return worth


def is_confirmed(table: pd.DataFrame, config: DedupConfig) -> NDArray[np.bool_]:
    """Which pairs (rows of `pairs`) are copies under the limits: (P,)."""
    near = table["reason"].to_numpy() == Reason.NEAR_DUPLICATE
    alike = table["difference"].to_numpy(np.float64) <= limits_of(table, config.max_difference)
    spotless = ~(table["spot"].to_numpy(np.float64) > limits_of(table, config.max_spot))
    confirmed: NDArray[np.bool_] = ~near | (alike & spotless) | is_sure(table, config)
    return confirmed
