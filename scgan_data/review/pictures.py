"""The pictures as the page gets them: by id only, decoded by the one gateway, encoded anew, so without any metadata.

Thumbnails are made on demand by two threads (Pillow works outside Python's lock) and kept in memory, the least lately
used going first.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image

from scgan_data import images

THUMB_PX, LARGE_PX = 256, 1600
CACHE_BYTES = 96 * 2**20
THREADS = 2


class Pictures:
    """Encoded pictures of files."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pictures")
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Path, int], bytes] = OrderedDict()
        self._bytes = 0

    async def jpeg(self, path: Path, longest_px: int) -> bytes | None:
        """The picture, its longer side at most that, as JPEG; None where the file is no picture any more."""
        with self._lock:
            if (path, longest_px) in self._kept:
                self._kept.move_to_end((path, longest_px))
                return self._kept[path, longest_px]
        data = await asyncio.get_running_loop().run_in_executor(self._threads, encoded, path, longest_px)
        if data is not None:
            self._keep((path, longest_px), data)
        return data

    def _keep(self, key: tuple[Path, int], data: bytes) -> None:
        with self._lock:
            self._bytes += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._bytes > CACHE_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1])


def encoded(path: Path, longest_px: int) -> bytes | None:
    """The same, made now."""
    try:
        picture = images.load(path)
    except (images.UndecodableError, OSError):
        return None
    scale = longest_px / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=1.5)
    buffer = BytesIO()
    small = longest_px <= THUMB_PX
    picture.save(buffer, "JPEG", quality=84 if small else 94, subsampling=2 if small else 0)
    return buffer.getvalue()
