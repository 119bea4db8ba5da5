"""The `urls` source: a list of picture URLs on disk, provenance columns carried along. The list is never held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from scgan_data.errors import SourceError
from scgan_data.sources import Offer, Opened, Provenance, Reach, Visit
from scgan_data.sources.columns import offer_of, told
from scgan_data.sources.reach import access_of
from scgan_data.sources.tables import records
from scgan_data.web.address import canonical

URL_COLUMNS = ("url", "image_url", "image", "img_url", "source_url", "link", "src")


class UrlsSource(Provenance, Reach):
    """Pictures named by a list file."""

    kind: Literal["urls"] = "urls"
    path: Path
    """A .txt (one URL a line, # for comments), .csv, .tsv, .json (an array of URLs or of objects), .jsonl, .ndjson or
    .parquet file, each also .gz or .zst. Columns page_url, license, license_url and author (or synonyms of these) go
    into the manifest's, and where they are empty what is said here; other columns go into `extra`."""
    url_column: str | None = None
    """The column of URLs; by default the first there is of url, image_url, image, img_url, source_url, link, src."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"urls:{self.path.as_posix()}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Check that the list can be read and where its URLs are. Raises SourceError."""
        with closing(records(self.path)) as rows:
            for first in rows:
                self._check(first)
                break
        yield Opened({"": self._offers}, access_of(self, None))

    def _offers(self, visit: Visit) -> Iterator[Offer]:
        """One offer a row, rows without a URL left out. Raises SourceError where the list turns out to be damaged."""
        for row in records(self.path):
            column = _column_of(tuple(row), self.url_column)
            url = row[column] if column else None
            if isinstance(url, str) and url.strip():
                yield offer_of(self, canonical(url), told(row, without=(column,) if column else ()))

    def _check(self, row: Mapping[str, Any]) -> None:
        if _column_of(tuple(row), self.url_column) is None:
            wanted = self.url_column or " or ".join(URL_COLUMNS)
            there = ", ".join(list(row)[:8])
            raise SourceError(f"{self.path} has no column {wanted}, but {there}: set `url_column`")


@lru_cache(maxsize=256)
def _column_of(names: tuple[str, ...], given: str | None) -> str | None:
    """The column that holds the URL, its name in any case."""
    if given in names:
        return given
    folded = {name.strip().lower(): name for name in reversed(names)}
    wanted = (given.lower(),) if given else URL_COLUMNS
    return next((folded[name] for name in wanted if name in folded), None)
