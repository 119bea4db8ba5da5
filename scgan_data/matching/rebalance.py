"""Rebalancing: which pictures of the larger domain to leave out so that framing agrees.

The joint fit (`joint`) gives each picture its odds of being the smaller domain's, which is a ratio of densities: where
the larger domain has more than its share, it is thinned. Both domains are dealt into `BINS` of equal content by those
odds, and of the larger domain each bin keeps at most `c` pictures for each one of the smaller, in the order of ids,
which are hashes: who goes is chance within a bin, so nothing else is selected by. `c` is the smallest for which the
wanted part is kept (`--keep`): a promise about how many pictures are lost at most, not about how good it gets. Then the
rest is fitted anew and thinned again (`ROUNDS`), each round having its part of the pictures to lose.

Nearest-neighbour matching without replacement was the other choice: it keeps as many pictures as the smaller domain
has, whatever that costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data.errors import DatasetError
from scgan_data.matching import joint
from scgan_data.matching.match import StyleMatch, match_style
from scgan_data.records import SELFIE

BINS = 12
ROUNDS = 4


@dataclass(frozen=True)
class Rebalance:
    """A proposal: whom to leave out, and the match before and after."""

    domain: str
    """The larger one."""
    ids: list[str]
    of: int
    before: StyleMatch
    after: StyleMatch


def rebalance(table: pd.DataFrame, style: str, *, keep: float) -> Rebalance:
    """Pictures to leave out of a table of selfies and one style; at least `keep` of the larger domain stay.

    Pictures without a face are left alone. Raises DatasetError for too few pictures with one.
    """
    table = table.sort_values(["id", "domain"])
    known, names = joint.usable(table)
    counts = known["domain"].value_counts()
    if min(counts.get(SELFIE, 0), counts.get(style, 0)) < joint.LEAST or not names:
        raise DatasetError(f"rebalance: selfies and {style} need {joint.LEAST} pictures each whose face is known")
    larger = SELFIE if counts[SELFIE] >= counts[style] else style
    goes: set[str] = set()
    total, least = int(counts[larger]), int(np.ceil(keep * counts[larger]))
    for number in range(1, ROUNDS + 1):
        left = known[~((known["domain"] == larger) & known["id"].isin(goes))]
        goes |= _thinned(left, names, larger, least=total - round((total - least) * number / ROUNDS))
    rest = table[~((table["domain"] == larger) & table["id"].isin(goes))]
    return Rebalance(larger, sorted(goes), total, match_style(table, style), match_style(rest, style))


def _thinned(known: pd.DataFrame, names: tuple[str, ...], larger: str, *, least: int) -> set[str]:
    """The ids of the larger domain that go, so that at least `least` of it stay."""
    mine = (known["domain"] == larger).to_numpy(bool)
    odds = joint.out_of_fold(joint.blurred(known, names), ~mine, names)
    edges = np.quantile(np.concatenate([odds[mine], odds[~mine]]), np.linspace(0, 1, BINS + 1)[1:-1])
    bins = np.searchsorted(edges, odds)
    others = np.bincount(bins[~mine], minlength=BINS)
    bin_of, ids = bins[mine], known.loc[mine, "id"].to_numpy()
    place = np.zeros(len(ids), int)  # in the own bin, by id
    for number in range(BINS):
        place[bin_of == number] = np.arange((bin_of == number).sum())
    return set(ids[_ratio_needed(place, others[bin_of]) > _least_ratio(place, others[bin_of], least)])


def _ratio_needed(place: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """The pictures for each of the smaller domain at which one stays. An empty bin counts half a picture."""
    needed: NDArray[np.float64] = (place + 1) / np.maximum(others, 0.5)
    return needed


def _least_ratio(place: NDArray[np.int64], others: NDArray[np.int64], least: int) -> float:
    """The smallest ratio at which enough stay; never below the one at which both domains would be equally large."""
    needed = np.sort(_ratio_needed(place, others))
    return float(needed[max(0, min(least, len(needed)) - 1)]) if len(needed) else 0.0
