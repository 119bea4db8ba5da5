"""overlay: was a translucent mark of one ink laid over a picture? It tells a marked copy from another drawing.

Under a mark of ink c every pixel p moves towards the ink, to p + o (c - p), further the more the stroke covers it. So
the line from each pixel through what became of it passes near one point, the ink: least squares over all changed pixels
find it, weighted by how near they pass (Cauchy). What the best o of each pixel, at most `MOST`, leaves over is
unexplained. Another mouth or haircut moves pixels both ways and replaces them wholly, so much is left. Not enough where
only one plain area changed its colour or the change is small: these are no marks (`LEAST_SPREAD`, `LEAST_EXTENT`).

Measured on 60 avataaars of the demo's kind, each with the sample's three marks in turn, and each against itself with
one thing exchanged: share taken for copies by `dedup`'s limits for avataaars without this rule and with it

    marked               .37  .70      another mouth     .13  .13      other clothes      .37  .39
    another headdress    .02  .02      other eyes        .24  .24      clothes' colour    .18  .18
    another skin         .04  .07      hair's colour     .15  .15      glasses, beard     .15  .16

The limits were chosen on these: LEAST_SPREAD .1 finds .73, and takes .23 of the other hair colours and .11 of the other
skins; without LEAST_EXTENT .21 of the mouths pass; with MOST .9 half of the mouths and beards do: they are opaque.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]
MOST = 0.6
"""Opacity of a mark, at most."""
CHANGED = 0.05
"""A pixel has changed where a channel has, by so much of full scale."""
FEWEST = 20
"""Changed pixels, of 64 x 64."""
LEAST_SPREAD = 0.15
"""Standard deviation of the colours under the mark, of full scale: it lies over several."""
LEAST_EXTENT = 0.1
"""Standard deviation of where the mark is, of the side."""
NEAR = 0.15
"""How near to the ink a pixel's line passes that fits, in colours of 0 to 1."""
ROUNDS = 4


def unexplained(under: Real, over: Real, where: NDArray[np.bool_]) -> Real | None:
    """(N, N, 3) what a mark on `under` leaves unexplained of `over`, both 0 to 1, at the pixels `where`.

    None where the change is no mark: of few pixels, in one spot, or over one colour.
    """
    change = over - under
    changed = where & (np.abs(change).max(2) > CHANGED)
    if changed.sum() < FEWEST:
        return None
    pixels, steps = under[changed], change[changed]
    weights = (steps**2).sum(1)
    places = np.argwhere(changed) / len(under)
    if _spread(pixels, weights) < LEAST_SPREAD or _spread(places, weights) < LEAST_EXTENT:
        return None
    left = change.copy()
    left[changed] = min((_left(pixels, steps, ink) for ink in _inks(pixels, steps)), key=lambda r: float((r**2).sum()))
    return left


def _spread(points: Real, weights: Real) -> float:
    """Standard deviation of weighted points (P, D), over all D."""
    away = points - weights @ points / weights.sum()
    return float(np.sqrt(weights @ (away**2).sum(1) / weights.sum()))


def _inks(pixels: Real, steps: Real) -> tuple[Real, Real, Real]:
    """The point that the lines from pixels (P, 3) along steps (P, 3) pass nearest to, white, and black."""
    across = np.eye(3) - steps[:, :, None] * steps[:, None, :] / (steps**2).sum(1)[:, None, None]
    weights, ink = np.ones(len(pixels)), np.full(3, 0.5)
    slight = 2e-5 * len(pixels)  # parallel lines meet nowhere: then mid grey
    for _ in range(ROUNDS):
        normal = np.tensordot(weights, across, 1) + slight * np.eye(3)
        right = np.einsum("p,pij,pj->i", weights, across, pixels) + slight * 0.5
        ink = np.clip(np.linalg.solve(normal, right), 0, 1)
        away = np.linalg.norm(np.einsum("pij,pj->pi", across, ink - pixels), axis=1)
        weights = 1 / (1 + (away / NEAR) ** 2)
    return ink, np.ones(3), np.zeros(3)


def _left(pixels: Real, steps: Real, ink: Real) -> Real:
    """(P, 3) what an ink leaves of the steps, each pixel covered as fits it best."""
    towards = ink - pixels
    opacity = np.clip((steps * towards).sum(1) / np.maximum((towards**2).sum(1), 1e-6), 0, MOST)
    left: Real = steps - opacity[:, None] * towards
    return left
