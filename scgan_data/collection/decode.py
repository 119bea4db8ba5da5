"""The one decode of each collected file, in a worker process: measured, credited, and kept without its metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scgan_data import files, hashes
from scgan_data.collection.outcome import Picture
from scgan_data.credit import provenance
from scgan_data.hashes import DecodeConfig

MODULES = (
    "scgan_data.collection.decode",
    *hashes.MODULES,
    "scgan_data.credit.metadata_blocks",
    "scgan_data.credit.provenance",
    "scgan_data.credit.xmp",
)
"""The modules whose source decides what `decode` returns."""
SAID = ("author", "license", "license_url", "ai_generated", "forbids")
"""What only the file as it came says, and the kept picture no more."""


def decode(items: Sequence[tuple[str, bytes]], config: DecodeConfig, into: Path) -> list[Picture]:
    """Decode (content id, bytes) and write each good picture below `into`, whole or not at all; not yet synced."""
    return [_decode_one(content_id, data, config, into) for content_id, data in items]


def _decode_one(content_id: str, data: bytes, config: DecodeConfig, into: Path) -> Picture:
    measured = hashes.measure(data, config)
    if measured.kept is None or measured.suffix is None:
        return Picture(content_id, None, measured.columns)
    files.write_bytes(into / files.content_path(content_id, measured.suffix), measured.kept)
    return Picture(content_id, measured.suffix, measured.columns | _said(data, measured))


def _said(data: bytes, measured: hashes.Measured) -> dict[str, Any]:
    """What the file says about itself, where it says anything."""
    embedded = provenance.embedded(data, measured.opened)
    said = {name: getattr(embedded, name) for name in SAID}
    return {name: value for name, value in said.items() if value is not None}
