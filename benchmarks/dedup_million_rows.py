"""A manifest of many pictures that nobody has: the rows for the benchmark of `dedup` at a million.

Hashes are of dedup_search_hashes. A tenth are copies of another row with 0 to 10 bits flipped in `phash`, 0 to 6 in
each of the four words of `phash256` and 0 to 6 in each view. A picture's views are its own hash with 4 to 20 bits
flipped, its 256 bits four hashes of unrelated pictures: so two pictures that only happen to share the 64 bits of the
whole hardly agree in the 256. No row has a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.dedup_search_hashes import COPIES, MOST_FLIPS, SEED, flipped, originals_of
from scgan_data import files, hashes, manifest
from scgan_data.records import SELFIE, Status

PART = 100_000
WORDS = 1 + 4 + len(hashes.VIEWS)
"""`phash`, the words of `phash256`, the views."""
MOST_VIEW_FLIPS = 6
Hashes = NDArray[np.uint64]


def write(folder: Path, count: int) -> int:
    """Write a manifest of `count` rows, so many of which are copies: their number."""
    values, of = signatures(count)
    manifest.write(folder, _parts(values))
    return int((of >= 0).sum())


def signatures(count: int, seed: int = SEED) -> tuple[Hashes, NDArray[np.int64]]:
    """(count, WORDS) hashes, and for each row the row that it is a copy of, or -1."""
    rng = np.random.default_rng(seed)
    copies = int(count * COPIES)
    originals = _originals(count - copies, rng)
    of = rng.integers(0, len(originals), copies)
    values = np.concatenate([originals, _copied(originals[of], rng)])
    place = rng.permutation(count)
    inverse = np.argsort(place)
    return values[place], np.concatenate([np.full(count - copies, -1), inverse[of]])[place]


def _originals(count: int, rng: np.random.Generator) -> Hashes:
    whole = originals_of(count, rng)
    wide = [originals_of(count, rng) for _ in range(4)]
    views = [flipped(whole, rng.integers(4, 21, count), rng) for _ in hashes.VIEWS]
    return np.stack([whole, *wide, *views], 1)


def _copied(values: Hashes, rng: np.random.Generator) -> Hashes:
    most = [MOST_FLIPS] + [MOST_VIEW_FLIPS] * (WORDS - 1)
    columns = [flipped(values[:, k], rng.integers(0, m + 1, len(values)), rng) for k, m in enumerate(most)]
    return np.stack(columns, 1)


def _parts(values: Hashes) -> Iterator[pd.DataFrame]:
    for start in range(0, len(values), PART):
        yield _rows(values[start : start + PART], start)


def _rows(values: Hashes, start: int) -> pd.DataFrame:
    text = values.astype(">u8").tobytes().hex()
    size, ends = 16 * WORDS, (0, 16, 80, 16 * WORDS)
    lines = [text[i : i + size] for i in range(0, len(text), size)]
    columns = {
        name: [line[a:b] for line in lines]
        for name, a, b in zip(("phash", "phash256", "phash_views"), ends[:-1], ends[1:], strict=True)
    }
    numbers = [f"{start + n:09d}" for n in range(len(values))]
    rng = np.random.default_rng([SEED, start])
    measured = {
        "width": rng.integers(200, 2000, len(values)),
        "height": rng.integers(200, 2000, len(values)),
        "file_bytes": rng.integers(20_000, 900_000, len(values)),
        "sharpness": rng.uniform(0.05, 0.9, len(values)),
        "contrast": rng.uniform(30, 80, len(values)),
    }
    rows = pd.DataFrame({**columns, **measured}).assign(
        id=[files.id_of_url(name) for name in numbers],
        pixel_id=[files.id_of_url("pixels " + name) for name in numbers],
        source_url=["https://example.org/" + name for name in numbers],
        path=["/nowhere/" + name + ".jpg" for name in numbers],
        domain=SELFIE,
        license="CC-BY-4.0",
        hash_mode=hashes.MODE,
        format="JPEG",
        status=Status.KEPT.value,
    )
    return manifest.table(rows)
