"""Sources: what each offers, and the one clear line where one cannot be read at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from scgan_data.collect import CollectConfig
from scgan_data.config import load
from scgan_data.errors import ConfigError, SourceError
from scgan_data.sources.argument import source_from_argument
from scgan_data.sources.folder import FolderSource
from scgan_data.sources.page import PageSource
from scgan_data.sources.sample import SampleSource
from scgan_data.sources.urls import UrlsSource


def test_a_page_that_is_none_says_so(tmp_path: Path) -> None:
    wrong = PageSource(url="ftp://a.test/")
    with pytest.raises(SourceError, match="is no address of a page: not http or https: ftp"), wrong.open(tmp_path):
        pass


def test_an_argument_names_a_source(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("url\n")
    assert source_from_argument(str(tmp_path), "anime") == FolderSource(path=tmp_path, domain="anime")
    assert source_from_argument(str(tmp_path / "list.csv"), "selfie") == UrlsSource(path=tmp_path / "list.csv")
    assert source_from_argument("http://a.test/g", "x", allow_private=True) == PageSource(
        url="http://a.test/g", domain="x", allow_private=True
    )
    assert source_from_argument("sample", "selfie") == SampleSource(portraits=0)
    assert source_from_argument("sample", "avataaars") == SampleSource(selfies=0)
    with pytest.raises(SourceError, match="nothing that is there; name a folder"):
        source_from_argument(str(tmp_path / "missing"), "selfie")
    with pytest.raises(SourceError, match="--from sample has no watercolor"):
        source_from_argument("sample", "watercolor")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (
            "{kind: page, url: 'http://x', max_page: 3}",
            r"`collect\.sources\.0\.page\.max_page`; did you mean `max_pages`",
        ),
        ("{kind: page, url: 'http://x', path: x}", r"unknown key `collect\.sources\.0\.page\.path`(?!.*sources\.path)"),
        ("{kind: sample, plants: {noais: 3}}", r"`collect\.sources\.0\.sample\.plants\.noais`; did you mean `noai`"),
        ("{kind: pages, url: 'http://x'}", "'pages' found using 'kind' does not match any of the expected tags"),
        ("{kind: sample, selfies: 20}", "85 copies need as many selfies"),
        ("{kind: sample, selfies: 980}", "there are 979 selfies"),
    ],
)
def test_a_wrong_source_in_params_is_named(tmp_path: Path, source: str, line: str) -> None:
    (tmp_path / "params.yaml").write_text(f"collect: {{sources: [{source}]}}")
    with pytest.raises(ConfigError, match=line):
        load(CollectConfig, "collect", file=tmp_path / "params.yaml")
