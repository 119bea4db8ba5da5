"""Collect: find pictures, fetch their bytes, decode each once, and say for every one what became of it and why.

Sources offer pictures (a URL or a file, with its provenance). Bytes come through one gateway (`fetch`), lie named by
content beside the stage's folder, and each finished URL is recorded at once (`journal`), so that a killed run asks for
nothing twice. Then every file is decoded once (`hashes`): what later stages need of the whole file is measured there.
What cannot be had is a row as well, with its exact reason.
"""

from __future__ import annotations

import shutil
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from scgan_data import hashes, manifest
from scgan_data.config import Config
from scgan_data.errors import SourceError
from scgan_data.fetch import FetchConfig, Web
from scgan_data.hashes import DecodeConfig
from scgan_data.journal import Journal, Outcome
from scgan_data.records import Status
from scgan_data.runner import Work, per_image, progress
from scgan_data.sources import Offer, sample
from scgan_data.sources.folder import FolderSource
from scgan_data.sources.page import PageSource
from scgan_data.sources.sample import SampleSource
from scgan_data.sources.urls import SUFFIXES, UrlsSource
from scgan_data.stage import StageFolder, key_of, version_of
from scgan_data.transfers import Transfers, has_plain_name

Source = Annotated[FolderSource | UrlsSource | PageSource | SampleSource, Field(discriminator="kind")]

FETCH_MODULES = tuple(
    f"scgan_data.{name}"
    for name in (
        "address",
        "collect",
        "crawl",
        "deadline",
        "fetch",
        "host",
        "journal",
        "robots",
        "sources",
        "sources.folder",
        "sources.page",
        "sources.sample",
        "sources.urls",
        "transfers",
    )
)
MODULES = (*FETCH_MODULES, *hashes.MODULES, *sample.MODULES)
"""The modules whose source decides this stage's results."""


class CollectConfig(Config):
    """The `collect` section of params.yaml."""

    sources: tuple[Source, ...] = (SampleSource(),)
    """Where pictures come from."""
    fetch: FetchConfig = FetchConfig()
    """How URLs are fetched."""
    decode: DecodeConfig = DecodeConfig()
    """Limits of the decoding gateway."""


def source_from_argument(text: str, domain: str, *, allow_private: bool = False) -> Source:
    """The source that `--from` names: `sample`, a page's URL, a list file, or a folder. Raises SourceError."""
    if text == "sample":
        return SampleSource.of_domain(domain)
    if "://" in text:
        return PageSource(url=text, domain=domain, allow_private=allow_private)
    path = Path(text)
    if path.is_dir():
        return FolderSource(path=path, domain=domain)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return UrlsSource(path=path, domain=domain, allow_private=allow_private)
    what = "no list that collect reads" if path.is_file() else "nothing that is there"
    raise SourceError(f"--from {text}: {what}; name a folder, a {', '.join(SUFFIXES)} file, a page's URL, or `sample`")


def run(config: CollectConfig, folder: StageFolder, *, workers: int | None = None) -> pd.DataFrame:
    """The manifest's rows; what else belongs into the finished folder lies in `folder.work / "extras"`.

    Raises SourceError where a source as a whole cannot be read.
    """
    extras = folder.work / "extras"
    shutil.rmtree(extras, ignore_errors=True)
    extras.mkdir(parents=True)
    key = key_of(version_of(FETCH_MODULES), config)
    with closing(Journal(folder.work, key)) as journal:
        rows = pd.DataFrame([row for source in config.sources for row in _rows_of(source, config, journal, folder)])
        table = _decoded(manifest.table(_once(rows)), config.decode, folder, workers)
        journal.finish()
    return table


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a URL and domain: the first that a source offered."""
    return rows if rows.empty else rows.drop_duplicates(["domain", "source_url"], ignore_index=True)


def _decoded(rows: pd.DataFrame, config: DecodeConfig, folder: StageFolder, workers: int | None) -> pd.DataFrame:
    """Rows with the measurements of their files; kept ones point at their picture in the stage's folder."""
    fetched = manifest.kept(rows)
    if fetched.empty:
        return rows
    work = Work(hashes.measure, config, version_of(hashes.MODULES))
    measured = manifest.decide(per_image(fetched, work, folder, workers=workers), "collect")
    is_kept = measured["status"] == Status.KEPT
    paths = [str(folder.home / manifest.content_path(i)) for i in measured["id"]]
    measured["path"] = pd.Series(paths, index=measured.index).where(is_kept, None)
    return manifest.table(pd.concat([measured, rows[rows["status"] != Status.KEPT]], ignore_index=True))


def _rows_of(source: Source, config: CollectConfig, journal: Journal, folder: StageFolder) -> list[dict[str, Any]]:
    """Every offer of a source as a row, its bytes fetched or its reason said."""
    with source.open(folder.work) as opened:
        gateway = nullcontext(None) if opened.is_local else Web(config.fetch, opened.access)
        with gateway as web, progress() as bar:
            transfers = Transfers(web, journal, threads=config.fetch.threads, max_file_bytes=config.decode.max_bytes)
            task = bar.add_task(f"collect {source.name}", total=None)
            rows = []
            for offer, outcome in transfers.of(opened.offers(transfers.visit)):
                rows.append(_row(offer, outcome, journal))
                bar.update(task, completed=len(rows))
            bar.update(task, total=len(rows))
    return rows


def _row(offer: Offer, outcome: Outcome, journal: Journal) -> dict[str, Any]:
    """The manifest row of one offer; `path` is where its bytes lie, until they are decoded."""
    row: dict[str, Any] = {
        "id": outcome.content_id or manifest.id_of_url(offer.url),
        "domain": offer.domain,
        "source": offer.source,
        "source_url": offer.url,
        "page_url": offer.page_url,
        "license": offer.license,
        "license_url": offer.license_url,
        "author": offer.author,
        "retrieved_at": outcome.retrieved_at,
        "status": Status.KEPT.value,
    }
    if outcome.content_id is not None:
        file = offer.file if offer.file and has_plain_name(offer.file) else journal.raw(outcome.content_id)
        return row | {"path": str(file.absolute())}
    assert outcome.reason is not None
    decision = {"reason": outcome.reason.value, "value": outcome.value, "limit": outcome.max_value}
    return row | decision | {"status": Status.REJECTED.value, "rejected_by": "collect", "detail": outcome.detail}
