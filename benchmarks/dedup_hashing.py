"""Hashing a bare folder of 1-megapixel JPEGs: pictures a second against imagededup, and how true the hashes are.

    python -m benchmarks.dedup_hashing [--pictures 500] [--rounds 3]

The files are the sample's selfies enlarged to 904 x 1107 with grain, quality 85, 118 KB each, under four names each:
.94 bits a pixel, the median of 29 press photographs. (With more bits the entropy decoding, which nobody can leave out,
takes longer, and ratios fall.) Both tools use two processes and go in turns, the file cache warm; medians. Ours is
`bare.rows`: the start of its processes, the sha256 of the bytes, a 64-bit and a 256-bit hash, eight of parts, sharpness
and contrast are in its time; imagededup's is `encode_images`, one 64-bit hash. Truth is imagehash.phash of each whole
picture, and beside the selfies of the press photographs of ../shared/cases/faces/full_frames where they are there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Hashable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pandas as pd
from PIL import Image

from benchmarks import dedup_edits_peer as peer
from benchmarks.results import Figure, write
from scgan_data import bare
from scgan_data.bare import BareConfig
from scgan_data.sample import selfies
from scgan_data.stage import open_stage

SIZE_PX = (904, 1107)
NAMES_EACH = 4
WORKERS = 2
FRAMES = Path(__file__).parents[2] / "shared" / "cases" / "faces" / "full_frames"
QUICK, EXACT = BareConfig(hashing="quick"), BareConfig(hashing="exact")


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    write("dedup_hashing", figures(asked.pictures, asked.rounds))


def figures(pictures: int = 500, rounds: int = 3) -> list[Figure]:
    """Rates, and the distance of our hashes from imagehash's."""
    home = Path(tempfile.mkdtemp(prefix="scgan-bench-hashing-"))
    try:
        folder = _megapixel_jpegs(home / "pictures", pictures)
        return [*_rates(folder, home, rounds), *_truth(folder, home)]
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _megapixel_jpegs(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number, data in enumerate(selfies.photographs()[:count]):
        with Image.open(BytesIO(data)) as small:
            large = np.asarray(small.convert("RGB").resize(SIZE_PX, Image.Resampling.BICUBIC), np.int16)
        grain = np.random.default_rng(number).integers(-4, 5, (*large.shape[:2], 1), dtype=np.int16)
        first = folder / f"{number}-0.jpg"
        Image.fromarray((large + grain).clip(0, 255).astype(np.uint8)).save(first, quality=85)
        for copy in range(1, NAMES_EACH):
            os.link(first, folder / f"{number}-{copy}.jpg")
    return folder


def _rates(folder: Path, home: Path, rounds: int) -> list[Figure]:
    count = len(list(folder.iterdir()))
    peer.hash_folder(folder, WORKERS)  # made at the first run, and the files cached
    rates: dict[str, list[float]] = {"quick": [], "exact": [], peer.NAME: []}
    for _ in range(rounds):
        for name, config in (("quick", QUICK), ("exact", EXACT)):
            rates[name].append(count / _ours(folder, home, config)[0])
        rates[peer.NAME].append(count / peer.hash_folder(folder, WORKERS).seconds)
        sys.stderr.write(f"{ {name: round(found[-1]) for name, found in rates.items()} }\n")
    found = []
    for name, target in (("quick", 4.0), ("exact", 1.5)):
        ratio = statistics.median(a / b for a, b in zip(rates[name], rates[peer.NAME], strict=True))
        found.append(Figure(f"1-megapixel JPEGs, {name}: rate against imagededup", ratio, "x", target, peer.NAME))
    return found + [Figure(f"1-megapixel JPEGs, {name}", statistics.median(r), "1/s") for name, r in rates.items()]


def _ours(folder: Path, home: Path, config: BareConfig) -> tuple[float, pd.DataFrame]:
    """Seconds and rows of a folder hashed from nothing."""
    out = home / "out"
    shutil.rmtree(home / ".out.work", ignore_errors=True)
    with open_stage("dedup", out) as stage:
        started = time.monotonic()
        rows = bare.rows(folder, config, stage, workers=WORKERS)
        return time.monotonic() - started, rows


def _truth(folder: Path, home: Path) -> list[Figure]:
    found = []
    for what, pictures in (("1-megapixel JPEGs", folder), ("press photographs", FRAMES)):
        if not pictures.is_dir():
            continue
        for name, config in (("quick", QUICK), ("exact", EXACT)):
            rows = _ours(pictures, home, config)[1]
            bits = np.array([_bits_off(row) for row in rows.drop_duplicates("id").to_dict("records") if row["phash"]])
            equal = 0.7 if name == "quick" else 1.0
            most = 4.0 if name == "quick" else 0.0
            said = f"{what}, {name}: {len(bits)} hashes against imagehash.phash of the whole,"
            found.append(Figure(f"{said} equal", float((bits == 0).mean()), "share", equal))
            found.append(Figure(f"{said} furthest", float(bits.max()), "bits", most, at_most=True))
    return found


def _bits_off(row: Mapping[Hashable, Any]) -> int:
    with Image.open(row["path"]) as picture:
        whole = imagehash.phash(picture)
    return int(whole - imagehash.hex_to_hash(row["phash"]))


if __name__ == "__main__":
    main()
