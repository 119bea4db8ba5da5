"""Pairs that may be near-copies, from hashes alone: no file is opened.

Two searches propose them, within a domain and across domains, each for the picture and its mirror image: wholes within
`whole` bits of 64 whose 256-bit hashes lie within `wide`; and a part of one (`hashes.VIEWS`) within `view` bits of the
other's whole, or the same head or foot cut off both, which finds crops, frames and captions. A pair that several
searches propose is taken as the nearest does. The mirrored picture's hash is that of the picture with the bits of the
odd horizontal frequencies flipped (`hamming`).

Values are searched in blocks and each block's pairs are thinned at once, so memory goes with the answer. Where a search
would still propose more than `max_candidates` pairs (of parts, which no 256-bit hash thins: one a picture), estimated
from those of 4,096 with 4,096 values, its distance is lowered, and a line says so: the number of unrelated pairs grows
with the square of the pictures, that of copies does not. The eight parts are searched in the wholes at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data import hamming, hashes
from scgan_data.duplicates import agreement, signatures
from scgan_data.duplicates.signatures import Positions, Sharers, Signatures

BLOCK_PAIRS = 2_000_000
"""Pairs of values that one block is expected to give."""
SAMPLE = 2**12
"""Values of each side whose pairs, 16 million, say how many a search would propose."""
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
    agreement: float | None = None
    """Bits of 64 in which the parts of two alike wholes may differ (`agreement`), half the wholes' own added."""
    view_agreement: float | None = None
    """And those of two of which a part resembles a part of the other. None drops none."""


@dataclass
class Funnel:
    """How many pairs each step let through."""

    proposed: int = 0
    """By the 64-bit hashes."""
    thinned: int = 0
    """Left by the 256-bit ones and by the agreement of parts, each pair once."""
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
        for views_one, views_two in _parts(search):
            is_whole = views_one == views_two == (WHOLE,)
            distance = search.reach.whole if is_whole else search.reach.view
            if distance is None:
                continue
            left = [signatures.sharers(_hashes(known, view), search.left) for view in views_one]
            right = [signatures.sharers(_hashes(known, view, mirrored), search.right) for view in views_two]
            itself = search.is_within and views_one == views_two and not mirrored
            plan = _affordable((left, right), distance, _most(search, is_whole), itself)
            if plan[0] < distance:
                funnel.lowered.append(f"{search.name}: {distance} → {plan[0]} bits")
            for one, two, i, j in _blocks(left, right, plan, itself):
                funnel.proposed += len(one)
                yield _thinned(known, search.reach, one, two, (mirrored, views_one[i], views_two[j]))


def _parts(search: Search) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The views that are compared with each other, each of some with the other."""
    every = tuple(range(signatures.VIEWS))
    yield (WHOLE,), (WHOLE,)
    yield every, (WHOLE,)
    if not search.is_within:
        yield (WHOLE,), every
    for view in SAME_VIEWS:
        yield (view,), (view,)


def _hashes(known: Signatures, view: int, mirrored: bool = False) -> NDArray[np.uint64]:
    """Those of a view; of the mirrored picture, roughly, if asked."""
    plain = known.whole if view == WHOLE else known.views[:, view]
    return hamming.mirrored(plain) if mirrored else plain


def _most(search: Search, is_whole: bool) -> int:
    """Pairs that a search may propose: of parts one a picture or `FEW`."""
    pictures = len(search.left) + (0 if search.is_within else len(search.right))
    return search.most if is_whole else min(search.most, max(FEW, pictures))


def _affordable(sides: tuple[list[Sharers], list[Sharers]], distance: int, most: int, itself: bool) -> tuple[int, int]:
    """The distance, lowered until the search proposes no more pairs than it may; rows of the left to search at once."""
    ours, theirs = map(_values, sides)
    pairs = len(ours) * len(theirs) // (2 if itself else 1)
    if pairs <= most:
        return distance, max(1, len(ours))
    share = _shares(sides)
    fitting = int(np.searchsorted(share[: distance + 1] * pairs, most, side="right")) - 1
    distance = max(0, min(distance, fitting))
    return distance, max(1, min(len(ours), int(BLOCK_PAIRS / (share[distance] * len(theirs) + 1))))


def _shares(sides: tuple[list[Sharers], list[Sharers]]) -> NDArray[np.float64]:
    """(65,): the share of the pairs of values within each distance, estimated; a picture's own pairs are left out."""
    chance = np.random.default_rng(0)
    ours, theirs = map(_values, sides)
    one, two = (chance.permutation(len(side))[:SAMPLE] for side in (ours, theirs))
    owners_one, owners_two = (
        np.concatenate([part.members[part.starts[:-1]] for part in side])[picked]
        for side, picked in zip(sides, (one, two), strict=True)
    )
    counts = np.zeros(65)
    for value, owner in zip(ours[one], owners_one, strict=True):
        bits = np.bitwise_count(value ^ theirs[two])
        counts += np.bincount(bits[owners_two != owner], minlength=65)
    shares: NDArray[np.float64] = np.cumsum(counts) / (len(one) * len(two))
    return shares


def _values(sides: list[Sharers]) -> NDArray[np.uint64]:
    return sides[0].values if len(sides) == 1 else np.concatenate([side.values for side in sides])


def _blocks(
    left: list[Sharers], right: list[Sharers], plan: tuple[int, int], itself: bool
) -> Iterator[tuple[Positions, Positions, int, int]]:
    """Pairs of pictures whose values lie within a distance, and of which of the left and right, block by block."""
    distance, rows = plan
    ours, theirs = _values(left), _values(right)
    if itself:
        yield *signatures.within(left[0]), 0, 0
    for start in range(0, len(ours), rows):
        block = ours[start : start + rows]
        if itself:
            pairs, _ = hamming.pairs_within(block, distance)
            yield from _of_sides(left, right, pairs + start)
        after = start + rows if itself else 0
        pairs, _ = hamming.pairs_between(block, theirs[after:], distance)
        yield from _of_sides(left, right, pairs + np.array([start, after]))


def _of_sides(
    left: list[Sharers], right: list[Sharers], pairs: Positions
) -> Iterator[tuple[Positions, Positions, int, int]]:
    """Pairs of values, counted through the sides, as pairs of pictures, side by side."""
    starts = [np.cumsum([0, *(len(side.values) for side in sides)]) for sides in (left, right)]
    sides = [np.searchsorted(starts[k], pairs[:, k], "right") - 1 for k in (0, 1)]
    for i, ours in enumerate(left):
        for j, theirs in enumerate(right):
            of = pairs[(sides[0] == i) & (sides[1] == j)] - np.array([starts[0][i], starts[1][j]])
            one, two, _ = signatures.between(ours, theirs, of)
            yield one, two, i, j


def _thinned(
    known: Signatures, reach: Reach, one: Positions, two: Positions, how: tuple[bool, int, int]
) -> dict[str, Positions]:
    """What the 256-bit hashes and the agreement leave of one block, as columns; `one` becomes the smaller position."""
    mirrored, view_one, view_two = how
    is_whole = view_one == view_two == WHOLE
    near = one != two
    one, two = one[near], two[near]
    wide = hamming.distances256(known.wide, known.wide, np.stack([one, two], 1), mirrored=mirrored)
    if is_whole and reach.wide is not None:
        near = wide <= reach.wide
        one, two, wide = one[near], two[near], wide[near]
    bits = _bits(_hashes(known, view_one)[one], _hashes(known, view_two, mirrored)[two])
    limit = reach.agreement if is_whole else reach.view_agreement
    if limit is not None:
        near = ~(agreement.bits(known, one, two, how) + bits / 2 > limit)
        one, two, wide, bits = one[near], two[near], wide[near], bits[near]
    whole = _bits(known.whole[one], _hashes(known, WHOLE, mirrored)[two])
    swapped = one > two
    parts = (np.where(swapped, view_two, view_one), np.where(swapped, view_one, view_two))
    columns = (np.minimum(one, two), np.maximum(one, two), np.full(len(one), mirrored), *parts, bits, whole, wide)
    return {name: column.astype(np.int32) for name, column in zip(COLUMNS, columns, strict=True)}


def _bits(one: NDArray[np.uint64], two: NDArray[np.uint64]) -> Positions:
    bits: NDArray[np.uint8] = np.bitwise_count(one ^ two)
    return bits.astype(np.int64)
