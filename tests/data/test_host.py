"""A host's pace: slots and spacing, growth with quick answers, 429 and Retry-After, Crawl-delay, backing off."""

from __future__ import annotations

import datetime as dt

import pytest

from scgan_data.records import Reason
from scgan_data.web.host import Outcome, back_off_s, retry_after_s
from tests.data.turned_clock import GOOD, Clock, ask, host, slots


def test_until_robots_txt_is_known_one_request_is_under_way(clock: Clock) -> None:
    one = host(clock, is_open=False)
    assert one.acquire() == 0.0
    assert one.acquire() > 0
    one.open()
    assert one.acquire() == 0.0
    assert 0 < one.acquire() <= 0.25


def test_starts_are_spaced_and_no_interval_means_none(clock: Clock) -> None:
    one = host(clock, interval_s=0.5)
    assert one.acquire() == 0.0
    assert one.acquire() == pytest.approx(0.5)
    clock.now += 0.5
    assert one.acquire() == 0.0
    assert slots(host(clock)) == 2


def test_a_start_that_was_not_used_costs_no_time(clock: Clock) -> None:
    one = host(clock, interval_s=5.0)
    assert one.acquire() == 0.0
    one.spare()
    one.release()
    assert one.acquire() == 0.0


def test_connections_grow_with_quick_answers_up_to_the_limit(clock: Clock) -> None:
    one = host(clock)
    assert slots(one) == 2
    for _ in range(4):
        ask(one, GOOD)
    assert slots(one) == 3
    for _ in range(100):
        ask(one, GOOD)
    assert slots(one) == 8


def test_connections_shrink_when_answers_get_much_slower(clock: Clock) -> None:
    one = host(clock)
    for _ in range(40):
        ask(one, GOOD)
    assert slots(one) == 8
    for _ in range(60):
        ask(one, Outcome(latency_s=2.0, status=200))
    assert slots(one) == 1
    for _ in range(120):
        ask(one, GOOD)
    assert slots(one) == 8


def test_429_halves_the_connections_and_doubles_the_spacing_once_for_all_that_were_under_way(clock: Clock) -> None:
    one = host(clock, interval_s=0.2)
    for _ in range(40):
        clock.now += 1
        ask(one, GOOD)
    assert one.connections == 8
    for _ in range(8):
        one.note(Outcome(status=429, latency_s=0.01))
    assert one.connections == 4
    assert one.spacing_s == pytest.approx(0.4)
    assert one.acquire() == pytest.approx(1.0)
    clock.now += 1.0
    one.note(Outcome(status=503, latency_s=0.01))
    assert one.connections == 2
    assert one.spacing_s == pytest.approx(0.8)
    assert one.acquire() == pytest.approx(2.0)
    for _ in range(20):
        clock.now += 10
        ask(one, GOOD)
    assert 0.2 < one.spacing_s < 0.8
    for _ in range(200):
        clock.now += 10
        ask(one, GOOD)
    assert one.connections == 8
    assert one.spacing_s == pytest.approx(0.2)


def test_retry_after_pauses_the_host_and_a_long_one_gives_its_urls_up(clock: Clock) -> None:
    one = host(clock)
    one.note(Outcome(status=429, retry_after_s=20.0))
    assert one.acquire() == pytest.approx(20.0)
    assert one.given_up is None
    one.note(Outcome(status=503, retry_after_s=3600.0))
    refused = one.given_up
    assert refused is not None
    assert (refused.reason, refused.value, refused.limit) == (Reason.RATE_LIMITED, 3600.0, 60.0)
    clock.now += 3541
    assert one.given_up is None


def test_crawl_delay_means_one_connection_and_at_least_that_spacing(clock: Clock) -> None:
    one = host(clock, interval_s=0.1, is_open=False)
    assert one.acquire() == 0.0
    clock.now += 3
    one.open(2.0)
    one.release()
    assert one.acquire() == pytest.approx(2.0)
    clock.now += 2
    assert one.acquire() == 0.0
    clock.now += 2
    assert one.acquire() > 0
    one.release()
    for _ in range(50):
        clock.now += 2
        ask(one, GOOD)
        assert (one.connections, one.spacing_s) == (1, 2.0)
    slow = host(clock, is_open=False)
    slow.open(600.0)
    assert slow.given_up is not None
    assert (slow.given_up.reason, slow.given_up.value) == (Reason.RATE_LIMITED, 600.0)


def test_retry_after_in_both_forms() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    assert retry_after_s("120") == 120
    assert retry_after_s(" 0 ") == 0
    assert retry_after_s(later.strftime("%a, %d %b %Y %H:%M:%S GMT")) == pytest.approx(90, abs=3)
    assert retry_after_s("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    assert retry_after_s("9" * 400) == 1e9
    for garbled in (None, "soon", "-5", "", "Thu, 99 Foo 99999999999 00:00:00 GMT"):
        assert retry_after_s(garbled) is None


def test_back_off_grows_is_jittered_and_never_below_what_was_asked() -> None:
    assert all(0 <= back_off_s(3) <= 4 for _ in range(100))
    assert len({back_off_s(3) for _ in range(10)}) > 1
    assert max(back_off_s(100) for _ in range(100)) <= 30
    assert back_off_s(1, 20.0) == 20.0
