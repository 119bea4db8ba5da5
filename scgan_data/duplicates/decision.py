"""What is decided of measured pairs: a pure function of the manifest's columns and of `pairs`.

A picture that two domains have is a selfie or a portrait, and one of the two is wrong. Which one, its pixels do not
say: `across_domains: reject_both` (the default) keeps neither, unless a person accepted it in one of them. What is lost
is a handful of pictures; no wrong one stays. The rule goes by group, so that no group has kept pictures in two domains.

`group_id` is made from the group's smallest id, so that a further copy rarely moves a group to the other side of the
split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data import manifest
from scgan_data.duplicates import groups
from scgan_data.duplicates.settings import DedupConfig, is_confirmed, limits_of
from scgan_data.records import SELFIE, Reason, Status


def decide(rows: pd.DataFrame, table: pd.DataFrame, config: DedupConfig, liked: Set[str]) -> pd.DataFrame:
    """Rows (`order.best_first`, exact copies rejected) with what the pairs in `table` decide, and their `group_id`."""
    confirmed = table[is_confirmed(table, config)]
    ends = _places(manifest.kept(rows), confirmed)
    there = (ends >= 0).all(1) & (ends[:, 0] != ends[:, 1])
    confirmed, ends = confirmed.take(np.flatnonzero(there)), np.sort(ends[there], axis=1)
    inside = (confirmed["domain_one"] == confirmed["domain_two"]).to_numpy(bool)
    of, by = groups.keepers(ends[inside], len(rows))
    copies = np.flatnonzero(of != groups.KEPT).astype(np.int64)
    difference = confirmed["difference"].fillna(0).to_numpy(np.float64)
    close = difference <= limits_of(confirmed, config.max_difference) / 2
    links = np.concatenate([np.stack([of[copies], copies], 1), ends[close | ~inside]])
    rows = _reject_near(rows, copies, of[copies], confirmed[inside].iloc[by[copies]], config)
    rows["group_id"], label = _groups(rows, links, config)
    return _reject_across(rows, label, config, liked)


def _places(kept: pd.DataFrame, table: pd.DataFrame) -> NDArray[np.int64]:
    """(P, 2): the rows of each pair, -1 where there is none that is kept (an exact copy)."""
    place = pd.Series(kept.index, pd.MultiIndex.from_frame(kept[["domain", "id"]]))
    sides = [pd.MultiIndex.from_frame(table[[f"domain_{side}", f"id_{side}"]]) for side in ("one", "two")]
    return np.stack([place.reindex(side).fillna(-1).to_numpy(np.int64) for side in sides], 1)


def _reject_near(
    rows: pd.DataFrame, copies: NDArray[np.int64], of: NDArray[np.int64], by: pd.DataFrame, config: DedupConfig
) -> pd.DataFrame:
    """Reject the rows at `copies`, copies of those at `of`, with what the pair measured and its limit."""
    bits = by["distance256"].to_numpy(np.float64)
    measured = by["difference"].notna().to_numpy()
    value, limit = np.full((2, len(rows)), np.nan)
    value[copies] = np.where(measured, by["difference"].to_numpy(np.float64), bits)
    limit[copies] = np.where(measured, limits_of(by, config.max_difference), limits_of(by, config.sure_distance256))
    hit = pd.Series(np.isin(np.arange(len(rows)), copies), rows.index)
    rows = manifest.reject(
        rows, hit, Reason.NEAR_DUPLICATE, stage="dedup", value=pd.Series(value), limit=pd.Series(limit)
    )
    rows.loc[copies, "detail"] = rows["id"].to_numpy(object)[of]
    return rows


def _groups(rows: pd.DataFrame, links: NDArray[np.int64], config: DedupConfig) -> tuple[list[str], NDArray[np.int64]]:
    """Each row's `group_id`, and its group's number. Equal files and pixels of a domain belong together."""
    alone = rows["domain"] + "/" if config.across_domains == "off" else ""
    tied = [links]
    for column in ("id", "pixel_id"):
        codes, _ = pd.factorize(alone + rows[column].astype(object))
        first = pd.Series(np.arange(len(rows))).groupby(codes).transform("first").to_numpy()
        tied.append(np.stack([first, np.arange(len(rows))], 1)[codes >= 0])
    label = groups.components(np.concatenate(tied), len(rows))
    least = rows["id"].groupby(label).min()
    named = {number: hashlib.sha256(name.encode()).hexdigest()[:16] for number, name in least.items()}
    return [named[number] for number in label.tolist()], label


def _reject_across(rows: pd.DataFrame, label: NDArray[np.int64], config: DedupConfig, liked: Set[str]) -> pd.DataFrame:
    """Reject the kept pictures of a group that lies in two domains, save those of the domain that wins, if one does."""
    if config.across_domains == "off":
        return rows
    kept = manifest.kept(rows).assign(group=lambda part: label[part.index])
    shared = kept[kept.groupby("group")["domain"].transform("nunique") > 1]
    for _, members in shared.groupby("group"):
        domains = sorted(members["domain"].unique(), key=lambda name: (name != SELFIE, name))
        chosen = sorted(members["domain"][members["id"].isin(liked)].unique())
        if len(chosen) != 1:
            chosen = domains[:1] if config.across_domains == "keep_first" else []
        for row in members.index[~members["domain"].isin(chosen)]:
            other = members[members["domain"] != members.at[row, "domain"]].iloc[0]
            rows.loc[row, ["status", "rejected_by", "reason"]] = [Status.REJECTED, "dedup", Reason.OTHER_DOMAIN]
            rows.loc[row, "detail"] = f"{other['domain']}: {other['id']}"
    return rows
