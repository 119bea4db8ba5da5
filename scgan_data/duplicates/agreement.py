"""How well two pictures' part hashes agree with what brought them together: no file is opened.

Where a part of one picture is to show what a part of the other does, each other part of the one lies somewhere in the
other too. Eight parts and the whole of both are 81 pairs of boxes in one frame, and the agreement is the mean of the
bits in which their 64-bit hashes differ, each pair weighted by its boxes' intersection over union, to the power of 12:
boxes that coincide count, boxes a few per cent apart count some. Pictures that met by chance in one hash differ in the
others (20 bits and more); copies hardly do.

Half the bits in which the parts differ that brought them together are added (`candidates`): copies under a large
caption agree in little else than that part, but there wholly.

Measured on 50 pictures each of selfies, avataaars and anime faces with 13 edits, and on the sample's proposed pairs of
different pictures: of the copies that were proposed 98.5 % stay, and of the others

                   wholes            parts
    selfies        18.0 bits   0 %   21.9 bits 17 %
    avataaars      24.9       27 %   24.6      54 %
    anime faces    16.2        2 %   22.5      27 % (others: the avataaars)

These limits lost 7 to 13 % of the pictures of benchmarks/dedup_edits.py that were cut by 10 %; the ones in `settings`
lose none of them, and one of 90 turned by 2 degrees.

Tried: powers of 16 to 32 (twice as many of the selfies' parts stay); without the half, or with all of the bits (as many
stay, and captioned photographs need a higher limit); the mean of the least of each part's nine distances, which asks no
boxes (36 % of the selfies' parts).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scgan_data import hamming, hashes
from scgan_data.duplicates.signatures import Positions, Signatures

POWER = 12
BOXES = np.array([*hashes.VIEWS.values(), (0.0, 0.0, 1.0, 1.0)])
"""(9, 4) xyxy: the parts, and the whole last, which is also -1."""
CHUNK = 1 << 14
"""Pairs at once: their hashes stay in a core's cache."""


def bits(known: Signatures, one: Positions, two: Positions, how: tuple[bool, int, int]) -> NDArray[np.float32]:
    """(P,): mean differing bits of 64 of pictures `one` and `two`, a part of one against a part of the other.

    `how`: whether the second is mirrored, and the two parts. NaN where a picture's parts have no hashes.
    """
    mirrored, view_one, view_two = how
    weights = _weights(mirrored, view_one, view_two)
    found = np.empty(len(one), np.float32)
    for start in range(0, len(one), CHUNK):
        chunk = slice(start, start + CHUNK)
        left, right = (_nine(known, side[chunk]) for side in (one, two))
        if mirrored:
            right = hamming.mirrored(right)
        total = np.zeros(left.shape[1], np.float32)
        for i, j in np.argwhere(weights > 0):
            total += weights[i, j] * np.bitwise_count(left[i] ^ right[j])
        unknown = (left[0] == 0) | (known.views[two[chunk], 0] == 0)
        found[chunk] = np.where(unknown, np.float32(np.nan), total)
    return found


def _nine(known: Signatures, pictures: Positions) -> NDArray[np.uint64]:
    """(9, P): the hashes of pictures' parts and wholes."""
    return np.concatenate([known.views[pictures].T, known.whole[None, pictures]])


@lru_cache
def _weights(mirrored: bool, view_one: int, view_two: int) -> NDArray[np.float32]:
    """(9, 9), of sum 1: how much each part of the first says about each of the second, mirrored if so."""
    ours, theirs = BOXES, BOXES.copy()
    if mirrored:
        theirs[:, [0, 2]] = 1 - theirs[:, [2, 0]]
    ours, theirs = _within(ours, ours[view_one]), _within(theirs, theirs[view_two])
    overlap = np.array([[_overlap(a, b) for b in theirs] for a in ours]) ** POWER
    overlap[overlap < 0.01 * overlap.max()] = 0
    weights: NDArray[np.float32] = (overlap / overlap.sum()).astype(np.float32)
    return weights


def _within(boxes: NDArray[np.float64], frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes as fractions of the sides of a frame."""
    corner, size = np.tile(frame[:2], 2), np.tile(frame[2:] - frame[:2], 2)
    fractions: NDArray[np.float64] = (boxes - corner) / size
    return fractions


def _overlap(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """Intersection over union."""
    sides = np.minimum(one[2:], two[2:]) - np.maximum(one[:2], two[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = sum(float(np.prod(box[2:] - box[:2])) for box in (one, two))
    return shared / (areas - shared)
