"""Which pictures a person is asked about: three strata of the score, a random order in each, its first ones.

`far` is what the present limit keeps by a distance, `near` the pictures nearest the limit on both sides, `beyond` what
it rejects by a distance. `near` is sampled densely, because the limit moves there; `far`, nearly all of the pictures,
gets the larger number, because a mark that the score misses lies there and nothing but an audit finds it; `beyond` says
what the limit costs. The strata depend on scores alone, never on answers.

The order in a stratum is that of a hash of the ids. So the sample grows with the number of judgements, nobody is asked
twice, and whatever was judged before, a stratum's sample is the longest run of judged pictures from the start of its
order: a simple random sample. So is its part below any score, which is why every limit in a stratum can be looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAR, NEAR, BEYOND = range(3)
SHARES = (0.6, 0.3, 0.1)
"""Of the judgements, by stratum."""
NEAR_FRACTION, NEAR_PER_JUDGEMENT = 0.04, 2
"""`near` is this fraction of the pictures, or so many for each of its judgements where that is more."""


@dataclass(frozen=True)
class Population:
    """The pictures of one domain that only this check decides, the least suspicious first."""

    ids: tuple[str, ...]
    suspicion: NDArray[np.float64]
    """(N,) ascending: the measured value, negated where the limit is a lower one."""
    stratum: NDArray[np.int8]
    """(N,) FAR, NEAR or BEYOND."""
    order: NDArray[np.int64]
    """(N,) place in the random order of the own stratum."""

    def __len__(self) -> int:
        return len(self.ids)


def population(ids: Sequence[str], suspicion: NDArray[np.float64], limit: float, judgements: int) -> Population:
    """Strata and random order around a limit on the suspicion; infinite where nothing is rejected."""
    by_score = np.argsort(suspicion, kind="stable")
    names, scores = tuple(ids[i] for i in by_score), suspicion[by_score]
    stratum = _strata(scores, limit, round(SHARES[NEAR] * judgements))
    hashes = np.array([hashlib.sha256(f"judge {name}".encode()).digest()[:8] for name in names], "S8").view(">u8")
    order = np.zeros(len(names), np.int64)
    for number in (FAR, NEAR, BEYOND):
        members = np.flatnonzero(stratum == number)
        order[members[np.argsort(hashes[members], kind="stable")]] = np.arange(len(members))
    return Population(names, scores, stratum, order)


def _strata(scores: NDArray[np.float64], limit: float, judgements: int) -> NDArray[np.int8]:
    count = len(scores)
    size = min(count, max(NEAR_PER_JUDGEMENT * judgements, round(NEAR_FRACTION * count)))
    kept = int(np.searchsorted(scores, limit, "right"))
    start = min(max(0, kept - size // 2), count - size)
    first = int(np.searchsorted(scores, scores[start], "left")) if size else 0  # equal scores share a stratum
    last = int(np.searchsorted(scores, scores[start + size - 1], "right")) if size else 0
    place = np.arange(count)
    return np.where(place < first, FAR, np.where(place < last, NEAR, BEYOND)).astype(np.int8)


def wanted(pictures: Population, judgements: int) -> NDArray[np.bool_]:
    """(N,) the pictures to judge: each stratum's share, what a small one cannot take going to the others, far first."""
    sizes = np.bincount(pictures.stratum, minlength=3)
    numbers = np.minimum([round(share * judgements) for share in SHARES], sizes)
    for stratum in (FAR, NEAR, BEYOND):
        numbers[stratum] += min(max(0, judgements - int(numbers.sum())), int(sizes[stratum] - numbers[stratum]))
    chosen: NDArray[np.bool_] = pictures.order < numbers[pictures.stratum]
    return chosen


def sampled(pictures: Population, judged: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) the judged pictures that form simple random samples: each stratum's run of judged ones from its start."""
    used = np.zeros(len(pictures), bool)
    for stratum in (FAR, NEAR, BEYOND):
        members = np.flatnonzero(pictures.stratum == stratum)
        in_order = members[np.argsort(pictures.order[members])]
        gaps = np.flatnonzero(~judged[in_order])
        used[in_order[: gaps[0] if len(gaps) else None]] = True
    return used
