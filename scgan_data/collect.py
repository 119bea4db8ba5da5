"""Collect: find pictures, fetch their bytes, decode each once, and say for every one what became of it and why.

Sources offer pictures (a URL or bytes on this machine, with provenance); `pipeline` lists, fetches, decodes and records
them at once; `state` remembers what became of each, so that a killed run asks for nothing twice and a next one asks
conditionally. What cannot be had is a row as well, with its exact reason.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field

from scgan_data import hashes, manifest, yields
from scgan_data.collection import collected, decode, remeasure
from scgan_data.collection.budget import BudgetConfig, Goal, Spent
from scgan_data.collection.collected import Permitted
from scgan_data.collection.listing import Listed, Lister, Rules
from scgan_data.collection.live import Live, line
from scgan_data.collection.pipeline import Collection, Setting
from scgan_data.collection.settle import try_again
from scgan_data.collection.state import State
from scgan_data.config import Config
from scgan_data.credit.licenses import LicensesConfig
from scgan_data.errors import ScganError
from scgan_data.hashes import DecodeConfig
from scgan_data.records import Reason
from scgan_data.sources import Opened, sample
from scgan_data.sources.archive import ArchiveSource
from scgan_data.sources.commons import CommonsSource
from scgan_data.sources.flickr import FlickrSource
from scgan_data.sources.folder import FolderSource
from scgan_data.sources.huggingface import HuggingFaceSource
from scgan_data.sources.json_search import JsonSearchSource
from scgan_data.sources.openverse import OpenverseSource
from scgan_data.sources.page import PageSource
from scgan_data.sources.sample import SampleSource
from scgan_data.sources.urls import UrlsSource
from scgan_data.sources.video import VideoSource
from scgan_data.stage import StageFolder, key_of, version_of
from scgan_data.terminal import console
from scgan_data.web.fetch import FetchConfig, Web
from scgan_data.web.request import Access
from scgan_data.workers import pool

Source = Annotated[
    FolderSource
    | UrlsSource
    | ArchiveSource
    | VideoSource
    | HuggingFaceSource
    | PageSource
    | OpenverseSource
    | CommonsSource
    | FlickrSource
    | JsonSearchSource
    | SampleSource,
    Field(discriminator="kind"),
]


MODULES = (
    *(f"scgan_data.{name}" for name in ("collect", "collection", "credit", "pages", "sources", "web")),
    *hashes.MODULES,
    *sample.MODULES,
)
"""The modules and packages whose source decides this stage's results."""


class CollectConfig(Config):
    """The `collect` section of params.yaml."""

    sources: tuple[Source, ...] = (SampleSource(),)
    """Where pictures come from."""
    budget: BudgetConfig = BudgetConfig()
    """How much is asked for."""
    licenses: LicensesConfig = LicensesConfig()
    """Which licences are allowed."""
    ai_generated: Literal["reject", "keep"] = "reject"
    """What becomes of pictures that say that a model made them."""
    fetch: FetchConfig = FetchConfig()
    """How URLs are fetched."""
    decode: DecodeConfig = DecodeConfig()
    """Limits of the decoding gateway."""


def run(
    config: CollectConfig, folder: StageFolder, *, workers: int | None = None, retry: Sequence[Reason] = ()
) -> Iterator[pd.DataFrame]:
    """The manifest's rows, in its order, in parts; the first comes when all is collected.

    What else belongs into the finished folder lies in `folder.extras` after the last. `retry` names reasons whose URLs
    are asked for once more. Raises SourceError where a source as a whole cannot be read; what others gave is kept.
    """
    shutil.rmtree(folder.extras, ignore_errors=True)
    folder.extras.mkdir(parents=True)
    with ExitStack() as stack, closing(_state(config, folder.work, reopen=bool(retry))) as state:
        opened = [stack.enter_context(source.open(folder.work)) for source in config.sources]
        state.take_up()
        try_again(state, retry)
        decoders = stack.enter_context(pool(workers or os.cpu_count() or 1))
        live = stack.enter_context(Live(console))
        remeasure.stale(state, folder, config.decode, decoders)
        running = _Running(config, folder, state, opened, decoders, live)
        is_complete = _collect(running)
        if lost := collected.lost(state, _permitted(config), folder):  # a rule left them out before, or a person did
            state.forget_contents(lost)
            is_complete = _collect(running)
        totals = yields.Totals()
        for part in collected.parts(state, _permitted(config), folder):
            totals.add(part)
            yield part
        if is_complete:
            state.finish()
    _say(totals)


def refuse_dropping(config: CollectConfig, home: Path) -> None:
    """Raises ScganError where a folder has kept pictures of sources that are not named now: they would go."""
    if not (home / manifest.FILE_NAME).is_file():
        return
    kept = manifest.kept(manifest.read(home))
    gone = kept.loc[~kept["source"].isin([source.name for source in config.sources]), "source"]
    if len(gone):
        names = ", ".join(sorted(gone.unique())[:3])
        raise ScganError(
            f"{home} has {len(gone)} pictures of {names}, which --from does not name and "
            "would drop: name all sources in one call (`--from selfie=photos/ --from ink=drawings/`), or another folder"
        )


@dataclass(frozen=True)
class _Running:
    """What one start of the stage holds open."""

    config: CollectConfig
    folder: StageFolder
    state: State
    opened: Sequence[Opened]
    decoders: Executor
    live: Live


def _collect(running: _Running) -> bool:
    """List, fetch and decode until nothing is left or wanted; whether every stream came to its end."""
    config, state = running.config, running.state
    with ExitStack() as stack:
        webs, streams = _streams(config, running.opened, stack)
        goal = Goal(config.budget, () if config.budget.until is None else state.collected())
        rules = _rules(config, goal)
        setting = Setting(config.fetch, config.decode, rules, webs, running.decoders, running.live.show)
        collection = Collection(state, running.folder, setting)
        collection.run(streams)
    console.print(line(collection.tally))
    listed = state.are_listed([(stream.source, stream.query) for stream in streams if not stream.is_local])
    return listed and not goal.reached()


def dry_run(config: CollectConfig, folder: StageFolder) -> pd.DataFrame:
    """List all sources and ask for no picture: the table of what was found, by query and host. Raises SourceError."""
    work = folder.work / "dry"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with ExitStack() as stack, closing(_state(config, work)) as state:
        opened = [stack.enter_context(source.open(folder.work)) for source in config.sources]
        _, streams = _streams(config, opened, stack)
        lister = Lister(state, _rules(config, Goal(config.budget)), lambda url_id, offer: None)
        for stream in streams:
            lister.read(stream)
        parts = list(collected.parts(state, _permitted(config), folder))
    shutil.rmtree(work)
    return pd.concat(parts, ignore_index=True) if parts else manifest.table([])


def _permitted(config: CollectConfig) -> Permitted:
    return Permitted(config.licenses, config.ai_generated == "reject")


def _rules(config: CollectConfig, goal: Goal) -> Rules:
    return Rules(config.licenses, config.ai_generated == "reject", Spent(config.budget), goal)


def _state(config: CollectConfig, work: Path, *, reopen: bool = False) -> State:
    """The state of this folder: its run is gone on with while sources, code and what decides an answer are the same."""
    fetch = config.fetch.model_dump(include={"max_bytes", "max_redirects", "proxy", "ports"})
    asked = {"sources": [source.model_dump(mode="json") for source in config.sources], "fetch": fetch}
    listing = config.model_dump(mode="json", include={"budget", "licenses", "ai_generated"})
    listing["budget"].pop("until")
    listing["budget"].pop("judged")
    return State(
        work,
        key_of(version_of(MODULES), asked),
        listing=key_of("", listing),
        decode_key=key_of(version_of(decode.MODULES), config.decode),
        reopen=reopen,
    )


def _streams(config: CollectConfig, opened: Sequence[Opened], stack: ExitStack) -> tuple[list[Web], list[Listed]]:
    """The gateways, one for all sources that may reach the same, and the streams, each with its gateway."""
    accesses: list[Access] = []
    for source in opened:
        if not source.is_local and source.access not in accesses:
            accesses.append(source.access)
    webs = [stack.enter_context(Web(config.fetch, access)) for access in accesses]
    streams = []
    for number, (named, source) in enumerate(zip(config.sources, opened, strict=True)):
        web = None if source.is_local else accesses.index(source.access)
        gateway = None if web is None else webs[web]
        streams += [
            Listed(f"{number} {named.name}", query, stream, web or 0, gateway)
            for query, stream in source.streams.items()
        ]
    return webs, streams


def _say(totals: yields.Totals) -> None:
    """What the queries and hosts gave, for people."""
    found = totals.by_query()
    if not found.row_count:
        return
    console.print(found)
    worst = totals.worst_hosts()
    if worst is not None:
        console.print(worst)
