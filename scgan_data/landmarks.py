"""The five landmarks' order, and the scale of a head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEFT_EYE, RIGHT_EYE, NOSE, MOUTH_LEFT, MOUTH_RIGHT = range(5)
MOUTH_TO_EYES = 0.92


def head_scale(landmarks: NDArray[np.float64]) -> float:
    """s = max(e, 0.92 m) of (5, 2) landmarks, in their unit.

    e is the distance of the eyes, m that from between the eyes to between the mouth's corners: yaw shortens e, pitch m,
    and hardly ever both.
    """
    eyes, mouth = landmarks[: RIGHT_EYE + 1].mean(0), landmarks[MOUTH_LEFT:].mean(0)
    e, m = landmarks[RIGHT_EYE] - landmarks[LEFT_EYE], mouth - eyes
    return float(max(np.hypot(*e), MOUTH_TO_EYES * np.hypot(*m)))
