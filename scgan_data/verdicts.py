"""People's verdicts (`review/verdicts.jsonl`, kept in Git): they outlive every recomputation.

One JSON object a line, about a picture or the crop made of it (`id`):

    {"id": …, "verdict": "accept" or "reject", "reason": …, "note": …}
    {"id": …, "regions": {"eyes": [x0, y0, x1, y1], "mouth": null}}    in its own pixels; null is not visible
    {"id": …, "undoes": AT}    what the same reviewer said of it at that time never was

each with `reviewer` and `at` (ISO 8601, UTC), of a crop also `parent_id` and `parent_regions` (the boxes in the
parent's pixels), so that the word outlives the crop. Further keys are kept. Nothing is ever deleted: the file is only
appended to (`verdicts_file`). A last line that a power cut left torn was promised to nobody and is passed over.

**Which line stands** (`fold`, the one rule for dataset, dedup, filter and the page). Of one reviewer the last line;
between reviewers the later one, for the verdict and for each region by itself. Where the last words of two differ the
picture is disputed: reported, and first among the doubtful, until they agree or one who was shown all words gives a
line with `settles`. A majority was the other choice: it needs three people a picture, and a lead could not overrule.
Later means by `at`, not by place, so that two branches merge in any order (`merge=union`) to the same result; a line
written by hand without `at` is as late as the lines above it.

A row's lines (`by_row`) are those of its id, of its parent's, and of crops of its parent that a new framing has
replaced (where the parent has one crop). An accepted crop accepts its picture, for dedup and filter (`words`).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf, isfinite
from pathlib import Path
from typing import Any

from scgan_data.errors import ScganError
from scgan_data.records import Region
from scgan_data.terminal import console

FILE = Path("review/verdicts.jsonl")
Line = dict[str, Any]
Box = list[float]
"""x0, y0, x1, y1."""
_KINDS = ("verdict", "regions", "undoes")


@dataclass(frozen=True)
class Standing:
    """What people say of one picture."""

    verdict: Line | None
    """The line whose verdict stands."""
    boxes: dict[Region, tuple[Box | None, Line]]
    """By region that a person set: the box in the pixels of the line's picture (None: not visible), and the line."""
    words: dict[str, str]
    """Each reviewer's last verdict, since the last one that settled a dispute."""

    @property
    def word(self) -> str | None:
        """accept, reject or None."""
        return None if self.verdict is None else str(self.verdict["verdict"])

    @property
    def disputed(self) -> bool:
        """Whether reviewers disagree."""
        return len(set(self.words.values())) > 1


def read_verdicts(file: Path) -> list[Line]:
    """The lines that nobody undid, the latest last; a missing file is an empty one. Raises ScganError."""
    if file.is_dir():
        raise ScganError(f"{file} is a folder: name the file of the verdicts in it, for example verdicts.jsonl")
    return without_undone(in_order(parse(file.read_bytes() if file.is_file() else b"", file)))


def parse(data: bytes, file: Path, *, first: int = 1) -> list[Line]:
    """All lines of a file's bytes, in its order; a torn last one is passed over with a line on the terminal.

    `first` is the number of the first line. Raises ScganError for a line that is no verdict.
    """
    *whole, rest = data.split(b"\n")
    said = []
    for number, text in enumerate([*whole, rest], first):
        if not text.strip():
            continue
        line = _line(text)
        if line is None and text is rest and not is_whole(text):
            console.print(f"{file}, line {number}: torn (a power cut, a full disk?); passed over")
        elif line is None:
            raise ScganError(f"{file}, line {number}: not a verdict; {_mending(text)}")
        else:
            said.append(line)
    return said


def is_whole(text: bytes) -> bool:
    """Whether a line is a whole JSON object, which nothing tore: what is wrong with it, somebody wrote."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _mending(text: bytes) -> str:
    """What to do about a line that is no verdict."""
    if text.startswith((b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")):
        return "a conflict of git's: keep the lines of both sides and delete the marks, their order does not matter"
    if not is_whole(text):
        return "each line is one JSON object, in UTF-8"
    boxes = f"`regions` a box [x0, y0, x1, y1] or null for each of {', '.join(Region)}"
    return f"it needs an id, and `verdict` or `regions`: `verdict` is accept or reject, {boxes}"


def _line(text: bytes) -> Line | None:
    try:
        said = json.loads(text)
        return said if _is_verdict(said) else None
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError):
        return None


def _is_verdict(said: Line) -> bool:
    texts = (said["id"], said.get("undoes", ""), said.get("reviewer") or "", said.get("parent_id") or "")
    regions = said.get("regions", {})
    time_of(said)
    return (
        any(kind in said for kind in _KINDS)
        and all(isinstance(text, str) for text in texts)
        and said.get("verdict", "accept") in ("accept", "reject")
        and set(regions) <= set(Region)
        and all(box is None or is_box(box) for box in regions.values())
    )


def is_box(box: Any) -> bool:
    """Whether it is four finite numbers x0 < x1, y0 < y1."""
    numbers = isinstance(box, list) and len(box) == 4 and all(type(v) in (int, float) and isfinite(v) for v in box)
    return numbers and box[0] < box[2] and box[1] < box[3]


def time_of(said: Line) -> float | None:
    """When it was said, in seconds since 1970; None where it does not say. Raises ValueError, TypeError."""
    if said.get("at") is None:
        return None
    at = datetime.fromisoformat(said["at"])
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def in_order(said: Sequence[Line]) -> list[Line]:
    """Lines of a file, the latest last; dated ones come out the same whatever order they stand in."""
    latest, keyed = -inf, []
    for number, line in enumerate(said):
        at = time_of(line)
        latest = max(latest, -inf if at is None else at)
        text = "" if at is None else json.dumps(line, sort_keys=True)
        keyed.append(((latest, 1, number, "") if at is None else (at, 0, 0, text), number))
    return [said[number] for _, number in sorted(keyed)]


def without_undone(said: Iterable[Line], *, keeps_undoing: bool = False) -> list[Line]:
    """Lines in order, less what was undone and (else kept) the undoing itself; an undo can be undone."""
    gone: set[tuple[str, str | None, str | None]] = set()
    left = []
    for line in reversed(list(said)):
        about = (line["id"], line.get("reviewer"))
        if (*about, line.get("at")) in gone:
            continue
        if "undoes" in line:
            gone.add((*about, line["undoes"]))
        if keeps_undoing or "undoes" not in line:
            left.append(line)
    return left[::-1]


def fold(said: Iterable[Line]) -> Standing:
    """What stands of lines about one picture, in order, nothing undone among them."""
    verdict: Line | None = None
    boxes: dict[Region, tuple[Box | None, Line]] = {}
    words: dict[str, str] = {}
    for line in said:
        if "verdict" in line:
            verdict = line
            words = {} if line.get("settles") else words
            words[line.get("reviewer") or ""] = line["verdict"]
        boxes |= {Region(region): (box, line) for region, box in line.get("regions", {}).items()}
    return Standing(verdict, boxes, words)


def by_row(said: Iterable[Line], ids: Sequence[str], parents: Sequence[str | None]) -> list[list[Line]]:
    """The lines, in order, about each row of a manifest, given by its id and its parent's (None for none)."""
    said = list(said)
    crops, here = Counter(parents), {*ids, *parents}
    about: dict[str, list[int]] = defaultdict(list)
    replaced: dict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(said):
        parent = line.get("parent_id")
        about[line["id"]].append(place)
        if parent is not None and line["id"] not in here and crops[parent] == 1:
            replaced[parent].append(place)
    found = []
    for one, parent in zip(ids, parents, strict=True):
        places = set(about.get(one, ())) | set(about.get(parent or "", ())) | set(replaced.get(parent or "", ()))
        found.append([said[place] for place in sorted(places)])
    return found


def words(said: Iterable[Line]) -> dict[str, str]:
    """The last word, accept or reject, on each picture that lines (of `read_verdicts`) are about."""
    last = {line["id"]: (place, line) for place, line in enumerate(said) if "verdict" in line}
    for place, line in list(last.values()):
        parent = line.get("parent_id")
        if parent and line["verdict"] == "accept" and (parent not in last or last[parent][0] < place):
            last[parent] = (place, line)
    return {name: line["verdict"] for name, (_, line) in last.items()}


def accepted(said: Iterable[Line]) -> frozenset[str]:
    """The ids of pictures that are accepted."""
    return frozenset(name for name, word in words(said).items() if word == "accept")
