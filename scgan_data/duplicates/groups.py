"""Who is kept and who belongs together, from confirmed pairs: pure functions of positions, best picture first.

A picture is rejected as the copy of a *kept* one only, so that a chain of copies (A like B, B like C, A not like C)
cannot swallow a picture that no kept one resembles. Groups are joined by union-find over three kinds of links: a copy
and the picture kept for it; pairs whose difference is at most half the limit, whoever they are; and pairs across
domains. A doubtful link between two copies joins nothing: chains of those would grow groups without end. No two kept
pictures of a domain are a confirmed pair, so none straddles train and test, whichever links were left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Positions = NDArray[np.int64]
KEPT = -1


def keepers(pairs: Positions, count: int) -> tuple[Positions, Positions]:
    """For each of `count` pictures the better one that it is a copy of, or KEPT; and the row of `pairs` that says so.

    `pairs` (P, 2), one < two: the first of a pair is the better picture. Pictures are judged best first.
    """
    of, by = np.full(count, KEPT, np.int64), np.full(count, KEPT, np.int64)
    order = np.lexsort((pairs[:, 0], pairs[:, 1]))
    for row, (better, copy) in zip(order.tolist(), pairs[order].tolist(), strict=True):
        if of[better] == KEPT and of[copy] == KEPT:
            of[copy], by[copy] = better, row
    return of, by


def components(links: Positions, count: int) -> Positions:
    """(count,): a number for each connected set of positions, links being (L, 2)."""
    ends = links.reshape(-1, 2).T
    graph = coo_array((np.ones(ends.shape[1], np.int8), (ends[0], ends[1])), shape=(count, count))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels.astype(np.int64)
