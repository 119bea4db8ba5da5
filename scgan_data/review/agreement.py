"""`scgan-data verdicts`: who said what, how far people agree, what is disputed, what audits found.

Agreement is of pairs of reviewers, over the pictures on which both gave a verdict: their last words, raw and as Cohen's
kappa (chance agreement taken out), and the mean overlap (IoU) of boxes of one region that both placed. A word that
settles a dispute was given with the others' in view and counts for nothing here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from rich.table import Table

from scgan_data.review.audit import Audit, audits
from scgan_data.verdicts import Box, Line, fold

UNNAMED = "unnamed"
Words = dict[str, str]
"""By picture, accept or reject."""


@dataclass(frozen=True)
class Pair:
    """Two reviewers."""

    one: str
    two: str
    both: int
    """Pictures that both judged."""
    equal: int
    kappa: float | None
    """None where chance alone would make them agree."""
    boxes: int
    """Boxes that both placed."""
    iou: float | None
    """Their mean overlap."""


@dataclass(frozen=True)
class Summary:
    """What a verdicts file says."""

    reviewers: dict[str, dict[str, int]]
    """Lines that stand in nobody's undo, by reviewer: accept, reject, boxes."""
    pairs: list[Pair]
    disputed: dict[str, Words]
    """By picture, each reviewer's word."""
    audits: list[Audit]

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"audits": [audit.as_json() for audit in self.audits]}


def summary(said: Sequence[Line]) -> Summary:
    """Of lines as `verdicts.read_verdicts` gives them."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    words: dict[str, Words] = defaultdict(dict)
    boxes: dict[str, dict[tuple[str, str], Box | None]] = defaultdict(dict)
    about: dict[str, list[Line]] = defaultdict(list)
    for line in said:
        name = line.get("reviewer") or UNNAMED
        about[line["id"]].append(line)
        if "verdict" in line:
            counts[name][line["verdict"]] += 1
            if not line.get("settles"):
                words[name][line["id"]] = line["verdict"]
        for region, box in line.get("regions", {}).items():
            counts[name]["boxes"] += 1
            boxes[name][line["id"], region] = box
    names = sorted(counts)
    pairs = [_pair(one, two, words, boxes) for one, two in combinations(names, 2)]
    folded = {name: fold(lines) for name, lines in about.items()}
    disputed = {name: {who or UNNAMED: w for who, w in s.words.items()} for name, s in folded.items() if s.disputed}
    kinds = ("accept", "reject", "boxes")
    return Summary({n: {k: counts[n][k] for k in kinds} for n in names}, pairs, disputed, audits(said))


def _pair(one: str, two: str, words: dict[str, Words], boxes: dict[str, dict[tuple[str, str], Box | None]]) -> Pair:
    both = sorted(words[one].keys() & words[two].keys())
    first, second = [words[one][name] for name in both], [words[two][name] for name in both]
    equal = sum(a == b for a, b in zip(first, second, strict=True))
    placed = boxes[one].keys() & boxes[two].keys()
    overlaps = [overlap(a, b) for key in placed if (a := boxes[one][key]) and (b := boxes[two][key])]
    mean = sum(overlaps) / len(overlaps) if overlaps else None
    return Pair(one, two, len(both), equal, cohens_kappa(first, second), len(overlaps), mean)


def cohens_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """(observed - chance) / (1 - chance) agreement of two people's words on the same pictures; None if chance is 1."""
    count = len(first)
    if not count:
        return None
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    chance = sum(first.count(word) * second.count(word) for word in {*first, *second}) / count**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def overlap(one: Box, two: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    return shared / (sum(areas) - shared)


def views(found: Summary) -> Iterator[Table | str]:
    """The same for people."""
    people = Table("reviewer", *(f"{kind}s" if kind != "boxes" else kind for kind in ("accept", "reject", "boxes")))
    for name, counts in found.reviewers.items():
        people.add_row(name, *(str(count) for count in counts.values()))
    yield people if found.reviewers else "no verdicts yet"
    if found.pairs:
        pairs = Table("pair", "both judged", "agree", "Cohen's kappa", "boxes of both", "mean IoU")
        for pair in found.pairs:
            agree = f"{pair.equal}/{pair.both} ({pair.equal / pair.both:.1%})" if pair.both else "-"
            kappa, iou = ("-" if value is None else f"{value:.3f}" for value in (pair.kappa, pair.iou))
            pairs.add_row(f"{pair.one}, {pair.two}", str(pair.both), agree, kappa, str(pair.boxes), iou)
        yield pairs
    if found.disputed:
        disputed = Table("disputed picture", "words")
        for name, words in found.disputed.items():
            disputed.add_row(name, ", ".join(f"{who}: {word}" for who, word in words.items()))
        yield disputed
    for audit in found.audits:
        yield f"audit {audit.name} ({audit.domain or 'all domains'}, {', '.join(audit.reviewers)}): {audit.words}"
