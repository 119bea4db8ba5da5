"""Pictures for a page that carries everything inside itself: thumbnails as WebP data URIs, boxes drawn on request."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO

from PIL import Image, ImageDraw

from scgan_data.images import UndecodableError, load
from scgan_data.records import Region

REGION_COLOURS: dict[Region, str] = {Region.EYES: "#38bdf8", Region.NOSE: "#fbbf24", Region.MOUTH: "#fb7185"}
"""Also the legend's colours (report.css)."""

_QUALITY = 82

Box = tuple[float, float, float, float]


def data_uri(image: Image.Image) -> str:
    """A picture as `data:image/webp;base64,…`."""
    buffer = BytesIO()
    image.convert("RGB").save(buffer, "WEBP", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def thumbnail(path: str, side_px: int, *, boxes: Mapping[Region, Box] | None = None) -> str | None:
    """A picture of ours within `side_px`, its region boxes drawn on it; None where the file is gone or damaged.

    `boxes` are in the picture's own pixels. A smaller picture is enlarged only to carry boxes.
    """
    try:
        image = load(path)
    except (OSError, UndecodableError):
        return None
    scale = side_px / max(image.size)
    if scale < 1 or boxes:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    for region, box in (boxes or {}).items():
        _draw(image, [v * scale for v in box], REGION_COLOURS[region])
    return data_uri(image)


def enlarged(image: Image.Image, side_px: int) -> str:
    """A network's small picture, brought to at least `side_px` before compression, so that WebP does not smear it."""
    scale = max(1, -(-side_px // max(image.size)))
    return data_uri(image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC))


def _draw(image: Image.Image, box: list[float], colour: str) -> None:
    x0, y0, x1, y1 = (round(v) for v in box)
    ImageDraw.Draw(image).rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour, width=3)
