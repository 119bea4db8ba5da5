"""What a source may reach beyond what params say of all: keys and cookies from the environment, for named hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scgan_data.errors import SourceError
from scgan_data.sources import Reach
from scgan_data.sources.reach import access_of
from scgan_data.sources.urls import UrlsSource


def test_secret_headers_go_to_named_hosts_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_COOKIE", "session=s3cret")
    (tmp_path / "list.txt").write_text("http://shop.test/1.jpg\n")
    source = UrlsSource(
        path=tmp_path / "list.txt",
        allow_private=True,
        headers_env={"Cookie": "SHOP_COOKIE"},
        headers_hosts=("Shop.Test", "cdn.shop.test"),
    )
    with source.open(tmp_path) as opened:
        assert opened.access.allow_private
        assert opened.access.headers == {host: {"Cookie": "session=s3cret"} for host in ("shop.test", "cdn.shop.test")}
        assert "s3cret" not in repr(opened)
    own = access_of(Reach(headers_env={"Cookie": "SHOP_COOKIE"}), "api.test")
    assert own.headers == {"api.test": {"Cookie": "session=s3cret"}}


@pytest.mark.parametrize(
    ("given", "value", "line"),
    [
        ({"headers_env": {"Cookie": "SHOP_COOKIE"}}, "s3cret=abc", "name the hosts in `headers_hosts`"),
        ({"headers_env": {"Cookie": "SHOP_COOKIE"}, "headers_hosts": ["a.test"]}, None, "SHOP_COOKIE .* is not set"),
        ({"headers_env": {"Cookie": "SHOP_COOKIE"}, "headers_hosts": ["a.test"]}, " ", "SHOP_COOKIE .* is not set"),
        ({"headers_env": {"Cookie": "SHOP_COOKIE"}, "headers_hosts": ["a.test"]}, "s3\r\nX: 123", "has a line break"),
        ({"headers_env": {"Cookie": "SHOP_COOKIE"}, "headers_hosts": ["a.test"]}, "s3cret", "less than 8 characters"),
        ({"headers_env": {"X Y": "SHOP_COOKIE"}, "headers_hosts": ["a.test"]}, "s3", "X Y is no header"),
        ({"headers_env": {"User-Agent": "SHOP_COOKIE"}, "headers_hosts": ["a.test"]}, "s3", "User-Agent is no header"),
        (
            {"headers_env": {"Cookie": "SHOP_COOKIE"}, "headers_hosts": ["a.test/x"]},
            "s3cret=abc",
            "a.test/x is no host",
        ),
        (
            {"headers_env": {"Cookie": "SHOP_COOKIE"}, "headers_hosts": ["u@a.test"]},
            "s3cret=abc",
            "u@a.test is no host",
        ),
    ],
)
def test_headers_that_cannot_be_sent_say_so(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], value: str | None, line: str
) -> None:
    monkeypatch.delenv("SHOP_COOKIE", raising=False)
    if value is not None:
        monkeypatch.setenv("SHOP_COOKIE", value)
    with pytest.raises(SourceError, match=line) as caught:
        access_of(Reach(**given), None)
    assert "s3" not in str(caught.value)
