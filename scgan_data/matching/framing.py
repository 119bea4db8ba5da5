"""Where a face stands in its crop and how it is turned, from the manifest's five points: no picture is opened.

Scale and pose are those of `landmarks` and `pose`, by which crops are cut. On drawings, whose noses stand where the
artist likes, yaw and pitch say where the nose is rather than how a head is held: they are compared all the same, since
that is what a discriminator sees.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from scgan_data.landmarks import LEFT_EYE, RIGHT_EYE, head_scale
from scgan_data.matching.quantities import FRAMING
from scgan_data.pose import yaw_pitch_deg


def framing(rows: pd.DataFrame) -> pd.DataFrame:
    """`FRAMING` of manifest rows (`landmarks`, `width`, `height`, `padding`), NaN where there is no face.

    The manifest's own `yaw_deg` and `pitch_deg`, measured in the picture that was cut, stand where it has them.
    """
    sides = rows[["width", "height"]].max(axis=1)
    seen = [_of_face(cell, side) for cell, side in zip(rows["landmarks"], sides, strict=True)]
    found = pd.DataFrame(seen, index=rows.index, columns=list(FRAMING), dtype=float)
    found["padding"] = rows["padding"].astype(float)
    for name in ("yaw_deg", "pitch_deg"):
        if name in rows:
            found[name] = rows[name].astype(float).fillna(found[name])
    return found


def _of_face(cell: Any, side_px: float) -> dict[str, float]:
    """What five points say (ten numbers, or null); yaw towards the picture's right, pitch upwards, roll clockwise."""
    if cell is None or isinstance(cell, float):
        return {}
    marks = np.asarray(cell, np.float64).reshape(5, 2)
    eyes, across = marks[: RIGHT_EYE + 1].mean(0), marks[RIGHT_EYE] - marks[LEFT_EYE]
    yaw, pitch = yaw_pitch_deg(marks)
    return {
        "face_scale": head_scale(marks) / side_px,
        "eyes_x": float(eyes[0]) / side_px,
        "eyes_y": float(eyes[1]) / side_px,
        "yaw_deg": yaw,
        "pitch_deg": pitch,
        "roll_deg": math.degrees(math.atan2(across[1], across[0])),
    }
