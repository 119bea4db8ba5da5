"""What a person types after `--from`, as a source: its kind is told by what it looks like and by what lies there."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

from scgan_data.errors import ConfigError, SourceError
from scgan_data.records import SELFIE
from scgan_data.sources import video
from scgan_data.sources.archive import ArchiveSource, is_archive
from scgan_data.sources.commons import CommonsSource
from scgan_data.sources.flickr import FlickrSource
from scgan_data.sources.folder import FolderSource
from scgan_data.sources.huggingface import HuggingFaceSource
from scgan_data.sources.openverse import OpenverseSource
from scgan_data.sources.page import PageSource
from scgan_data.sources.sample import SampleSource
from scgan_data.sources.tables import SUFFIXES, kind_of
from scgan_data.sources.urls import UrlsSource
from scgan_data.sources.video import VideoSource

SEARCHES: dict[str, type[OpenverseSource | CommonsSource | FlickrSource]] = {
    "openverse": OpenverseSource,
    "commons": CommonsSource,
    "flickr": FlickrSource,
}
"""What is searched by `KIND:QUERY`."""


_OF_DOMAIN = re.compile(r"([\w-]+)=(.+)")


def source_from_argument(text: str, domain: str, *, allow_private: bool = False) -> Any:
    """The source that `--from` names, one of `collect.Source`; `ink=drawings/` names its domain too.

    Raises SourceError, ConfigError.
    """
    of_domain = None if Path(text).exists() else _OF_DOMAIN.fullmatch(text)
    if of_domain:
        domain, text = of_domain.groups()
    if domain != SELFIE and difflib.get_close_matches(domain, [SELFIE], cutoff=0.8):
        raise ConfigError(f"`{domain}` would be a style of its own; did you mean `{SELFIE}`?")
    if text == "sample":
        return SampleSource.of_domain(domain)
    if "://" in text:
        return PageSource(url=text, domain=domain, allow_private=allow_private)
    kind, colon, query = text.partition(":")
    if not colon or kind not in SEARCHES:
        return _on_disk(Path(text), domain, allow_private)
    if not query.strip():
        raise SourceError(f"{text}: no query; write it as {kind}:women portrait")
    return SEARCHES[kind](queries=(query,), domain=domain, allow_private=allow_private)


def _on_disk(path: Path, domain: str, allow_private: bool) -> Any:
    if path.is_dir():
        return (HuggingFaceSource if _is_dataset(path) else FolderSource)(path=path, domain=domain)
    if is_archive(path):
        return ArchiveSource(path=path, domain=domain)
    if path.suffix.lower() in video.SUFFIXES:
        return VideoSource(path=path, domain=domain)
    if path.is_file() and kind_of(path) is not None:
        return UrlsSource(path=path, domain=domain, allow_private=allow_private)
    what = "no file that collect reads" if path.is_file() else "nothing that is there"
    raise SourceError(
        f"--from {path}: {what}; name a folder, a list ({', '.join(SUFFIXES)}, each also .gz), an archive, a clip, a "
        "page's URL, openverse:WORDS, commons:WORDS, flickr:WORDS, or `sample`"
    )


def _is_dataset(folder: Path) -> bool:
    """Whether a folder is what `save_to_disk` wrote, or the parquet shards of a hub: `data/train-….parquet`."""
    states = [folder / "state.json", *folder.glob("*/state.json")]
    return any(state.is_file() for state in states) or any(folder.glob("data/*-of-*.parquet"))
