"""Where a face stands in its crop and how it is turned, from the manifest's five points: no picture is opened.

Yaw and pitch come from the place of the nose tip between eyes and mouth, the heads' tilt being taken out first. It
stands out of the plane of eyes and mouth by `DEPTH` of the eyes' distance, so a head turned by yaw moves it sideways by
DEPTH tan(yaw) of the distance that is seen; pitch likewise, from its place on a frontal face. On drawings, whose noses
stand where the artist likes, pitch says where the nose is rather than how a head is held: it is compared all the same,
since that is what a discriminator sees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scgan_data.landmarks import MOUTH_TO_EYES
from scgan_data.matching.quantities import FRAMING

DEPTH = 0.5
"""How far a nose tip stands out, over the distance of the eyes."""
NOSE_AT = 0.57
"""Where a frontal face's nose tip is between eyes (0) and mouth (1)."""

Points = NDArray[np.float64]
"""(N, 5, 2) x, y in pixels of the crop; NaN where there is no face."""


def framing(rows: pd.DataFrame) -> pd.DataFrame:
    """`FRAMING` of manifest rows (`landmarks`, `width`, `height`, `padding`), NaN where there is no face.

    The manifest's own `yaw_deg` and `pitch_deg` stand where it has them.
    """
    marks = points_of(rows["landmarks"])
    side = rows[["width", "height"]].max(axis=1).to_numpy(float, na_value=np.nan)
    eyes = marks[:, :2].mean(axis=1)
    found = pd.DataFrame(
        {
            "face_scale": scales(marks) / side,
            "eyes_x": eyes[:, 0] / side,
            "eyes_y": eyes[:, 1] / side,
            **angles(marks),
            "padding": rows["padding"].to_numpy(float, na_value=np.nan),
        },
        index=rows.index,
    )
    for name in ("yaw_deg", "pitch_deg"):
        if name in rows:
            found[name] = rows[name].astype(float).fillna(found[name])
    return found[list(FRAMING)]


def points_of(column: pd.Series[Any]) -> Points:
    """A manifest's `landmarks` as an array."""
    empty = np.full(10, np.nan)
    lists = [empty if cell is None or isinstance(cell, float) else np.asarray(cell, float) for cell in column]
    return np.array(lists, float).reshape(-1, 5, 2)


def scales(marks: Points) -> NDArray[np.float64]:
    """(N,) `landmarks.head_scale` of each face, pixels."""
    eyes = np.linalg.norm(marks[:, 1] - marks[:, 0], axis=1)
    down = np.linalg.norm(marks[:, 3:].mean(axis=1) - marks[:, :2].mean(axis=1), axis=1)
    longer: NDArray[np.float64] = np.maximum(eyes, MOUTH_TO_EYES * down)
    return longer


def angles(marks: Points) -> dict[str, NDArray[np.float64]]:
    """Degrees: yaw towards the picture's right, pitch upwards, roll clockwise."""
    eyes, mouth = marks[:, :2].mean(axis=1), marks[:, 3:].mean(axis=1)
    across = marks[:, 1] - marks[:, 0]
    wide = np.linalg.norm(across, axis=1)
    wide[wide == 0] = np.nan
    x_axis = across / wide[:, None]
    y_axis = np.stack([-x_axis[:, 1], x_axis[:, 0]], axis=1)
    nose, down = marks[:, 2] - eyes, mouth - eyes
    nose_x, nose_y = (nose * x_axis).sum(axis=1), (nose * y_axis).sum(axis=1)
    mouth_x, mouth_y = (down * x_axis).sum(axis=1), (down * y_axis).sum(axis=1)
    mouth_y[mouth_y <= 0] = np.nan  # points out of order: no face that can be turned
    beside = nose_x - mouth_x * nose_y / mouth_y
    above = (NOSE_AT - nose_y / mouth_y) * mouth_y
    return {
        "yaw_deg": np.degrees(np.arctan2(beside, DEPTH * wide)),
        "pitch_deg": np.degrees(np.arctan2(above, DEPTH * mouth_y)),
        "roll_deg": np.degrees(np.arctan2(across[:, 1], across[:, 0])),
    }
