"""Pairs of perceptual hashes within a Hamming distance, none missed, and what a mirrored picture's hash would be.

Equal hashes are searched once. The search is banded (`hamming_bands`): only hashes that nearly agree in some band of
bits are compared, and a pair is said at the first such band only, so that memory is bounded by the answer (32 bytes a
pair at most). A thousand equal hashes are half a million pairs: who fears a flood searches `distinct(hashes)` instead.

Mirroring negates the DCT's odd horizontal frequencies; as phash compares with a median near 0, that turns over those
bits. Nearly: against the mirrored file's hash, 3.3 of 64 bits differ in the mean over 917 photographs (8 or fewer for
99 %, 10 at most), 6.3 of 256 (24 at most).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgan_data.hamming_bands import Band, Plan, plan

Hashes = NDArray[np.uint64]
Pairs = NDArray[np.int64]
BUCKETS_BYTES = 1 << 15
"""Hashes of the buckets that one task goes through, in bytes: they stay in a core's own cache."""
ODD_COLUMNS = np.uint64(0x5555555555555555)
"""Odd horizontal frequencies, of 8 columns as of 16: rows of bits, the most significant bit first."""


@dataclass(frozen=True)
class Distinct:
    """Hashes without repetition, and who has them."""

    values: Hashes
    """(U,) ascending."""
    members: Pairs
    """(N,) indices of the hashes in the order of their values, ascending where equal."""
    starts: Pairs
    """(U + 1,) the first of each value's members."""


def parse(hexadecimal: Iterable[str], words: int = 1) -> Hashes:
    """imagehash's hexadecimal strings, each of so many 64 bits, as integers (N, words), the most significant first."""
    return np.frombuffer(bytes.fromhex("".join(hexadecimal)), ">u8").astype(np.uint64).reshape(-1, words)


def mirrored(hashes: Hashes) -> Hashes:
    """The phash, of 64 bits (N,) or 256 (N, 4), that the mirrored picture nearly has; twice gives the hash itself."""
    turned: Hashes = hashes ^ ODD_COLUMNS
    return turned


def distances256(left: Hashes, right: Hashes, pairs: Pairs, mirrored: bool = False) -> NDArray[np.int64]:
    """(P,) differing bits of the 256 between rows pairs[:, 0] of left (N, 4) and pairs[:, 1] of right (M, 4).

    `mirrored` compares with the mirrored right one.
    """
    turn = ODD_COLUMNS if mirrored else np.uint64(0)
    total = np.zeros(len(pairs), np.int64)
    for word in range(4):
        total += np.bitwise_count(left[pairs[:, 0], word] ^ right[pairs[:, 1], word] ^ turn)
    return total


def distinct(hashes: Hashes) -> Distinct:
    """The different ones of hashes (N,)."""
    members = np.argsort(hashes, kind="stable")
    ordered = hashes[members]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: hashes.size])
    return Distinct(ordered[first], members, np.append(first, hashes.size))


def pairs_within(hashes: Hashes, distance: int) -> tuple[Pairs, NDArray[np.int64]]:
    """Index pairs (P, 2), i < j, of hashes (N,) that differ in at most `distance` bits, sorted; distances (P,)."""
    return _pairs(hashes, None, distance)


def pairs_between(left: Hashes, right: Hashes, distance: int) -> tuple[Pairs, NDArray[np.int64]]:
    """Index pairs (P, 2) of left (N,) and right (M,) that differ in at most `distance` bits, sorted; distances (P,)."""
    return _pairs(left, right, distance)


def _pairs(left: Hashes, right: Hashes | None, distance: int) -> tuple[Pairs, NDArray[np.int64]]:
    if not left.size or (right is not None and not right.size) or distance < 0:
        return np.empty((0, 2), np.int64), np.empty(0, np.int64)
    from scgan_data import hamming_kernels as kernels  # numba takes half a second to import

    ours = distinct(left)
    theirs = ours if right is None else distinct(right)
    found = _found(ours.values, None if right is None else theirs.values, distance)
    flat = _expanded(found, ours, theirs, same=right is None)
    distances = kernels.unpack(flat, left, left if right is None else right)
    return flat.reshape(-1, 2), distances


def _found(left: Hashes, right: Hashes | None, distance: int) -> list[Pairs]:
    """Pairs of different hashes within a distance, in parts; a pair is i times the size of the right side + j."""
    from scgan_data import hamming_kernels as kernels

    planned = plan(left, right, distance)
    left = kernels.permuted(left, planned.order)
    right = None if right is None else kernels.permuted(right, planned.order)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [part for k in range(len(planned.bands)) for part in _of_band(left, right, (planned, k), distance, pool)]


def _of_band(
    left: Hashes, right: Hashes | None, which: tuple[Plan, int], distance: int, pool: ThreadPoolExecutor
) -> list[Pairs]:
    from scgan_data import hamming_kernels as kernels

    planned, number = which
    band, before = planned.bands[number], planned.bands[:number]
    ours = kernels.table(left, band.shift, band.width)
    theirs = ours if right is None else kernels.table(right, band.shift, band.width)
    earlier = np.array([b.bits for b in before], np.uint64), np.array([b.threshold for b in before], np.int64)
    masks = band.masks

    def part(span: tuple[int, int]) -> Pairs:
        return kernels.search(ours, theirs, masks, earlier, distance, span, right is None)

    return [found for found in pool.map(part, _spans(band, theirs[0].nbytes)) if found.size]


def _spans(band: Band, nbytes: int) -> list[tuple[int, int]]:
    """A band's values in ranges of 2**k: a mask moves such a range onto another, and both stay in the cache."""
    parts = min(band.width, (nbytes // BUCKETS_BYTES).bit_length())
    step = 1 << (band.width - parts)
    return [(low, low + step) for low in range(0, 1 << band.width, step)]


def _expanded(found: list[Pairs], ours: Distinct, theirs: Distinct, *, same: bool) -> Pairs:
    """(2P,) whose first half are the pairs of members, sorted, as one number each; takes the parts out of `found`."""
    from scgan_data import hamming_kernels as kernels

    sizes = np.diff(ours.starts)
    total = sum(kernels.expanded_size(part, ours.starts, theirs.starts) for part in found)
    total += int((sizes * (sizes - 1) // 2).sum()) if same else 0
    flat = np.empty(2 * total, np.int64)
    end = kernels.expand_equal(ours.members, ours.starts, flat) if same else 0
    while found:
        sides = (ours.members, ours.starts), (theirs.members, theirs.starts)
        end += kernels.expand(found.pop(), *sides, same, flat[end:])
    flat[:total].sort()
    return flat
