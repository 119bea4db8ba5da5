"""A host's pace against a clock that the tests turn: one under few limits, and ways to ask it."""

from __future__ import annotations

from typing import Any

from scgan_data.records import Reason
from scgan_data.web.host import Host, Outcome, Pace

GOOD = Outcome(latency_s=0.02, status=200)
BAD = Outcome(failure=Reason.NOT_CONNECTED)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def host(clock: Clock, *, is_open: bool = True, **changed: Any) -> Host:
    values = {"connections": 8, "interval_s": 0.0, "max_wait_s": 60.0, "failures_before_break": 3, "break_s": 30.0}
    made = Host("http://e.org", Pace(**(values | changed)), clock)
    if is_open:
        made.open()
    return made


def ask(one: Host, outcome: Outcome) -> None:
    assert one.acquire() == 0.0
    one.note(outcome)
    one.release()


def slots(one: Host) -> int:
    """How many connections it grants at one moment."""
    count = 0
    while one.acquire() == 0.0:
        count += 1
    for _ in range(count):
        one.release()
    return count
