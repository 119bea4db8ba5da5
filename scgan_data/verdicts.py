"""People's verdicts (`review/verdicts.jsonl`, kept in Git): they outlive every recomputation.

One JSON object a line, `{"id": …, "verdict": "accept" or "reject"}` or `{"id": …, "regions": {"eyes": [x0, y0, x1, y1]
or null, …}}`, the id being that of a picture or of the crop made of it; a later line stands over an earlier one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from scgan_data.errors import ScganError
from scgan_data.records import Region


def read_verdicts(file: Path) -> list[dict[str, Any]]:
    """The lines of a verdicts file; a missing file is an empty one. Raises ScganError for a line that is no verdict."""
    if not file.is_file():
        return []
    verdicts = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            verdict = json.loads(line)
            regions = verdict.get("regions", {})
            known = isinstance(verdict["id"], str) and set(regions) <= set(Region)
        except (ValueError, KeyError, TypeError, AttributeError):
            known = False
        if not known or verdict.get("verdict", "accept") not in ("accept", "reject"):
            raise ScganError(f"{file}, line {number}: not a verdict; it needs an id, and `verdict` or `regions`")
        verdicts.append(verdict)
    return verdicts


def accepted(verdicts: list[dict[str, Any]]) -> frozenset[str]:
    """The ids whose last verdict is `accept`."""
    said = {v["id"]: v["verdict"] for v in verdicts if "verdict" in v}
    return frozenset(name for name, word in said.items() if word == "accept")


def append(file: Path, verdicts: Iterable[Mapping[str, Any]]) -> None:
    """Add lines to a verdicts file, whole or not at all, on disk when this returns; other writers wait their turn."""
    lines = "".join(json.dumps(verdict, ensure_ascii=False) + "\n" for verdict in verdicts)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f".{file.name}.lock")), file.open("ab") as out:
        out.write(lines.encode())
        out.flush()
        os.fsync(out.fileno())
