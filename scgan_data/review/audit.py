"""An audit: k pictures drawn at random from the accepted ones, judged again, and what that proves of all of them.

Accepted is what the stages keep and nobody rejects. The order is that of a hash of the audit's random name and the id:
nobody can choose it, it is the same after a restart, and whatever was judged so far is a simple random sample. The
interval is exact for a finite population (`limits.bounds`: Clopper and Pearson's, hypergeometric), two-sided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from scgan_data.limits.bounds import least_bad, most_bad
from scgan_data.verdicts import Line

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Audit:
    """What an audit found so far."""

    name: str
    domain: str | None
    """None: all."""
    of: int
    """Accepted pictures when it began."""
    judged: int
    bad: int
    least: int
    """At least so many of the accepted ones were bad ..."""
    most: int
    """... and at most so many, with `CONFIDENCE`."""
    reviewers: tuple[str, ...]

    @property
    def words(self) -> str:
        """The result in a sentence."""
        if not self.judged:
            return "nothing judged yet"
        low, high = (f"{count / self.of:.2%}" for count in (self.least, self.most))
        return (
            f"{self.bad} of {self.judged} judged are bad ({self.bad / self.judged:.2%}): of the {self.of} accepted "
            f"pictures {self.least} to {self.most} were ({low} to {high}, {CONFIDENCE:.0%} sure); with the {self.bad} "
            f"found rejected, {self.least - self.bad} to {self.most - self.bad} are left"
        )

    def as_json(self) -> dict[str, Any]:
        """For machines and the page."""
        return asdict(self) | {"confidence": CONFIDENCE, "words": self.words}


def drawn(ids: Iterable[str], name: str, count: int) -> list[str]:
    """The first `count` of these pictures in an audit's random order."""
    return sorted(ids, key=lambda one: hashlib.sha256(f"{name} {one}".encode()).digest())[:count]


def audits(said: Iterable[Line]) -> list[Audit]:
    """The audits among lines of `verdicts.read_verdicts`, the latest last."""
    answers: dict[str, dict[str, Line]] = {}
    for line in said:
        if isinstance(line.get("audit"), dict) and "verdict" in line:
            answers.setdefault(line["audit"]["name"], {})[line["id"]] = line
    return [_result(name, list(lines.values())) for name, lines in answers.items()]


def _result(name: str, lines: list[Line]) -> Audit:
    about = lines[0]["audit"]
    of, judged, bad = about["of"], len(lines), sum(line["verdict"] == "reject" for line in lines)
    share = (1 - CONFIDENCE) / 2
    least, most = least_bad(of, judged, bad, share), most_bad(of, judged, bad, share)
    return Audit(name, about.get("domain"), of, judged, bad, least, most, _names(lines))


def _names(lines: list[Line]) -> tuple[str, ...]:
    return tuple(sorted({line.get("reviewer") or "unnamed" for line in lines}))
