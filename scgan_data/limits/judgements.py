"""What people said of pictures: `review/judgements.jsonl`, in Git, appended to, nothing asked twice.

One JSON object a line: `{"id": …, "reason": "watermarked", "bad": true}`; `bad` null means that the person could not
tell. A later line about the same picture and reason replaces an earlier one, so taking an answer back is a line too
(`"withdrawn": true`). A last line without its end, which a full disk tore, says nothing; the next answer replaces it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ValidationError

from scgan_data.errors import ScganError
from scgan_data.terminal import console

FILE = Path("review/judgements.jsonl")
Answers = dict[str, bool | None]
"""By id: whether the picture is bad; None where the person could not tell."""


def read(file: Path, reason: str) -> Answers:
    """The last word on each picture; a line without `reason` counts. Raises ScganError for a line that is no answer."""
    answers: Answers = {}
    if not file.is_file():
        return answers
    lines = file.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        said = _parsed(line)
        if said is None and number == len(lines):
            console.print(f"{file}, line {number}: torn (a power cut, a full disk?); passed over")
            continue
        if said is None:
            raise ScganError(f'{file}, line {number}: not a judgement; write {{"id": "…", "bad": true}}')
        if said.reason not in (None, reason):
            continue
        if said.withdrawn:
            answers.pop(said.id, None)
        else:
            answers[said.id] = said.bad
    return answers


class Judgement(BaseModel, extra="forbid", strict=True):
    """One line."""

    id: str
    reason: str | None = None
    bad: bool | None = None
    withdrawn: bool = False


def _parsed(line: bytes) -> Judgement | None:
    try:
        said = Judgement.model_validate_json(line)
    except ValidationError:
        return None
    return said if said.withdrawn or "bad" in said.model_fields_set else None


def append(file: Path, reason: str, content_id: str, bad: bool | None, *, withdrawn: bool = False) -> None:
    """Add an answer, or take one back."""
    said = {"id": content_id, "reason": reason} | ({"withdrawn": True} if withdrawn else {"bad": bad})
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab+") as stream:
        _end_last_line(stream)
        stream.write(json.dumps(said).encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _end_last_line(stream: BinaryIO) -> None:
    """End the last line where it is an answer, else cut it off: a torn one was stored for nobody."""
    stream.seek(0)
    rest = stream.read().rpartition(b"\n")[2]
    if rest and _parsed(rest) is not None:
        stream.write(b"\n")
    elif rest:
        stream.truncate(stream.tell() - len(rest))
