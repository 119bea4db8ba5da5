"""How a search among 64-bit hashes is banded: which bits form a band, how many may differ in each, how many bands.

Of bands b = 1..B with thresholds that sum to D - B + 1, a pair within distance D keeps at least one (were all exceeded,
at least D + 1 bits would differ): so D = 8 needs (2, 1, 1, 1) of four bands, not (2, 2, 2, 2).

Bits of picture hashes hang together: of a million hashes with the correlations of real ones, a band of 16 neighbouring
bits has 7.6 times the equal pairs of random bits, strided 22 times. Bits are dealt out one by one, each to the band in
which it agrees least with those already there, as measured on a sample: 4.9 times (on 989 photographs' own hashes 5.4
instead of 13.2). The number of bands is the cheapest by an estimate of hash and bucket comparisons from that sample;
no band at all, i.e. every pair, is one of the choices.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SAMPLE = 10_000
WIDEST = 22
"""Bits of a band, at most: a table of 4 million places, 16 MiB."""
MOST_MASKS, MOST_BANDS = 20_000, 10
FEW_PAIRS = 200_000_000
"""Fewer (of 14,000 hashes) are compared in less time than a plan takes: .1 s against .2 for 10,000."""
PAIR_NS, BUCKET_NS, HASH_NS = 0.5, 12.0, 30.0
"""What a comparison of two hashes, of two buckets, and a place in a band's table cost. They decide the speed only."""


@dataclass(frozen=True)
class Band:
    """Bits of the permuted hash in which a pair may differ by `threshold` to be compared."""

    shift: int
    width: int
    threshold: int

    @property
    def bits(self) -> int:
        """The band's bits, set."""
        return ((1 << self.width) - 1) << self.shift

    @property
    def masks(self) -> NDArray[np.int64]:
        """(M,) what two values of the band that may be compared differ by."""
        flips = (c for f in range(self.threshold + 1) for c in combinations(range(self.width), f))
        return np.array([sum(1 << k for k in c) for c in flips], np.int64)


@dataclass(frozen=True)
class Plan:
    """Where the permuted hash takes its bits from (64,), and its bands."""

    order: NDArray[np.int64]
    bands: tuple[Band, ...]


EVERY_PAIR = Plan(np.arange(64), (Band(0, 0, 0),))


def plan(left: NDArray[np.uint64], right: NDArray[np.uint64] | None, distance: int) -> Plan:
    """The cheapest banding of a search of different hashes, `left` (N,) in `right` (M,) or, with None, in itself."""
    sides = [left] if right is None else [left, right]
    sample = np.concatenate([side[:: side.size // SAMPLE + 1] for side in sides])
    sizes = sides[0].size, sides[-1].size
    if sizes[0] * sizes[1] < FEW_PAIRS:
        return EVERY_PAIR
    costs = [(_cost(one, sample, sizes), one) for one in [EVERY_PAIR, *bandings(sample, distance)]]
    return min(costs, key=lambda c: c[0])[1]


def bandings(sample: NDArray[np.uint64], distance: int) -> list[Plan]:
    """Those worth trying, dealt by a sample of the hashes."""
    together, alone = _affinity(sample)
    found = []
    for count in range(1, min(distance + 1, MOST_BANDS) + 1):
        thresholds = [(distance + 1) // count - 1 + (k < (distance + 1) % count) for k in range(count)]
        if _masks(min(-(-64 // count), WIDEST), thresholds[0]) <= MOST_MASKS:
            found.append(_dealt(together, alone, thresholds))
    return found


def _masks(width: int, threshold: int) -> int:
    return sum(comb(width, f) for f in range(threshold + 1))


def _affinity(sample: NDArray[np.uint64]) -> tuple[Floats, Floats]:
    """How much likelier two hashes agree for each two bits being correlated (64, 64), for each being uneven (64,)."""
    signs = 2.0 * ((sample[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)) - 1
    together: Floats = np.log1p((signs.T @ signs / max(1, len(signs))) ** 2)
    np.fill_diagonal(together, 0)
    return together, np.log1p(signs.mean(0) ** 2)


def _dealt(together: Floats, alone: Floats, thresholds: list[int]) -> Plan:
    """Bits dealt to bands of as equal width as can be, the wider ones first as their thresholds are the greater.

    One or two bands cannot hold all bits: the most correlated ones are in none, which misses no pair either.
    """
    count = len(thresholds)
    room = [min(WIDEST, 64 // count + (k < 64 % count)) for k in range(count)]
    bands: list[list[int]] = [[] for _ in room]
    excess = np.zeros(count)  # the logarithm of how many times as many pairs agree as would in random bits
    left_out, dealt = np.split(np.argsort(-(together.sum(0) + alone), kind="stable"), [64 - sum(room)])
    for bit in dealt.tolist():
        more = np.array([together[bit, band].sum() for band in bands]) + alone[bit]
        full = [len(band) == most for band, most in zip(bands, room, strict=True)]
        chosen = int(np.where(full, np.inf, np.exp(excess + more) - np.exp(excess)).argmin())
        bands[chosen].append(bit)
        excess[chosen] += more[chosen]
    shifts = np.cumsum([0, *room]).tolist()
    made = tuple(Band(s, w, t) for s, w, t in zip(shifts[:-1], room, thresholds, strict=True))
    return Plan(np.concatenate([*bands, left_out]).astype(np.int64), made)


def _cost(planned: Plan, sample: NDArray[np.uint64], sizes: tuple[int, int]) -> float:
    """Estimated nanoseconds."""
    total, (left, right) = 0.0, sizes
    for band in planned.bands:
        masks = _masks(band.width, band.threshold)
        values = _gathered(sample, planned.order[band.shift : band.shift + band.width])
        counts = np.unique(values, return_counts=True)[1].astype(np.float64)
        agreeing = float((counts * (counts - 1)).sum()) / max(1, sample.size * (sample.size - 1))
        compared = left * right * masks * max(agreeing, 2.0**-band.width)
        total += compared * PAIR_NS + min(left, 1 << band.width) * masks * BUCKET_NS
        total += (left + right + (1 << band.width)) * HASH_NS if band.width else 0.0
    return total


def _gathered(hashes: NDArray[np.uint64], bits: NDArray[np.int64]) -> NDArray[np.uint64]:
    value = np.zeros_like(hashes)
    for k, bit in enumerate(bits.tolist()):
        value |= ((hashes >> np.uint64(bit)) & np.uint64(1)) << np.uint64(k)
    return value
