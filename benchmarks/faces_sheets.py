"""Contact sheets of a detector's wrong answers, one a sort, the faces that it did find drawn in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from scgan_data.faces.face import Face

TILE_PX, CAPTION_PX, COLUMNS = 192, 14, 6
RED, GREEN = "#d1495b", "#3c9d5b"


@dataclass(frozen=True)
class Wrong:
    """A picture that was answered wrongly, and the answer."""

    sort: str
    name: str
    image: Image.Image
    faces: list[Face]


def write_sheets(wrong: list[Wrong], folder: Path) -> None:
    """A JPEG for each sort, named after it."""
    folder.mkdir(parents=True, exist_ok=True)
    for sort in sorted({w.sort for w in wrong}):
        name = re.sub(r"[^A-Za-z0-9]+", "_", sort).strip("_")
        sheet([w for w in wrong if w.sort == sort]).save(folder / f"faces_{name}.jpg", quality=88)


def sheet(wrong: list[Wrong]) -> Image.Image:
    """Tiles with the file's name, boxes and points."""
    columns, rows = min(COLUMNS, len(wrong)), -(-len(wrong) // COLUMNS)
    drawn = Image.new("RGB", (columns * TILE_PX, rows * (TILE_PX + CAPTION_PX)), "white")
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(10)
    for k, item in enumerate(wrong):
        x, y = k % COLUMNS * TILE_PX, k // COLUMNS * (TILE_PX + CAPTION_PX)
        drawn.paste(_tile(item), (x, y))
        pen.text((x + 2, y + TILE_PX), item.name[-30:], "black", font)
    return drawn


def _tile(item: Wrong) -> Image.Image:
    scale = TILE_PX / max(item.image.size)
    size = (max(1, round(item.image.width * scale)), max(1, round(item.image.height * scale)))
    small = item.image.convert("RGB").resize(size)
    pen = ImageDraw.Draw(small)
    for face in item.faces:
        pen.rectangle([v * scale for v in face.xyxy], outline=RED)
        for x, y in face.landmarks * scale:
            pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=GREEN)
    return small
