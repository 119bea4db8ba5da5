"""Clean pictures about people: before walls of names, in film-like scenes with writing, and close faces.

Heads are those that the face detector is trained on (`drawn_heads`), two photographs of people are cut out along an
outline traced by hand (skimage's astronaut and matplotlib's Grace Hopper, both public domain), and shapes of a bust are
filled with photographs. A tiled mark lies over such people too, a wall's print ends at them: the pairs that are drawn
of these pictures show both.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import skimage
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from pipelines import drawn_heads
from pipelines.drawn_looks import draw_look
from pipelines.drawn_things import draw_things, gradient
from pipelines.watermark_glyphs import label
from pipelines.watermark_scenes import Draw, bust, colour, draw_scene, texture
from pipelines.watermark_things import TEXTURE_PX, blackboard, fitted, put, put_thing
from pipelines.watermark_toons import draw_toon
from pipelines.watermark_walls import draw_wall, lit

_ASTRONAUT = (
    (224, 12), (270, 25), (298, 60), (300, 92), (282, 125), (266, 145), (258, 175), (290, 200), (306, 240), (302, 268),
    (345, 285), (360, 345), (410, 343), (470, 370), (502, 430), (512, 512), (35, 512), (18, 430), (22, 360), (40, 285),
    (62, 245), (125, 228), (113, 200), (115, 172), (140, 152), (178, 150), (178, 128), (160, 115), (152, 85), (160, 55),
    (185, 28),
)  # fmt: skip
_HOPPER = (
    (255, 22), (296, 26), (332, 46), (352, 77), (366, 92), (370, 133), (376, 194), (366, 245), (357, 286), (337, 300),
    (330, 318), (347, 327), (419, 362), (495, 393), (512, 449), (512, 600), (13, 600), (31, 440), (51, 383), (133, 352),
    (194, 325), (206, 316), (184, 296), (163, 275), (158, 240), (155, 194), (158, 148), (162, 112), (177, 77),
    (205, 40),
)  # fmt: skip
"""Outlines of head and body, pixels of the photographs."""


def draw_premiere(rng: np.random.Generator, size: int, photograph: Draw) -> Image.Image:
    """A wall of names and one to three people before it, the last one large."""
    wide = 2 * size
    image = draw_wall(rng, wide)
    count = int(rng.choice([1, 1, 2, 3]))
    for k in range(count):
        nearest = k == count - 1
        person = _person(rng, int(wide * rng.uniform(0.7, 1.6) * (1 if nearest else 0.65)), photograph)
        x = wide * (rng.normal(0.5, 0.13) if nearest else rng.uniform(0, 1)) - person.width / 2
        y = wide * rng.uniform(0.0, 0.35) if rng.random() < 0.8 else wide * rng.uniform(-0.25, 0.0)
        image.paste(person, (int(x), int(y)), person)
    if rng.random() < 0.15:  # a plate or a microphone's cube before them
        put_thing(rng, image, opaque=True)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _person(rng: np.random.Generator, wide: int, photograph: Draw) -> Image.Image:
    """Head and shoulders that run on downwards, RGBA."""
    pick = rng.random()
    if pick < 0.5:
        return _cut_out(rng, wide)
    if pick < 0.75:
        mask = bust(rng, wide)
        fill = photograph(rng, wide) if rng.random() < 0.7 else texture(rng, TEXTURE_PX).resize((wide, wide))
        return _lengthened(Image.merge("RGBA", (*fill.split(), mask)))
    return _lengthened(draw_sprite(rng, wide, ("film", "person", "plain")))


@cache
def _cut_outs() -> list[Image.Image]:
    """The two people, on nothing."""
    made = []
    hopper = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    for file, outline in ((Path(skimage.__file__).parent / "data" / "astronaut.png", _ASTRONAUT), (hopper, _HOPPER)):
        photo = Image.open(file).convert("RGB")
        mask = Image.new("L", photo.size)
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        made.append(Image.merge("RGBA", (*photo.split(), mask.filter(ImageFilter.GaussianBlur(1.5)))))
    return made


def _cut_out(rng: np.random.Generator, wide: int) -> Image.Image:
    """One of the two people, other in colour, proportions and inclination; the head a third of the width."""
    person = _cut_outs()[rng.integers(2)]
    person = person.resize((wide, int(wide * person.height / person.width * rng.uniform(0.85, 1.2))))
    if rng.random() < 0.5:
        person = ImageOps.mirror(person)
    x = np.asarray(person).astype(np.float32) / 255
    x[..., :3] = x[..., :3] ** rng.uniform(0.6, 1.7) * rng.uniform(0.65, 1.15, 3)
    if rng.random() < 0.4:
        gray = x[..., :3].mean(2, keepdims=True)
        x[..., :3] = gray + (x[..., :3] - gray) * rng.uniform(0, 1.2)
    person = _lengthened(Image.fromarray((np.clip(x, 0, 1) * 255).astype(np.uint8)))
    return person.rotate(float(rng.normal(0, 6)), Image.Resampling.BILINEAR)


def _lengthened(figure: Image.Image) -> Image.Image:
    """The body that ends at the lower border, carried on."""
    return Image.fromarray(np.pad(np.asarray(figure), ((0, figure.height), (0, 0), (0, 0)), mode="edge"))


def draw_sprite(rng: np.random.Generator, wide: int, families: tuple[str, ...] = ()) -> Image.Image:
    """A drawn head with shoulders, RGBA, of any family or of those named; half the width is the head.

    Not by `draw_head`: it draws each head four times, for a truth that nobody asks for here.
    """
    while True:
        seed = int(rng.integers(2**40))
        if not families or draw_look(np.random.default_rng(seed))[1] in families:  # a head's first draw is its look
            break
    sprite = drawn_heads._drawn(np.random.default_rng(seed), None)[0].rgba
    return sprite.resize((wide, wide), Image.Resampling.BICUBIC)


def draw_cast(rng: np.random.Generator, size: int, photograph: Draw) -> Image.Image:
    """A film-like still: a set with writing and grids, one to seven heads before it, light over all."""
    wide = 2 * size
    image = _set(rng, wide, photograph)
    for _ in range(int(rng.integers(0, 5))):
        put_thing(rng, image)
    if rng.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 5))))
    for side in _sides(rng, wide):
        _stand(rng, image, side)
    if rng.random() < 0.25:
        put_thing(rng, image, opaque=True)
    if rng.random() < 0.4:
        image = lit(rng, image)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def _set(rng: np.random.Generator, wide: int, photograph: Draw) -> Image.Image:
    """What is behind the cast."""
    pick, half = rng.random(), wide // 2
    if pick < 0.25:
        return Image.new("RGB", (wide, wide), colour(rng)) if rng.random() < 0.4 else gradient(rng, wide)
    if pick < 0.28:
        return draw_wall(rng, wide)
    if pick < 0.63:
        image = draw_things(rng, half)
    elif pick < 0.78:
        image = draw_toon(rng, half)
    else:
        image = draw_scene(rng, half, photograph) if pick < 0.85 else texture(rng, half)
    image = image.resize((wide, wide), Image.Resampling.BICUBIC)
    if pick > 0.95:  # a school's wall
        board = blackboard(rng, (int(wide * rng.uniform(0.8, 1.3)), int(wide * rng.uniform(0.4, 0.8))))
        put(rng, image, board, (0.0, 0.05), 0.0)
    return image


def _sides(rng: np.random.Generator, wide: int) -> list[int]:
    """The heads' sides, the smaller first: one or a few of any size, or a row of equals."""
    count = int(rng.choice([1, 2, 3, 4, 7], p=(0.3, 0.3, 0.2, 0.12, 0.08)))
    if count == 7:
        return [int(wide * rng.uniform(0.2, 0.45))] * 7
    return sorted(int(v) for v in wide * np.exp(rng.uniform(np.log(0.25), np.log(1.3), count)))


def _stand(rng: np.random.Generator, image: Image.Image, side: int) -> None:
    """A head somewhere, now and then with a print on its shirt."""
    sprite = draw_sprite(rng, side)
    if rng.random() < 0.5:
        sprite = ImageOps.mirror(sprite)
    if rng.random() < 0.35:
        _print_shirt(rng, sprite)
    if rng.random() < 0.6:
        sprite = _lengthened(sprite)
    x, y = (int(v) for v in rng.uniform(-0.25, 0.8, 2) * image.width)
    image.paste(sprite, (x, y), sprite)


def _print_shirt(rng: np.random.Generator, sprite: Image.Image) -> None:
    """A name or a sign on the chest, nowhere beside it: letters in the air would be a mark."""
    side = sprite.width
    mark = fitted(label(rng, max(8, side // 9)), (side // 2, side // 6))
    mark = mark.rotate(float(rng.normal(0, 6)), Image.Resampling.BICUBIC, expand=True)
    stencil = Image.new("L", sprite.size)
    stencil.paste(mark, ((side - mark.width) // 2, int(side * rng.uniform(0.85, 0.93))))
    sprite.paste((*colour(rng), 255), (0, 0), ImageChops.multiply(stencil, sprite.getchannel("A")))


def draw_close(rng: np.random.Generator, size: int) -> Image.Image:
    """A face that fills the picture as faces cut out of drawings do, mostly anime's, often of few pixels."""
    wide = 2 * size
    image = _set(rng, wide, draw_things)
    side = int(wide * rng.uniform(1.2, 2.0))
    sprite = draw_sprite(rng, side, ("anime",) if rng.random() < 0.65 else ())
    x, y = wide / 2 - side * rng.normal(0.5, 0.04), wide / 2 - side * rng.normal(0.5, 0.05)
    image.paste(sprite, (int(x), int(y)), sprite)
    image = image.resize((size, size), Image.Resampling.LANCZOS)
    if rng.random() < 0.5:
        small = int(rng.integers(56, 112))
        image = image.resize((small, small), Image.Resampling.LANCZOS).resize((size, size), Image.Resampling.BICUBIC)
    return image
