"""Train or test: which side of the split a picture is on, so that nothing is on both.

Pictures that share a key are on one side. The keys are always the near-duplicate group, the picture that a crop was cut
from and the crop's own pixels; `group_by` adds the author, the album (the page that showed it) or the whole source.
Whatever shares a key, directly or through others, is one cluster, and a cluster's place is the sha256 of salt and its
name as a fraction: below `test_fraction` is test. The name is the smallest key of the coarsest kind that the cluster
has (source, album, author, group), so that a further picture of a known author or group moves nothing.

Only selfies are held out: a style's portraits all train, and so does the cluster of a selfie that is a copy of one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data import manifest
from scgan_data.duplicates import groups
from scgan_data.errors import DatasetError
from scgan_data.records import SELFIE, Split

MODULES = ("scgan_data.split", "scgan_data.duplicates.groups")
GroupBy = Literal["group", "author", "album", "source"]
_COLUMN: dict[str, str] = {"source": "source", "album": "page_url", "author": "author"}
"""Coarsest first."""
_ALWAYS = ("parent_id", "pixel_id", "id")


def split_of(rows: pd.DataFrame, group_by: Sequence[GroupBy], *, test_fraction: float, salt: str) -> list[str | None]:
    """Train or test for each kept row, None for rejected ones.

    Raises DatasetError where a part is to be held out and `group_by` makes one cluster of all selfies.
    """
    kept = manifest.kept(rows)
    cluster = _clusters(kept, group_by)
    name = _names(kept, cluster, group_by)
    place = {n: int(hashlib.sha256(f"{salt}/{n}".encode()).hexdigest()[:12], 16) / 16**12 for n in name.unique()}
    selfies = (kept["domain"] == SELFIE).to_numpy(bool)
    copies = _clusters(kept, ())
    trains = np.isin(cluster, cluster[selfies & np.isin(copies, copies[~selfies])]) | ~selfies
    together = len(np.unique(cluster[selfies])) == 1 < int(selfies.sum())
    if test_fraction and together and set(group_by) - {"group"}:
        raise DatasetError(
            f"dataset.group_by: all selfies share one {' or '.join(group_by)}: nothing is left to hold out; "
            "leave out the coarsest, or set dataset.test_fraction=0"
        )
    test = (name.map(place) < test_fraction).to_numpy(bool) & ~trains
    sides = pd.Series(np.where(test, Split.TEST.value, Split.TRAIN.value), kept.index)
    return [None if pd.isna(side) else str(side) for side in sides.reindex(rows.index)]


def refuse_two_domains(rows: pd.DataFrame) -> None:
    """Raises DatasetError where a kept picture, its source or a copy of it is in two domains."""
    kept = manifest.kept(rows)
    cluster = pd.Series(_clusters(kept, ()), kept.index)
    shared = kept[kept.groupby(cluster)["domain"].transform("nunique") > 1]
    if len(shared):
        domains = " and ".join(sorted(shared["domain"].unique()))
        raise DatasetError(
            f"{len(shared)} pictures are in two domains ({domains}), among them {sorted(shared['id'])[0]}: reject them "
            "by verdict, run dedup with across_domains=reject_both, or set dataset.in_two_domains=allow"
        )


def _clusters(kept: pd.DataFrame, group_by: Sequence[GroupBy]) -> NDArray[np.int64]:
    """(N,): a number for each set of rows that share a key."""
    here = np.arange(len(kept))
    columns = ["group_id", *_ALWAYS, *(column for kind, column in _COLUMN.items() if kind in group_by)]
    links = []
    for column in columns:
        codes, _ = pd.factorize(kept[column].astype(object))
        first = pd.Series(here).groupby(codes).transform("first").to_numpy()
        links.append(np.stack([first, here], 1)[codes >= 0])
    return groups.components(np.concatenate(links), len(kept))


def _names(kept: pd.DataFrame, cluster: NDArray[np.int64], group_by: Sequence[GroupBy]) -> pd.Series[str]:
    """The name of each row's cluster."""
    group = kept["group_id"].fillna(kept["parent_id"]).fillna(kept["id"])
    name = pd.Series([None] * len(kept), kept.index, dtype=object)
    for kind, column in _COLUMN.items():
        if kind in group_by:
            name = name.fillna((f"{kind}/" + kept[column]).groupby(cluster).transform("min"))
    return name.fillna(group.groupby(cluster).transform("min")).astype(str)
