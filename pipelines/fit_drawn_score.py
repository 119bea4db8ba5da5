"""Fit `scgan_data.faces.drawn_parts.ODDS`, how sure both networks together are of a face, and print them: ten minutes.

    python -m pipelines.fit_drawn_score

Faces are heads by the training's code and portraits of its styles before its scenes; what is none is what the first
network sees in scenes alone. Seeds are neither the training's nor the benchmark's. Logistic regression (`fit_drawn`) on
the log odds of the first network and those of the second; run again after every training.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.drawn_heads import draw_head
from pipelines.drawn_scenes import draw_faceless
from pipelines.drawn_styles import STYLES, draw_style
from pipelines.fit_drawn import fit
from scgan_data import workers
from scgan_data.faces import drawn, drawn_parts

SEED, SIDE_PX = 20261126, 256
STYLED = 0.4
"""The share of portraits of a style among the faces."""
LEAST = 0.05
"""What the first network says of a face counts from here."""
SAME_IOU = 0.4
Said = list[tuple[float, float]]
"""Log odds by each network, of what may be a face."""


def main(faces: int = 500, empty: int = 1200) -> None:
    """Draw, look, fit, print."""
    with workers.pool(2) as pool:
        ones = [said for found in pool.map(of_a_face, range(faces), chunksize=10) for said in found]
        zeros = [said for found in pool.map(of_none, range(empty), chunksize=10) for said in found]
    mean, spread, weights = fit(np.array(zeros), np.array(ones), penalty=0.01)
    first, second = weights[:2] / spread
    constant = weights[2] - (weights[:2] * mean / spread).sum()
    sys.stdout.write(f"{len(ones)} faces, {len(zeros)} others: {first:.2f}, {second:.2f}, {constant:.2f}\n")


def of_a_face(index: int) -> Said:
    """What both say of the one face of a picture; nothing where the first does not see it."""
    from pipelines.region_faces import iou  # imports torch, which has to find the worker's one thread asked for

    rng = np.random.default_rng([SEED, 0, index])
    styled = rng.random() < STYLED
    sprite = draw_style(rng, STYLES[index % len(STYLES)], SIDE_PX) if styled else draw_head(rng)
    image = draw_faceless(rng, sprite.rgba.width)
    image.paste(sprite.rgba, (0, 0), sprite.rgba)
    truth = np.concatenate([sprite.face.min(0), sprite.face.max(0)])
    found = [
        (score, box) for score, box in drawn.seen_first([image], LEAST)[0] if iou(box[None], truth[None])[0] >= SAME_IOU
    ]
    return [_said(image, *face) for face in found[:1]]


def of_none(index: int) -> Said:
    """What both say of all that the first sees in a picture without a face."""
    image = draw_faceless(np.random.default_rng([SEED, 1, index]), SIDE_PX)
    return [_said(image, score, box) for score, box in drawn.seen_first([image], LEAST)[0]]


def _said(image: Image.Image, score: float, box: NDArray[np.float64]) -> tuple[float, float]:
    return float(np.log(score / (1 - score))), float(drawn_parts.parts_of(image, box)[1][3])


if __name__ == "__main__":
    main()
