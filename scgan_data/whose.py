"""whose: to which of a picture's faces a region box belongs, where several were cut (`crop.several: each`).

A person, or another program, marks eyes in the whole picture; each crop of it is a row of its own, and neighbours'
squares overlap. The box is that face's on whose own box most of it lies, the nearer face's where two hold as much of
it; one that lies on no face is nobody's. Faces that were rejected take part, so that theirs goes to nobody else.
Giving it to every square that it lies in was the other choice: a neighbour's mouth then moves one's own.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd

from scgan_data import framing

Faces = Mapping[str, Mapping[Hashable, Sequence[float]]]
"""By picture: the box of each face, in the picture's pixels, by the index of its row."""


def faces_of(rows: pd.DataFrame) -> Faces:
    """The faces of each picture that rows were cut from, rejected ones too; those have the picture's own id."""
    known = rows[rows["crop_quad"].notna() & rows["face_xyxy"].notna()]
    found: dict[str, dict[Hashable, Sequence[float]]] = {}
    names = ("id", "parent_id", "face_xyxy", "crop_quad", "width", "height")
    for index, one, parent, box, quad, width, height in zip(known.index, *(known[n] for n in names), strict=True):
        if pd.isna(parent):
            found.setdefault(one, {})[index] = box
        else:
            found.setdefault(parent, {})[index] = framing.box_to_parent(box, quad, (int(width), int(height)))
    return found


def owner(xyxy: Sequence[float], faces: Mapping[Hashable, Sequence[float]]) -> Hashable | None:
    """The key of the face that a box belongs to, all in the picture's pixels; None for nobody's."""
    nearest = max(faces, key=lambda key: (_shared(xyxy, faces[key]), -_apart(xyxy, faces[key])), default=None)
    return nearest if nearest is not None and _shared(xyxy, faces[nearest]) > 0 else None


def _shared(one: Sequence[float], two: Sequence[float]) -> float:
    """The area that two boxes share."""
    wide, high = (min(one[i + 2], two[i + 2]) - max(one[i], two[i]) for i in (0, 1))
    return float(max(0.0, wide) * max(0.0, high))


def _apart(one: Sequence[float], face: Sequence[float]) -> float:
    """The distance of two boxes' middles, over the face's longer side."""
    a, b = np.asarray(one, float).reshape(2, 2), np.asarray(face, float).reshape(2, 2)
    return float(np.hypot(*(a.mean(0) - b.mean(0))) / max(*(b[1] - b[0]), 1e-9))
