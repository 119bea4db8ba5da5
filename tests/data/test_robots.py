"""robots.txt and X-Robots-Tag: what holds for us, and how it is said."""

from __future__ import annotations

import pytest

from scgan_data.records import Reason
from scgan_data.web.address import RefusedError
from scgan_data.web.robots import Rules, directives, forbids, line, missing, read


def test_our_own_group_comes_before_everybody_s() -> None:
    rules = read(b"User-agent: scgan-data\nDisallow: /no\n\nUser-agent: *\nDisallow: /\n")
    assert rules.allows("http://e.org/yes")
    assert not rules.allows("http://e.org/no/a")
    assert rules.said == "robots.txt: allowed"


@pytest.mark.parametrize(
    ("text", "interval_s"),
    [
        ("Crawl-delay: 2.5", 2.5),
        ("Request-rate: 1/5", 5.0),
        ("Request-rate: 2/1m", 30.0),
        ("Crawl-delay: 1\nRequest-rate: 1/5", 5.0),
        ("Crawl-delay: soon", 0.0),
        ("Disallow:", 0.0),
    ],
)
def test_the_time_between_requests(text: str, interval_s: float) -> None:
    rules = read(f"User-agent: *\n{text}\n".encode())
    assert rules.interval_s == interval_s
    assert ("between requests" in rules.said) is (interval_s > 0)


def test_a_byte_order_mark_and_garbage_do_no_harm() -> None:
    assert not read(b"\xef\xbb\xbfUser-agent: *\nDisallow: /a").allows("http://e.org/a")
    assert read(b"\xff\x00<html>nothing").allows("http://e.org/a")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_no_robots_txt_allows_all(status: int) -> None:
    rules = missing(RefusedError(Reason.HTTP_ERROR, "no", value=float(status)))
    assert isinstance(rules, Rules)
    assert rules.allows("http://e.org/a")
    assert rules.said == f"robots.txt: none ({status})"


def test_one_that_cannot_be_had_refuses_the_site() -> None:
    failed = missing(RefusedError(Reason.HTTP_ERROR, "oops", value=500.0))
    assert isinstance(failed, RefusedError)
    assert (failed.reason, failed.value) == (Reason.ROBOTS_DISALLOWED, 500)
    broken = missing(RefusedError(Reason.NOT_CONNECTED, "refused"))
    assert isinstance(broken, RefusedError)
    assert (broken.reason, broken.detail) == (Reason.NOT_CONNECTED, "robots.txt: refused")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["noai"], "noai"),
        (["NoImageAI, noai"], "noai"),
        (["otherbot: noai, noindex"], None),
        (["otherbot: noai", "scgan-data: noindex"], "noindex"),
        (["scgan-data: noml"], "noml"),
        (["unavailable_after: 25 Jun 2030 15:00:00 GMT"], None),
        (["max-snippet: 3, none"], "none"),
        (["all"], None),
        ([""], None),
    ],
)
def test_directives(values: list[str], expected: str | None) -> None:
    assert forbids(directives(values)) == expected


def test_the_row_s_line_is_the_same_on_every_run() -> None:
    assert line("robots.txt: allowed", frozenset()) == "robots.txt: allowed; x-robots-tag: none"
    found = directives(["nosnippet, noarchive", "nofollow"])
    assert line("robots.txt: none (404)", found) == (
        "robots.txt: none (404); x-robots-tag: noarchive, nofollow, nosnippet"
    )
