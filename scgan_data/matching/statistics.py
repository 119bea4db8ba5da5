"""How far two domains differ in one number, how sure that is, and the light it gets.

Three figures. Wasserstein's distance, in the quantity's own unit: by how much a picture would have to move, in the
mean; over the mean of the two interquartile ranges it compares quantities. The distance of Kolmogorov and Smirnov: the
largest share of one domain that a threshold cuts off beyond the other's. And the *tell*, on which the light depends:
how well this number alone says which domain a picture is of, the area under the ROC curve, .5 for not at all and 1 for
always. It is taken of the value (one domain's is higher) and of its distance from the middle of both medians (one
domain is spread wider: frontal portraits against selfies turned both ways), the better one counting. Before, noise of
the quantity's tolerance is added to each value (`quantities`).

The interval is a bootstrap's, at 99 % because sixteen numbers are looked at at once. Each resample holds one picture
more than the domain, drawn from both domains: without it five pictures that happen to lie apart would give the interval
[1, 1]; with it they give about [.6, 1].

The lights stand on the interval's lower end: red above .75, amber above .6, "unsure" where the upper end is above .75
all the same or a domain has fewer than eight pictures, green otherwise. What that means, on the sample's selfies:

- Two random halves, 212 each, 20 times, all sixteen quantities: tells of .53 in the median, .60 at 97.5 %, .61 at most,
  320 of 320 green. 20 against 20: .60, .70 and .79; 21 green, 299 unsure. 5 against 5: .68, .92 and 1; all unsure.
- One half changed: faces larger by 3 % are amber (.71), by 5 % red (.83); eyes lower by 1 % of the side amber (.70), by
  2 % red (.83); turned by 10 degrees green (.67), by 20 red (.80), for selfies are turned by nearly as much themselves.
- Of normal samples with a known area (.5 to .92) the intervals hold it in 96 to 100 of 100 trials, 5 against 5 to 100
  against 100; of 5 against 300 in 92 to 100.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

AMBER, RED = 0.6, 0.75
"""A tell whose interval lies above this."""
CONFIDENCE = 0.99
RESAMPLES = 600
BINS = 256
"""Resamples are of a histogram of so many values or bins of equal content: their cost does not grow with pictures."""
LEAST, LEAST_LIT = 2, 8
"""With fewer values in a domain nothing is said; no light is shown."""

Values = NDArray[np.float64]
"""(N,) one number a picture, without NaN."""
Shift = Literal["higher", "lower", "wider", "narrower", "same"]


class Light(StrEnum):
    """What a difference deserves."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Tell:
    """An area under the ROC curve, at least .5, and its interval."""

    auc: float
    low: float
    high: float

    @property
    def light(self) -> Light:
        """By the limits of the module's docstring."""
        if self.low > AMBER:
            return Light.RED if self.low > RED else Light.AMBER
        return Light.UNSURE if self.high > RED else Light.GREEN


@dataclass(frozen=True)
class Range:
    """A domain's values: 5 %, median, 95 %."""

    count: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Difference:
    """Selfies against a style, in one quantity."""

    selfies: Range
    style: Range
    distance: float
    """Wasserstein's, in the quantity's unit."""
    over_iqr: float
    """The same over the mean interquartile range."""
    ks: float
    tell: Tell
    shift: Shift
    """What the style's values are, seen from the selfies'."""

    @property
    def light(self) -> Light:
        """The tell's, where there are enough pictures for one."""
        enough = min(self.selfies.count, self.style.count) >= LEAST_LIT
        return self.tell.light if enough else Light.UNSURE


def difference(selfies: Values, style: Values, *, tolerance: float, name: str) -> Difference | None:
    """The difference of two samples, or None where one of them has fewer than two values.

    `name` seeds the noise: the same values give the same figures.
    """
    if min(len(selfies), len(style)) < LEAST:
        return None
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    one, two = (values + rng.normal(0, tolerance, len(values)) for values in (selfies, style))
    tell, shift = _tell(one, two, rng)
    distance = wasserstein(selfies, style)
    return Difference(
        selfies=_range(selfies),
        style=_range(style),
        distance=distance,
        over_iqr=distance / _scale(selfies, style, tolerance),
        ks=kolmogorov_smirnov(selfies, style),
        tell=tell,
        shift=shift,
    )


def _tell(selfies: Values, style: Values, rng: np.random.Generator) -> tuple[Tell, Shift]:
    middle = (np.median(selfies) + np.median(style)) / 2
    level, spread = auc(selfies, style), auc(np.abs(selfies - middle), np.abs(style - middle))
    if abs(spread - 0.5) > abs(level - 0.5):
        shift: Shift = "wider" if spread > 0.5 else "narrower"
        selfies, style = np.abs(selfies - middle), np.abs(style - middle)
    else:
        shift = "higher" if level > 0.5 else "lower" if level < 0.5 else "same"
    found = tell_of(selfies, style, rng)
    return (found if found.auc >= 0.5 else Tell(1 - found.auc, 1 - found.high, 1 - found.low)), shift


def tell_of(lower: Values, higher: Values, rng: np.random.Generator) -> Tell:
    """The area of P(higher > lower), and its interval."""
    first, second = _histograms(lower, higher)
    both = first / first.sum() + second / second.sum()
    areas = _areas(_resampled(first, both, rng), _resampled(second, both, rng))
    edges = np.quantile(areas, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Tell(auc(lower, higher), float(edges[0]), float(edges[1]))


def _resampled(counts: Values, both: Values, rng: np.random.Generator) -> Values:
    """(RESAMPLES, bins): a resample of the own pictures and one picture of either domain."""
    total = int(counts.sum())
    own = rng.multinomial(total, counts / total, RESAMPLES)
    return (own + rng.multinomial(1, both / both.sum(), RESAMPLES)).astype(np.float64)


def _histograms(first: Values, second: Values) -> tuple[Values, Values]:
    """Counts of both by value, or by bin where there are many values."""
    pooled = np.concatenate([first, second])
    values = np.unique(pooled)
    if len(values) > BINS:
        values = np.unique(np.quantile(pooled, np.linspace(0, 1, BINS + 1)[:-1]))
    one, two = (np.bincount(np.searchsorted(values, v, "right") - 1, minlength=len(values)) for v in (first, second))
    return one.astype(np.float64), two.astype(np.float64)


def _areas(lower: Values, higher: Values) -> Values:
    """(R,) areas of (R, bins) counts, a tie counting half."""
    below = np.cumsum(lower, axis=-1) - lower / 2
    areas: Values = (higher * below).sum(axis=-1) / lower.sum(axis=-1) / higher.sum(axis=-1)
    return areas


def auc(lower: Values, higher: Values) -> float:
    """P(higher > lower) + P(equal) / 2 of two samples."""
    ordered = np.sort(lower)
    below, up_to = (np.searchsorted(ordered, higher, side).sum() for side in ("left", "right"))
    return float(below + up_to) / 2 / len(lower) / len(higher)


def kolmogorov_smirnov(one: Values, two: Values) -> float:
    """The largest difference of the two distribution functions, 0 to 1."""
    values = np.concatenate([one, two])
    first, second = (np.searchsorted(np.sort(v), values, "right") / len(v) for v in (one, two))
    return float(np.abs(first - second).max())


def wasserstein(one: Values, two: Values) -> float:
    """Wasserstein's first distance: the area between the two distribution functions."""
    values = np.sort(np.concatenate([one, two]))
    first, second = (np.searchsorted(np.sort(v), values[:-1], "right") / len(v) for v in (one, two))
    return float(np.abs(first - second) @ np.diff(values))


def _scale(one: Values, two: Values, tolerance: float) -> float:
    """The mean interquartile range, at least the tolerance: values that are all alike have none."""
    ranges = [float(np.subtract(*np.quantile(values, [0.75, 0.25]))) for values in (one, two)]
    return max(sum(ranges) / 2, tolerance)


def _range(values: Values) -> Range:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    return Range(len(values), low, median, high)
