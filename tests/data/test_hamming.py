"""The banded search finds exactly the pairs that brute force finds, each once, whatever the hashes are."""

import os
import subprocess
import sys

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from skimage import data

from scgan_data import hamming, hamming_bands

ALL_BITS = 2**64 - 1
EXTREMES = [0, 1, 2**63, ALL_BITS, ALL_BITS - 1, 2**63 - 1, 0x5555555555555555, 0xAAAAAAAAAAAAAAAA]


def table(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.bitwise_count(left[:, None] ^ right[None, :])


def within(hashes: np.ndarray, distance: int) -> list[tuple[int, int, int]]:
    every = table(hashes, hashes)
    return [(i, j, int(every[i, j])) for i, j in np.argwhere(np.triu(every <= distance, 1)).tolist()]


def between(left: np.ndarray, right: np.ndarray, distance: int) -> list[tuple[int, int, int]]:
    every = table(left, right)
    return [(i, j, int(every[i, j])) for i, j in np.argwhere(every <= distance).tolist()]


def triples(found: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, int, int]]:
    pairs, distances = found
    assert pairs.dtype == distances.dtype == np.int64
    assert pairs.shape == (distances.size, 2)
    return [(i, j, d) for (i, j), d in zip(pairs.tolist(), distances.tolist(), strict=True)]


def flip(value: int, bits: list[int]) -> int:
    for bit in bits:
        value ^= 1 << bit
    return value


def skewed(rng: np.random.Generator, count: int) -> np.ndarray:
    """Uneven, correlated bits with near and equal copies among them: a hard case for bands."""
    signs = rng.standard_normal((count, 64)) + 1.5 * rng.standard_normal((count, 8)).repeat(8, 1) + rng.normal(0, 1, 64)
    hashes = np.packbits(signs > 0, axis=1).view(np.uint64)[:, 0].copy()
    for i in range(0, count - 1, 3):
        hashes[i + 1] = flip(int(hashes[i]), rng.choice(64, rng.integers(0, 19), replace=False).tolist())
    return hashes


near_hashes = st.lists(
    st.one_of(
        st.integers(0, ALL_BITS),
        st.sampled_from(EXTREMES),
        st.builds(flip, st.sampled_from(EXTREMES), st.lists(st.integers(0, 63), max_size=18)),
    ),
    max_size=30,
).map(lambda values: np.array(values, np.uint64))


@settings(max_examples=150, deadline=None)
@given(near_hashes, st.integers(0, 64))
def test_within_equals_brute_force(hashes: np.ndarray, distance: int) -> None:
    assert triples(hamming.pairs_within(hashes, distance)) == within(hashes, distance)


@settings(max_examples=150, deadline=None)
@given(near_hashes, near_hashes, st.integers(0, 64))
def test_between_equals_brute_force(left: np.ndarray, right: np.ndarray, distance: int) -> None:
    assert triples(hamming.pairs_between(left, right, distance)) == between(left, right, distance)


@pytest.mark.parametrize("distance", range(17))
def test_every_banding_misses_nothing_and_repeats_nothing(distance: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small sets are compared pair by pair if it is left to the plan: here each number of bands must do it."""
    hashes = skewed(np.random.default_rng(distance), 600)
    other = skewed(np.random.default_rng(99), 200)
    other[::2] = hashes[:100]
    plans = bandings(hashes, distance)
    assert plans
    for plan in plans:
        monkeypatch.setattr(hamming, "plan", lambda left, right, distance, plan=plan: plan)
        assert triples(hamming.pairs_within(hashes, distance)) == within(hashes, distance)
        assert triples(hamming.pairs_between(hashes, other, distance)) == between(hashes, other, distance)


def bandings(hashes: np.ndarray, distance: int) -> list[hamming_bands.Plan]:
    """Those that the plan chooses from, less the ones with millions of buckets to visit."""
    every = hamming_bands.bandings(hashes, distance)
    return [p for p in every if max(b.width for b in p.bands) <= 16 or max(b.threshold for b in p.bands) == 0]


@pytest.mark.parametrize("distance", [4, 8])
def test_what_the_plan_chooses_for_many_hashes_misses_nothing(distance: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamming_bands, "FEW_PAIRS", 0)
    hashes = skewed(np.random.default_rng(5), 6000)
    assert len(hamming_bands.plan(hashes, None, distance).bands) > 1
    assert triples(hamming.pairs_within(hashes, distance)) == within(hashes, distance)


def test_order_of_input_changes_nothing_but_the_indices() -> None:
    rng = np.random.default_rng(3)
    hashes = skewed(rng, 3000)
    order = rng.permutation(hashes.size)
    moved = {(*sorted(order[[i, j]].tolist()), d) for i, j, d in triples(hamming.pairs_within(hashes[order], 8))}
    assert moved == set(triples(hamming.pairs_within(hashes, 8)))


def test_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = skewed(np.random.default_rng(4), 6000)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    one = triples(hamming.pairs_within(hashes, 8))
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert triples(hamming.pairs_within(hashes, 8)) == one


def test_a_flood_of_equal_hashes_is_searched_once() -> None:
    flood = np.concatenate([np.full(50_000, 7, np.uint64), np.full(50_000, 5, np.uint64), [np.uint64(ALL_BITS)]])
    groups = hamming.distinct(flood)
    assert groups.values.tolist() == [5, 7, ALL_BITS]
    assert np.diff(groups.starts).tolist() == [50_000, 50_000, 1]
    assert (flood[groups.members] == np.repeat(groups.values, np.diff(groups.starts))).all()
    assert triples(hamming.pairs_within(groups.values, 4)) == [(0, 1, 1)]


def test_equal_hashes_are_pairs() -> None:
    assert triples(hamming.pairs_within(np.full(4, 9, np.uint64), 0)) == [
        (i, j, 0) for i in range(4) for j in range(i + 1, 4)
    ]


def test_bands_cover_each_bit_once_and_thresholds_suffice() -> None:
    hashes = skewed(np.random.default_rng(6), 2000)
    for distance in range(17):
        for plan in hamming_bands.bandings(hashes, distance):
            assert sorted(plan.order.tolist()) == list(range(64))
            masks = [band.bits for band in plan.bands]
            assert sum(masks) == np.bitwise_or.reduce(np.array(masks, np.uint64))
            assert sum(band.threshold + 1 for band in plan.bands) == distance + 1


@given(st.integers(0, ALL_BITS))
def test_mirrored_twice_is_the_hash(value: int) -> None:
    once = hamming.mirrored(np.array([value], np.uint64))
    assert hamming.mirrored(once)[0] == value != once[0]


@pytest.mark.parametrize(("name", "most64", "most256"), [("astronaut", 8, 16), ("coffee", 8, 16), ("chelsea", 8, 16)])
def test_mirrored_is_nearly_the_hash_of_the_mirrored_picture(name: str, most64: int, most256: int) -> None:
    picture = Image.fromarray(getattr(data, name)()).convert("L")
    turned = ImageOps.mirror(picture)
    short, turned_short = (hamming.parse([str(imagehash.phash(p))])[:, 0] for p in (picture, turned))
    assert np.bitwise_count(hamming.mirrored(short) ^ turned_short)[0] <= most64
    assert np.bitwise_count(short ^ turned_short)[0] > 16
    long, turned_long = (hamming.parse([str(imagehash.phash(p, hash_size=16))], 4) for p in (picture, turned))
    pair = np.zeros((1, 2), np.int64)
    assert hamming.distances256(long, turned_long, pair, mirrored=True)[0] <= most256
    assert hamming.distances256(long, turned_long, pair)[0] > 64


@given(st.lists(st.tuples(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1)), max_size=5))
def test_distances256_count_differing_bits(values: list[tuple[int, int]]) -> None:
    left, right = (hamming.parse([f"{pair[side]:064x}" for pair in values], 4) for side in (0, 1))
    same_row = np.arange(len(values)).repeat(2).reshape(-1, 2)
    assert hamming.distances256(left, right, same_row).tolist() == [(a ^ b).bit_count() for a, b in values]


def test_hexadecimal_is_imagehashs() -> None:
    value = imagehash.phash(Image.linear_gradient("L"))
    bits = hamming.parse([str(value)])[0, 0]
    assert [bool(int(bits) >> (63 - k) & 1) for k in range(64)] == value.hash.ravel().tolist()


def test_works_where_no_compiled_code_can_be_kept() -> None:
    program = (
        "import numpy as np; from scgan_data import hamming_kernels as k; "
        "assert k.permuted(np.array([1], np.uint64), np.arange(64)[::-1].copy())[0] == 2**63"
    )
    cache = {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator", "NUMBA_CACHE_DIR": "/dev/null/no"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=os.environ | cache,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
