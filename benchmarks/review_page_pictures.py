"""Pictures for the review page's benchmark: rendered portraits through the real `crop` and `annotate`.

Their earlier rows are made by the manifest's own writer: two domains, some in doubt, some rejected by the filter, and
of some a smaller copy that dedup rejected. No photograph: the screenshot may be shown to anybody.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from PIL import Image

from scgan_data import files, images, manifest
from scgan_data.sample.portraits import AUTHOR, LICENSE, portraits
from scgan_data.workers import pool

WORKERS = 2
CROP_PX = 256
DOUBT_EACH, FALLEN_EACH, COPY_EACH = 40, 50, 25
"""One picture in so many is in doubt, rejected by the filter, has a copy."""


def made(home: Path, count: int) -> Path:
    """A folder as `annotate` leaves it, of that many rendered portraits; what is there already is used again."""
    done = home / "05_annotate"
    if (done / manifest.FILE_NAME).is_file():
        return done
    with pool(WORKERS) as executor:
        share = -(-count // WORKERS)
        parts = list(executor.map(_rendered, [home / "pictures"] * WORKERS, range(WORKERS), [share] * WORKERS))
    rows = [_decided(n, row) for n, row in enumerate([row for part in parts for row in part][:count])]
    rows += [_copy(row, home / "pictures") for row in rows[::COPY_EACH]]
    manifest.write(home / "03_filter", manifest.table(rows))
    _run("crop", home / "03_filter", home / "04_crop", "--set", f"size_px={CROP_PX}")
    _run("annotate", home / "04_crop", done)
    return done


def _run(stage: str, source: Path, target: Path, *options: str) -> None:
    command = [sys.executable, "-m", "scgan_data.cli", stage, str(source), str(target), "--workers", str(WORKERS)]
    subprocess.run([*command, *options], check=True)


def _rendered(folder: Path, part: int, count: int) -> list[dict[str, Any]]:
    return [
        _row(picture, folder, f"avatar {part} {n}") for n, picture in enumerate(islice(portraits(count, part), count))
    ]


def _row(picture: Image.Image, folder: Path, name: str) -> dict[str, Any]:
    png = images.encode_png(picture)
    content_id = files.id_of_bytes(png)
    path = folder / files.content_path(content_id)
    files.write_bytes(path, png)
    size = {"width": picture.width, "height": picture.height}
    credit = {"license": LICENSE, "author": AUTHOR, "source_url": name}
    return {"id": content_id, "path": str(path), "status": "kept", "group_id": content_id[:16], **size, **credit}


def _copy(row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A smaller copy, rejected for the larger one."""
    small = images.load(row["path"]).resize((180, 180), Image.Resampling.BICUBIC)
    rejected = {"status": "rejected", "rejected_by": "dedup", "reason": "near_duplicate", "detail": row["id"]}
    return (
        _row(small, folder, f"copy of {row['source_url']}")
        | rejected
        | {"group_id": row["group_id"], "domain": row["domain"]}
    )


def _decided(number: int, row: dict[str, Any]) -> dict[str, Any]:
    row = row | {"domain": "avataaars" if number % 3 else "ink"}
    if number % FALLEN_EACH == 7:
        return row | {"status": "rejected", "rejected_by": "filter", "reason": "blurred", "value": 0.05, "limit": 0.12}
    if number % DOUBT_EACH == 3:
        return row | {"doubt": "watermarked" if number // DOUBT_EACH % 2 else "blurred"}
    return row
