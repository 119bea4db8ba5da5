"""dedup: one of each picture. Same bytes, same pixels, then near-copies, within a domain.

Near-copies are found in three steps, each cheaper than the next: pairs of perceptual hashes (imagehash.phash, measured
at collection) within `hash_distance` by banded search; a correlation of 8 x 8 colours; and the aligned comparison of
`similarity`, which decides. Files are opened for pairs that the hashes propose only.

The keeper: the picture with the most pixels, then the sharpest, then the smaller id and URL. Pictures are visited in
that order and one is rejected when it is a confirmed copy of one already kept, so that a chain of copies cannot swallow
a picture that no kept one resembles. `group_id` joins all confirmed copies: the split goes by it.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scgan_data import hamming, images, manifest, similarity
from scgan_data.config import Config, PerDomain, limit_for
from scgan_data.records import Reason, Status
from scgan_data.stage import StageFolder
from scgan_data.terminal import progress

MODULES = ("scgan_data.dedup", "scgan_data.hamming", "scgan_data.similarity", "scgan_data.images")


class DedupConfig(Config):
    """Section `dedup` of params.yaml."""

    hash_distance: PerDomain = {"selfie": 14.0, "drawn": 20.0}
    """Bits (of 64) in which the hashes of a candidate pair may differ; null compares no hashes."""
    min_correlation: Annotated[float, Field(ge=-1, le=1)] = 0.85
    """Least correlation of the 8 x 8 colours of a candidate pair."""
    max_difference: PerDomain = {"selfie": 0.6, "drawn": 0.5}
    """Most aligned difference (similarity.distance) of a near-copy."""


def run(rows: pd.DataFrame, config: DedupConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """Reject all but the best of each set of copies, and give every row its `group_id`."""
    parts = [_one_domain(part, str(domain), config) for domain, part in rows.groupby("domain", sort=True)]
    return pd.concat(parts, ignore_index=True) if parts else rows


def _one_domain(rows: pd.DataFrame, domain: str, config: DedupConfig) -> pd.DataFrame:
    rows = _best_first(rows)
    for column, reason in (("id", Reason.SAME_BYTES), ("pixel_id", Reason.SAME_PIXELS)):
        rows = _reject_equal(rows, column, reason)
    kept = manifest.kept(rows)
    pairs, differences = near_copies(kept, domain, config)
    limit = limit_for(config.max_difference, domain)
    keepers: dict[int, int] = {}
    nearest: dict[int, tuple[int, float]] = {}
    for (i, j), difference in sorted(zip(pairs.tolist(), differences.tolist(), strict=True), key=lambda p: p[0][::-1]):
        if i not in keepers and j not in keepers:  # i comes before j: the better picture, and it is kept
            keepers[j] = i
            nearest[j] = (i, difference)
    for j, (i, difference) in nearest.items():
        row = kept.index[j]
        rows.loc[row, ["status", "rejected_by", "reason"]] = [Status.REJECTED, "dedup", Reason.NEAR_DUPLICATE]
        rows.loc[row, ["value", "limit"]] = [difference, limit]
        rows.loc[row, "detail"] = kept["id"].iloc[i]
    rows["group_id"] = _groups(rows, kept, pairs)
    return rows


def _best_first(rows: pd.DataFrame) -> pd.DataFrame:
    order = pd.DataFrame(
        {
            "pixels": -(rows["width"].fillna(0).astype(float) * rows["height"].fillna(0).astype(float)),
            "sharpness": -rows["sharpness"].fillna(0),
            "id": rows["id"],
            "url": rows["source_url"].fillna(""),
        }
    )
    return rows.loc[order.sort_values(list(order.columns), kind="stable").index]


def _reject_equal(rows: pd.DataFrame, column: str, reason: Reason) -> pd.DataFrame:
    """Reject kept rows that share `column` with a better kept row; `detail` names that row's id."""
    kept = manifest.kept(rows)
    best = kept.drop_duplicates(column)
    first = dict(zip(best[column], best["id"], strict=True))
    copies = kept.index[kept[column].duplicated() & kept[column].notna()]
    rows = manifest.reject(rows, pd.Series(rows.index.isin(copies), rows.index), reason, stage="dedup")
    rows.loc[copies, "detail"] = rows.loc[copies, column].map(first)
    return rows


def near_copies(rows: pd.DataFrame, domain: str, config: DedupConfig) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Confirmed pairs (P, 2) of positions in `rows`, and their aligned differences (P,)."""
    reach, most = limit_for(config.hash_distance, domain), limit_for(config.max_difference, domain)
    if reach is None or most is None or len(rows) < 2:
        return np.empty((0, 2), np.int64), np.empty(0)
    pairs, _ = hamming.pairs_within(hamming.parse(rows["phash"].tolist()), int(reach))
    paths = rows["path"].tolist()
    thumbs = {i: similarity.thumbnail(images.load(paths[i])) for i in np.unique(pairs).tolist()}
    cells = {i: similarity.coarse(thumb) for i, thumb in thumbs.items()}
    alike = [(i, j) for i, j in pairs.tolist() if cells[i] @ cells[j] >= config.min_correlation]
    with progress() as bar:
        differences = [
            similarity.distance(thumbs[i], thumbs[j]) for i, j in bar.track(alike, description=f"dedup {domain}: pairs")
        ]
    confirmed = np.array(differences) <= most
    return np.array(alike, np.int64).reshape(-1, 2)[confirmed], np.array(differences)[confirmed]


def _groups(rows: pd.DataFrame, kept: pd.DataFrame, pairs: NDArray[np.int64]) -> list[str]:
    """One id a connected set of copies: the hash of its members' sorted ids. Equal files and pixels belong together."""
    number = {key: n for n, key in enumerate(dict.fromkeys([*rows["id"], *rows["pixel_id"].dropna()]))}
    links = [(number[i], number[p]) for i, p in zip(rows["id"], rows["pixel_id"], strict=True) if isinstance(p, str)]
    ids = kept["id"].tolist()
    links += [(number[ids[i]], number[ids[j]]) for i, j in pairs.tolist()]
    ends = np.array(links, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(len(number), len(number)))
    labels = connected_components(graph, directed=False)[1]
    of_row = labels[[number[i] for i in rows["id"]]]
    members = pd.Series(rows["id"].to_numpy()).groupby(of_row).agg(lambda ids: " ".join(sorted(set(ids))))
    hashed = {label: hashlib.sha256(text.encode()).hexdigest()[:16] for label, text in members.items()}
    return [hashed[label] for label in of_row]
