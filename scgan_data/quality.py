"""quality: what `filter` measures of a kept picture, in one decode: a visible mark, its layout, drawn or not.

Size, contrast and sharpness were measured at collection (`hashes`). Layout and drawing cost 5 ms a picture of 512
pixels on one core, the watermark's network several times that.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from PIL import Image

from scgan_data import drawn, images, layout, watermark
from scgan_data.watermark import WatermarkConfig

MODULES = (
    "scgan_data.drawn",
    "scgan_data.images",
    "scgan_data.layout",
    "scgan_data.quality",
    "scgan_data.watermark",
    "scgan_data.watermark_net",
    "scgan_data.watermark_signature",
)
"""What decides the measurements."""
COLUMNS = ("watermark_score", "watermark_xyxy", "border", "collage", "screenshot", "drawn")


def measure_batch(batch: pd.DataFrame, config: WatermarkConfig) -> pd.DataFrame:
    """The per-image function: rows with `path` to `COLUMNS`."""
    measured = [measure(images.load(path), config) for path in batch["path"]]
    return pd.DataFrame(measured, columns=list(COLUMNS))


def measure(picture: Image.Image, config: WatermarkConfig) -> dict[str, Any]:
    """`COLUMNS` of an RGB picture."""
    mark = watermark.find(picture, max_side_px=config.max_side_px, keep_signatures=config.signatures == "keep")
    box = None if mark.xyxy is None else [float(side) for side in mark.xyxy]
    return {"watermark_score": mark.score, "watermark_xyxy": box, **plain(picture)}


def plain(picture: Image.Image) -> dict[str, float]:
    """Layout and drawing: what needs no network."""
    planes = layout.planes(picture)
    values = {
        "border": layout.border(planes),
        "collage": layout.collage(planes),
        "screenshot": layout.screenshot(planes),
        "drawn": drawn.score(planes),
    }
    return {name: round(value, 6) for name, value in values.items()}
