"""All pairs of 64-bit hashes within a Hamming distance, by banded search.

Eight bands of eight bits: hashes that differ in at most D bits differ in at most D // 8 bits of some band
(pigeonhole), so only hashes whose band values lie that close are compared, and none is missed. A pair is emitted at its
first matching band only, which bounds the memory by the answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BANDS = 8
Pairs = NDArray[np.int64]


def parse(hexadecimal: list[str]) -> NDArray[np.uint64]:
    """imagehash's hexadecimal strings of 64-bit hashes as integers."""
    return np.array([int(text, 16) for text in hexadecimal], np.uint64)


def pairs_within(hashes: NDArray[np.uint64], distance: int) -> tuple[Pairs, NDArray[np.int64]]:
    """Index pairs (P, 2), i < j, whose hashes differ in at most `distance` bits, sorted, and their distances (P,)."""
    near = _bytes_within(distance // BANDS)
    found = [_band_pairs(hashes, band, near, distance) for band in range(BANDS)]
    pairs = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs, _distances(hashes, pairs)


def _band_pairs(hashes: NDArray[np.uint64], band: int, near: NDArray[np.uint8], distance: int) -> Pairs:
    values = _band(hashes, band)
    order = np.argsort(values, kind="stable")
    edges = np.searchsorted(values[order], np.arange(257))
    found = []
    for value in range(256):
        left = order[edges[value] : edges[value + 1]]
        if not left.size:
            continue
        right = np.concatenate([order[edges[o] : edges[o + 1]] for o in (near ^ np.uint8(value)).tolist()])
        grid = np.stack(np.meshgrid(left, right, indexing="ij"), -1).reshape(-1, 2)
        grid = grid[grid[:, 0] < grid[:, 1]]
        grid = grid[_distances(hashes, grid) <= distance]
        found.append(grid[_first_match(hashes, grid, near) == band])
    return np.concatenate(found) if found else np.empty((0, 2), np.int64)


def _first_match(hashes: NDArray[np.uint64], pairs: Pairs, near: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The first band in which each pair lies close enough."""
    close = np.zeros(256, bool)
    close[near] = True
    differing = hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]
    matches = np.stack([close[_band(differing, band)] for band in range(BANDS)])
    first: NDArray[np.int64] = matches.argmax(0)
    return first


def _band(hashes: NDArray[np.uint64], band: int) -> NDArray[np.uint8]:
    values: NDArray[np.uint64] = (hashes >> np.uint64(8 * band)) & np.uint64(255)
    return values.astype(np.uint8)


def _distances(hashes: NDArray[np.uint64], pairs: Pairs) -> NDArray[np.int64]:
    counts: NDArray[np.uint8] = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]])
    return counts.astype(np.int64)


def _bytes_within(flips: int) -> NDArray[np.uint8]:
    values = np.arange(256, dtype=np.uint8)
    near: NDArray[np.uint8] = values[np.bitwise_count(values) <= flips]
    return near
