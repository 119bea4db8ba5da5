"""The fetching half of `collect` alone: everything but the decode; the bytes are written as they came.

    python -c "from benchmarks.collect_fetch import main; main()" LIST FOLDER

Not `python -m`: its worker processes would import this module, and with it all of the main process, a second of CPU
each; those of the command line do not either.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.collect_keep import keep
from benchmarks.collect_settings import FETCH
from scgan_data.collection.budget import BudgetConfig, Goal, Spent
from scgan_data.collection.listing import Listed, Rules
from scgan_data.collection.pipeline import Collection, Setting
from scgan_data.collection.state import State
from scgan_data.credit.licenses import LicensesConfig
from scgan_data.hashes import DecodeConfig
from scgan_data.sources.urls import UrlsSource
from scgan_data.stage import open_stage
from scgan_data.web.fetch import Web
from scgan_data.workers import pool


class Keep(Executor):
    """Hands bytes to processes, as the stage does, which write them instead of decoding them."""

    def __init__(self, processes: Executor) -> None:
        self._processes = processes

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """`fn` is the decode, which is left out."""
        return self._processes.submit(keep, args[0], args[2])


def main() -> None:
    """Fetch every URL of a list."""
    listed, home = map(Path, sys.argv[1:])
    source = UrlsSource(path=listed, allow_private=True)
    budget = BudgetConfig()
    rules = Rules(LicensesConfig(), True, Spent(budget), Goal(budget))
    with open_stage("collect", home) as folder, closing(State(folder.work, "", listing="", decode_key="")) as state:
        with source.open(folder.work) as opened, Web(FETCH, opened.access) as web, pool(2) as processes:
            setting = Setting(FETCH, DecodeConfig(), rules, [web], Keep(processes), lambda tally: None)
            streams = [Listed(source.name, "", stream, 0, web) for stream in opened.streams.values()]
            Collection(state, folder, setting).run(streams)
        left = state.count_waiting()
    sys.exit(f"{left} URLs were not fetched" if left else 0)
