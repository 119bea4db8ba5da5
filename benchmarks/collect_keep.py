"""What the benchmark does instead of decoding: bytes are written as they came. For worker processes, so it is light."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scgan_data.collection.outcome import Picture
from scgan_data.files import content_path, write_bytes


def keep(items: Sequence[tuple[str, bytes]], into: Path) -> list[Picture]:
    """Write (content id, bytes) below a folder."""
    for content_id, data in items:
        write_bytes(into / content_path(content_id, ".jpg"), data)
    return [Picture(content_id, ".jpg", {}) for content_id, _ in items]
