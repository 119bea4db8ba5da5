"""quality: what `filter` measures of a kept picture, in one decode: a visible mark, its layout, drawn or not.

Size, contrast and sharpness were measured at collection (`hashes`); the sharpness of a bare folder's pictures is
measured here. Layout and drawing cost 5 ms a picture of 512 pixels on one core, the watermark's network several times
that.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from PIL import Image

from scgan_data import drawn, hashes, images, layout, mark_text, watermark, weights
from scgan_data.stage import version_of
from scgan_data.watermark import WatermarkConfig

MODULES = (
    "scgan_data.drawn",
    "scgan_data.hashes",
    "scgan_data.images",
    "scgan_data.layout",
    "scgan_data.mark_text",
    "scgan_data.quality",
    "scgan_data.watermark",
    "scgan_data.watermark_net",
    "scgan_data.watermark_signature",
)
"""What decides the measurements."""
COLUMNS = ("watermark_score", "watermark_xyxy", "mark_text", "border", "collage", "screenshot", "drawn", "sharpness")
READS = ("sharpness",)
"""What decides the measurements beside the picture."""


def version(config: WatermarkConfig) -> str:
    """A hash of what decides the measurements, beside the settings. Raises ScganError where a part is not installed."""
    text = [mark_text.version()] if config.text_recognition else []
    return version_of(MODULES, [*(weights.WEIGHTS[name].sha256 for name in watermark.WEIGHTS), *text])


def measure_batch(batch: pd.DataFrame, config: WatermarkConfig) -> pd.DataFrame:
    """The per-image function: rows with `path` and `sharpness` to `COLUMNS`."""
    known = batch["sharpness"].astype(object).where(batch["sharpness"].notna(), None)
    measured = [measure(images.load(p), config, sharpness=s) for p, s in zip(batch["path"], known, strict=True)]
    return pd.DataFrame(measured, columns=list(COLUMNS))


def measure(picture: Image.Image, config: WatermarkConfig, *, sharpness: float | None = None) -> dict[str, Any]:
    """`COLUMNS` of an RGB picture; a known `sharpness` is handed through."""
    mark = watermark.find(picture, max_side_px=config.max_side_px, keep_signatures=config.signatures == "keep")
    line = _line(picture, config) if config.text_recognition else None
    if sharpness is None:
        sharpness, _ = hashes.sharpness_contrast(hashes.reduced(picture.convert("L")))
    return {**marked(mark, line), **plain(picture), "sharpness": sharpness}


def marked(mark: watermark.Mark, line: mark_text.Line | None) -> dict[str, Any]:
    """The columns of a mark, as the network sees it and as a line of text says it: what is written leaves no doubt."""
    score, xyxy, text = (mark.score, mark.xyxy, None) if line is None else (1.0, line.xyxy, line.text)
    box = None if xyxy is None else [float(side) for side in xyxy]
    return {"watermark_score": score, "watermark_xyxy": box, "mark_text": text}


def _line(picture: Image.Image, config: WatermarkConfig) -> mark_text.Line | None:
    lines = mark_text.read(picture)
    return mark_text.first_mark(lines, words=config.text_words, min_confidence=config.min_text_confidence)


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
