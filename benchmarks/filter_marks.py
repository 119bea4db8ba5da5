"""The watermark detector measured: precision and recall on marks, fonts, logos and pictures that it never saw.

    python -m benchmarks.filter_marks [--sheets FOLDER]

Half of each set of pictures carries a mark of `watermark_cases` (text, logo, tiled in turn), the other half is clean:
average precision, and the recall of each kind at the limit that 1 % of the clean half exceed. Then what the limits that
ship do, small marks, the box, signatures, the real cases of ../shared (where they are), speed, and rapidocr. Intervals
are Clopper-Pearson's of 95 %, average precision's by bootstrap. `--sheets` writes every error as a contact sheet; those
of rendered pictures alone are committed.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest

from benchmarks.filter_marks_peer import flagged_by_rapidocr
from benchmarks.filter_marks_sheet import Errors, write_sheets
from benchmarks.filter_marks_speed import rates
from benchmarks.results import FOLDER, Figure, write
from benchmarks.watermark_cases import CARRY_A_MARK, KINDS, UNSEEN_STYLES, Box, marked, portraits, selfies
from scgan_data import images, watermark, watermark_signature
from scgan_data.config import limit_for
from scgan_data.filter import FilterConfig
from scgan_data.records import SELFIE

SHARED = Path(__file__).parent.parent.parent / "shared" / "cases"
DRAWN = "anime"
Pictures = list[Image.Image]
Scores = NDArray[np.float64]


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
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets of all errors, research pictures too")
    given = parser.parse_args()
    errors = Errors()
    write("filter_marks", figures(errors))
    write_sheets(errors, FOLDER, rendered_only=True)
    if given.sheets:
        write_sheets(errors, given.sheets)


def figures(errors: Errors | None = None) -> list[Figure]:
    """Every figure; `errors` collects the pictures behind the wrong answers."""
    torch.set_num_threads(1)
    seen = errors if errors is not None else Errors()
    every: list[Figure] = []
    for found in sets():
        every += [*_unseen(found, seen), *_at_limits(found), *_boxes_and_signatures(found)]
    return [*every, *_real(seen), *rates(), *_peer()]


def sets() -> list[Set]:
    """The pictures: photographs, anime, toons and portraits apart."""
    found = [Set("selfies", SELFIE, [p for k, p in enumerate(selfies(), 1) if k not in CARRY_A_MARK])]
    if SHARED.is_dir():
        large = [*_folder("faces/portraits256"), *_folder("faces/landmarks5")]
        found.append(Set("portrait photographs, 256 and 512 px", SELFIE, large))
        found.append(Set("anime faces, 64 px", DRAWN, _folder("cartoons/anime64", 400)))
        found.append(Set("film stills", DRAWN, _folder("cartoons/toons", overlaid=False)))
    drawn = [p for style in UNSEEN_STYLES for p in portraits(style, 100, seed=102)]
    return [*found, Set("drawn portraits of unseen styles", DRAWN, drawn, rendered=True)]


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


def _scores(pictures: Pictures) -> Scores:
    return np.array([watermark.find(picture).score for picture in pictures])


def _unseen(found: Set, errors: Errors) -> list[Figure]:
    """Average precision with half of the pictures marked, and recall a kind at 1 % false positives."""
    order = np.random.default_rng(11).permutation(len(found.pictures))
    clean, under = ([found.pictures[k] for k in half] for half in (order[::2], order[1::2]))
    rng = np.random.default_rng(12)
    kinds = [KINDS[k % 3] for k in range(len(under))]
    pictures = [marked(picture, kind, rng)[0] for picture, kind in zip(under, kinds, strict=True)]
    negative, positive = _scores(clean), _scores(pictures)
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


def share(
    name: str, hits: Sequence[bool] | NDArray[np.bool_], least: float | None = None, *, at_most: bool = False
) -> Figure:
    """k of n with its interval."""
    k, n = int(np.sum(hits)), len(hits)
    low, high = binomtest(k, n).proportion_ci(0.95, method="exact") if n else (0.0, 1.0)
    return Figure(name, round(k / max(1, n), 4), f"of 1 ({k}/{n}; {low:.3f} to {high:.3f})", least, at_most=at_most)


def _limit(domain: str) -> float:
    limit = limit_for(FilterConfig().max_watermark_score, domain)
    return 1.0 if limit is None else limit


def _at_limits(found: Set) -> list[Figure]:
    """What the limits that ship reject of all clean pictures, and find on up to 200 of them a kind."""
    limit, rng = _limit(found.domain), np.random.default_rng(14)
    made = [share(f"{found.name}: clean rejected at {limit:.3g}", _scores(found.pictures) > limit, 0.01, at_most=True)]
    for kind in (*KINDS, "small"):
        pictures = [marked(picture, kind, rng)[0] for picture in found.pictures[:200]]
        made.append(share(f"{found.name}: found at {limit:.3g}, {kind}", _scores(pictures) > limit))
    return made


def _boxes_and_signatures(found: Set) -> list[Figure]:
    """Where: overlap of the box with a logo's own. Signatures kept by the rule, and logos that it mistakes for one."""
    rng, limit = np.random.default_rng(15), _limit(found.domain)
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


def _real(errors: Errors) -> list[Figure]:
    """The team's real cases, where they are: how many are rejected at the limits that ship."""
    if not SHARED.is_dir():
        print(f"{SHARED} is not here: real cases are left out")
        return []
    made, limit = [], _limit(SELFIE)
    rows = list(csv.DictReader((SHARED / "watermark" / "labels.csv").open(encoding="utf-8")))
    for row in rows:  # four `synthetic_wm` files are labelled clean and carry a site's name
        row["label"] = "marked" if is_overlaid("watermark", row["file"]) else row["label"]
    for label, how in sorted({(row["label"], row["how"]) for row in rows}):
        pictures = [
            images.load(SHARED / "watermark" / row["file"])
            for row in rows
            if (row["label"], row["how"]) == (label, how)
        ]
        scores = _scores(pictures)
        errors.add(f"watermark {how}", label, pictures, scores, (scores > limit) != (label == "marked"))
        made.append(share(f"shared watermark, {label} ({how}): rejected", scores > limit))
    for folder, domain in (("faces/landmarks68", SELFIE), ("faces/full_frames", SELFIE), ("cartoons/toons", DRAWN)):
        name = folder.rpartition("/")[2]
        for carry in (True, False):
            pictures = _folder(folder, overlaid=carry)
            hits = _scores(pictures) > _limit(domain)
            errors.add(name, "missed" if carry else "false", pictures, _scores(pictures), hits != carry)
            what = "an overlay seen by eye" if carry else "none seen"
            made.append(share(f"shared {name}, {what}: rejected", hits))
    return made


def _peer() -> list[Figure]:
    """rapidocr on 100 clean and 100 marked selfies: text alone is no answer."""
    clean = [p for k, p in enumerate(selfies(), 1) if k not in CARRY_A_MARK][::9][:100]
    rng = np.random.default_rng(16)
    pictures = [marked(picture, KINDS[k % 3], rng)[0] for k, picture in enumerate(clean)]
    flags = flagged_by_rapidocr([*clean, *pictures])
    limit = _limit(SELFIE)
    return [
        share("rapidocr finds text in clean selfies", flags[:100]),
        share("the same selfies, our score above the limit", _scores(clean) > limit),
        share("rapidocr finds text in marked selfies", flags[100:]),
        share("the same marked selfies, our score above the limit", _scores(pictures) > limit),
    ]


if __name__ == "__main__":
    main()
