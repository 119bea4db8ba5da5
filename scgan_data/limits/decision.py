"""decision: what a stage's rules and people's words make of its rows; pure functions of the manifest's columns.

A value beyond a limit rejects, the first broken rule is the reason; one within a limit's zone (`doubt`) leaves the row
in doubt. What a person has accepted breaks no rule; what a person has judged is in doubt no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data import manifest
from scgan_data.limits import doubt
from scgan_data.limits.columns import Numbers
from scgan_data.limits.rules import Limits, Rule, first_broken
from scgan_data.records import Status

Codes = NDArray[np.int64]
Real = NDArray[np.float64]


def decide(rows: pd.DataFrame, config: Limits, words: pd.Series[Any], *, stage: str) -> pd.DataFrame:
    """A copy of `rows` in which still-kept ones beyond a limit carry reason, value and limit, doubtful ones `doubt`.

    A null value is never beyond a limit, and a null limit is off. A doubtful row that is rejected for it carries the
    edge of the zone as its limit. `words`, aligned with the rows, are a person's accept, reject or nothing.
    """
    columns, codes, domains = _columns(rows, config.RULES)
    is_open = ((rows["status"] == Status.KEPT) & (words != "accept")).to_numpy(bool)
    broken = np.where(is_open, first_broken(columns, codes, domains, config, config.RULES), -1)
    near = doubt.nearest(columns, codes, domains, config, config.doubt, config.RULES).rule
    near = np.where(is_open & words.isna().to_numpy() & (broken < 0), near, -1)
    rules = np.where(broken < 0, near, broken) if config.doubtful == "reject" else broken
    rows = rows.assign(doubt=_reasons(near, config.RULES))
    hit = rules >= 0
    if not hit.any():
        return rows
    value, limit = _decisive(columns, codes, domains, config, rules, in_zone=broken < 0)
    rows.loc[hit, "reason"] = _reasons(rules, config.RULES)[hit]
    rows.loc[hit, "value"], rows.loc[hit, "limit"] = value[hit], limit[hit]
    return manifest.decide(rows, stage)


def nearness(rows: pd.DataFrame, config: Limits) -> tuple[Real, Real]:
    """(N,) the value of the check that each row comes nearest to breaking, and how near: 1 at the limit; NaN, 0."""
    columns, codes, domains = _columns(rows, config.RULES)
    near = doubt.nearest(columns, codes, domains, config, config.doubt, config.RULES)
    value, _ = _decisive(columns, codes, domains, config, near.rule, in_zone=np.zeros(len(rows), bool))
    return value, near.nearness


def _columns(rows: pd.DataFrame, rules: Sequence[Rule]) -> tuple[Numbers, Codes, list[str]]:
    """What the rules look at: columns as numbers, and each row's index into the domains."""
    codes, domains = pd.factorize(rows["domain"])
    names = dict.fromkeys(name for rule in rules for name in rule.columns)
    columns = {name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in names}
    return columns, codes.astype(np.int64), [str(domain) for domain in domains]


def _reasons(rules: Codes, known: Sequence[Rule]) -> NDArray[np.object_]:
    """(N,) the reason of each index into the rules, None for -1."""
    return np.array([*(rule.reason.value for rule in known), None], dtype=object)[rules]


def _decisive(
    columns: Numbers, codes: Codes, domains: list[str], config: Limits, rules: Codes, *, in_zone: NDArray[np.bool_]
) -> tuple[Real, Real]:
    """(N,) the value and the limit of each row's rule: the zone's edge where `in_zone`; NaN without a rule."""
    value, limit = np.full(len(codes), np.nan), np.full(len(codes), np.nan)
    for number in np.unique(rules[rules >= 0]):
        rule, hit = config.RULES[number], rules == number
        limits = rule.limits(config, domains)
        edges = doubt.edges(limits, doubt.shares(config.doubt, rule.reason, domains), at_most=rule.at_most)
        value[hit] = rule.values(columns)[hit]
        limit[hit] = np.where(in_zone, edges[codes], limits[codes])[hit]
    return value, limit
