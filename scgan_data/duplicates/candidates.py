"""Pairs that may be near-copies, from hashes alone: no file is opened.

Two searches propose them, within a domain and across domains, each for the picture and its mirror image: wholes within
`whole` bits of 64 whose 256-bit hashes lie within `wide`; and a part of one (`hashes.VIEWS`) within `view` bits of the
other's whole, or the same head or foot cut off both, which finds crops, frames and captions. A pair that several
searches propose is taken as the nearest does. The mirrored picture's hash is that of the picture with the bits of the
odd horizontal frequencies flipped (`hamming`).

Values are searched in blocks and each block's pairs are thinned at once, so memory goes with the answer. Where a search
would still propose more than `max_candidates` pairs (of parts, which no 256-bit hash thins: one a picture), estimated
from 2 ** 20 random ones, its distance is lowered, and a line says so: the number of unrelated pairs grows with the
square of the pictures, that of copies does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data import hamming, hashes
from scgan_data.duplicates import signatures
from scgan_data.duplicates.signatures import Positions, Sharers, Signatures

BLOCK = 100_000
SAMPLE = 2**20
FEW = 100_000
"""Pairs of parts that are always worth looking at, about a quarter of an hour of one core."""
WHOLE = -1
SAME_VIEWS = tuple(list(hashes.VIEWS).index(name) for name in ("without foot", "without head"))
"""Views that are compared with the same view of the other: a bar was laid over the foot or head of both or either."""
COLUMNS = ("one", "two", "mirrored", "view_one", "view_two", "bits", "distance64", "distance256")


@dataclass(frozen=True)
class Reach:
    """How far apart the hashes of a candidate may be; None searches nothing."""

    whole: int | None
    wide: int | None
    view: int | None


@dataclass
class Funnel:
    """How many pairs each step let through."""

    proposed: int = 0
    """By the 64-bit hashes."""
    thinned: int = 0
    """Left by the 256-bit ones, each pair once."""
    lowered: list[str] = field(default_factory=list)
    """Searches whose distance was lowered."""


@dataclass(frozen=True)
class Search:
    """One domain's pictures, or those of two, of one mode, and how far to look."""

    left: Positions
    right: Positions
    reach: Reach
    mirror: bool
    most: int
    """Pairs that one search may propose."""
    name: str

    @property
    def is_within(self) -> bool:
        """Whether both sides are the same pictures."""
        return self.left is self.right


def find(known: Signatures, searches: list[Search], funnel: Funnel) -> pd.DataFrame:
    """Candidates, `COLUMNS`, one < two being positions, each pair once, sorted."""
    found = [part for search in searches for part in _run(known, search, funnel)]
    columns = {n: np.concatenate([part[n] for part in found]) if found else np.empty(0, np.int64) for n in COLUMNS}
    best = np.lexsort([columns[n] for n in ("view_two", "view_one", "mirrored", "bits", "two", "one")])
    table = pd.DataFrame({n: column[best] for n, column in columns.items()})
    table = table.drop_duplicates(["one", "two"], ignore_index=True)
    funnel.thinned += len(table)
    return table


def _run(known: Signatures, search: Search, funnel: Funnel) -> Iterator[dict[str, Positions]]:
    for mirrored in (False, True) if search.mirror else (False,):
        for view_one, view_two in _parts(search):
            distance = search.reach.whole if view_one == view_two == WHOLE else search.reach.view
            if distance is None:
                continue
            left = signatures.sharers(_hashes(known, view_one), search.left)
            turned = hamming.mirrored(_hashes(known, view_two)) if mirrored else _hashes(known, view_two)
            right = signatures.sharers(turned, search.right)
            itself = search.is_within and view_one == view_two and not mirrored
            distance = _affordable(left, right, distance, search, _most(search, view_one, view_two), funnel)
            for one, two in _blocks(left, right, distance, itself):
                funnel.proposed += len(one)
                yield _thinned(known, search.reach, one, two, (mirrored, view_one, view_two))


def _parts(search: Search) -> Iterator[tuple[int, int]]:
    """The views that are compared with each other."""
    yield WHOLE, WHOLE
    for view in range(signatures.VIEWS):
        yield view, WHOLE
        if not search.is_within:
            yield WHOLE, view
    for view in SAME_VIEWS:
        yield view, view


def _hashes(known: Signatures, view: int) -> NDArray[np.uint64]:
    return known.whole if view == WHOLE else known.views[:, view]


def _most(search: Search, view_one: int, view_two: int) -> int:
    """Pairs that a search may propose: of parts, all of which are looked at, one a picture or `FEW`."""
    if view_one == view_two == WHOLE:
        return search.most
    return min(search.most, max(FEW, len(search.left) + len(search.right)))


def _affordable(left: Sharers, right: Sharers, distance: int, search: Search, most: int, funnel: Funnel) -> int:
    """The distance, lowered until the search proposes no more pairs than it may."""
    pairs = len(left.values) * len(right.values)
    if pairs <= most:
        return distance
    chance = np.random.default_rng(0)
    one, two = (side.values[chance.integers(len(side.values), size=SAMPLE)] for side in (left, right))
    share = np.bincount(np.bitwise_count(one ^ two), minlength=65).cumsum() / SAMPLE
    fitting = int(np.searchsorted(share[: distance + 1] * pairs, most, side="right")) - 1
    if fitting < distance:
        funnel.lowered.append(f"{search.name}: {distance} → {max(0, fitting)} bits")
    return max(0, min(distance, fitting))


def _blocks(left: Sharers, right: Sharers, distance: int, itself: bool) -> Iterator[tuple[Positions, Positions]]:
    """Pairs of pictures whose values lie within a distance, block by block."""
    if itself:
        yield signatures.within(left)
    for start in range(0, len(left.values), BLOCK):
        block = left.values[start : start + BLOCK]
        if itself:
            pairs, _ = hamming.pairs_within(block, distance)
            one, two, _ = signatures.between(left, right, pairs + start)
            yield one, two
        after = start + BLOCK if itself else 0
        pairs, _ = hamming.pairs_between(block, right.values[after:], distance)
        one, two, _ = signatures.between(left, right, pairs + np.array([start, after]))
        yield one, two


def _thinned(
    known: Signatures, reach: Reach, one: Positions, two: Positions, how: tuple[bool, int, int]
) -> dict[str, Positions]:
    """What the 256-bit hashes leave of one block, as columns; `one` becomes the smaller position."""
    mirrored, view_one, view_two = how
    apart = one != two
    one, two = one[apart], two[apart]
    pairs = np.stack([one, two], 1)
    wide = hamming.distances256(known.wide, known.wide, pairs, mirrored=mirrored)
    whole = _bits(known.whole[one], known.whole[two], mirrored)
    bits = _bits(_hashes(known, view_one)[one], _hashes(known, view_two)[two], mirrored)
    near = np.ones(len(one), bool)
    if view_one == view_two == WHOLE and reach.wide is not None:
        near = wide <= reach.wide
    swapped = one > two
    parts = (np.where(swapped, view_two, view_one), np.where(swapped, view_one, view_two))
    columns = (np.minimum(one, two), np.maximum(one, two), np.full(len(one), mirrored), *parts, bits, whole, wide)
    return {name: column[near].astype(np.int64) for name, column in zip(COLUMNS, columns, strict=True)}


def _bits(one: NDArray[np.uint64], two: NDArray[np.uint64], mirrored: bool) -> Positions:
    bits: NDArray[np.uint8] = np.bitwise_count(one ^ (hamming.mirrored(two) if mirrored else two))
    return bits.astype(np.int64)
