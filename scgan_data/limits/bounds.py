"""What a sample proves of a finite population: exact (hypergeometric) bounds on the number of bad pictures.

They are Clopper and Pearson's bounds without the pretence that a picture could be drawn twice: a population judged
whole has no uncertainty, and of a large one 0 bad in 299 judged proves 1 % at 95 % (the "rule of three").
"""

from __future__ import annotations

from math import exp, lgamma


def most_bad(population: int, judged: int, bad: int, alpha: float) -> int:
    """The most bad pictures that a random sample allows: with more, so few in the sample had a chance <= alpha."""
    least, most = bad, population - (judged - bad)
    while least < most:
        middle = (least + most + 1) // 2
        if _chance(bad, population, middle, judged) > alpha:
            least = middle
        else:
            most = middle - 1
    return least


def least_bad(population: int, judged: int, bad: int, alpha: float) -> int:
    """The fewest bad pictures that a random sample still allows."""
    return population - most_bad(population, judged, judged - bad, alpha)


def _chance(bad: int, population: int, all_bad: int, judged: int) -> float:
    """That a sample has at most `bad` of the `all_bad` bad pictures: the hypergeometric distribution, summed."""
    first = max(0, judged - (population - all_bad))
    whole = _log_choices(population, judged)
    return sum(
        exp(_log_choices(all_bad, k) + _log_choices(population - all_bad, judged - k) - whole)
        for k in range(first, min(bad, all_bad, judged) + 1)
    )


def _log_choices(things: int, taken: int) -> float:
    return lgamma(things + 1) - lgamma(taken + 1) - lgamma(things - taken + 1)
