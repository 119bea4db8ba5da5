"""Selfies and a style with faces and pictures of their own, for the tests of `match`."""

from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data as pictures

from scgan_data import files, images, manifest
from scgan_data.matching.match import StyleMatch, match_style
from scgan_data.matching.table import measured
from scgan_data.pose import DEPTH

SIDE = 64
FACE = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.6], [-0.4, 1.087], [0.4, 1.087]])
"""The five points of a frontal face whose scale s is 1, around its eyes."""


def points(rng: np.random.Generator, *, scale: float = 1.0, down: float = 0.0, yaw: float = 0.0) -> list[float]:
    """Ten numbers: a face as the shoulder crop places it, with what a detector errs by."""
    face = FACE.copy()
    face[2, 0] += DEPTH * np.tan(np.radians(yaw + rng.normal(0, 10)))
    s = SIDE / 4.6 * scale * rng.normal(1, 0.04)
    place = np.array([SIDE * rng.normal(0.5, 0.01), SIDE * rng.normal(0.42 + down, 0.01)])
    return (face * s + place + rng.normal(0, 0.15, (5, 2))).ravel().tolist()


def photograph(rng: np.random.Generator, astronaut: Image.Image) -> Image.Image:
    """Some part of a photograph, lighter or darker, so that pictures of one domain differ."""
    x, y = rng.integers(0, 250, 2).tolist()
    gain = rng.uniform(0.6, 1.0)
    return astronaut.crop((x, y, x + 256, y + 256)).resize((SIDE, SIDE)).point(lambda v: int(v * gain))


def domain_rows(
    folder: Path, domain: str, count: int, *, seed: int = 0, change=lambda picture: picture, **moved: float
) -> list[dict]:
    """Kept rows of a domain with real files; the same seed gives the same pictures and faces."""
    rng = np.random.default_rng(seed)
    astronaut = Image.fromarray(pictures.astronaut())  # public domain (NASA)
    rows = []
    for _ in range(count):
        png = images.encode_png(change(photograph(rng, astronaut)))
        name = files.id_of_bytes(png)
        path = folder / "pictures" / f"{domain}_{name}.png"
        files.write_bytes(path, png)
        known = {"id": name, "domain": domain, "status": "kept", "path": str(path), "width": SIDE, "height": SIDE}
        rows.append(known | {"landmarks": points(rng, **moved), "padding": float(max(0, rng.normal(0.02, 0.02)))})
    return rows


def looked_at(folder: Path, rows: list[dict]) -> StyleMatch:
    return match_style(measured(manifest.table(rows), folder / "match", workers=1), "ink")


def lit(found: StyleMatch) -> set[str]:
    return set(found.lit())
