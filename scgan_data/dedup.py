"""dedup: one of each picture. Same bytes, same pixels, then near-copies; and no picture in two domains.

Near-copies are found in steps, each cheaper than the next (`duplicates`): 64-bit hashes of the picture and its parts,
measured at collection, propose pairs, mirror images included; the 256-bit hash drops most of what the wholes propose,
and settles what is nearer than `sure_distance256`; pairs whose other parts do not agree are dropped (`agreement`); so
are those whose thumbnails in the manifest (`glimpse`), aligned, differ by far more than copies do; what is left is
looked at, aligned (`similarity`). Hashes of one `hash_mode` only are compared with each other. Files are opened for
that last step alone, each once and never again; of a bare folder also for the sharpness of what has copies. Where there
is no thumbnail (a bare folder, or one collected before there were any, until `collect` measures it again) that step is
skipped: more files are opened, and the same decided.

On the sample (1,122 rows) hashes propose 27,862 pairs, 2,908 are left by the 256-bit ones and the agreement, 48 of them
settled; 197 by the thumbnails (.71 % of the proposed), for which 212 files are opened; 72 of these are copies. Without
thumbnails 2,860 pairs are looked at, 1,362 of them aligned, and 621 files opened, nearly all for drawings: their hashes
of luma crowd, though their colours differ. The same 170 pairs are confirmed.

Who is kept: `duplicates.order`. Who belongs together, and why chains do not grow: `duplicates.groups`. The same picture
in two domains: `duplicates.decision`. `pairs.parquet` holds every pair that was looked at with what was measured, so
that another limit needs no file.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from scgan_data import bare, hashes, manifest
from scgan_data.duplicates import candidates, comparison, exact, order, pairs, signatures
from scgan_data.duplicates.candidates import Funnel, Reach, Search
from scgan_data.duplicates.decision import decide
from scgan_data.duplicates.settings import DedupConfig, is_confirmed, is_sure, is_worth_opening, limit_between
from scgan_data.images import UndecodableError
from scgan_data.records import Reason
from scgan_data.stage import StageFolder
from scgan_data.terminal import console
from scgan_data.verdicts import accepted, read_verdicts

__all__ = ["DedupConfig", "decide", "is_confirmed", "run"]

MODULES = (
    "scgan_data.dedup",
    "scgan_data.duplicates",
    "scgan_data.hamming",
    "scgan_data.hamming_bands",
    "scgan_data.hamming_kernels",
    "scgan_data.hashes",
    "scgan_data.verdicts",
    *order.MODULES,
    *comparison.MODULES,
)
_VIEW_NAMES = np.array([*hashes.VIEWS, "whole"])  # view -1 is the whole


def run(rows: pd.DataFrame, config: DedupConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """Reject all but the best of each set of copies, and give every row its `group_id`."""
    liked = accepted(read_verdicts(config.verdicts))
    rows = order.best_first(manifest.table(rows), liked)
    rows, equal = exact.reject(rows)
    kept = manifest.kept(rows)
    funnel = Funnel()
    looked_at, unreadable, opened = _near(kept, config, folder, funnel, workers)
    for name, error in unreadable.items():
        damaged = rows["id"] == name
        rows = manifest.reject(rows, damaged, error.reason, stage="dedup", value=error.value, limit=error.limit)
        rows.loc[damaged & (rows["rejected_by"] == "dedup"), "detail"] = error.detail
    if config.across_domains != "off":
        equal += exact.across(kept)
    table = pd.concat([looked_at, *equal], ignore_index=True).reindex(columns=pairs.COLUMNS)
    table["confirmed"] = is_confirmed(table, config)
    pairs.write(folder.extras, table)
    _say(funnel, table, opened)
    paired = {*table["id_one"], *table["id_two"]}
    sharpened = bare.sharpened(rows, paired, config.bare.decode, folder, workers=workers)
    rows = rows if sharpened is rows else order.best_first(sharpened, liked)
    return decide(rows.assign(thumbnail=None), table, config, liked)  # 600 bytes a row that no later stage needs


def _near(
    kept: pd.DataFrame, config: DedupConfig, folder: StageFolder, funnel: Funnel, workers: int | None
) -> tuple[pd.DataFrame, dict[str, UndecodableError], int]:
    """Candidates with what looking at them gave, as rows of `pairs`; pictures that could not be read; files opened."""
    found = candidates.find(signatures.of_rows(kept), list(_searches(kept, config)), funnel)
    table = _named(found, kept)
    undecided = ~is_sure(table, config)
    if config.glance_slack is not None:
        stored = _stored(kept, table[undecided])
        least = config.min_correlation
        table.loc[undecided, "glance"] = comparison.glance(table[undecided], stored, least, folder, workers=workers)
    seen, undecided = undecided, undecided & is_worth_opening(table, config)
    paths = dict(zip(kept["id"], kept["path"], strict=True))
    answer = comparison.compare(table[undecided], paths, config.min_correlation, folder, workers=workers)
    table.loc[undecided, "correlation"] = answer.correlation
    table.loc[undecided, "difference"] = answer.difference
    table.loc[undecided, "spot"] = answer.spot
    views = table[["view_one", "view_two"]].to_numpy(np.int64)
    table["view_one"], table["view_two"] = _VIEW_NAMES[views[:, 0]], _VIEW_NAMES[views[:, 1]]
    told = ~seen | table["difference"].notna() | (seen & ~undecided & np.isfinite(table["glance"]))
    return table[told], answer.unreadable, answer.opened


def _stored(kept: pd.DataFrame, table: pd.DataFrame) -> dict[str, str]:
    """The thumbnails that the manifest has of the pictures of some pairs."""
    wanted = kept.loc[kept["id"].isin({*table["id_one"], *table["id_two"]}), ["id", "thumbnail"]].dropna()
    return dict(zip(wanted["id"], wanted["thumbnail"], strict=True))


def _searches(kept: pd.DataFrame, config: DedupConfig) -> Iterator[Search]:
    """Within each domain and, unless that is off, between each two."""
    mode = kept["hash_mode"].fillna("")
    for of_mode in sorted(mode.unique()):
        names = sorted(kept["domain"][mode == of_mode].unique())
        places = {n: np.flatnonzero((kept["domain"] == n).to_numpy() & (mode == of_mode).to_numpy()) for n in names}
        for one, two in combinations_with_replacement(names, 2):
            if one == two or config.across_domains != "off":
                reach, name = _reach(config, one, two), f"{one}, {two}"
                yield Search(places[one], places[two], reach, config.mirror, config.max_candidates, name)


def _reach(config: DedupConfig, one: str, two: str) -> Reach:
    if limit_between(config.max_difference, one, two) is None:
        return Reach(None, None, None)
    limits = (config.hash_distance, config.hash256_distance, config.view_distance)
    whole, wide, view = (None if (m := limit_between(limit, one, two)) is None else int(m) for limit in limits)
    agreeing = (limit_between(limit, one, two) for limit in (config.whole_agreement, config.view_agreement))
    return Reach(whole, wide, view, *agreeing)


def _named(found: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Candidates by id instead of position, the smaller id first; pairs of equal pixels are left out."""
    ids, domains = kept["id"].to_numpy(object), kept["domain"].to_numpy(object)
    pixels = kept["pixel_id"].fillna("").to_numpy(object)
    one, two = found["one"].to_numpy(), found["two"].to_numpy()
    equal = (ids[one] == ids[two]) | ((pixels[one] == pixels[two]) & (pixels[one] != ""))
    found, one, two = found[~equal], one[~equal], two[~equal]
    swap = ids[one] > ids[two] if len(one) else np.zeros(0, bool)
    first, second = np.where(swap, two, one), np.where(swap, one, two)
    views = found[["view_one", "view_two"]].to_numpy()
    columns = {"id_one": ids[first], "id_two": ids[second], "domain_one": domains[first], "domain_two": domains[second]}
    named = pd.DataFrame(columns).assign(
        reason=Reason.NEAR_DUPLICATE.value,
        mirrored=found["mirrored"].to_numpy(bool),
        view_one=np.where(swap, views[:, 1], views[:, 0]),
        view_two=np.where(swap, views[:, 0], views[:, 1]),
        glance=np.nan,
        correlation=np.nan,
        difference=np.nan,
        spot=np.nan,
    )
    return named.assign(**{name: found[name].to_numpy() for name in ("bits", "distance64", "distance256")})


def _say(funnel: Funnel, table: pd.DataFrame, opened: int) -> None:
    looked_at = int(table["correlation"].notna().sum())
    console.print(
        f"dedup: {funnel.proposed:,} pairs proposed by hashes, {funnel.thinned:,} left by the 256-bit ones, "
        f"{looked_at:,} aligned after a glance ({opened:,} files opened), {int(table['confirmed'].sum()):,} confirmed"
    )
    for line in funnel.lowered:
        console.print(f"dedup: over max_candidates, the distance was lowered: {line}")
