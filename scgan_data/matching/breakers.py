"""The pictures that break the match: those of either domain that lie where the other has none.

A domain's range is its values without the outermost hundredth at either end, widened by the quantity's tolerance; how
far outside a picture lies is counted in tolerances, so that the worst of all quantities can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scgan_data.matching.quantities import Quantity
from scgan_data.records import SELFIE

OUTERMOST = 0.01


@dataclass(frozen=True)
class Breaker:
    """One picture outside the other domain's range."""

    id: str
    domain: str
    path: str | None
    value: float
    beyond: float
    """How far outside, in tolerances."""


def breakers(table: pd.DataFrame, quantity: Quantity) -> list[Breaker]:
    """The pictures of a table of selfies and one style that break the match in a quantity, the worst first."""
    known = table.dropna(subset=[quantity.name]).sort_values(["id", "domain"])
    selfies = (known["domain"] == SELFIE).to_numpy(bool)
    values = known[quantity.name].to_numpy(float)
    if selfies.all() or not selfies.any():
        return []
    beyond = np.zeros(len(values))
    for mine in (selfies, ~selfies):
        low, high = np.quantile(values[~mine], [OUTERMOST, 1 - OUTERMOST])
        beyond[mine] = np.maximum(low - values[mine], values[mine] - high) / quantity.tolerance - 1
    worst = [i for i in np.argsort(-beyond, kind="stable").tolist() if beyond[i] > 0]
    ids, domains, paths = (known[name].tolist() for name in ("id", "domain", "path"))
    return [
        Breaker(ids[i], domains[i], paths[i] if isinstance(paths[i], str) else None, float(values[i]), float(beyond[i]))
        for i in worst
    ]
