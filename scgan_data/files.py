"""Files: named by content, written whole or not at all. Every worker imports this, so it imports next to nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def id_of_bytes(data: bytes) -> str:
    """The `id` of a picture's file."""
    return hashlib.sha256(data).hexdigest()


def id_of_url(url: str) -> str:
    """The `id` of a row whose bytes never came."""
    return hashlib.sha256(b"url:" + url.encode()).hexdigest()


def content_path(content_id: str, suffix: str = ".png") -> Path:
    """Where a picture lies inside a stage's folder: `ab/abcdef….png`. Nothing of a URL reaches the file system."""
    return Path(content_id[:2]) / f"{content_id}{suffix}"


def write_bytes(file: Path, data: bytes, *, durable: bool = False) -> None:
    """Write a file by temporary file and rename: a reader sees the whole of it or nothing.

    That holds for whatever ends the process. `durable` waits for the disk before the rename, so that it holds for a
    machine too that loses its power, or is taken away: else the new name may be there and the bytes not.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with partial.open("wb") as out:
            out.write(data)
            if durable:
                out.flush()
                os.fsync(out.fileno())
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        error.filename = error.filename or str(file)  # a write to a full disk names none
        raise


def write_lines(file: Path, lines: Iterable[str]) -> None:
    """Write lines by temporary file and rename, none held: for files of any length."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(f"{line}\n" for line in lines)
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_json(file: Path, content: Any) -> None:
    """Write JSON by temporary file and rename."""
    write_bytes(file, (as_json(content) + "\n").encode())


def as_json(content: Any) -> str:
    """JSON for people and machines."""
    return json.dumps(content, indent=2, ensure_ascii=False)
