"""The watermark detector measured: precision and recall on marks, fonts, logos and pictures that it never saw.

    python -m benchmarks.filter_marks [--sheets FOLDER]

Half of each set of pictures carries a mark of `watermark_cases` (text, logo, tiled in turn), the other half is clean:
average precision, and the recall of each kind at the limit that 1 % of the clean half exceed. Then what the limits that
ship do, small marks, the box, signatures, the demo's own marks, the real cases of ../shared (where they are), speed,
and text recognition. Intervals are of 95 %, average precision's by bootstrap. `--sheets` writes every
error as a contact sheet; those of rendered pictures alone are committed.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch

from benchmarks.filter_errors import Errors, run
from benchmarks.filter_marks_peer import text_recognition
from benchmarks.filter_marks_scores import Pictures, Scores, scores
from benchmarks.filter_marks_scores import limit as limit_of
from benchmarks.filter_marks_speed import rates
from benchmarks.results import Figure, share
from benchmarks.watermark_cases import KINDS, UNSEEN_STYLES, Box, marked, portraits, saved, selfies
from scgan_data import images, watermark, watermark_signature
from scgan_data.records import SELFIE
from scgan_data.sample.portraits import portraits as demo_portraits
from scgan_data.sample.selfies import MARKED
from scgan_data.sample.watermarks import MARKS

SHARED = Path(__file__).parent.parent.parent / "shared" / "cases"
DRAWN = "anime"
OVERLAID = (
    ("faces/landmarks68", SELFIE),
    ("faces/landmarks5", SELFIE),
    ("faces/full_frames", SELFIE),
    ("cartoons/toons", DRAWN),
)
"""Real sets of which a person saw which files carry an overlay."""


@dataclass(frozen=True)
class Set:
    """Clean pictures of one kind."""

    name: str
    domain: str
    pictures: Pictures
    rendered: bool = False
    """Whether its pictures may be shown in the repository."""


def main() -> None:
    """Measure everything and write the two files."""
    run("filter_marks", __doc__ or "", figures)


def figures(errors: Errors) -> list[Figure]:
    """Every figure; `errors` collects the pictures behind the wrong answers."""
    torch.set_num_threads(1)
    every: list[Figure] = []
    for found in sets():
        every += [*_unseen(found, errors), *_at_limits(found), *_boxes_and_signatures(found)]
    return [*every, *_planted(), *_real(errors), *rates(), *text_recognition()]


def sets() -> list[Set]:
    """The pictures: photographs, anime, toons and portraits apart."""
    found = [Set("selfies", SELFIE, [p for k, p in enumerate(selfies(), 1) if k not in MARKED])]
    if SHARED.is_dir():
        large = [*_folder("faces/portraits256"), *_folder("faces/landmarks5", overlaid=False)]
        found.append(Set("portrait photographs, 256 and 512 px", SELFIE, large))
        found.append(Set("anime faces, 64 px", DRAWN, _folder("cartoons/anime64", 400)))
        found.append(Set("film stills", DRAWN, _folder("cartoons/toons", overlaid=False)))
    drawn = [p for style in UNSEEN_STYLES for p in portraits(style, 100, seed=102)]
    avatars = list(portraits("avataaars", 400, seed=101))
    return [
        *found,
        Set("drawn portraits of unseen styles", DRAWN, drawn, rendered=True),
        Set("avataaars of unseen seeds", DRAWN, avatars, rendered=True),
    ]


def is_overlaid(name: str, file: str) -> bool:
    """Whether a person saw that a file of a real set carries an overlay (caption, station's logo): it is not clean."""
    return hashlib.sha256(f"{name}/{file}".encode()).hexdigest()[:16] in _listed()


@cache
def _listed() -> frozenset[str]:
    """Hashes of names: nothing of the sets, not even their names, is part of this project."""
    text = (Path(__file__).parent / "filter_marks_overlaid.csv").read_text(encoding="utf-8")
    return frozenset(row["name_sha256"] for row in csv.DictReader(text.splitlines()))


def _folder(name: str, count: int | None = None, *, overlaid: bool | None = None) -> Pictures:
    """Pictures of a real set: all, those that carry an overlay, or the others."""
    files = sorted(f for f in (SHARED / name).iterdir() if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    short = name.rpartition("/")[2]
    chosen = [f for f in files if overlaid is None or is_overlaid(short, f.name) == overlaid]
    return [images.load(file) for file in chosen][:count]


def _unseen(found: Set, errors: Errors) -> list[Figure]:
    """Average precision with half of the pictures marked, and recall a kind at 1 % false positives."""
    order = np.random.default_rng(11).permutation(len(found.pictures))
    clean, under = ([found.pictures[k] for k in half] for half in (order[::2], order[1::2]))
    rng = np.random.default_rng(12)
    kinds = [KINDS[k % 3] for k in range(len(under))]
    pictures = [marked(picture, kind, rng)[0] for picture, kind in zip(under, kinds, strict=True)]
    negative, positive = scores(clean), scores(pictures)
    limit = float(np.sort(negative)[len(negative) - 1 - len(negative) // 100])
    errors.add(found.name, "false", clean, negative, negative > limit, found.rendered)
    errors.add(found.name, "missed", pictures, positive, positive <= limit, found.rendered)
    low, high = _bootstrap(positive, negative)
    precision = average_precision(positive, negative)
    half = f"{len(positive)} marked, {len(negative)} clean; {low:.3f} to {high:.3f}"
    made = [Figure(f"{found.name}: average precision", round(precision, 4), half, 0.97)]
    for kind in KINDS:
        hits = positive[[k == kind for k in kinds]] > limit
        made.append(share(f"{found.name}: found at 1 % false, {kind}", hits, 0.9))
    return made


def average_precision(positive: Scores, negative: Scores) -> float:
    """Mean precision at each marked picture's rank, ties counted against it."""
    ranks = np.arange(1, len(positive) + 1)
    best_first = np.sort(positive)[::-1]
    above = len(negative) - np.searchsorted(np.sort(negative), best_first, side="left")
    return float((ranks / (ranks + above)).mean())


def _bootstrap(positive: Scores, negative: Scores) -> tuple[float, float]:
    rng = np.random.default_rng(13)
    drawn = [
        average_precision(rng.choice(positive, len(positive)), rng.choice(negative, len(negative))) for _ in range(500)
    ]
    return float(np.percentile(drawn, 2.5)), float(np.percentile(drawn, 97.5))


def _at_limits(found: Set) -> list[Figure]:
    """What the limits that ship reject of all clean pictures, and find on up to 200 of them a kind."""
    limit, rng = limit_of(found.domain), np.random.default_rng(14)
    made = [share(f"{found.name}: clean rejected at {limit:.3g}", scores(found.pictures) > limit, 0.01, at_most=True)]
    for kind in (*KINDS, "small"):
        pictures = [marked(picture, kind, rng)[0] for picture in found.pictures[:200]]
        made.append(share(f"{found.name}: found at {limit:.3g}, {kind}", scores(pictures) > limit))
    return made


def _boxes_and_signatures(found: Set) -> list[Figure]:
    """Where: overlap of the box with a logo's own. Signatures kept by the rule, and logos that it mistakes for one."""
    rng, limit = np.random.default_rng(15), limit_of(found.domain)
    overlap, mistaken, kept, told = [], [], [], []
    for picture in found.pictures[:150]:
        made, truth = marked(picture, "logo", rng)
        box = watermark.find(made).xyxy
        overlap.append(_overlap(box, truth))
        mistaken.append(box is not None and watermark_signature.is_signature(made, box))
        signed, _ = marked(picture, "signature", rng)
        told.append(watermark.find(signed).score > limit)
        kept.append(watermark.find(signed, keep_signatures=True).score <= limit)
    return [
        Figure(f"{found.name}: box of a logo, median overlap", round(float(np.median(overlap)), 3), "of 1 (IoU)"),
        share(f"{found.name}: signatures rejected, `reject`", told),
        share(f"{found.name}: signatures kept, `keep`", kept),
        share(f"{found.name}: logos taken for signatures", mistaken),
    ]


def _overlap(a: Box | None, b: Box) -> float:
    if a is None:
        return 0.0
    both = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return both / max(1, area - both)


def _planted() -> list[Figure]:
    """The demo's own marks, on pictures as its gallery has them, at the limits that ship."""
    made, rng = [], np.random.default_rng(9)
    for name, domain, pictures in (
        ("sample selfies", SELFIE, selfies()[3::4]),
        ("the demo's portraits", DRAWN, list(demo_portraits(180, 77))),
    ):
        limit = limit_of(domain)
        for turn, (kind, draw) in enumerate(MARKS.items()):
            under = [draw(picture, rng) for picture in pictures[turn :: len(MARKS)]]
            under = [saved(picture, 90) for picture in under] if domain == SELFIE else under
            made.append(share(f"{name}, the demo's marks: found, {kind}", scores(under) > limit, 0.8))
    made.append(share("the demo's portraits: clean rejected", scores(pictures) > limit, 0.01, at_most=True))
    return made


def _real(errors: Errors) -> list[Figure]:
    """The team's real cases, where they are: how many are rejected at the limits that ship."""
    if not SHARED.is_dir():
        print(f"{SHARED} is not here: real cases are left out")
        return []
    made, limit = [], limit_of(SELFIE)
    rows = list(csv.DictReader((SHARED / "watermark" / "labels.csv").open(encoding="utf-8")))
    for row in rows:  # four `synthetic_wm` files are labelled clean and carry a site's name
        row["label"] = "marked" if is_overlaid("watermark", row["file"]) else row["label"]
    for label, how in sorted({(row["label"], row["how"]) for row in rows}):
        pictures = [
            images.load(SHARED / "watermark" / row["file"])
            for row in rows
            if (row["label"], row["how"]) == (label, how)
        ]
        found = scores(pictures)
        errors.add(f"watermark {how}", label, pictures, found, (found > limit) != (label == "marked"))
        made.append(share(f"shared watermark, {label} ({how}): rejected", found > limit))
    for folder, domain in OVERLAID:
        name = folder.rpartition("/")[2]
        for carry in (True, False):
            pictures = _folder(folder, overlaid=carry)
            hits = scores(pictures) > limit_of(domain)
            errors.add(name, "missed" if carry else "false", pictures, scores(pictures), hits != carry)
            what = "an overlay seen by eye" if carry else "none seen"
            made.append(share(f"shared {name}, {what}: rejected", hits))
    return made


if __name__ == "__main__":
    main()
