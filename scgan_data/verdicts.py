"""People's verdicts (`review/verdicts.jsonl`, kept in Git): they outlive every recomputation.

One JSON object a line, `{"id": …, "verdict": "accept" or "reject"}` or `{"id": …, "regions": {"eyes": [x0, y0, x1, y1]
or null, …}}`, the id being that of a picture or of the crop made of it; a later line stands over an earlier one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
