"""The `urls` source: a list of picture URLs in a txt, csv or parquet file, provenance columns carried along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from scgan_data.address import canonical
from scgan_data.errors import SourceError
from scgan_data.fetch import Access
from scgan_data.records import SELFIE
from scgan_data.sources import Offer, Opened, Provenance, Visit

SUFFIXES = (".txt", ".csv", ".parquet")
URL_COLUMNS = ("url", "image_url", "source_url", "link", "src")
CARRIED = ("page_url", "license", "license_url", "author")


class UrlsSource(Provenance):
    """Pictures named by a list file."""

    kind: Literal["urls"] = "urls"
    path: Path
    """A .txt (one URL a line, # for comments), .csv or .parquet file; columns page_url, license, license_url and author
    go into the manifest, and where they are empty what is said here."""
    domain: str = SELFIE
    """`selfie`, or the style's name."""
    url_column: str | None = None
    """The column of URLs; by default the first there is of url, image_url, source_url, link, src."""
    allow_private: bool = False
    """Whether addresses that are not public may be reached (a server of one's own network)."""

    @property
    def name(self) -> str:
        """What the manifest's `source` says."""
        return f"urls:{self.path.as_posix()}"

    @contextmanager
    def open(self, work: Path) -> Iterator[Opened]:
        """Read the list. Raises SourceError."""
        entries = read_list(self.path, self.url_column)

        def offers(visit: Visit) -> Iterator[Offer]:
            for entry in entries:
                yield self._offer(entry)

        yield Opened(offers, Access(allow_private=self.allow_private))

    def _offer(self, entry: dict[str, str | None]) -> Offer:
        def said(name: str) -> str | None:
            return entry.get(name) or getattr(self, name, None)

        return Offer(
            canonical(str(entry["url"])),
            self.domain,
            self.name,
            page_url=said("page_url"),
            license=said("license"),
            license_url=said("license_url"),
            author=said("author"),
        )


def read_list(path: Path, url_column: str | None = None) -> list[dict[str, str | None]]:
    """The entries of a list file: `url` and whatever it carries, rows without a URL left out. Raises SourceError."""
    if path.suffix.lower() not in SUFFIXES:
        raise SourceError(f"{path} is no list that collect reads: name a {', '.join(SUFFIXES)} file")
    try:
        if path.suffix.lower() == ".txt":
            lines = (line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines())
            return [{"url": line} for line in lines if line and not line.startswith("#")]
        table = _read_csv(path) if path.suffix.lower() == ".csv" else pd.read_parquet(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    except (
        ValueError,
        pa.ArrowException,
    ) as error:  # UnicodeDecodeError, pandas' ParserError and EmptyDataError included
        raise SourceError(f"{path} is not a {path.suffix[1:]} file that can be read: {error}") from None
    return _entries(table, _url_column(path, table, url_column))


def _read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def _url_column(path: Path, table: pd.DataFrame, given: str | None) -> str:
    columns = [str(c) for c in table.columns]
    wanted = (given,) if given else URL_COLUMNS
    for name in wanted:
        if name in columns:
            return name
    raise SourceError(
        f"{path} has no column {' or '.join(map(str, wanted))}, but {', '.join(columns[:8])}: set `url_column`"
    )


def _entries(table: pd.DataFrame, url_column: str) -> list[dict[str, str | None]]:
    carried = [name for name in CARRIED if name in table.columns]
    entries = [
        {"url": _text(row[url_column])} | {name: _text(row[name]) for name in carried}
        for row in table.to_dict(orient="records")
    ]
    return [entry for entry in entries if entry["url"]]


def _text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value).strip() or None
