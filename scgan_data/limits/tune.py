"""tune: a filter's limits from a person's judgements, one limit a domain, to a stated goal.

The goal is a bound on what is left: "at most 1 % of the kept pictures are marked, 95 % sure". A person judges some
pictures (`sampling` says which), `fit` finds the loosest limit that this proves, says what it costs in pictures, and
params.yaml gets it. What cannot be proven is not written unless asked for: the bound that was reached, and how many
more judgements would do, are the answer then. A picture of which a person cannot tell counts as bad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scgan_data import config
from scgan_data.config import PerDomain
from scgan_data.errors import ConfigError, ManifestError, nearest
from scgan_data.limits import change, judgements, page, params_file, rules, sampling, settings
from scgan_data.limits.columns import Table
from scgan_data.limits.fit import Fit, fit
from scgan_data.limits.judgements import Answers
from scgan_data.limits.page import Session
from scgan_data.limits.rules import Rule
from scgan_data.limits.sampling import Population
from scgan_data.records import MEANING, Reason

SEEN: dict[Reason, str] = {
    Reason.TOO_SMALL: "too small to learn from",
    Reason.ASPECT: "too long or too high for a portrait",
    Reason.BLURRED: "blurred, or otherwise not sharp enough to learn from",
    Reason.BORDERED: "bars or a frame of one colour about the picture",
    Reason.RECURRING_MARK: "a watermark, however faint: its source's or author's",
}
"""What a person can see of a reason whose meaning speaks of the limit that is to be found."""


@dataclass(frozen=True)
class Goal:
    """What the limits are to prove."""

    rate: float = 0.01
    """Largest fraction of bad pictures among the kept."""
    confidence: float = 0.95
    judgements: int = 100
    """Pictures to judge, all domains together."""

    def __post_init__(self) -> None:
        """Raises ConfigError."""
        if not 0 < self.rate < 1 or not 0 < self.confidence < 1:
            raise ConfigError(f"goal {self.rate} and confidence {self.confidence} must lie between 0 and 1")


@dataclass(frozen=True)
class Domain:
    """One domain's pictures and limit."""

    name: str
    pictures: Population
    paths: dict[str, Path]
    limit: float
    """Now, on the suspicion: infinite for off."""

    def missing(self, answers: Answers, count: int) -> list[tuple[float, str]]:
        """Pictures still to be judged, with their place in the order of asking: all strata grow alike."""
        chosen = np.flatnonzero(sampling.wanted(self.pictures, count))
        sizes = np.bincount(self.pictures.stratum[chosen], minlength=3)
        place = (self.pictures.order[chosen] + 0.5) / sizes[self.pictures.stratum[chosen]]
        ids = [self.pictures.ids[i] for i in chosen.tolist()]
        return [(p, i) for p, i in zip(place.tolist(), ids, strict=True) if i not in answers]

    def bad(self, answers: Answers) -> NDArray[np.float64]:
        """(N,) 1 for bad and for cannot tell, 0 for good, NaN for not judged."""
        return np.array([_number(answers, i) for i in self.pictures.ids])


def _number(answers: Answers, content_id: str) -> float:
    return float(answers[content_id] is not False) if content_id in answers else np.nan


@dataclass(frozen=True)
class Tuning:
    """A filter's rule, the pictures that only it decides, and the goal."""

    rule: Rule
    goal: Goal
    domains: list[Domain]
    held: PerDomain
    """The limit as it is, of all domains."""

    @property
    def question(self) -> str:
        """What a person is asked of each picture."""
        reason = self.rule.reason
        return f"Is this so? {SEEN.get(reason, MEANING[reason]).capitalize()}"

    def to_ask(self, answers: Answers) -> dict[str, Path]:
        """Pictures still to be judged, in the order of asking."""
        count = -(-self.goal.judgements // len(self.domains))
        missing = [(place, i, d) for d in self.domains for place, i in d.missing(answers, count) if i in d.paths]
        asked = sorted((place, i, d.paths[i]) for place, i, d in missing)
        return {i: path for _, i, path in asked}

    def ask(self, file: Path, given: Path | None, announce: Callable[[str], None]) -> Answers:
        """All answers, once what is missing was asked for, of a file where one is `given`, else of a person.

        Each new answer is appended to `file` as it comes.
        """
        reason = self.rule.reason.value
        missing = self.to_ask(judgements.read(file, reason))
        if given is not None:
            for content_id, bad in self.of_file(given, missing.keys()).items():
                judgements.append(file, reason, content_id, bad)
        elif missing:

            def record(content_id: str, bad: bool | None, withdrawn: bool) -> None:
                judgements.append(file, reason, content_id, bad, withdrawn=withdrawn)

            page.ask(Session(missing, self.question, record), announce)
        return judgements.read(file, reason)

    def of_file(self, given: Path, asked: Set[str]) -> Answers:
        """What a file answers of what is `asked`. Raises ConfigError where it has answers, but none about any picture
        that this tuning looks at: it is of another dataset."""
        if not given.is_file():
            raise ConfigError(f"--answers {given}: no such file")
        said = judgements.read(given, self.rule.reason.value)
        known = {i for domain in self.domains for i in domain.pictures.ids}
        if said and not said.keys() & known:
            raise ConfigError(f"--answers {given}: none of its {len(said)} answers is about a picture of this folder")
        return {i: said[i] for i in said if i in asked}

    def fits(self, answers: Answers) -> dict[str, Fit]:
        """Each domain's result."""
        return {
            d.name: fit(d.pictures, d.bad(answers), d.limit, goal=self.goal.rate, confidence=self.goal.confidence)
            for d in self.domains
        }

    def limit(self, domain: str, kept: int) -> float:
        """The number for params.yaml that keeps exactly the `kept` least suspicious pictures of a domain."""
        scores = next(d.pictures.suspicion for d in self.domains if d.name == domain)
        low, high = (scores[kept - 1] if kept else scores[0] - 1), (scores[kept] if kept < len(scores) else np.inf)
        return _short(low, high) if self.rule.at_most else -_short(low, high)

    def write(self, fits: dict[str, Fit], file: Path, *, unproven: bool) -> list[str]:
        """Put the limits that are proven (or all) and move something into a params file; the domains that changed."""
        judged = {name: f for name, f in fits.items() if f.judged}  # without, `best` is anything at all
        moved = {name: f for name, f in judged.items() if (f.proven or unproven) and f.best.kept != f.present.kept}
        limits = {name: self.limit(name, f.best.kept) for name, f in moved.items()}
        if limits:
            params_file.set_limit(file, "filter", self.rule.key, limits, self.held)
        return list(limits)

    def report(self, fits: dict[str, Fit]) -> Iterator[str]:
        """What was found, in a few lines a domain."""
        for domain in self.domains:
            yield from _said(self, domain, fits[domain.name])


def tuning(check: str, goal: Goal, folder: Path | None, params: Path | None) -> Tuning:
    """What `tune filter` works on. Raises ConfigError, ManifestError."""
    rule = _rule(check)
    limits = config.load(rules.FilterLimits, "filter", file=params)
    table = Table(settings.folder_of("filter", folder))
    columns = table.numbers(rules.COLUMNS)
    rows, labels = change.reached(table, "filter")
    columns = {name: column[rows] for name, column in columns.items()}
    codes, names = labels["domain"]
    values = rule.values(columns)
    usable = rules.clear_of_others(columns, codes, names, limits, rule) & ~np.isnan(values)
    ids, paths = np.array(table.texts("id", rows), object), table.paths(rows)
    count = -(-goal.judgements // max(1, len(np.unique(codes[usable]))))
    domains = []
    for number, limit in enumerate(rule.limits(limits, names).tolist()):
        here = np.flatnonzero(usable & (codes == number))
        if len(here):
            sign = 1 if rule.at_most else -1
            edge = np.inf if np.isnan(limit) else sign * limit
            pictures = sampling.population(ids[here].tolist(), sign * values[here], edge, count)
            known = {i: path for i, n in zip(ids[here], here.tolist(), strict=True) if (path := paths[n]) is not None}
            domains.append(Domain(names[number], pictures, known, edge))
    if not domains:
        raise ManifestError(f"{table.folder}: no picture has a value for {rule.key}; run the filter first")
    return Tuning(rule, goal, domains, getattr(limits, rule.key))


def _rule(check: str) -> Rule:
    """The rule that a limit's name, or what it measures, means."""
    by_name = {rule.key: rule for rule in rules.RULES}
    by_name |= {key.partition("_")[2]: rule for key, rule in by_name.items()}
    if check not in by_name:
        raise ConfigError(f"--check {check}: no check of the filter{nearest(check, list(by_name))}")
    return by_name[check]


def _short(low: float, high: float) -> float:
    """The shortest number from `low` up to, and without, `high`."""
    middle = low + (high - low) / 2 if np.isfinite(high) else low
    for digits in range(1, 12):
        for number in (round(middle, digits), round(low + 10.0**-digits / 2, digits)):
            if low <= number < high:
                return float(number)
    return float(low)


def _said(tuning: Tuning, domain: Domain, found: Fit) -> Iterator[str]:
    goal, best, key = tuning.goal, found.best, tuning.rule.key
    if not found.judged:
        yield f"{domain.name}: none of {len(domain.pictures)} pictures was judged, so nothing can be said"
        return
    yield f"{domain.name}: {found.judged} judgements of {len(domain.pictures)} pictures"
    for name, at in (("now", found.present), (f"{key} {tuning.limit(domain.name, best.kept):g}", best)):
        if name == "now" or best.kept != found.present.kept:
            lost, least, most = at.lost
            yield (
                f"  {name}: {at.rejected} rejected, {lost:.0f} of them good ({least} to {most}); bad ones left "
                f"among the kept: {at.rate:.2%} estimated, at most {at.most_rate:.2%} ({goal.confidence:.0%} sure)"
            )
    if found.proven:
        yield f"  proven: at most {goal.rate:.2%} left, {goal.confidence:.0%} sure"
    elif found.more is None:
        yield f"  not proven, and more judgements like these would not: no limit leaves less than {goal.rate:.2%}"
    else:
        yield f"  not proven: {goal.rate:.2%} would take about {found.more} more judgements like these"
