"""The hashes of a manifest's pictures as arrays, and who shares one.

A hash that says nothing takes no part: of a picture with hardly any contrast, or one whose bits are far from half set
(a hash is set where a coefficient exceeds the median, so 32 of 64 are, unless most coefficients are equal: flat and
two-tone pictures). Such pictures are compared by bytes and pixels only. A hash that many pictures share proposes pairs
with the best `CROWD` of them only: thousands of equal hashes would be millions of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data import hamming, hashes

CROWD = 32
SET_BITS = (24, 40)
MIN_CONTRAST = 4.0
VIEWS = len(hashes.VIEWS)
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Signatures:
    """Of N pictures, in the manifest's order of preference."""

    mode: NDArray[np.int64]
    """(N,): which of the modes made its hashes, -1 where they take no part."""
    whole: NDArray[np.uint64]
    """(N,)"""
    wide: NDArray[np.uint64]
    """(N, 4)"""
    views: NDArray[np.uint64]
    """(N, V): of the parts in `hashes.VIEWS`; 0, which takes no part, where they are not known."""


def of_rows(rows: pd.DataFrame) -> Signatures:
    """The signatures of rows of a manifest."""
    modes, _ = pd.factorize(rows["hash_mode"].fillna(""), sort=True)
    usable = ~(rows["contrast"] < MIN_CONTRAST).fillna(False).to_numpy(bool)
    whole, has_whole = _words(rows["phash"], 1, usable)
    wide, has_wide = _words(rows["phash256"], 4, usable)
    known = has_whole & has_wide
    whole[~known], wide[~known] = 0, 0
    views, _ = _words(rows["phash_views"], VIEWS, known)
    return Signatures(np.where(known, modes, -1).astype(np.int64), whole[:, 0], wide, views)


def _words(text: pd.Series[str], count: int, usable: NDArray[np.bool_]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """(N, count) words of 64 bits from hexadecimal text, 0 where it is missing, and where it is there: (N,)."""
    there = usable & (text.str.len() == 16 * count).fillna(False).to_numpy(bool)
    words = np.zeros((len(text), count), np.uint64)
    words[there] = hamming.parse(text[there], count)
    return words, there


@dataclass(frozen=True)
class Sharers:
    """The distinct values of a hash, and the pictures that share each, best first."""

    values: NDArray[np.uint64]
    """(U,), ascending"""
    members: Positions
    starts: Positions
    """(U + 1,): value u belongs to members[starts[u]:starts[u + 1]]."""

    @property
    def sizes(self) -> Positions:
        """(U,): how many share each, no more than CROWD counted."""
        return np.minimum(np.diff(self.starts), CROWD)


def sharers(values: NDArray[np.uint64], pictures: Positions) -> Sharers:
    """Who of `pictures` (positions, best first) shares which of `values` (one a picture of the manifest)."""
    mine = values[pictures]
    bits = np.bitwise_count(mine)
    telling = (bits >= SET_BITS[0]) & (bits <= SET_BITS[1])
    pictures, mine = pictures[telling], mine[telling]
    order = np.argsort(mine, kind="stable")
    distinct, first = np.unique(mine[order], return_index=True)
    return Sharers(distinct, pictures[order], np.append(first, len(order)).astype(np.int64))


def between(left: Sharers, right: Sharers, pairs: Positions) -> tuple[Positions, Positions, Positions]:
    """Pairs of pictures from pairs (P, 2) of values: left, right, and which pair each came from."""
    wide = right.sizes[pairs[:, 1]]
    which, place = _expanded(left.sizes[pairs[:, 0]] * wide)
    one = left.members[left.starts[pairs[which, 0]] + place // wide[which]]
    two = right.members[right.starts[pairs[which, 1]] + place % wide[which]]
    return one, two, which


def within(shared: Sharers) -> tuple[Positions, Positions]:
    """Pairs of pictures that share a value: each with the best CROWD before it."""
    place = np.arange(len(shared.members)) - np.repeat(shared.starts[:-1], np.diff(shared.starts))
    which, before = _expanded(np.minimum(place, CROWD))
    return shared.members[which - place[which] + before], shared.members[which]


def _expanded(counts: Positions) -> tuple[Positions, Positions]:
    """Each index repeated `counts` times, and the number of the repetition."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
