"""A translucent mark of one ink is explained, whatever it lies on; other changes are not."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from scgan_data import overlay, similarity
from scgan_data.sample import watermarks
from scgan_data.sample.portraits import portraits

SIDE = 64
EVERYWHERE = np.ones((SIDE, SIDE), bool)


def picture(seed: int) -> NDArray[np.float64]:
    """Eight plain areas."""
    rng = np.random.default_rng(seed)
    return np.repeat(np.repeat(rng.random((4, 2, 3)), SIDE // 4, 0), SIDE // 2, 1)


def strokes(seed: int) -> NDArray[np.float64]:
    """How much of each pixel strokes cover that cross all of the picture."""
    rng = np.random.default_rng([seed, 1])
    covered = np.zeros((SIDE, SIDE, 1))
    for row in rng.permutation(SIDE - 2)[:6]:
        covered[row : row + 2] = rng.uniform(0.5, 1, (2, SIDE, 1))
    return covered


@given(st.integers(0, 2**16), st.floats(0.2, overlay.MOST), st.sampled_from([(0, 0, 0), (1, 1, 1), (0.9, 0.1, 0.3)]))
def test_one_ink_explains_its_mark(seed: int, opacity: float, ink: tuple[float, float, float]) -> None:
    under = picture(seed)
    over = under + opacity * strokes(seed) * (np.array(ink) - under)
    left = overlay.unexplained(under, over, EVERYWHERE)
    if left is not None:
        assert (left**2).sum() <= 0.1 * ((over - under) ** 2).sum() + 1e-9
        assert (np.abs(left) <= np.abs(over - under).max() + 1e-9).all()


@given(st.integers(0, 2**16))
def test_two_inks_are_no_mark(seed: int) -> None:
    under, covered = picture(seed), strokes(seed)
    towards = np.where(np.arange(SIDE)[None, :, None] % 8 < 4, 1.0, 0.0)
    left = overlay.unexplained(under, under + 0.6 * covered * (towards - under), EVERYWHERE)
    assert left is None or (left**2).sum() > 0.05 * ((0.6 * covered * (towards - under)) ** 2).sum()


def test_one_place_one_colour_or_little_is_no_mark() -> None:
    under = picture(3)
    spot, plain = under.copy(), np.full((SIDE, SIDE, 3), 0.5)
    spot[30:36, 30:36] *= 0.5
    assert overlay.unexplained(under, spot, EVERYWHERE) is None
    assert overlay.unexplained(under, under, EVERYWHERE) is None
    assert overlay.unexplained(plain, plain + 0.3 * strokes(3), EVERYWHERE) is None


def test_marked_portraits_are_copies_and_other_portraits_are_not() -> None:
    drawn = list(portraits(12, 5))
    mark = watermarks.MARKS["text"]
    plain = [similarity.thumbnail(portrait) for portrait in drawn]
    marked = [similarity.thumbnail(mark(p.copy(), np.random.default_rng(k))) for k, p in enumerate(drawn)]
    spots = [similarity.difference(a, b).in_a_spot for a, b in zip(plain, marked, strict=True)]
    assert sum(spot <= similarity.MARK_SPOT for spot in spots) >= 9
    assert min(similarity.difference(a, b).in_a_spot for a, b in zip(plain, marked[1:], strict=False)) > 0.75
