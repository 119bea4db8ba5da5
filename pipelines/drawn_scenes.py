"""Pictures without a face for drawn heads to stand before, and to be told from: walls, photographs, drawn things.

The photographs are those of `watermark_pictures` without the two that show people, the coins (heads are on them: they
taught that a small dim face is none) and the cat and gravel, which benchmarks measure on.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

from pipelines import watermark_pictures
from pipelines.drawn_living import any_colour
from pipelines.drawn_things import draw_things, gradient
from pipelines.watermark_scenes import draw_scene, texture

SCENE_PX = 208
PHOTOGRAPHS = ("brick.png", "coffee.png", "grass.png", "hubble_deep_field.jpg", "ihc.png", "retina.jpg")
"""Of scikit-image's: none shows a face."""


def draw_faceless(rng: np.random.Generator, size: int = SCENE_PX) -> Image.Image:
    """A square picture without a face."""
    pick = rng.random()
    if pick < 0.07:
        return Image.new("RGB", (size, size), any_colour(rng))
    if pick < 0.13:
        return gradient(rng, size)
    if pick < 0.20:
        return texture(rng, size)
    if pick < 0.31:
        return draw_scene(rng, size, photograph)
    if pick < 0.42:
        return photograph(rng, size)
    return draw_things(rng, size)


@cache
def _photographs() -> list[Image.Image]:
    names = [*watermark_pictures.PHOTOGRAPHS, "grace_hopper.jpg"]
    found = dict(zip(names, watermark_pictures._photographs(), strict=True))
    return [found[name] for name in PHOTOGRAPHS]


def photograph(rng: np.random.Generator, size: int) -> Image.Image:
    """A window of a photograph, turned and recoloured."""
    sources = _photographs()
    source = sources[rng.integers(len(sources))]
    side = int(min(*source.size, size * rng.uniform(0.6, 2.5)))
    x, y = (int(rng.integers(0, n - side + 1)) for n in source.size)
    image = source.resize((size, size), Image.Resampling.BICUBIC, (x, y, x + side, y + side))
    return watermark_pictures._recoloured(rng, image.transpose(Image.Transpose(int(rng.integers(7)))))
