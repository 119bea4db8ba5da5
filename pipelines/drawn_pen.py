"""The pen that drawn heads are drawn with: shapes in units of a head, colours, a head's turn, and what is known of it.

Shapes are polygons drawn by Pillow at twice their size: a head takes a few milliseconds, a tenth of what a renderer of
vector files takes for the same. The truth about a part is what changes where it is left out and all else drawn again
(`changed`, `Pen.without`), for our own heads as for those of vector styles: strokes have their width, and what hair
covers or nothing sets off is not there. It is kept as points, so that it stays exact when a head is turned later.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Points = NDArray[np.float64]
"""(N, 2) x, y."""
SPRITE_PX, OVER = 208, 2
"""Side of a sprite, and how much larger it is drawn."""
LEAST_CHANGE, LEAST_PIXELS = 24, 6
"""Levels of 255 that make a change, and how many such pixels make a part."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pose:
    """Where a head is turned to: radians; positive yaw to the right of the picture, positive pitch down."""

    yaw: float = 0.0
    pitch: float = 0.0

    def put(self, x: float, y: float, width: float) -> tuple[float, float, float]:
        """A feature at (x, y) of the frontal head, `width` its half-width: its place and the share of its width left.

        A head is round as seen from above, so that far features are squeezed and pass out of sight.
        """
        angle = math.asin(max(-1.0, min(1.0, x / width))) * 0.85 + self.yaw
        return width * math.sin(angle), y + 0.45 * math.sin(self.pitch), max(0.0, math.cos(angle))


@dataclass
class Pen:
    """A canvas, the width and colour of outlines, and the points of what was drawn, by part."""

    rng: np.random.Generator
    unit: float
    """Half a head's height, pixels of the large canvas."""
    centre: tuple[float, float]
    ink: Colour
    width: int
    """Of outlines, pixels of the large canvas; 0 for none."""
    image: Image.Image = field(default_factory=lambda: Image.new("RGBA", (SPRITE_PX * OVER,) * 2))
    without: str | None = None
    """The part that is left out."""
    seen: dict[str, list[Points]] = field(default_factory=dict)
    """What was drawn or left out of each part."""

    def __post_init__(self) -> None:
        self.draw = ImageDraw.Draw(self.image)

    def px(self, points: Points) -> Points:
        """Units of the head to pixels of the large canvas."""
        return np.asarray(points, dtype=np.float64) * self.unit + self.centre

    def fill(self, points: Points, colour: Colour, *, outline: bool = True, part: str | None = None) -> None:
        """A polygon."""
        flat = _flat(self.px(points))
        if self._left_out(part, points):
            return
        self.draw.polygon(flat, fill=colour)
        if outline and self.width:
            self.draw.line([*flat, *flat[:2]], fill=self.ink, width=self.width, joint="curve")

    def line(self, points: Points, *, width: float, colour: Colour | None = None, part: str | None = None) -> None:
        """A stroke; its width is in units of the head, at least that of a pixel and a half."""
        if self._left_out(part, points):
            return
        thick = max(3, round(width * self.unit))
        flat = _flat(self.px(points))
        self.draw.line(flat, fill=colour or self.ink, width=thick, joint="curve")
        if thick > 5:
            for x, y in (flat[:2], flat[-2:]):
                self.draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour or self.ink)

    def inside(self, mask: Points, parts: Iterable[tuple[Points, Colour]], *, part: str | None = None) -> None:
        """Polygons, seen only within another one: an iris between lids, teeth in a mouth."""
        if self._left_out(part, mask):
            return
        outer = self.px(mask)
        x0, y0 = np.floor(outer.min(0)).astype(int)
        x1, y1 = np.ceil(outer.max(0)).astype(int) + 1
        tile = self.image.crop((x0, y0, x1, y1))
        stencil = Image.new("L", tile.size)
        ImageDraw.Draw(stencil).polygon(_flat(outer - (x0, y0)), fill=255)
        draw = ImageDraw.Draw(tile)
        for points, colour in parts:
            draw.polygon(_flat(self.px(points) - (x0, y0)), fill=colour)
        self.image.paste(tile, (int(x0), int(y0)), stencil)

    def _left_out(self, part: str | None, points: Points) -> bool:
        """Whether the part is the one to leave out; its points are noted."""
        if part is not None:
            self.seen.setdefault(part, []).append(np.asarray(points, dtype=np.float64))
        return part is not None and part == self.without

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        """A uniform number."""
        return float(self.rng.uniform(low, high))


def _flat(points: Points) -> list[float]:
    return [float(v) for v in np.asarray(points).ravel()]


def changed(one: Pixels, other: Pixels) -> NDArray[np.bool_]:
    """(H, W): where two pictures (H, W, 4) differ to the eye."""
    return np.asarray(np.abs(one.astype(np.int16) - other).max(2) > LEAST_CHANGE)


def edge(mask: NDArray[np.bool_], turns: int = 24) -> Points | None:
    """The farthest points of a mask's pixels in so many directions, or None where it holds next to none."""
    if mask.sum() < LEAST_PIXELS:
        return None
    rows, columns = np.nonzero(mask)
    spread = np.stack([columns, rows], 1).astype(np.float64)
    angles = np.linspace(0, 2 * np.pi, turns, endpoint=False)
    outward = np.stack([np.cos(angles), np.sin(angles)])
    return np.asarray(spread[(spread @ outward).argmax(0)] + 0.5 + 0.5 * outward.T)


def ring(
    cx: float, cy: float, rx: float, ry: float, *, power: float = 2.0, turn: float = 0.0, count: int = 36
) -> Points:
    """An ellipse's points; a higher `power` is squarer; `turn` radians."""
    t = np.linspace(0, 2 * np.pi, count, endpoint=False)
    c, s = np.cos(t), np.sin(t)
    x, y = rx * np.sign(c) * np.abs(c) ** (2 / power), ry * np.sign(s) * np.abs(s) ** (2 / power)
    return np.stack([cx + x * math.cos(turn) - y * math.sin(turn), cy + x * math.sin(turn) + y * math.cos(turn)], 1)


def arc(cx: float, cy: float, rx: float, rise: float, *, tilt: float = 0.0, count: int = 14) -> Points:
    """A stroke from left to right whose middle lies `rise` above its ends; `tilt` lifts the right end."""
    t = np.linspace(-1, 1, count)
    return np.stack([cx + rx * t, cy - rise * (1 - t**2) - tilt * t], 1)


def smooth(knots: Sequence[tuple[float, float]], *, steps: int = 6) -> Points:
    """A closed curve through points (Catmull and Rom's)."""
    p1 = np.asarray(knots, dtype=np.float64)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (p[:, None] for p in (p0, p1, p2, p3))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve.reshape(-1, 2))


def hue(rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Colour:
    """Any hue of that range of saturation and value."""
    r, g, b = colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))
    return int(r * 255), int(g * 255), int(b * 255)


def scaled(colour: Colour, factor: float) -> Colour:
    """Darker or lighter."""
    r, g, b = (int(max(0, min(255, v * factor))) for v in colour)
    return r, g, b


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Between two colours; share 0 is the first."""
    r, g, b = (int(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return r, g, b
