"""The last step: candidates that hashes cannot decide are looked at, in worker processes.

A picture's file is opened at its first comparison only; its thumbnail and the aligned differences of its pairs are kept
in the work folder under the version of the code that made them. So a second run opens no file, and twenty new pictures
among a thousand open those of their own candidate pairs. What is kept is a function of the two files alone, so a run
that goes on decides exactly what a run from nothing does.

Before that the same comparison is made of the thumbnails in the manifest (`glance`), which needs no file: see
`glimpse`, and `dedup` for what it leaves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from scgan_data import glimpse, hashes, images, similarity
from scgan_data.duplicates.candidates import WHOLE
from scgan_data.duplicates.thumbnails import Thumbnails, mapped
from scgan_data.errors import ScganError
from scgan_data.images import UndecodableError
from scgan_data.similarity import Thumbnail, Xyxy
from scgan_data.stage import Results, StageFolder, key_of, version_of
from scgan_data.terminal import progress
from scgan_data.workers import pool

MODULES = (
    "scgan_data.glimpse",
    "scgan_data.images",
    "scgan_data.overlay",
    "scgan_data.similarity",
    "scgan_data.similarity_kernels",
)
"""What decides a thumbnail and a difference."""
LEAST_SLACK = 0.05
"""How much lower a glance lets the correlation be: that of copies differs by less."""
BATCH = 256
_BOXES = (*hashes.VIEWS.values(), similarity.WHOLE)  # view -1 is the last: the whole
assert WHOLE == -1


@dataclass(frozen=True)
class Compared:
    """What looking at pairs gave."""

    correlation: np.ndarray[Any, np.dtype[np.float64]]
    """(P,): of the 8 x 8 colours of the parts that were to match."""
    difference: np.ndarray[Any, np.dtype[np.float64]]
    """(P,): similarity.difference's over all, NaN where the correlation was below the limit."""
    spot: np.ndarray[Any, np.dtype[np.float64]]
    """(P,): and in the worst spot."""
    unreadable: dict[str, UndecodableError]
    """Pictures, by id, that could not be decoded; their pairs have neither."""
    opened: int
    """How many files were opened."""


Open = Callable[[list[str], Thumbnails], dict[str, UndecodableError]]
"""Adds pictures, by id, to a store; those that could not be read."""


def compare(
    pairs: pd.DataFrame, paths: dict[str, str], least: float, folder: StageFolder, *, workers: int | None = None
) -> Compared:
    """Look at pairs (id_one < id_two, mirrored, view_one, view_two); those below `least` correlation are not aligned.

    Raises ScganError where a file is not there.
    """
    kept = (replace(folder, work=folder.work / "compared"), folder.work / "thumbnails")
    return _compare(pairs, partial(_open, paths=paths, workers=workers), least, kept, workers)


def glance(
    pairs: pd.DataFrame, stored: dict[str, str], least: float, folder: StageFolder, *, workers: int | None = None
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(P,): the difference of pairs as the thumbnails in the manifest (`stored`, by id) show it, without a file.

    Infinite where they hardly resemble each other, NaN where one has none: such a pair is not judged.
    """
    small = {name: picture for name, text in stored.items() if (picture := glimpse.unpack(text)) is not None}
    there = np.array([a in small and b in small for a, b in _ids(pairs)], bool)
    kept = (replace(folder, work=folder.work / "glanced"), folder.work / "glimpses")
    seen = _compare(pairs[there], partial(_add, small=small), least - LEAST_SLACK, kept, workers)
    found = np.full(len(pairs), np.nan)
    found[there] = np.where(np.isnan(seen.difference), np.inf, seen.difference)
    return found


def _compare(
    pairs: pd.DataFrame, fetch: Open, least: float, kept: tuple[StageFolder, Path], workers: int | None
) -> Compared:
    """Pairs as thumbnails show them that `fetch` adds where they are missing; `kept`: what was found before."""
    results = Results(kept[0], key_of(version_of(MODULES, [str(hashes.VIEWS)]), {"least": least}))
    names = _names(pairs)
    done = results.load()
    known = done.drop_duplicates("_input").set_index("_input") if len(done) else None
    columns = ["correlation", "difference", "spot"]
    answer = known.reindex(names)[columns] if known is not None else pd.DataFrame(np.nan, names, columns)
    store = Thumbnails(kept[1], key_of(version_of(MODULES), None))
    todo = np.flatnonzero(answer["correlation"].isna().to_numpy())
    wanted = sorted({*pairs["id_one"].iloc[todo], *pairs["id_two"].iloc[todo]})
    missing = [name for name in wanted if name not in store]
    unreadable = fetch(missing, store)
    todo = todo[[not {a, b} & unreadable.keys() for a, b in _ids(pairs.iloc[todo])]] if unreadable else todo
    for batch, fresh in _align(pairs.iloc[todo], names[todo], store, least, workers):
        results.add(fresh)
        answer.iloc[todo[batch]] = fresh[columns].to_numpy()
    results.forget_others()
    found = answer.to_numpy(np.float64)
    return Compared(found[:, 0], found[:, 1], found[:, 2], unreadable, len(missing))


def _add(missing: list[str], store: Thumbnails, small: dict[str, Image.Image]) -> dict[str, UndecodableError]:
    """Stored thumbnails, brought to the comparison's size."""
    size = (similarity.SIDE, similarity.SIDE)
    store.add(missing, [np.asarray(small[n].resize(size, Image.Resampling.BICUBIC), np.uint8) for n in missing])
    return {}


def _ids(pairs: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(pairs["id_one"], pairs["id_two"], strict=True))


def _names(pairs: pd.DataFrame) -> pd.Index[str]:
    """What a comparison is kept under."""
    names = pairs["id_one"] + "/" + pairs["id_two"]
    for column in ("mirrored", "view_one", "view_two"):
        names += "/" + pairs[column].astype(int).astype(str)
    return pd.Index(names, dtype=object)


def _open(
    missing: list[str], store: Thumbnails, paths: dict[str, str], workers: int | None
) -> dict[str, UndecodableError]:
    unreadable: dict[str, UndecodableError] = {}
    batches = [missing[i : i + BATCH] for i in range(0, len(missing), BATCH)]
    jobs = [([paths[name] for name in batch],) for batch in batches]
    for number, thumbs in _spread(_thumbnails, jobs, "dedup: pictures", workers):
        good = {n: t for n, t in zip(batches[number], thumbs, strict=True) if not isinstance(t, UndecodableError)}
        unreadable |= {n: t for n, t in zip(batches[number], thumbs, strict=True) if isinstance(t, UndecodableError)}
        store.add(list(good), list(good.values()))
    return unreadable


def _thumbnails(paths: list[str]) -> list[Thumbnail | UndecodableError]:
    """In a worker."""
    thumbs: list[Thumbnail | UndecodableError] = []
    for path in paths:
        try:
            thumbs.append(similarity.thumbnail(images.load(path)))
        except UndecodableError as error:
            thumbs.append(UndecodableError(error.reason, error.detail, value=error.value, limit=error.limit))
        except FileNotFoundError:
            raise ScganError(f"{path} is not there, though the manifest names it: run the stage before again") from None
    return thumbs


def _align(
    pairs: pd.DataFrame, names: pd.Index[str], store: Thumbnails, least: float, workers: int | None
) -> Iterator[tuple[slice, pd.DataFrame]]:
    batches = [slice(start, start + BATCH) for start in range(0, len(pairs), BATCH)]
    how = pairs[["mirrored", "view_one", "view_two"]].to_numpy(np.int64)
    one, two = store.rows(pairs["id_one"].tolist()), store.rows(pairs["id_two"].tolist())
    jobs = [(store.file, one[b], two[b], how[b], least) for b in batches]
    for number, answers in _spread(_compared, jobs, "dedup: pairs", workers):
        batch = batches[number]
        measured = {"correlation": answers[:, 0], "difference": answers[:, 1], "spot": answers[:, 2]}
        yield batch, pd.DataFrame({"_input": names[batch], **measured})


def _compared(file: Path, one: Any, two: Any, how: Any, least: float) -> Any:
    """In a worker: (P, 3), correlation, difference and worst spot of each pair."""
    thumbs = mapped(file)
    answers = np.full((len(one), 3), np.nan)
    for row, (i, j, (mirrored, view_one, view_two)) in enumerate(zip(one, two, how, strict=True)):
        answers[row] = looked_at(thumbs[i], thumbs[j], bool(mirrored), (_BOXES[view_one], _BOXES[view_two]), least)
    return answers


def looked_at(
    one: Thumbnail, two: Thumbnail, mirrored: bool, parts: tuple[Xyxy, Xyxy], least: float
) -> tuple[float, float, float]:
    """Correlation, difference, worst spot of two thumbnails, the second turned if `mirrored`; NaN below `least`."""
    part_one, part_two = parts
    if mirrored:
        x0, y0, x1, y1 = part_two
        two, part_two = np.ascontiguousarray(two[:, ::-1]), (1 - x1, y0, 1 - x0, y1)
    correlation = float(similarity.coarse(one, part_one) @ similarity.coarse(two, part_two))
    if correlation < least:
        return correlation, float("nan"), float("nan")
    return correlation, *similarity.difference(one, two, part_one, part_two)


def _spread(
    function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]], what: str, workers: int | None
) -> Iterator[tuple[int, Any]]:
    """Each job's number and answer, in their order, from worker processes where there is more than one job."""
    if not jobs:
        return
    with pool(min(workers or os.cpu_count() or 1, len(jobs))) as executor, progress() as bar:
        running = [executor.submit(function, *job) for job in jobs]
        try:
            for number, future in enumerate(bar.track(running, description=what)):
                yield number, future.result()
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
