"""The compiled loops of the Hamming search. Importing this imports numba: `hamming` does so late."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from scgan_data.compiled import compiled

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]
FIRST_ROOM = 1024


def _popcount_of(_context: Any, _value: Any) -> Any:
    return types.uint64(types.uint64), lambda _c, builder, _s, arguments: builder.ctpop(arguments[0])


popcount: Any = intrinsic(_popcount_of)
"""Number of set bits of a uint64, as one machine instruction."""


@compiled
def permuted(hashes: Hashes, order: Indices) -> Hashes:
    """Hashes whose bit k is bit order[k] of the given ones."""
    moved = np.zeros_like(hashes)
    for i in range(hashes.size):
        value = np.uint64(0)
        for k in range(64):
            value |= ((hashes[i] >> np.uint64(order[k])) & np.uint64(1)) << np.uint64(k)
        moved[i] = value
    return moved


@compiled
def table(hashes: Hashes, shift: int, width: int) -> tuple[Hashes, NDArray[np.int32], NDArray[np.int32]]:
    """Hashes in the order of their band's value, where each stood, and each value's first place (2**width + 1,)."""
    low, by = np.uint64((1 << width) - 1), np.uint64(shift)
    starts = np.zeros((1 << width) + 1, np.int32)
    for value in hashes:
        starts[np.int64((value >> by) & low) + 1] += 1
    for k in range(starts.size - 1):
        starts[k + 1] += starts[k]
    place = starts.copy()
    ordered, origin = np.empty_like(hashes), np.empty(hashes.size, np.int32)
    for i in range(hashes.size):
        v = np.int64((hashes[i] >> by) & low)
        ordered[place[v]], origin[place[v]] = hashes[i], i
        place[v] += 1
    return ordered, origin, starts


@compiled
def search(
    left: tuple[Hashes, NDArray[np.int32], NDArray[np.int32]],
    right: tuple[Hashes, NDArray[np.int32], NDArray[np.int32]],
    masks: Indices,
    earlier: tuple[Hashes, Indices],
    distance: int,
    span: tuple[int, int],
    same: bool,
) -> Indices:
    """Pairs of left's buckets in `span` with right's that differ by a mask: left's index times right's size + right's.

    `earlier` are the bits and the thresholds of the bands searched before: what they found is not said again. With
    `same` the sides are one, and each pair comes once. The inner loop counts before it looks: without a branch it is
    vectorised, which is three times as fast.
    """
    left_hashes, left_origin, left_starts = left
    right_hashes, right_origin, right_starts = right
    bits, most = earlier
    size = right_hashes.size
    found, count = np.empty(FIRST_ROOM, np.int64), 0
    for mask in masks:
        for v in range(span[0], span[1]):
            u = v ^ mask
            if left_starts[v] == left_starts[v + 1] or (same and u < v):
                continue
            begin, end = right_starts[u], right_starts[u + 1]
            for a in range(left_starts[v], left_starts[v + 1]):
                value = left_hashes[a]
                if same and mask == 0:
                    begin = a + 1
                near = 0
                for b in range(begin, end):
                    near += popcount(value ^ right_hashes[b]) <= distance
                if near == 0:
                    continue
                for b in range(begin, end):
                    differing = value ^ right_hashes[b]
                    if popcount(differing) <= distance and _is_new(differing, bits, most):
                        if count == found.size:
                            found = _doubled(found)
                        found[count] = np.int64(left_origin[a]) * size + right_origin[b]
                        count += 1
    return found[:count].copy()


@compiled
def _is_new(differing: Any, bits: Hashes, most: Indices) -> bool:
    for k in range(bits.size):  # noqa: SIM110 - numba knows no all()
        if popcount(differing & bits[k]) <= most[k]:
            return False
    return True


@compiled
def _doubled(found: Indices) -> Indices:
    larger = np.empty(2 * found.size, np.int64)
    larger[: found.size] = found
    return larger


@compiled
def expanded_size(found: Indices, left_starts: Indices, right_starts: Indices) -> int:
    """How many pairs of members the found pairs of distinct hashes stand for."""
    total, size = 0, right_starts.size - 1
    for key in found:
        a, b = key // size, key % size
        total += (left_starts[a + 1] - left_starts[a]) * (right_starts[b + 1] - right_starts[b])
    return total


@compiled
def expand(
    found: Indices,
    left: tuple[Indices, Indices],
    right: tuple[Indices, Indices],
    same: bool,
    keys: Indices,
) -> int:
    """Write each found pair's members as i times the number of right's hashes + j into `keys`; their number."""
    (left_members, left_starts), (right_members, right_starts) = left, right
    size, count = right_members.size, 0
    for key in found:
        a, b = key // (right_starts.size - 1), key % (right_starts.size - 1)
        for i in left_members[left_starts[a] : left_starts[a + 1]]:
            for j in right_members[right_starts[b] : right_starts[b + 1]]:
                keys[count] = min(i, j) * size + max(i, j) if same else i * size + j
                count += 1
    return count


@compiled
def expand_equal(members: Indices, starts: Indices, keys: Indices) -> int:
    """Write all pairs of equal hashes into `keys`; their number."""
    count = 0
    for g in range(starts.size - 1):
        for a in range(starts[g], starts[g + 1]):
            for b in range(a + 1, starts[g + 1]):
                keys[count] = members[a] * members.size + members[b]
                count += 1
    return count


@compiled
def unpack(pairs: Indices, left: Hashes, right: Hashes) -> Indices:
    """Turn keys, sorted in the first half of `pairs` (2P,), into P pairs in place; the distances (P,).

    From the last to the first: a pair's two places never lie before its key.
    """
    distances = np.empty(pairs.size // 2, np.int64)
    for p in range(distances.size - 1, -1, -1):
        i, j = pairs[p] // right.size, pairs[p] % right.size
        pairs[2 * p], pairs[2 * p + 1] = i, j
        distances[p] = popcount(left[i] ^ right[j])
    return distances
