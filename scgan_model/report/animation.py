"""The sample grids of a training as one moving picture: a frame a grid, its step written below.

Animated WebP inside the page: APNG is several times as large, and a video element would need a codec that no dependency
of ours writes. Who asks the browser for reduced motion gets the last grid.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageDraw, ImageFont

from scgan_data.images import UndecodableError, load
from scgan_model.report.pictures import data_uri

MAX_FRAMES = 48
MAX_BYTES = 1_500_000
"""Of the file; in the page it is a third more."""
WIDTHS_PX = (640, 448, 320)
"""Tried in this order until the file is small enough; then with half of the frames, and so on."""
FRAME_MS, LAST_MS = 250, 2_500
_QUALITY = 70
_PAPER, _INK, _BAR = "#1e1c1a", "#eee9e1", "#2fa89b"

T = TypeVar("T")


@dataclass(frozen=True)
class Animation:
    """A moving picture and what stands for it where nothing may move."""

    src: str
    still: str
    """The last frame."""
    width: int
    height: int
    steps: list[int]
    """Of each frame."""


def animate(grids: Mapping[int, Path], *, max_bytes: int = MAX_BYTES) -> Animation | None:
    """The grids by step; None where fewer than two can be read. Grids of another shape than the last are left out.

    The file has at most `max_bytes`, unless two frames of the least width have more.
    """
    pictures = {step: picture for step in spread(sorted(grids), MAX_FRAMES) if (picture := _read(grids[step]))}
    size = next(reversed(pictures.values())).size if pictures else None
    pictures = {step: picture for step, picture in pictures.items() if picture.size == size}
    if len(pictures) < 2:
        return None
    steps, widths = list(pictures), list(WIDTHS_PX)
    while True:
        frames = [_frame(pictures[step], step, max(steps), widths[0]) for step in steps]
        encoded = _encode(frames)
        if len(encoded) <= max_bytes or (len(widths) == 1 and len(steps) == 2):
            src = "data:image/webp;base64," + base64.b64encode(encoded).decode()
            return Animation(src, data_uri(frames[-1]), *frames[-1].size, steps)
        if len(widths) > 1:
            del widths[0]
        else:
            steps = spread(steps, max(2, len(steps) // 2))


def spread(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of the items, two or more, evenly from the first to the last."""
    if len(items) <= count:
        return list(items)
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def _read(file: Path) -> Image.Image | None:
    try:
        return load(file)
    except (OSError, UndecodableError):
        return None


def _frame(grid: Image.Image, step: int, last: int, width_px: int) -> Image.Image:
    """The grid above a line with the step and how far it is."""
    width = min(width_px, grid.width)
    height = round(grid.height * width / grid.width)
    line = max(16, width // 20)
    frame = Image.new("RGB", (width, height + line), _PAPER)
    frame.paste(grid.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
    draw = ImageDraw.Draw(frame)
    draw.rectangle((0, height, max(0, round(width * step / max(last, 1)) - 1), height + 2), fill=_BAR)
    font = ImageFont.load_default(size=line * 0.62)
    draw.text((line // 3, height + 2 + line / 2), f"step {step:,}", fill=_INK, font=font, anchor="lm")
    return frame


def _encode(frames: list[Image.Image]) -> bytes:
    buffer = BytesIO()
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_MS]
    options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    frames[0].save(buffer, "WEBP", quality=_QUALITY, method=3, **options)
    return buffer.getvalue()
