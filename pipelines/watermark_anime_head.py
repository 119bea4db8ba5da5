"""A head being painted for `watermark_anime`: its canvas, its place on it, its colours, and the strokes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from pipelines.drawn_pen import Colour, Points
from pipelines.watermark_hair import Hair, draw_lock


@dataclass(frozen=True)
class Head:
    """A canvas, where the head lies on it, and what it looks like. A head reaches from -1 (crown) to 1 (chin)."""

    rng: np.random.Generator
    image: Image.Image
    place: tuple[Points, Points]
    """Rotation and scale (2, 2), and the centre in pixels (2,)."""
    yaw: float
    """How far features are moved to the right."""
    skin: Colour
    ink: Colour
    hair: Hair

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.image)

    def px(self, points: Points) -> list[float]:
        """Head's units to pixels, flat."""
        flat: list[float] = (np.asarray(points, dtype=np.float64) @ self.place[0] + self.place[1]).ravel().tolist()
        return flat

    def fill(self, points: Points, tone: Colour) -> None:
        self.pen.polygon(self.px(points), fill=tone)

    def line(self, points: Points, width: float, tone: Colour | None = None) -> None:
        """A stroke, its width in units of the head."""
        thick = max(2, round(width * float(np.hypot(*self.place[0][0]))))
        self.pen.line(self.px(points), fill=tone or self.ink, width=thick, joint="curve")

    def shade(self, points: Points, tone: Colour, strength: float, blur: float, within: Points | None = None) -> None:
        """A soft patch; `within` is where it may lie."""
        mask = Image.new("L", self.image.size)
        ImageDraw.Draw(mask).polygon(self.px(points), fill=int(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(blur * float(np.hypot(*self.place[0][0]))))
        if within is not None:
            bounds = Image.new("L", self.image.size)
            ImageDraw.Draw(bounds).polygon(self.px(within), fill=255)
            mask = ImageChops.multiply(mask, bounds)
        self.image.paste(tone, mask=mask)

    def lock(self, spine: Points, half: float, hair: Hair | None = None) -> None:
        points = np.array(self.px(spine)).reshape(-1, 2)
        draw_lock(self.rng, self.image, points, half * float(np.hypot(*self.place[0][0])), hair or self.hair)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)
