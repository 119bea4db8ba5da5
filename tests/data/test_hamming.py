"""The banded search finds exactly the pairs that brute force finds, each once."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data import hamming


def brute_force(hashes: np.ndarray, distance: int) -> list[tuple[int, int, int]]:
    return [
        (i, j, d)
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if (d := (int(hashes[i]) ^ int(hashes[j])).bit_count()) <= distance
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(0, 26))
def test_equals_brute_force(seed: int, count: int, distance: int) -> None:
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    for i in range(1, count, 2):  # half of them are near another
        flips = rng.choice(64, rng.integers(0, 20), replace=False)
        hashes[i] = hashes[i - 1] ^ np.bitwise_or.reduce(np.uint64(1) << flips.astype(np.uint64), initial=np.uint64(0))
    pairs, distances = hamming.pairs_within(hashes, distance)
    found = [(int(i), int(j), int(d)) for (i, j), d in zip(pairs, distances, strict=True)]
    assert found == brute_force(hashes, distance)


def test_hexadecimal_is_imagehashs() -> None:
    import imagehash
    from PIL import Image

    gradient = Image.linear_gradient("L")
    value = imagehash.phash(gradient)
    bits = hamming.parse([str(value)])[0]
    assert int(bits).bit_count() == int(value.hash.sum())
