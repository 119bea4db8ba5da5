"""recurring: marks that single pictures hide, told by their recurring at one place over the pictures of a source.

What pictures show differs; a site's or author's mark is laid at the same place on each (Dekel et al., "On the
Effectiveness of Visible Watermarks", CVPR 2017). So edges that recur are a mark's, and a picture that shows them is
marked however faint they are on it (`recurring_edges`). Groups are what came of one entry from one host, and what one
author made.

Composition recurs too: aligned faces have their eyes at one place, drawings of one program their shoulders. Three
things keep these from counting. Only *suspects* are averaged, pictures whose watermark score is at least `SUSPECT`: by
all pictures, a mark that half of a source carries was found in 2 of 200 sources. An edge must recur well beyond what
999 aligned selfies show. And what the pictures show that the network takes for unmarked (`UNMARKED`) is taken off,
unless these are so few beside the suspects (`FEW`) that they are marked ones which it missed. Without suspects no file
is opened.

The mean of clipped gradients and their spread stand for Dekel's median: they say how surely an edge recurs. Figures:
benchmarks/results/filter_recurring.md.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

from scgan_data import files, images
from scgan_data.recurring_edges import Edges, Recurring, edges_of, pack, recur, unpack
from scgan_data.runner import BatchFunction, Work, per_image
from scgan_data.stage import StageFolder, version_of

MODULES = ("scgan_data.images", "scgan_data.recurring", "scgan_data.recurring_edges")
"""What decides the measurements."""
SUSPECT, UNMARKED = 0.7, 0.4
"""Least score of a suspect, and the score below which a picture is taken for unmarked."""
LEAST, MOST, FEW = 12, 200, 1 / 3
"""How many suspects are needed; how many of either are averaged; and the share of the suspects' number up to which
pictures of low score say nothing."""
GROUPS = ("site", "author")


class _Mark(NamedTuple):
    """What recurs in a group."""

    file: Path
    """`Recurring`, for the processes that compare."""
    counted: frozenset[str]
    """Ids of the pictures that it is the mean of."""


class _Settings(BaseModel):
    """None: what is compared is named by the rows."""


def measure(
    rows: pd.DataFrame, folder: StageFolder, *, of: pd.DataFrame | None = None, workers: int | None = None
) -> pd.Series[Any]:
    """How like each picture is to what recurs over those of its source or author, at most 1; null where nothing does.

    `rows`, with their `watermark_score`, say what recurs; `of` are others to compare with it, in place of `rows`.
    """
    suspects = rows["watermark_score"].ge(SUSPECT).fillna(False).astype(bool)
    marks = _averaged(_chosen(rows, suspects), folder, workers)
    return _compared(rows if of is None else of, marks, folder, workers).max(axis=1).round(6)


def _names(rows: pd.DataFrame, kind: str) -> pd.Series[Any]:
    """The name of each row's group of a kind, null for none."""
    if kind == "author":
        return "author " + rows["author"]
    urls = rows["final_url"].fillna(rows["source_url"]).fillna("").astype(str)
    hosts = urls.str.extract(r"^https?://([^/?#]*)", expand=False).fillna("")
    return "site " + rows["source"].fillna("") + " " + hosts


def _chosen(rows: pd.DataFrame, suspects: pd.Series[bool]) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Suspects and unmarked pictures of each group that has enough suspects; of the latter none where they are few."""
    chosen = {}
    for kind in GROUPS:
        names = _names(rows, kind)
        counts = names[suspects].value_counts()
        enough = names.isin(counts.index[counts >= LEAST])
        for name, group in rows[enough].groupby(names[enough]):
            ordered = group.sort_values("id")
            some, others = ordered[suspects[ordered.index]], ordered[ordered["watermark_score"] < UNMARKED]
            few = len(others) <= FEW * len(some)
            chosen[str(name)] = (some.head(MOST), others.head(0 if few else MOST))
    return chosen


def _averaged(
    chosen: dict[str, tuple[pd.DataFrame, pd.DataFrame]], folder: StageFolder, workers: int | None
) -> dict[str, _Mark]:
    """What recurs over each group's suspects, beyond its unmarked pictures."""
    if not chosen:
        return {}
    each = pd.concat([part for parts in chosen.values() for part in parts])
    packed = _each(_edges_batch, each[~each.index.duplicated()], (), "averaged", folder, workers)["edges"]
    marks, own = {}, folder.work / "recurring" / "marks"
    for name, parts in chosen.items():
        found = recur(*([unpack(data) for data in packed[part.index]] for part in parts))
        if found is not None:
            data = found.packed()
            file = own / hashlib.sha256(data).hexdigest()[:24]
            files.write_bytes(file, data)
            marks[name] = _Mark(file, frozenset(parts[0]["id"]))
    for file in {*own.glob("*")} - {mark.file for mark in marks.values()}:
        file.unlink()
    return marks


def _compared(rows: pd.DataFrame, marks: dict[str, _Mark], folder: StageFolder, workers: int | None) -> pd.DataFrame:
    """(rows, `GROUPS`) each picture's likeness to what recurs in its groups."""
    asked = pd.DataFrame(index=rows.index)
    for kind in GROUPS:
        mine = [marks.get(name) for name in _names(rows, kind)]
        texts = [m and f"{int(one in m.counted)} {m.file}" for one, m in zip(rows["id"], mine, strict=True)]
        asked[f"_{kind}"] = pd.Series(texts, rows.index, dtype=object)
    some = asked.notna().any(axis=1)
    if not some.any():
        return pd.DataFrame(np.nan, rows.index, list(GROUPS))
    rows = pd.concat([rows, asked], axis=1)
    found = _each(_likeness_batch, rows[some], tuple(asked.columns), "compared", folder, workers)
    return found.reindex(rows.index).astype("float64")


def _each(
    function: BatchFunction,
    rows: pd.DataFrame,
    reads: tuple[str, ...],
    what: str,
    folder: StageFolder,
    workers: int | None,
) -> pd.DataFrame:
    """The result columns of a per-image function, whose finished results are kept apart from the stage's own."""
    work = Work(function, _Settings(), version_of(MODULES), reads=reads, alone=True)
    own = StageFolder(f"{folder.name}, recurring marks {what}", folder.home, folder.work / "recurring" / what)
    return per_image(rows, work, own, workers=workers)


def _edges_batch(batch: pd.DataFrame, _: _Settings) -> pd.DataFrame:
    return pd.DataFrame({"edges": [pack(edges_of(images.load(path))) for path in batch["path"]]})


def _likeness_batch(batch: pd.DataFrame, _: _Settings) -> pd.DataFrame:
    """The likeness to each kind of group's mark, where the row names one (`_compared`)."""
    found = []
    for path, *asked in batch[["path", *(f"_{kind}" for kind in GROUPS)]].itertuples(index=False):
        edges = edges_of(images.load(path))
        found.append([_likeness(edges, text) if isinstance(text, str) else np.nan for text in asked])
    return pd.DataFrame(found, columns=list(GROUPS), dtype="float64")


def _likeness(edges: Edges, asked: str) -> float:
    counted, _, file = asked.partition(" ")
    return Recurring.unpacked(Path(file).read_bytes()).likeness(edges, counted=counted == "1")
