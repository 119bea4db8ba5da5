"""Per-image work: batches over a pool of processes, with progress, Ctrl-C, and going on after a kill.

A per-image stage is a pure function `(batch, config) -> results`: a DataFrame of rows in, a DataFrame of result columns
out, same length and order; a column `png` (bytes or None) holds a new picture, stored under the result's `id`. Where a
picture can give several results, a column `_of` holds the place in the batch of the row that each answers; every row
is answered. Each finished batch is kept (`stage.Results`) under the hash of the stage's sources, weights and
configuration, so that a run does only what no run before it has done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from scgan_data import files, manifest
from scgan_data.errors import ScganError
from scgan_data.stage import Results, StageFolder, key_of
from scgan_data.terminal import console, progress
from scgan_data.workers import pool

BatchFunction = Callable[[pd.DataFrame, Any], pd.DataFrame]


@dataclass(frozen=True)
class Work:
    """A per-image function with what its results depend on."""

    function: BatchFunction
    """A module-level function (it travels to the workers by name)."""
    config: BaseModel
    """What the function is given; results are used again only under an equal one."""
    version: str
    """Hash of the stage's sources and weights (`stage.version_of`)."""
    batch_size: int = 16
    reads: tuple[str, ...] = ()
    """Columns that decide a result beside the picture: other values of these are another input."""
    alone: bool = False
    """Give the result columns alone, for those that no manifest has."""


def per_image(rows: pd.DataFrame, work: Work, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """A copy of `rows` with the function's result columns filled in; other columns and the index are carried through.

    A row with several answers is there several times, with one index.
    """
    results = Results(folder, key_of(work.version, work.config))
    inputs = _inputs(rows, work.reads)
    done = _usable(results.load(), folder)
    todo = rows[~inputs.isin(done.index) & ~inputs.duplicated()]
    console.print(f"{folder.name}: {inputs.nunique()} pictures, {len(todo)} to do, the others are finished already")
    count = min(workers or os.cpu_count() or 1, max(1, -(-len(todo) // work.batch_size)))
    batches = [todo.iloc[i : i + work.batch_size] for i in range(0, len(todo), work.batch_size)]
    fresh = list(_run(batches, work, folder, results, count))
    answers = pd.concat([done, *fresh]) if fresh else done
    results.forget_others()
    return _alone(rows, inputs, answers) if work.alone else _merge(rows, inputs, answers)


def _inputs(rows: pd.DataFrame, reads: tuple[str, ...]) -> pd.Series[str]:
    """What each row's result answers: its domain and picture, and a hash of the columns that it reads."""
    names: pd.Series[str] = rows["domain"] + "/" + rows["id"]
    if not reads or rows.empty:  # of no row, pandas writes one empty line
        return names
    lines = rows[list(reads)].to_json(orient="records", lines=True, double_precision=15).splitlines()
    return names + "/" + pd.Series([files.id_of_bytes(line.encode())[:16] for line in lines], rows.index, dtype=object)


def _usable(done: pd.DataFrame, folder: StageFolder) -> pd.DataFrame:
    """Finished results by input, without those whose picture is no longer there."""
    if done.empty:
        return pd.DataFrame(index=pd.Index([], name="_input"))
    done = done.assign(_part=done.get("_part", pd.Series(0, done.index)).fillna(0))  # results of before it was there
    done = done.drop_duplicates(["_input", "_part"], keep="last").set_index("_input")
    if "_stored" in done:
        gone = [
            stored and folder.picture(i) is None for i, stored in zip(done["id"], done["_stored"].eq(True), strict=True)
        ]
        done = done[~done.index.isin(done.index[gone])]
    return done


def _merge(rows: pd.DataFrame, inputs: pd.Series[str], answers: pd.DataFrame) -> pd.DataFrame:
    """Each row with each of its answers."""
    counts = answers.index.value_counts().reindex(inputs).to_numpy()
    merged = rows.iloc[np.repeat(np.arange(len(rows)), counts)]
    merged = merged.astype({c: object for c in answers.columns if c in rows.columns})
    picked = answers.iloc[answers.index.get_indexer_for(pd.Index(inputs))]
    for name in answers.columns:
        if not name.startswith("_"):
            merged[name] = picked[name].to_numpy()
    return manifest.table(merged).set_axis(merged.index)


def _alone(rows: pd.DataFrame, inputs: pd.Series[str], answers: pd.DataFrame) -> pd.DataFrame:
    """The result columns with the index of `rows`."""
    names = [name for name in answers.columns if not name.startswith("_")]
    return answers[names].reindex(inputs).set_axis(rows.index)


def _run(
    batches: list[pd.DataFrame], work: Work, folder: StageFolder, results: Results, workers: int
) -> Iterator[pd.DataFrame]:
    """Run every batch, keep each as it finishes, yield it indexed by input."""
    with pool(workers) as executor, progress() as bar:
        task = bar.add_task(folder.name, total=sum(map(len, batches)))
        waiting = list(reversed(batches))
        running: set[Future[pd.DataFrame]] = set()
        try:
            while waiting or running:
                while waiting and len(running) < 2 * workers:
                    running.add(executor.submit(_work_on, waiting.pop(), work, folder.files))
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    batch = future.result()
                    results.add(batch)
                    bar.advance(task, len(batch))
                    yield batch.set_index("_input")
        except BrokenProcessPool:
            raise ScganError(
                f"{folder.name}: a worker process died, most likely for lack of memory; run the same "
                "command again with fewer --workers: finished pictures are kept"
            ) from None
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _work_on(batch: pd.DataFrame, work: Work, into: Path) -> pd.DataFrame:
    """In a worker: the function, then its pictures to disk, each whole or not at all."""
    answer = work.function(batch, work.config).reset_index(drop=True)
    answered = answer.pop("_of") if "_of" in answer else answer.index.to_series()
    if answered.drop_duplicates().tolist() != list(range(len(batch))):
        raise ScganError(f"{work.function.__qualname__} returned {len(answer)} results for {len(batch)} rows: a bug")
    if "png" in answer:
        for content_id, png in zip(answer["id"], answer["png"], strict=True):
            if png is not None:
                files.write_bytes(into / files.content_path(content_id), png)
        answer["_stored"] = answer.pop("png").notna()
    answer["_input"] = _inputs(batch, work.reads).to_numpy()[answered]
    answer["_part"] = answer.groupby("_input").cumcount()
    return answer
