"""Hashing a bare folder of 1-megapixel JPEGs: pictures a second against imagededup, and how true the hashes are.

    python -m benchmarks.dedup_hashing [--pictures 120] [--rounds 3]

The files are the sample's selfies enlarged to 904 x 1107 with grain, quality 85, 118 KB each, under ten names each:
.94 bits a pixel, the median of 29 press photographs. (With more bits the entropy decoding, which nobody can leave out,
takes longer, and ratios fall.) Both tools use two workers and go in turns, the file cache warm; medians of the rounds.

Ours is `bare.rows` from nothing: listing, sha256 of the bytes, EXIF, a 64-bit and a 256-bit hash, eight of parts,
sharpness, contrast, results on disk, the table; `exact` reduces the whole picture's luma for its 64-bit hash.
imagededup's is `encode_images`: a dictionary of one 64-bit hash each, of the RGB picture reduced to 32 x 32. Imports
are left out on both sides. A run over one picture is what it takes to start and end; CPU a picture is of all processes,
without that. imagededup's pool takes files by the hundred: 1,200 files are even shares.

Our matrices are kept by the picture's size: as many files of as many sizes, 10 % around that one, are timed apart, the
matrices forgotten before each round.

Truth is imagehash.phash of each whole picture, and beside the selfies of the press photographs of
../shared/cases/faces/full_frames where they are there.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
from PIL import Image

from benchmarks import dedup_edits_peer as peer
from benchmarks.results import Figure, write
from scgan_data import bare, hash_matrices
from scgan_data.bare import BareConfig
from scgan_data.sample import selfies
from scgan_data.stage import open_stage

SIZE_PX = (904, 1107)
NAMES_EACH = 10
WORKERS = 2
FRAMES = Path(__file__).parents[2] / "shared" / "cases" / "faces" / "full_frames"
CONFIGS = {"quick": BareConfig(hashing="quick"), "exact": BareConfig(hashing="exact")}


@dataclass(frozen=True)
class Spent:
    """What one run over a folder took."""

    seconds: float
    cpu: float
    """Seconds, all processes."""


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    write("dedup_hashing", figures(asked.pictures, asked.rounds))


def figures(pictures: int = 120, rounds: int = 3) -> list[Figure]:
    """Rates, and the distance of our hashes from imagehash's."""
    home = Path(tempfile.mkdtemp(prefix="scgan-bench-hashing-"))
    try:
        folder = _megapixel_jpegs(home / "pictures", pictures)
        varied = _varied_jpegs(home / "varied", pictures * NAMES_EACH)
        return [
            *_speed(folder, home, rounds),
            *_varied_speed(varied, home, rounds),
            *_truth(_first_names(folder, home / "truth"), home),
        ]
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _megapixel_jpegs(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number, data in enumerate(selfies.photographs()[:count]):
        first = folder / f"{number}-0.jpg"
        _save_enlarged(data, SIZE_PX, number, first)
        for copy in range(1, NAMES_EACH):
            os.link(first, folder / f"{number}-{copy}.jpg")
    return folder


def _varied_jpegs(folder: Path, count: int) -> Path:
    folder.mkdir()
    photographs, rng = selfies.photographs(), np.random.default_rng(1)
    for number in range(count):
        wide, high = (round(side * rng.uniform(0.9, 1.1)) for side in SIZE_PX)
        _save_enlarged(photographs[number % len(photographs)], (wide, high), number, folder / f"{number}.jpg")
    return folder


def _save_enlarged(data: bytes, size: tuple[int, int], seed: int, file: Path) -> None:
    with Image.open(BytesIO(data)) as small:
        large = np.asarray(small.convert("RGB").resize(size, Image.Resampling.BICUBIC), np.int16)
    grain = np.random.default_rng(seed).integers(-4, 5, (*large.shape[:2], 1), dtype=np.int16)
    Image.fromarray((large + grain).clip(0, 255).astype(np.uint8)).save(file, quality=85)


def _first_names(folder: Path, into: Path) -> Path:
    """The same pictures, one name each."""
    into.mkdir()
    for file in folder.glob("*-0.jpg"):
        os.link(file, into / file.name)
    return into


def _speed(folder: Path, home: Path, rounds: int) -> list[Figure]:
    count = len(list(folder.iterdir()))
    alone = home / "alone"
    alone.mkdir()
    os.link(next(folder.iterdir()), alone / "0.jpg")
    tools: dict[str, Callable[[Path], Spent]] = {n: partial(_ours, home=home, config=c) for n, c in CONFIGS.items()}
    tools[peer.NAME] = _peers
    for run in tools.values():
        run(alone)  # makes the peer's environment, compiles
    runs: dict[str, list[tuple[Spent, Spent]]] = {name: [] for name in tools}
    for _ in range(rounds):
        for name, run in tools.items():
            runs[name].append((run(alone), run(folder)))
        sys.stderr.write(f"{ {name: round(count / found[-1][1].seconds) for name, found in runs.items()} }\n")
    seconds = {name: np.array([every.seconds for _, every in found]) / count for name, found in runs.items()}
    cpu = {name: np.array([every.cpu - one.cpu for one, every in found]) / (count - 1) for name, found in runs.items()}
    figures = []
    for name, target in (("quick", 4.0), ("exact", 1.5)):
        for what, taken, least in (("rate", seconds, target), ("CPU a picture", cpu, None)):
            ratio = float(np.median(taken[peer.NAME] / taken[name]))
            figures.append(
                Figure(f"1-megapixel JPEGs, {name}: {what} against imagededup", ratio, "x", least, peer.NAME)
            )
    for name, found in runs.items():
        start = statistics.median(one.seconds for one, _ in found)
        figures.append(Figure(f"1-megapixel JPEGs, {name}: rate", float(np.median(1 / seconds[name])), "1/s"))
        figures.append(Figure(f"1-megapixel JPEGs, {name}: CPU a picture", float(np.median(cpu[name])) * 1e3, "ms"))
        figures.append(Figure(f"{name}: a run over one picture", start, "s"))
    return figures


def _varied_speed(folder: Path, home: Path, rounds: int) -> list[Figure]:
    ratios = []
    for _ in range(rounds):
        hash_matrices.forget()
        ratios.append(_peers(folder).seconds / _ours(folder, home, CONFIGS["quick"]).seconds)
    said = f"{len(list(folder.iterdir()))} JPEGs of as many sizes, quick: rate against imagededup"
    return [Figure(said, float(np.median(ratios)), "x", None, peer.NAME)]


def _ours(folder: Path, home: Path, config: BareConfig) -> Spent:
    started, cpu = time.monotonic(), _cpu()
    _rows(folder, home, config)
    return Spent(time.monotonic() - started, _cpu() - cpu)


def _rows(folder: Path, home: Path, config: BareConfig) -> pd.DataFrame:
    """A folder hashed from nothing."""
    shutil.rmtree(home / ".out.work", ignore_errors=True)
    with open_stage("dedup", home / "out") as stage:
        return bare.rows(folder, config, stage, workers=WORKERS)


def _peers(folder: Path) -> Spent:
    cpu = _cpu()
    seconds = peer.hash_folder(folder, WORKERS).seconds
    return Spent(seconds, _cpu() - cpu)


def _cpu() -> float:
    """Seconds of this process and of those that it started and that ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


def _truth(folder: Path, home: Path) -> list[Figure]:
    found = []
    for what, pictures in (("1-megapixel JPEGs", folder), ("press photographs", FRAMES)):
        if not pictures.is_dir():
            continue
        tables = {name: _rows(pictures, home, config).drop_duplicates("id") for name, config in CONFIGS.items()}
        whole = {path: _imagehashs(path) for path in tables["exact"].loc[tables["exact"]["phash"].notna(), "path"]}
        for name, rows in tables.items():
            hashed = dict(zip(rows["path"], rows["phash"], strict=True))
            bits = np.array([truth - imagehash.hex_to_hash(hashed[path]) for path, truth in whole.items()])
            equal, most = (0.7, 4.0) if name == "quick" else (1.0, 0.0)
            said = f"{what}, {name}: {len(bits)} hashes against imagehash.phash of the whole,"
            found.append(Figure(f"{said} equal", float((bits == 0).mean()), "share", equal))
            found.append(Figure(f"{said} furthest", float(bits.max()), "bits", most, at_most=True))
    return found


def _imagehashs(path: str) -> imagehash.ImageHash:
    with Image.open(path) as picture:
        return imagehash.phash(picture)


if __name__ == "__main__":
    main()
