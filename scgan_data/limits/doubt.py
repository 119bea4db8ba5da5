"""doubt: the zone beside a limit in which a value decides nothing safely, and a person should look.

A check's zone is a share of its limit: with .15, a limit of at most .9 leaves values above .765 in doubt, one of at
least .1 those below .115. So one number suits a score and a measure in pixels, and moves with a limit that is tuned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgan_data.config import Config, PerDomain, limit_for
from scgan_data.limits.columns import Numbers
from scgan_data.limits.rules import RULES, Rule, Values
from scgan_data.records import Reason


@dataclass(frozen=True)
class Doubt:
    """For each of N rows, the check that it comes nearest to breaking, if it lies in a zone."""

    rule: NDArray[np.int64]
    """(N,) index into the rules, -1 in no zone."""
    nearness: Values
    """(N,) 1 at the limit, 0 at the zone's edge and outside."""


def edges(limits: Values, share: Values, *, at_most: bool) -> Values:
    """Where the zones of limits begin, on the kept side; NaN for a limit or a zone that is off."""
    width = share * np.abs(limits)
    return limits - width if at_most else limits + width


def shares(zones: Mapping[Reason, PerDomain], reason: Reason, domains: Sequence[str]) -> Values:
    """(D,) each domain's zone of a check, as a share of its limit; NaN for none."""
    given = [limit_for(zones.get(reason), domain) for domain in domains]
    return np.array([np.nan if share is None else share for share in given], np.float64)


def nearest(
    columns: Numbers,
    codes: NDArray[np.int64],
    domains: Sequence[str],
    config: Config,
    zones: Mapping[Reason, PerDomain],
    rules: Sequence[Rule] = RULES,
) -> Doubt:
    """The zones in which rows lie; `codes` (N,) index `domains`. A row beyond a limit is in no zone of that check."""
    best = Doubt(np.full(len(codes), -1, np.int64), np.zeros(len(codes)))
    for number, rule in enumerate(rules):
        limits = rule.limits(config, domains)
        bounds = edges(limits, shares(zones, rule.reason, domains), at_most=rule.at_most)
        if np.isnan(bounds).all():
            continue
        limit, edge, values = limits[codes], bounds[codes], rule.values(columns)
        with np.errstate(invalid="ignore", divide="ignore"):
            nearness = (values - edge) / (limit - edge)
        inside = ~rule.beyond(values, limit) & (nearness > best.nearness)
        best.rule[inside], best.nearness[inside] = number, nearness[inside]
    return best
