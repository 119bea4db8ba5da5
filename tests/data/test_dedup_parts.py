"""Dedup's parts: candidates equal brute force, keepers and groups hold their promises, the order is the stated one."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scgan_data import hamming, hashes, manifest
from scgan_data.duplicates import agreement, candidates, groups, order, signatures
from scgan_data.duplicates.candidates import Funnel, Reach, Search
from scgan_data.duplicates.signatures import Signatures
from scgan_data.duplicates.thumbnails import Thumbnails, mapped
from scgan_data.similarity import SIDE


def balanced(rng: np.random.Generator, count: int) -> np.ndarray:
    """Hashes with 32 of 64 bits set, as phash's are."""
    bits = np.argsort(rng.random((count, 64)), axis=1) < 32
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()


def flipped(rng: np.random.Generator, hashed: np.ndarray, most: int) -> np.ndarray:
    """Hashes up to `most` flips from random ones of `hashed`."""
    chosen = hashed[rng.integers(len(hashed), size=len(hashed))].copy()
    for _ in range(most):
        where = rng.random(len(chosen)) < 0.5
        chosen[where] ^= np.uint64(1) << rng.integers(0, 64, where.sum()).astype(np.uint64)
    return chosen


def known_pictures(seed: int, count: int) -> Signatures:
    rng = np.random.default_rng(seed)
    whole = balanced(rng, count)
    whole[count // 2 :] = flipped(rng, whole, 6)[count // 2 :]
    views = np.stack([flipped(rng, whole, 8) for _ in range(signatures.VIEWS)], 1)
    wide = rng.integers(0, 2**63, (count, 4)).astype(np.uint64)
    wide[1::2] = wide[: count // 2 * 2 : 2][: len(wide[1::2])]
    return Signatures(np.zeros(count, np.int64), whole, wide, views)


def telling(values: np.ndarray) -> np.ndarray:
    bits = np.bitwise_count(values)
    return (bits >= signatures.SET_BITS[0]) & (bits <= signatures.SET_BITS[1])


def brute(known: Signatures, reach: Reach, mirror: bool, sides: tuple[range, range]) -> set[tuple[int, int]]:
    found = set()
    for i in sides[0]:
        for j in sides[1]:
            if i == j:
                continue
            for mirrored in (False, True) if mirror else (False,):
                turn = hamming.mirrored if mirrored else np.asarray
                one = {-1: known.whole[i], **dict(enumerate(known.views[i]))}
                two = {-1: known.whole[j], **dict(enumerate(known.views[j]))}
                pair = np.array([[i, j]])
                wide = hamming.distances256(known.wide, known.wide, pair, mirrored=mirrored)[0]
                for (a, of_one), (b, of_two) in product(one.items(), two.items()):
                    if -1 not in (a, b) and (a != b or a not in candidates.SAME_VIEWS):
                        continue
                    if not (telling(of_one) and telling(of_two)):
                        continue
                    bits = np.bitwise_count(of_one ^ turn(np.array([of_two]))[0])
                    near = bits <= (reach.whole if a == b == -1 else reach.view)
                    if near and (a != -1 or b != -1 or wide <= reach.wide):
                        found.add((min(i, j), max(i, j)))
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(0, 14), st.integers(0, 12), st.booleans(), st.booleans())
def test_candidates_equal_brute_force(seed: int, count: int, whole: int, view: int, mirror: bool, apart: bool) -> None:
    known, reach = known_pictures(seed, count), Reach(whole, 140, view)
    everyone = np.arange(count)
    left, right = (everyone[: count // 2], everyone[count // 2 :]) if apart else (everyone, everyone)
    funnel = Funnel()
    found = candidates.find(known, [Search(left, right, reach, mirror, 10**9, "all")], funnel)
    sides = (range(count // 2), range(count // 2, count)) if apart else (range(count), range(count))
    assert set(zip(found["one"], found["two"], strict=True)) == brute(known, reach, mirror, sides)
    assert not found.duplicated(["one", "two"]).any() and funnel.thinned == len(found) <= funnel.proposed


def test_a_crowd_with_one_hash_proposes_few_pairs() -> None:
    count = 2000
    known = known_pictures(0, count)
    known.whole[:] = known.whole[0]
    everyone = np.arange(count)
    found = candidates.find(known, [Search(everyone, everyone, Reach(4, 256, None), False, 10**9, "all")], Funnel())
    assert len(found) < count * signatures.CROWD
    assert set(found["two"]) == set(range(1, count)), "each is compared with the best"
    assert set(found["one"]) == set(range(signatures.CROWD))


def test_a_search_that_proposes_too_much_is_lowered_and_said() -> None:
    rng = np.random.default_rng(1)
    known = known_pictures(1, 4000)
    known.whole[:] = balanced(rng, 4000)
    everyone = np.arange(4000)
    funnel = Funnel()
    found = candidates.find(known, [Search(everyone, everyone, Reach(24, None, None), False, 20_000, "selfie")], funnel)
    assert 0 < len(found) <= 40_000
    assert funnel.lowered and funnel.lowered[0].startswith("selfie: 24 → ")


def test_hashes_that_say_nothing_take_no_part() -> None:
    rows = manifest.table(
        [
            {"id": str(n), "domain": "selfie", "status": "kept", "phash": h, "phash256": "0f" * 32, "contrast": c}
            for n, (h, c) in enumerate([("8" + "0" * 15, 50), ("8" + "0" * 15, 50), ("0f" * 8, 2), ("0f" * 8, 2)])
        ]
    )
    known = signatures.of_rows(rows)
    everyone = np.flatnonzero(known.mode >= 0)
    assert everyone.tolist() == [0, 1]
    search = Search(everyone, everyone, Reach(64, None, 64), True, 10**9, "all")
    assert candidates.find(known, [search], Funnel()).empty
    assert len(hashes.VIEWS) == known.views.shape[1]


PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda p: p[0] < p[1]), unique=True)


@given(PAIRS, st.randoms())
def test_a_copy_is_one_of_a_kept_picture_and_kept_ones_are_no_pair(found: list[tuple[int, int]], random) -> None:
    pairs = np.array(found, np.int64).reshape(-1, 2)
    of, by = groups.keepers(pairs, 12)
    kept = of == groups.KEPT
    for better, copy in found:
        assert not (kept[better] and kept[copy])
    for copy in np.flatnonzero(~kept):
        assert kept[of[copy]] and pairs[by[copy]].tolist() == [of[copy], copy]
    shuffled = np.array(random.sample(found, len(found)), np.int64).reshape(-1, 2)
    assert groups.keepers(shuffled, 12)[0].tolist() == of.tolist()


def test_a_chain_does_not_swallow_its_end() -> None:
    of, _ = groups.keepers(np.array([[0, 1], [1, 2], [2, 3]]), 4)
    assert of.tolist() == [groups.KEPT, 0, groups.KEPT, 2]


@given(PAIRS)
def test_components_are_those_of_a_graph_walk(found: list[tuple[int, int]]) -> None:
    label = groups.components(np.array(found, np.int64).reshape(-1, 2), 12)
    reached = [{n} for n in range(12)]
    for _ in range(12):
        for i, j in found:
            reached[i] |= reached[j]
            reached[j] |= reached[i]
    assert all((label[i] == label[j]) == (j in reached[i]) for i in range(12) for j in range(12))


def picture(name: str, **columns: object) -> dict:
    row = {"id": name, "domain": "selfie", "status": "kept", "width": 100, "height": 100, "sharpness": 0.3}
    return row | {"file_bytes": 5000, "license": "CC0-1.0", "source_url": name} | columns


def test_the_keeper_is_chosen_in_the_stated_order() -> None:
    rows = [
        picture("j accepted", width=10),
        picture("i larger", width=101, sharpness=0.1),
        picture("h sharper", sharpness=0.4, file_bytes=10),
        picture("g less compressed", file_bytes=6000, watermark_score=0.9),
        picture("f unmarked", license=None),
        picture("e marked", watermark_score=0.5),
        picture("d other licence", license="CC-BY-NC-4.0", watermark_score=0.5),
        picture("c no licence", license=None, watermark_score=0.5),
    ]
    for turn in range(len(rows)):
        table = manifest.table(rows[turn:] + rows[:turn])
        assert order.best_first(table, {"j accepted"})["id"].tolist() == [row["id"] for row in rows]
    equal = manifest.table([picture("a", source_url=url) for url in ("2", "1", "3")])
    assert order.best_first(equal, frozenset())["source_url"].tolist() == ["1", "2", "3"]


def test_sharpness_counts_in_steps() -> None:
    rows = manifest.table([picture("blocky", sharpness=0.301, file_bytes=10), picture("fine", sharpness=0.3)])
    assert order.best_first(rows, frozenset())["id"].tolist() == ["fine", "blocky"]


def test_thumbnails_survive_a_kill_in_the_middle_of_a_write(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"{n:064x}" for n in range(3)]
    thumbs = [rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in names]
    store = Thumbnails(tmp_path, "v1")
    store.add(names[:2], thumbs[:2])
    with store.file.open("ab") as file:
        file.write(b"half a thumbnail")
    with (store.file.parent / "ids.txt").open("ab") as file:
        file.write(b"0123")
    store = Thumbnails(tmp_path, "v1")
    store.add(names[2:], thumbs[2:])
    again = Thumbnails(tmp_path, "v1")
    assert all(name in again for name in names) and "other" not in again
    assert (mapped(again.file)[again.rows(names[::-1])] == np.stack(thumbs[::-1])).all()
    assert names[0] not in Thumbnails(tmp_path, "v2") and not (tmp_path / "v1").exists()


def test_an_empty_manifest_has_no_candidates() -> None:
    known = signatures.of_rows(manifest.table(pd.DataFrame()))
    everyone = np.flatnonzero(known.mode >= 0)
    assert candidates.find(known, [Search(everyone, everyone, Reach(8, 64, 8), True, 10, "none")], Funnel()).empty


@pytest.mark.parametrize("mirrored", [False, True])
def test_parts_agree_with_themselves_and_not_with_another_pictures(mirrored: bool) -> None:
    plain = np.random.default_rng(3).integers(1, 2**63, (50, signatures.VIEWS + 1), np.uint64)
    turned = hamming.mirrored(plain)[:, [0, 1, 3, 2, 5, 4, 6, 7, 8]] if mirrored else plain
    every = np.concatenate([plain, turned])
    known = Signatures(np.zeros(100, np.int64), every[:, -1], np.zeros((100, 4), np.uint64), every[:, :-1])
    ours, copies, whole = np.arange(50), np.arange(50, 100), (mirrored, -1, -1)
    same, other = agreement.bits(known, ours, copies, whole), agreement.bits(known, ours, np.roll(copies, 1), whole)
    assert same.max() < other.min() - 5
    assert np.allclose(same, agreement.bits(known, copies, ours, whole), atol=1e-4)
