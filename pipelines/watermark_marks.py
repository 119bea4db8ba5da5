"""Visible marks drawn by us, to train the watermark detector on: text across, corner logos, tiling, lines, captions.

A mark is two coverages (the glyphs, and their outline, shadow or emboss), not a picture: colours, opacity and the way
of blending are chosen when it is laid on a picture (`lay`). Fonts and signs of the benchmark's marks are others
(`watermark_fonts`, `benchmarks/watermark_cases.py`), and so is the code that lays them out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pipelines.watermark_glyphs import label, signature, text_line, words

Coverage = NDArray[np.uint8]
"""(size, size, 2) uint8: glyphs, then outline or shadow."""
RGB = NDArray[np.uint8]
LEAST_STEP = 11.0
"""A mark changes its pixels by so many gray levels in the mean, at least: fainter ones nobody sees."""


def draw_mark(rng: np.random.Generator, size: int) -> Coverage:
    """A random mark on an empty square of `size` pixels."""
    kinds = (_across, _corner, tiled, _crossed, _caption, _signed)
    kind = kinds[rng.choice(len(kinds), p=(0.33, 0.28, 0.18, 0.06, 0.10, 0.05))]
    glyphs = kind(rng, size)
    if rng.random() < 0.06:
        return _embossed(rng, glyphs)
    return np.dstack([np.asarray(glyphs), np.asarray(_second(rng, glyphs))])


def draw_printed(rng: np.random.Generator, size: int) -> Image.Image:
    """Text and signs as they stand *in* a scene (banners, posters, shirts), in perspective, (size, size): no mark."""
    if rng.random() < 0.4:
        return _in_perspective(rng, tiled(rng, size))
    canvas = Image.new("L", (size, size))
    for _ in range(int(rng.integers(1, 4))):
        mark = label(rng, int(size * rng.uniform(0.04, 0.4)))
        if rng.random() < 0.6:
            mark = mark.rotate(float(rng.normal(0, 12)), Image.Resampling.BICUBIC, True)
        stretch = float(rng.uniform(0.6, 1.2))
        mark = mark.resize((max(1, int(mark.width * stretch)), mark.height))
        x, y = (int(v) for v in rng.uniform(-0.3, 0.8, 2) * size)
        _place(canvas, mark, x, y)
    return _in_perspective(rng, canvas)


def _in_perspective(rng: np.random.Generator, canvas: Image.Image) -> Image.Image:
    if rng.random() < 0.3:
        return canvas
    size = canvas.width
    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) + rng.uniform(-0.22, 0.22, (4, 2))
    quad = [float(v) for v in (corners * size).ravel()]
    return canvas.transform(canvas.size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)


def _second(rng: np.random.Generator, glyphs: Image.Image) -> Image.Image:
    """Nothing, an outline or a shadow beside the glyphs."""
    pick = rng.random()
    if pick < 0.6:
        return Image.new("L", glyphs.size)
    if pick < 0.8:
        grown = glyphs.filter(ImageFilter.MaxFilter(3))
    else:
        grown = ImageChops.offset(glyphs, int(rng.integers(-2, 3)), int(rng.integers(1, 3)))
        if rng.random() < 0.5:
            grown = grown.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2))))
    return ImageChops.subtract(grown, glyphs)


def _embossed(rng: np.random.Generator, glyphs: Image.Image) -> Coverage:
    """Only the edges: lit on one side, dark on the other."""
    dx, dy = int(rng.choice([-1, 1])), int(rng.choice([-1, 1]))
    lit = ImageChops.subtract(glyphs, ImageChops.offset(glyphs, dx, dy))
    dark = ImageChops.subtract(ImageChops.offset(glyphs, dx, dy), glyphs)
    return np.dstack([np.asarray(lit), np.asarray(dark)])


def _angle(rng: np.random.Generator) -> float:
    pick = rng.random()
    if pick < 0.35:
        return 0.0
    return float(rng.uniform(15, 60) * rng.choice([-1, 1])) if pick < 0.85 else float(rng.uniform(-180, 180))


def _place(canvas: Image.Image, mark: Image.Image, x: int, y: int) -> None:
    """Lay a mark onto the canvas, the lighter of the two where both are."""
    layer = Image.new("L", canvas.size)
    layer.paste(mark, (x, y))
    canvas.paste(ImageChops.lighter(canvas, layer))


def _across(rng: np.random.Generator, size: int) -> Image.Image:
    canvas = Image.new("L", (size, size))
    text = words(rng)
    height = int(np.clip(size * rng.uniform(0.6, 1.5) / (0.55 * len(text)), 9, size / 2.5))
    for line in range(int(rng.choice([1, 1, 1, 2]))):
        mark = text_line(rng, height, text if line == 0 else None).rotate(_angle(rng), Image.Resampling.BICUBIC, True)
        x = (size - mark.width) / 2 + size * rng.normal(0, 0.12)
        y = (size - mark.height) / 2 + size * rng.normal(0, 0.15)
        _place(canvas, mark, int(x), int(y))
    return canvas


def _corner(rng: np.random.Generator, size: int) -> Image.Image:
    canvas = Image.new("L", (size, size))
    mark = label(rng, int(rng.integers(7, 26)))
    if rng.random() < 0.1:
        mark = mark.rotate(90, expand=True)
    gap = int(rng.integers(1, 12))
    xs = [gap, size - mark.width - gap, (size - mark.width) // 2]
    ys = [gap, size - mark.height - gap]
    x, y = int(rng.choice(xs)), int(rng.choice(ys))
    if rng.random() < 0.2:
        x, y = (int(rng.integers(0, max(1, size - side))) for side in mark.size)
    _place(canvas, mark, max(x, 2 - mark.width // 2), y)
    return canvas


def tiled(rng: np.random.Generator, size: int) -> Image.Image:
    """Rows of one label over a whole square, mostly slanted."""
    mark = label(rng, int(rng.integers(7, 30)))
    step_x, step_y = (int(side + rng.uniform(4, 50)) for side in mark.size)
    wide = int(size * 1.5)
    sheet = Image.new("L", (wide, wide))
    stagger = int(rng.choice([0, step_x // 2, step_x // 3]))
    for row, y in enumerate(range(-int(rng.integers(step_y)), wide, step_y)):
        for x in range(-int(rng.integers(1, 3)) * step_x + (row * stagger) % step_x, wide, step_x):
            sheet.paste(mark, (x, y))
    turned = sheet.rotate(_angle(rng), Image.Resampling.BICUBIC)
    margin = (wide - size) // 2
    return turned.crop((margin, margin, margin + size, margin + size))


def _crossed(rng: np.random.Generator, size: int) -> Image.Image:
    """Thin lines corner to corner or as a lattice, mostly with text on them."""
    canvas = _across(rng, size) if rng.random() < 0.8 else Image.new("L", (size, size))
    draw = ImageDraw.Draw(canvas)
    pen = int(rng.integers(1, 3))
    if rng.random() < 0.6:
        draw.line((0, 0, size, size), fill=255, width=pen)
        draw.line((0, size, size, 0), fill=255, width=pen)
    else:
        step = int(rng.integers(25, 70))
        for offset in range(-size, 2 * size, step):
            draw.line((offset, 0, offset + size, size), fill=255, width=pen)
            draw.line((offset + size, 0, offset, size), fill=255, width=pen)
    return canvas


def _caption(rng: np.random.Generator, size: int) -> Image.Image:
    """A site's name, a number or a subtitle in a line near an edge, small."""
    canvas = Image.new("L", (size, size))
    mark = text_line(rng, int(rng.integers(7, 17)))
    y = int(rng.choice([rng.integers(1, 10), size - mark.height - rng.integers(1, 10)]))
    _place(canvas, mark, int(rng.integers(-10, max(1, size - mark.width))), y)
    return canvas


def _signed(rng: np.random.Generator, size: int) -> Image.Image:
    """A signature near a bottom corner. The detector is to see it; whether it counts is `watermark`'s rule."""
    canvas = Image.new("L", (size, size))
    mark = signature(rng, int(rng.integers(10, 28)))
    gap = int(rng.integers(2, 14))
    x = gap if rng.random() < 0.3 else size - mark.width - gap
    _place(canvas, mark, max(0, x), size - mark.height - int(rng.integers(2, 14)))
    return canvas


def lay(rng: np.random.Generator, image: RGB, mark: Coverage, ease: float = 0.0) -> RGB:
    """The picture under the mark in a random colour, opacity and blend, visible but mostly see-through.

    `ease` 1 to 0 lifts the least opacity.
    """
    if not mark.any():
        return image
    under = image.astype(np.float32)
    glyphs, second = (mark[..., k : k + 1] / np.float32(255) for k in (0, 1))
    colour, opacity = _ink(rng), float(rng.uniform(0.15 + 0.5 * ease, 0.7 if rng.random() < 0.6 else 1.0))
    step = (_blended(rng, under, colour) - under) * (glyphs * opacity)
    seen = mark[..., 0] > mark[..., 0].max() / 2  # a small picture's strokes are nowhere full
    if seen.any() and np.abs(step[seen]).mean() < LEAST_STEP:  # invisible: the other end of the scale
        colour = np.full(3, 255.0 if under[seen].mean() < 128 else 0.0, np.float32)
        step = (colour - under) * (glyphs * max(opacity, 0.3))
    over = under + step
    over += ((255 - colour) - over) * (second * opacity * float(rng.uniform(0.3, 1)))
    return np.clip(over, 0, 255).astype(np.uint8)


def _blended(rng: np.random.Generator, under: NDArray[np.float32], colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """What full opacity would show: the ink (mostly), or screen, multiply, overlay."""
    pick = rng.random()
    if pick < 0.76:
        return np.broadcast_to(colour, under.shape)
    product = under * colour / np.float32(255)
    screen = under + colour - product
    if pick < 0.84:
        return screen
    return product if pick < 0.92 else np.where(under < 128, 2 * product, 2 * screen - np.float32(255))


def _ink(rng: np.random.Generator) -> NDArray[np.float32]:
    pick = rng.random()
    if pick < 0.5:
        return np.full(3, rng.uniform(225, 256), np.float32)
    if pick < 0.7:
        return np.full(3, rng.uniform(0, 40), np.float32)
    return (np.full(3, rng.uniform(60, 200)) if pick < 0.8 else rng.uniform(0, 256, 3)).astype(np.float32)
