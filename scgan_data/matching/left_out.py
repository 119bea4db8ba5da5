"""`review/rebalance.jsonl`: pictures that `match --fix rebalance` proposes to leave out, for `dataset` to read.

One line a picture, `{"id": …, "style": …, "by": "match --fix rebalance"}`. It is a list of its own and not part of
`review/verdicts.jsonl`, which was the other choice: a proposal is replaced as a whole when the data changes, whereas a
person's word is appended and outlives everything; dedup and filter read verdicts and would run again; and a machine
would be one reviewer among people, whose word disputes theirs. It is in Git: a person takes a picture back by deleting
its line or by an `accept` among the verdicts, which wins, and everything by `--keep 1`. The id is the crop's: a new
crop is framed anew, so a line about the old one says nothing any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from scgan_data import files, manifest
from scgan_data.errors import ScganError
from scgan_data.records import Reason

FILE = Path("review/rebalance.jsonl")
BY = "match --fix rebalance"


def read(file: Path = FILE) -> dict[str, str]:
    """The style for whose sake each picture is left out, by id; none for a missing file. Raises ScganError."""
    if not file.is_file():
        return {}
    found = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                said = json.loads(line)
                found[str(said["id"])] = str(said.get("style", ""))
            except (ValueError, KeyError, TypeError):
                raise ScganError(f"{file}, line {number}: not a picture to leave out; it needs an id") from None
    return found


def write(ids: Iterable[str], style: str, file: Path = FILE) -> None:
    """Put these in the place of what was left out for a style; lines for other styles stay."""
    others = [(i, s) for i, s in read(file).items() if s != style]
    lines = [*others, *((i, style) for i in sorted(ids))]
    text = "".join(json.dumps({"id": i, "style": s, "by": BY}) + "\n" for i, s in lines)
    files.write_bytes(file, text.encode())


def stale(rows: pd.DataFrame, left_out: Iterable[str]) -> int:
    """How many of the list are no picture of `rows` any more: cropped anew, or collected no longer."""
    return len(set(left_out) - set(rows["id"]))


def apply(rows: pd.DataFrame, left_out: Iterable[str], accepted: Iterable[str]) -> pd.DataFrame:
    """A copy of `rows` in which the kept pictures that are left out are rejected, unless a person accepted them."""
    kept_by_people = set(accepted)
    spared = rows["id"].isin(kept_by_people) | rows["parent_id"].isin(kept_by_people)
    return manifest.reject(rows, rows["id"].isin(set(left_out)) & ~spared, Reason.REBALANCED, stage="dataset")
