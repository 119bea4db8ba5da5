"""A file inside an archive, whatever the archive: its name, its bytes under a limit, what is said of it.

Sidecars are JSON (`000.json` or `000.jpg.json` beside `000.jpg`, as img2dataset and gallery-dl write them) and the
caption `000.txt`; WebDataset's key, the name up to its first dot, joins them to `000.left.jpg` as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from scgan_data import images
from scgan_data.records import Reason
from scgan_data.sources.columns import NOTHING, Told, text, told_by_json
from scgan_data.sources.folder import MAX_SIDECAR_BYTES, sidecar_names
from scgan_data.web.address import RefusedError

MAX_MEMBER_BYTES = images.MAX_BYTES
"""Read of one member at most, whatever it announces."""
SIDECARS = (".json", ".txt")
_PIECE_BYTES = 8192  # of compressed bytes too: zipfile unpacks what it read of bz2 and lzma at once, up to 20,000-fold


@dataclass(frozen=True)
class Member:
    """A member that is offered, or the rest of a damaged archive (`name` empty)."""

    name: str
    signature: str = ""
    read: Callable[[], bytes] | None = None
    """Raises RefusedError."""
    size_bytes: int | None = None
    said: Told = NOTHING
    refused: RefusedError | None = None


def signature_of(file: Path) -> str:
    """Changes when the archive may have changed."""
    status = file.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


def plain_name(name: str) -> str:
    """A member's name as the manifest can hold it."""
    return name.removeprefix("./").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_hidden(name: str) -> bool:
    """Whether a member is of the kind that people do not see: `.git/x`, `__MACOSX/._a.jpg`."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return not parts or any(part.startswith(".") or part == "__MACOSX" for part in parts)


def is_sidecar(name: str, size_bytes: int) -> bool:
    """Whether a member may say something of a picture."""
    return name.endswith(SIDECARS) and size_bytes <= MAX_SIDECAR_BYTES


def read_limited(stream: IO[bytes], announced: int) -> bytes:
    """A member's bytes. Raises RefusedError(TOO_MANY_BYTES)."""
    data, size = bytearray(), announced
    while size <= MAX_MEMBER_BYTES and (piece := stream.read(_PIECE_BYTES)):
        data += piece
        size = max(announced, len(data))
    if size > MAX_MEMBER_BYTES:
        raise RefusedError(Reason.TOO_MANY_BYTES, f"{size} bytes", value=float(size), limit=float(MAX_MEMBER_BYTES))
    return bytes(data)


def said_beside(name: str, read: Callable[[str], bytes | None], used: set[str]) -> Told:
    """What the sidecars of the picture `name` say; those that said something are added to `used`."""
    stem = name.rpartition(".")[0] or name
    key = f"{name.rpartition('/')[0]}/".removeprefix("/") + name.rpartition("/")[2].partition(".")[0]
    said = NOTHING
    for candidate in dict.fromkeys((*sidecar_names(name), f"{key}.json")):
        if (data := read(candidate)) is not None and (found := told_by_json(data)) is not None:
            said = found
            used.add(candidate)
            break
    for candidate in dict.fromkeys((f"{stem}.txt", f"{key}.txt")):
        if (data := read(candidate)) is not None and (caption := _caption(data)):
            used.add(candidate)
            return replace(said, extra={"caption": caption} | dict(said.extra))
    return said


def _caption(data: bytes) -> str | None:
    try:
        return text(data.decode())
    except UnicodeDecodeError:
        return None


def unreadable(error: BaseException | str) -> RefusedError:
    """The refusal of a damaged member."""
    said = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return RefusedError(Reason.FILE_UNREADABLE, " ".join(said.split())[:200])
