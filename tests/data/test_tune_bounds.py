"""What judgements prove of a limit: bounds as in the textbook, true in trials, how many more would do; the samples."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scgan_data.limits import sampling
from scgan_data.limits.bounds import least_bad, most_bad
from scgan_data.limits.fit import fit


def test_bounds_are_those_of_the_textbook():
    assert most_bad(1_000_000, 299, 0, 0.05) / 1e6 == pytest.approx(0.01, rel=0.02)  # the rule of three
    assert most_bad(100, 100, 3, 0.05) == least_bad(100, 100, 3, 0.05) == 3  # judged whole
    assert (most_bad(50, 0, 0, 0.05), least_bad(50, 0, 0, 0.05)) == (50, 0)
    assert most_bad(1_000_000, 100, 5, 0.025) / 1e6 == pytest.approx(0.1128, rel=0.01)  # Clopper-Pearson, 5 of 100
    assert least_bad(1_000_000, 100, 5, 0.025) / 1e6 == pytest.approx(0.0164, rel=0.02)


def world(seed: int, size: int = 4000, missed: float = 0.004) -> tuple[list[str], NDArray, NDArray]:
    """Ids, scores and the truth: 5 % bad ones that score high, and `missed` of the others bad whatever they score."""
    rng = np.random.default_rng(seed)
    marked = rng.random(size) < 0.05
    scores = np.where(marked, rng.beta(6, 2, size), rng.beta(1, 9, size))
    return [rng.bytes(32).hex() for _ in range(size)], scores, (marked | (rng.random(size) < missed)).astype(float)


def judged(seed: int, count: int, **kind: float):
    ids, scores, truth = world(seed, **kind)
    pictures = sampling.population(ids, scores, 0.6, count)
    bad = dict(zip(ids, truth, strict=True))
    truth = np.array([bad[i] for i in pictures.ids])
    answers = np.where(sampling.wanted(pictures, count), truth, np.nan)
    return pictures, truth, answers


@pytest.mark.parametrize(("count", "missed"), [(100, 0.004), (100, 0.03), (400, 0.004), (400, 0.0)])
def test_the_promised_bounds_cover_the_truth_in_18_of_20_trials(count: int, missed: float):
    covered = costs = 0
    for seed in range(20):
        pictures, truth, answers = judged(seed, count, missed=missed)
        best = fit(pictures, answers, 0.6, goal=0.01, confidence=0.95).best
        covered += truth[: best.kept].sum() <= best.most_left
        _, least, most = best.lost
        costs += least <= (1 - truth[best.kept :]).sum() <= most
    assert covered >= 18 and costs >= 18


def test_a_proven_goal_is_met_and_can_be_proven():
    proven = wrong = 0
    for seed in range(20):
        pictures, truth, answers = judged(seed, 700, missed=0.0)
        found = fit(pictures, answers, 0.6, goal=0.02, confidence=0.95)
        proven += found.proven
        wrong += found.proven and truth[: found.best.kept].mean() > 0.02
    assert proven >= 15 and wrong <= 1


def test_what_cannot_be_proven_says_how_many_more_would_do():
    pictures, truth, answers = judged(3, 100, missed=0.0)
    found = fit(pictures, answers, 0.6, goal=0.01, confidence=0.95)
    assert not found.proven and found.more is not None
    assert found.best.rate <= 0.01 < found.best.most_rate
    grown = np.where(sampling.wanted(pictures, 100 + 2 * found.more), truth, np.nan)
    assert fit(pictures, grown, 0.6, goal=0.01, confidence=0.95).proven


def test_no_more_judgements_are_asked_for_than_there_are_pictures():
    pictures, _, answers = judged(2, 50, size=388, missed=0.0)
    found = fit(pictures, answers, 0.6, goal=0.0001, confidence=0.95)
    assert found.more is not None and found.judged + found.more <= len(pictures)


def test_where_bad_ones_score_as_good_ones_no_number_of_judgements_would_do():
    pictures, _, answers = judged(1, 200, missed=0.3)
    found = fit(pictures, answers, 0.6, goal=0.01, confidence=0.95)
    assert not found.proven and found.more is None and found.best.rate > 0.1


def test_a_population_judged_whole_is_known():
    pictures, truth, answers = judged(5, 60, size=60)
    found = fit(pictures, answers, 0.6, goal=0.2, confidence=0.95)
    assert found.proven and found.judged == 60
    assert found.best.most_left == found.best.left == truth[: found.best.kept].sum()


def test_samples_are_random_nested_and_asked_for_once():
    ids, scores, _ = world(0)
    pictures = sampling.population(ids, scores, 0.6, 100)
    few, many = (sampling.wanted(pictures, n) for n in (100, 180))
    assert few.sum() == 100 and many.sum() == 180 and (many | ~few).all()
    assert (np.bincount(pictures.stratum[few]) == [60, 30, 10]).all()
    holes = few.copy()
    first = np.flatnonzero(few & (pictures.stratum == sampling.FAR) & (pictures.order == 7))
    holes[first] = False
    assert (sampling.sampled(pictures, holes) & (pictures.stratum == sampling.FAR)).sum() == 7
    shuffled = np.random.default_rng(1).permutation(len(ids))
    again = sampling.population([ids[i] for i in shuffled], scores[shuffled], 0.6, 100)
    assert again.ids == pictures.ids and (sampling.wanted(again, 100) == few).all()
