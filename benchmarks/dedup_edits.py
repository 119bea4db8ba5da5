"""The labelled set of edits through `dedup`: what it finds, what it merges wrongly, and imagededup beside it.

    python -m benchmarks.dedup_edits [--pictures 150]

That many selfies and portraits of the sample and, where ../shared is there, singles of anime64 are kept as JPEG of
quality 95 and edited (`dedup_edits_set`). For each edit `dedup.run`, as it is called by the stage and with its default
settings, gets all originals with that edit's copies, each picture measured by collect's own code; nothing else links a
copy to its original. Found means: both in one group. A false merge is a pair of files of two different pictures in one
group, out of all pairs of such files within a domain. Precision is at a prior of 1 % duplicates among pairs.

imagededup hashes the same files; its pairs are those within its distance, which is at most as many as its
`find_duplicates` would give. Its best distance is that of the highest F1 at the same prior.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from benchmarks import dedup_edits_peer as peer
from benchmarks.dedup_edits_set import EDITS, edited, saved
from benchmarks.results import Figure, write
from scgan_data import dedup, files, hashes, images, manifest
from scgan_data.dedup import DedupConfig
from scgan_data.hashes import DecodeConfig
from scgan_data.records import SELFIE, Status
from scgan_data.sample import portraits, selfies
from scgan_data.stage import open_stage

ANIME = Path(__file__).parents[2] / "shared" / "cases" / "cartoons" / "anime64"
ORIGINAL = "original"
PRIOR = 0.01
SEED = 7


@dataclass(frozen=True)
class Counts:
    """What one tool made of one edit in one domain."""

    found: int
    copies: int
    false: int
    unrelated: int

    def __add__(self, other: Counts) -> Counts:
        mine, its = (list(vars(counts).values()) for counts in (self, other))
        return Counts(*(a + b for a, b in zip(mine, its, strict=True)))


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=150)
    write("dedup_edits", figures(parser.parse_args().pictures))


def figures(pictures: int = 150) -> list[Figure]:
    """Recall by edit, precision, false merges; then imagededup's."""
    home = Path(tempfile.mkdtemp(prefix="scgan-bench-edits-"))
    try:
        rows = pd.concat(
            [_collected(home, domain, found) for domain, found in _domains(pictures).items()], ignore_index=True
        )
        ours = {(d, e): c for e in EDITS for d, c in _ours(home, rows, e).items()}
        theirs = _theirs(home, rows)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return [*_figures(ours), *_peer_figures(theirs)]


def _domains(count: int) -> dict[str, list[Image.Image]]:
    found = {
        SELFIE: [images.decode(data).image for data in selfies.photographs()[:count]],
        "avataaars": list(portraits.portraits(count, SEED)),
    }
    if ANIME.is_dir():
        found["anime64"] = [images.load(file) for file in _singles(count)]
    return found


def _singles(count: int) -> list[Path]:
    """Files that have no equal in the set, evenly spread over it."""
    with (ANIME / "exact_groups.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    times = Counter(row["md5"] for row in rows)
    names = [row["file"] for row in rows if times[row["md5"]] == 1]
    return [ANIME / names[i * len(names) // count] for i in range(min(count, len(names)))]


def _collected(home: Path, domain: str, pictures: list[Image.Image]) -> pd.DataFrame:
    """Rows as `collect` leaves them; `query` names the edit, `author` the picture's number."""
    rows = []
    for number, picture in enumerate(pictures):
        for name in (ORIGINAL, *EDITS):
            data = saved(picture, "JPEG", 95) if name == ORIGINAL else edited(picture, name, number)
            measured = hashes.measure(data, DecodeConfig())
            assert measured.kept is not None and measured.suffix is not None
            path = home / "pictures" / f"{domain}-{number}-{list(EDITS).index(name) if name in EDITS else 'o'}"
            files.write_bytes(path.with_suffix(measured.suffix), measured.kept)
            row = {"id": files.id_of_bytes(data), "domain": domain, "path": str(path.with_suffix(measured.suffix))}
            rows.append(row | measured.columns | {"query": name, "author": str(number), "status": Status.KEPT.value})
    return manifest.table(rows)


def _ours(home: Path, rows: pd.DataFrame, edit: str) -> dict[str, Counts]:
    asked = rows[rows["query"].isin((ORIGINAL, edit))].reset_index(drop=True)
    with open_stage("dedup", home / f"out-{list(EDITS).index(edit)}") as folder:
        done = dedup.run(asked, DedupConfig(), folder)
    counts = {str(domain): _counts(part) for domain, part in done.groupby("domain")}
    sys.stderr.write(f"{edit}: {counts}\n")
    return counts


def _counts(done: pd.DataFrame) -> Counts:
    """Of one domain: originals and one edit's copies, with their groups."""
    groups = done.pivot(index="author", columns="query", values="group_id")
    found = int((groups.iloc[:, 0] == groups.iloc[:, 1]).sum())
    members = done.groupby("group_id").size()
    merged = int((members * (members - 1) // 2).sum())
    return Counts(found, len(groups), merged - found, _unrelated(len(groups)))


def _unrelated(pictures: int) -> int:
    """Pairs of files of different pictures, among so many originals and a copy of each."""
    return pictures * 2 * (pictures * 2 - 1) // 2 - pictures


def _theirs(home: Path, rows: pd.DataFrame) -> dict[int, dict[tuple[str, str], Counts]]:
    """By distance, domain and edit. A file that imagededup could not read is near nothing."""
    said = peer.hash_folder(home / "pictures", 2).hashes
    bits = np.array([_bits(said.get(Path(path).name)) for path in rows["path"]])
    found: dict[int, dict[tuple[str, str], Counts]] = {distance: {} for distance in range(0, 33)}
    for edit in EDITS:
        for domain, part in rows[rows["query"].isin((ORIGINAL, edit))].groupby("domain"):
            own = [part.index[part["query"] == name] for name in (ORIGINAL, edit)]
            for distance, counts in _by_distance(bits[own[0]], bits[own[1]], list(found)):
                found[distance][str(domain), edit] = counts
    return found


def _bits(text: str | None) -> NDArray[np.float64]:
    if text is None:
        return np.full(64, np.nan)
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)).astype(np.float64)


def _by_distance(
    originals: NDArray[np.float64], copies: NDArray[np.float64], distances: list[int]
) -> Iterator[tuple[int, Counts]]:
    every = np.concatenate([originals, copies])
    apart = (every[:, None] != every[None]).sum(2)
    n = len(originals)
    one, other = np.triu_indices(2 * n, 1)
    of_one_picture = other - one == n
    between = apart[one, other]
    for distance in distances:
        near = between <= distance
        yield (
            distance,
            Counts(int((near & of_one_picture).sum()), n, int((near & ~of_one_picture).sum()), _unrelated(n)),
        )


def _figures(ours: dict[tuple[str, str], Counts]) -> list[Figure]:
    found = [Figure("mean recall", _recall(ours), "share", 0.95)]
    found += [Figure(f"recall, {edit}", _recall(ours, edit), "share", 0.85) for edit in EDITS]
    total = sum(ours.values(), Counts(0, 0, 0, 0))
    found.append(Figure("precision at a prior of 1 %", _precision(ours), "share", 0.995))
    name = f"false merges per million unrelated pairs, {total.false} of {total.unrelated:,}"
    found.append(Figure(name, 1e6 * total.false / total.unrelated, "per million"))
    for domain in dict.fromkeys(domain for domain, _ in ours):
        part = {key: counts for key, counts in ours.items() if key[0] == domain}
        found.append(Figure(f"{domain}: mean recall", _recall(part), "share"))
        found += [Figure(f"{domain}: recall, {edit}", _recall(part, edit), "share") for edit in EDITS]
        found.append(Figure(f"{domain}: precision at a prior of 1 %", _precision(part), "share"))
    return found


def _peer_figures(theirs: dict[int, dict[tuple[str, str], Counts]]) -> list[Figure]:
    best = max(theirs, key=lambda distance: _f1(theirs[distance]))
    found = []
    for what, distance in (("its default", peer.DEFAULT_DISTANCE), ("its best", best)):
        counts = theirs[distance]
        said = f"{peer.NAME}, distance {distance} ({what})"
        found.append(Figure(f"{said}: mean recall", _recall(counts), "share", versus=peer.NAME))
        found += [Figure(f"{said}: recall, {e}", _recall(counts, e), "share", versus=peer.NAME) for e in EDITS]
        found.append(Figure(f"{said}: precision at a prior of 1 %", _precision(counts), "share", versus=peer.NAME))
        total = sum(counts.values(), Counts(0, 0, 0, 0))
        rate = 1e6 * total.false / total.unrelated
        found.append(Figure(f"{said}: false pairs per million unrelated", rate, "per million", versus=peer.NAME))
    return found


def _recall(counts: dict[tuple[str, str], Counts], edit: str | None = None) -> float:
    """The mean over domains (and edits): no domain counts more than another."""
    return float(np.mean([c.found / c.copies for (_, name), c in counts.items() if edit in (None, name)]))


def _precision(counts: dict[tuple[str, str], Counts]) -> float:
    total = sum(counts.values(), Counts(0, 0, 0, 0))
    true, false = PRIOR * total.found / total.copies, (1 - PRIOR) * total.false / total.unrelated
    return true / (true + false) if true + false else 1.0


def _f1(counts: dict[tuple[str, str], Counts]) -> float:
    recall, precision = _recall(counts), _precision(counts)
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


if __name__ == "__main__":
    main()
