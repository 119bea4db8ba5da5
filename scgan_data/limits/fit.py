"""From judgements to a limit: what every candidate leaves among the kept, how sure that is, and what it costs.

The candidates are fixed before the answers are looked at: steps through the stratum near the present limit, and a few
tighter ones. The upper bounds of all hold at once with the stated confidence, so the loosest that meets the goal may be
chosen. The chance of error is divided beforehand: most goes to the far stratum, which every looser candidate
shares, because nearly all pictures lie there and its audit decides how many judgements a goal needs (335 without one
bad picture for 1 % at 95 %, where the textbook's 299 know their one limit beforehand); the rest to the steps.

The confidence is that of one look. Judging more because the first result was not what one hoped for is another look,
with its own chance of error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scgan_data.limits import sampling
from scgan_data.limits.bounds import least_bad, most_bad
from scgan_data.limits.sampling import BEYOND, FAR, NEAR, Population

STEPS, TIGHTER = 8, (0.5, 0.7, 0.85, 0.95)
"""Steps through the near stratum; fractions of the far one that tighter candidates keep."""
FAR_SHARE, NEAR_SHARE, TIGHTER_SHARE = 0.7, 0.2, 0.1
"""Of the chance of error: the far stratum whole, all steps together, all tighter candidates together."""
Span = tuple[int, int, int]
"""Pictures, judged ones among them, bad ones among those."""


@dataclass(frozen=True)
class Candidate:
    """A limit that keeps the `kept` least suspicious pictures of a population."""

    kept: int
    rejected: int
    left: float
    """Estimated bad pictures among the kept (Horvitz-Thompson: each judged one stands for its stratum's share)."""
    most_left: int
    """At most so many, all candidates' bounds holding at once."""
    lost: tuple[float, int, int]
    """Good pictures among the rejected: estimate, least and most."""

    @property
    def rate(self) -> float:
        """Estimated fraction of bad pictures among the kept."""
        return self.left / self.kept if self.kept else 0.0

    @property
    def most_rate(self) -> float:
        """Upper bound of that fraction."""
        return self.most_left / self.kept if self.kept else 0.0


@dataclass(frozen=True)
class Fit:
    """What the judgements say."""

    best: Candidate
    """The loosest candidate proven to meet the goal, else the loosest whose estimate meets it, else the least bad."""
    present: Candidate
    """The limit as it is."""
    proven: bool
    judged: int
    """Judgements that count."""
    more: int | None
    """Further judgements that would prove `best` if they turn out like these; None where none would."""


class Sample:
    """A population with its usable judgements, ready to be counted between any two ranks of the score."""

    def __init__(self, pictures: Population, bad: NDArray[np.float64]) -> None:
        """`bad` (N,): 1 bad, 0 good, NaN not judged."""
        self.pictures = pictures
        self.used = sampling.sampled(pictures, ~np.isnan(bad))
        kinds = (np.ones(len(bad), bool), self.used, self.used & (bad == 1))
        self._totals = [
            [np.concatenate([[0], np.cumsum((pictures.stratum == stratum) & kind)]) for kind in kinds]
            for stratum in (FAR, NEAR, BEYOND)
        ]

    def span(self, stratum: int, start: int, stop: int) -> Span:
        """Counts of a stratum's pictures between two ranks."""
        size, judged, bad = (int(total[stop] - total[start]) for total in self._totals[stratum])
        return size, judged, bad


def fit(pictures: Population, bad: NDArray[np.float64], limit: float, *, goal: float, confidence: float) -> Fit:
    """The limit for a goal (largest fraction of bad pictures among the kept). `bad` (N,): 1, 0, NaN not judged."""
    sample = Sample(pictures, bad)
    alpha = 1 - confidence
    kept_now = int(np.searchsorted(pictures.suspicion, limit, "right"))
    counts = sorted({*_candidates(pictures), kept_now})
    candidates = {kept: _candidate(sample, kept, alpha) for kept in counts}
    proven = [c for c in candidates.values() if c.most_rate <= goal]
    hoped = [c for c in candidates.values() if c.rate <= goal and c.kept]
    best = proven[-1] if proven else hoped[-1] if hoped else min(candidates.values(), key=lambda c: c.rate)
    more = 0 if proven else _more(sample, best, goal, alpha)
    return Fit(best, candidates[kept_now], bool(proven and best.kept), int(sample.used.sum()), more)


def _candidates(pictures: Population) -> list[int]:
    """Numbers of kept pictures; a candidate never parts equal scores."""
    far, near = (int((pictures.stratum == s).sum()) for s in (FAR, NEAR))
    counts = [round(f * far) for f in TIGHTER] + [far + round(k / STEPS * near) for k in range(STEPS + 1)]
    scores = pictures.suspicion
    return sorted({int(np.searchsorted(scores, scores[n - 1], "right")) for n in counts if n > 0})


def _candidate(sample: Sample, kept: int, alpha: float) -> Candidate:
    total = len(sample.pictures)
    below = [sample.span(s, 0, kept) for s in (FAR, NEAR, BEYOND)]
    above = [sample.span(s, kept, total) for s in (FAR, NEAR, BEYOND)]
    whole_far = above[FAR][0] == 0
    return Candidate(kept, total - kept, _estimate(below), _most_left(below, whole_far, alpha), _lost(above, alpha))


def _estimate(spans: list[Span]) -> float:
    """Horvitz-Thompson; a part that nobody judged is taken to be as its judged neighbours, or good."""
    return sum(size * bad / judged for size, judged, bad in spans if judged)


def _most_left(below: list[Span], whole_far: bool, alpha: float) -> int:
    far = FAR_SHARE * alpha if whole_far else TIGHTER_SHARE * alpha / len(TIGHTER)
    step = NEAR_SHARE * alpha / (STEPS + 2)  # the present limit is a candidate too; `beyond` is kept where it is high
    return sum(most_bad(*span, share) for span, share in zip(below, (far, step, step), strict=True))


def _lost(above: list[Span], alpha: float) -> tuple[float, int, int]:
    """Good pictures among the rejected: estimate and two-sided interval."""
    parts = [span for span in above if span[0]]
    share = alpha / (2 * max(1, len(parts)))
    rejected = sum(size for size, _, _ in parts)
    most = rejected - sum(least_bad(*span, share) for span in parts)
    least = rejected - sum(most_bad(*span, share) for span in parts)
    return sum(size * (judged - bad) / judged for size, judged, bad in parts if judged), least, most


def _more(sample: Sample, best: Candidate, goal: float, alpha: float) -> int | None:
    """Further judgements by the same plan that would bring the bound under the goal at the rates seen so far."""
    spans = [sample.span(s, 0, best.kept) for s in (FAR, NEAR, BEYOND)]
    whole_far = sample.span(FAR, best.kept, len(sample.pictures))[0] == 0
    judged = int(sample.used.sum())
    if best.rate >= goal or not judged:
        return None
    factor = 1.0
    while factor * judged < 2 * len(sample.pictures):
        factor *= 1.1
        grown = [_grown(span, factor) for span in spans]
        if _most_left(grown, whole_far, alpha) <= goal * best.kept:
            more = int(np.ceil((factor - 1) * judged / 10)) * 10
            return min(more, len(sample.pictures) - judged)  # a small stratum is judged whole before
    return None


def _grown(span: Span, factor: float) -> Span:
    size, judged, bad = span
    more = min(size, round(judged * factor))
    return size, more, min(more, int(np.ceil(bad * more / judged))) if judged else 0
