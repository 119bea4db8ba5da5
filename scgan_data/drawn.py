"""drawn: is a picture a photograph (0) or a drawing (1)?

Five figures of a reduced copy (`layout.planes`) in a logistic regression: how the steps from pixel to pixel spread over
four classes (none, faint, middling, strong: a drawing has plain areas and outlines, a photograph all that lies
between), and the entropy of its colours. `pipelines/fit_drawn.py` fits it on rendered portraits and public-domain
photographs only; nothing of the research-only sample is in it.

What it tells: drawings of plain colours. What it does not: shaded and painted ones; small anime faces saved as JPEG
look like photographs to it. So the limit for selfies is a high one, and that for drawings is off by default (`filter`).
Figures: benchmarks/results/filter_quality.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scgan_data.layout import Planes

STEPS = (2, 8, 32)
"""The largest step, in levels of 255, that is none, faint, middling."""
MEAN = (-1.2567, -1.9244, -2.0313, -2.5896, 2.9460)
SPREAD = (1.1616, 1.4916, 1.1740, 1.2029, 1.1692)
WEIGHTS = (1.9477, 0.1526, -1.9979, 2.3360, 0.0739)
BIAS = -0.3195


def score(picture: Planes) -> float:
    """How surely a picture is drawn, 0 to 1; planes (3, H, W)."""
    if min(picture.shape[1:]) < 2:
        return 0.0
    standard = (features(picture) - MEAN) / SPREAD
    return float(1 / (1 + np.exp(-(standard @ WEIGHTS + BIAS))))


def features(picture: Planes) -> NDArray[np.float64]:
    """Logarithms of the shares of no, faint, middling and strong steps, and the entropy of 4,096 colours; (5,)."""
    across = np.abs(picture[:, :-1, 1:] - picture[:, :-1, :-1]).max(axis=0)
    down = np.abs(picture[:, 1:, :-1] - picture[:, :-1, :-1]).max(axis=0)
    steps = np.bincount(np.maximum(across, down).ravel(), minlength=256) / across.size
    shares = [part.sum() for part in np.split(steps, [limit + 1 for limit in STEPS])]
    red, green, blue = picture >> 4
    colours = np.bincount((red << 8 | green << 4 | blue).ravel())
    used = colours[colours > 0] / red.size
    return np.array([*np.log(np.array(shares) + 0.001), -(used * np.log(used)).sum()])
