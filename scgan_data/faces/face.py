"""One detected face: where it is, how sure, its five points, and the region boxes that a detector may know itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scgan_data.records import Region

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels, half-open."""


@dataclass(frozen=True)
class Face:
    """One detected face, in pixels of the picture that was given."""

    xyxy: Box
    score: float
    landmarks: NDArray[np.float64]
    """(5, 2) x, y: the eye on the left of the picture, the eye on the right, nose tip, mouth left, mouth right."""
    regions: Mapping[Region, Box] = field(default_factory=dict)
    """Region boxes of detectors that see regions themselves (`drawn`); a region that such a detector does not see is
    missing. Empty for detectors that give points only."""

    @property
    def eye_distance_px(self) -> float:
        """Distance of the eyes' centres."""
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))

    @property
    def roll_deg(self) -> float:
        """Tilt of the line through the eyes, degrees, positive clockwise on the screen."""
        dx, dy = self.landmarks[1] - self.landmarks[0]
        return math.degrees(math.atan2(dy, dx))
