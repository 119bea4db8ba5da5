"""The peers' searches, run by the Python of their own virtual environment, which has nothing of ours: a line of JSON.

    PYTHON dedup_search_peer.py TOOL HASHES.npy DISTANCE THREADS

All pairs, each counted once. faiss's multi-hash is asked so that it can miss none: 4 tables of 16 bits, DISTANCE // 4
flips. The data as each tool wants them (hexadecimal text, bytes) are made before the clock starts; building an index
is timed.
"""

import json
import sys
import time

import numpy as np


def faiss_pairs(hashes, distance, threads, multi):
    """Seconds and number of pairs."""
    import faiss

    faiss.omp_set_num_threads(threads)
    rows = hashes.astype(">u8").view(np.uint8).reshape(-1, 8).copy()
    started = time.perf_counter()
    index = faiss.IndexBinaryMultiHash(64, 4, 16) if multi else faiss.IndexBinaryFlat(64)
    if multi:
        index.nflip = distance // 4
    index.add(rows)
    limits, _, _ = index.range_search(rows, distance + 1)  # less than the radius
    return time.perf_counter() - started, (int(limits[-1]) - len(rows)) // 2


def imagededup_pairs(hashes, distance, threads, method):
    """Seconds and number of pairs."""
    from imagededup.methods import PHash

    encodings = {str(i): f"{value:016x}" for i, value in enumerate(hashes.tolist())}
    hasher = PHash(verbose=False)
    options = {"max_distance_threshold": distance, "search_method": method, "num_dist_workers": threads}
    started = time.perf_counter()
    found = hasher.find_duplicates(encoding_map=encodings, **options)
    return time.perf_counter() - started, sum(map(len, found.values())) // 2


TOOLS = {
    "faiss flat": lambda *given: faiss_pairs(*given, multi=False),
    "faiss multi-hash": lambda *given: faiss_pairs(*given, multi=True),
    "imagededup brute force": lambda *given: imagededup_pairs(*given, method="brute_force_cython"),
    "imagededup BK-tree": lambda *given: imagededup_pairs(*given, method="bktree"),
}


def main():
    """Search with the named tool and print."""
    tool, file, distance, threads = sys.argv[1:]
    seconds, pairs = TOOLS[tool](np.load(file), int(distance), int(threads))
    sys.stdout.write(json.dumps({"seconds": seconds, "pairs": pairs}) + "\n")


if __name__ == "__main__":
    main()
