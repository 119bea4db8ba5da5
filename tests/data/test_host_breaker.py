"""A host that fails in a row rests, gets one probe, then is given up; a name that does not exist is asked for twice."""

from __future__ import annotations

import math

import pytest

from scgan_data.records import Reason
from scgan_data.web.host import Outcome
from tests.data.turned_clock import BAD, GOOD, Clock, ask, host, slots


@pytest.mark.parametrize(
    "outcome",
    [
        BAD,
        Outcome(failure=Reason.TLS_FAILED),
        Outcome(failure=Reason.NAME_NOT_FOUND),
        Outcome(failure=Reason.TIMED_OUT, status=200),
        Outcome(failure=Reason.TRANSFER_BROKEN, status=200),
        Outcome(failure=Reason.HTTP_ERROR, status=500),
    ],
)
def test_failures_in_a_row_rest_the_host_and_a_failed_probe_gives_it_up(clock: Clock, outcome: Outcome) -> None:
    one = host(clock)
    for _ in range(3):
        ask(one, outcome)
    assert one.acquire() == pytest.approx(30.0)
    assert one.given_up is None
    clock.now += 30
    assert one.acquire() == 0.0
    assert one.acquire() > 0  # one probe only
    one.note(outcome)
    one.release()
    refused = one.given_up
    assert refused is not None
    assert (refused.reason, refused.value, refused.limit) == (Reason.HOST_GIVEN_UP, 4.0, 3.0)
    assert one.acquire() == math.inf


def test_a_probe_that_succeeds_closes_the_breaker(clock: Clock) -> None:
    one = host(clock)
    for _ in range(3):
        ask(one, BAD)
    clock.now += 30
    ask(one, GOOD)
    assert slots(one) == 2
    for _ in range(2):
        ask(one, BAD)
    assert one.acquire() == 0.0


def test_late_failures_of_what_was_under_way_are_no_probe(clock: Clock) -> None:
    one = host(clock, failures_before_break=1)
    assert [one.acquire(), one.acquire()] == [0.0, 0.0]
    one.note(BAD)
    one.release()
    clock.now += 30
    assert one.acquire() > 0
    one.note(BAD)
    one.release()
    assert one.given_up is None
    assert one.acquire() == 0.0


@pytest.mark.parametrize("status", [200, 302, 304, 404, 429])
def test_any_answer_that_is_no_failure_begins_the_count_again(clock: Clock, status: int) -> None:
    one = host(clock)
    for _ in range(5):
        one.note(BAD)
        one.note(BAD)
        one.note(Outcome(status=status, latency_s=0.1, retry_after_s=0.0))
        clock.now += 100
    assert one.acquire() == 0.0
    assert one.given_up is None


def test_a_name_that_does_not_exist_is_asked_for_twice(clock: Clock) -> None:
    one = host(clock)
    one.no_such_name()
    assert one.given_up is None
    one.no_such_name()
    assert one.given_up is not None
    assert one.given_up.reason == Reason.NAME_NOT_FOUND
