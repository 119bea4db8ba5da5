"""The filter's quality checks measured: clean pictures rejected, faults found, doubtful ones, milliseconds a picture.

    python -m benchmarks.filter_quality [--sheets FOLDER]

Clean: the sample's 999 selfies, the demo's portraits of another seed, and four styles that `pipelines.fit_drawn` never
saw, before soft grounds and on white. Faults are made of them by `filter_quality_cases`. The limits of layout were set
on the selfies and on faults like these of another seed; the weights of `drawn` were not. The doubtful are those of all
checks but the watermark's (`benchmarks.filter_marks`). What lies in ../shared is measured where it is there. Shares
come with their counts and 95 % intervals (Wilson). `--sheets` writes the wrong answers as contact sheets; those of
rendered pictures alone are committed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from benchmarks.filter_errors import Errors, run
from benchmarks.filter_quality_cases import FAULTS
from benchmarks.results import Figure, share
from benchmarks.watermark_cases import UNSEEN_STYLES, portraits, selfies
from scgan_data import images, manifest, quality
from scgan_data.filter import FilterConfig, decide
from scgan_data.hashes import measurements
from scgan_data.images import Picture
from scgan_data.limits.rules import RULES
from scgan_data.records import SELFIE, Reason
from scgan_data.sample.portraits import portraits as demo_portraits

SHARED = Path(__file__).parent.parent.parent / "shared" / "cases"
LAYOUT = (Reason.SCREENSHOT, Reason.BORDERED, Reason.COLLAGE)
CHECKS = (*LAYOUT, Reason.NOT_A_PHOTOGRAPH, Reason.NOT_DRAWN, Reason.BLURRED, Reason.FLAT)
REASON_OF = dict(zip(("screenshot", "border", "collage", "sharpness"), (*LAYOUT, Reason.BLURRED), strict=True))
ALL_ON = FilterConfig(min_drawn={"drawn": 0.1})
"""The defaults, and the one check that is off by default at a low limit."""
RENDERED = ("avataaars", "drawn")
"""Domains whose pictures may be shown in the repository."""
CASES = (
    ("cartoons/toons", "stills"),
    ("cartoons/anime64", "anime"),
    ("faces/portraits256", SELFIE),
    ("faces/landmarks5", SELFIE),
    ("faces/landmarks68", SELFIE),
    ("faces/full_frames", SELFIE),
    ("faces/groups", SELFIE),
)


def main() -> None:
    """Measure everything and write the two files."""
    run("filter_quality", __doc__ or "", figures)


def figures(errors: Errors) -> list[Figure]:
    """All figures; a few minutes on one core. `errors` collects the pictures behind the wrong answers."""
    sets = clean_sets()
    found = [f for name, (domain, pictures) in sets.items() for f in clean(name, domain, pictures, errors)]
    for name, (domain, pictures) in sets.items():
        found += [fault(name, domain, pictures, kind, errors) for kind in FAULTS]
    drawings = [p for domain, pictures in sets.values() if domain != SELFIE for p in pictures]
    found.append(share("all drawings, given as selfies: found", _given(drawings, SELFIE, Reason.NOT_A_PHOTOGRAPH)))
    found.append(share("sample selfies, given as drawings: found", _given(selfies(), "drawn", Reason.NOT_DRAWN)))
    for folder, domain in CASES if SHARED.is_dir() else ():
        found += clean(f"shared {folder}", domain, _pictures(SHARED / folder), errors, targets=False)
    if SHARED.is_dir():
        found.append(
            share(
                "shared cartoons/toons, given as selfies: found",
                _given(_pictures(SHARED / "cartoons/toons"), SELFIE, Reason.NOT_A_PHOTOGRAPH),
            )
        )
    return [*found, *speed(sets["sample selfies"][1])]


def clean_sets() -> dict[str, tuple[str, list[Image.Image]]]:
    """Name -> domain and clean pictures."""
    return {
        "sample selfies": (SELFIE, selfies()),
        "the demo's portraits": ("avataaars", list(demo_portraits(400, 91))),
        "four unseen styles": ("drawn", [p for style in UNSEEN_STYLES for p in portraits(style, 75, seed=104)]),
        "four unseen styles on white": ("drawn", [_on_white(p) for s in UNSEEN_STYLES for p in _figures(s)]),
    }


def _figures(style: str) -> Iterable[Image.Image]:
    return portraits(style, 25, seed=105, size_px=240)


def _on_white(portrait: Image.Image) -> Image.Image:
    """The portrait small on white paper, its ground cut out by a soft oval: an avatar whose edge is no straight one."""
    y, x = np.mgrid[-1 : 1 : 1j * portrait.height, -1 : 1 : 1j * portrait.width]
    oval = Image.fromarray((255 * (x**2 + y**2 < 0.95)).astype(np.uint8))
    page = Image.new("RGB", (300, 300), "white")
    page.paste(portrait, (30, 45), oval)
    return page


def rows_of(pictures: list[Image.Image], domain: str) -> pd.DataFrame:
    """Pictures as the filter's rows, all measured but the watermark."""
    rows = [
        {"id": f"{k:06}", "domain": domain, "status": "kept", **measurements(Picture(p, "PNG")), **quality.plain(p)}
        for k, p in enumerate(pictures)
    ]
    return manifest.table(rows)


def clean(name: str, domain: str, pictures: list[Image.Image], errors: Errors, *, targets: bool = True) -> list[Figure]:
    """Clean pictures that each check rejects, looked at alone, and those that are doubtful."""
    rows = rows_of(pictures, domain)
    at_most = 0.01 if targets else None
    shares = []
    for reason in CHECKS:
        if reason == (Reason.NOT_DRAWN if domain == SELFIE else Reason.NOT_A_PHOTOGRAPH):
            continue
        hits = alone(rows, reason)
        shares.append(share(f"{name}: rejected as {reason}", hits, at_most, at_most=True))
        column = next(rule.columns[0] for rule in RULES if rule.reason == reason)
        errors.add(name, f"{reason} false", pictures, _values(rows, column), np.array(hits), domain in RENDERED)
    return [*shares, share(f"{name}: doubtful", decide(rows, FilterConfig())["doubt"].notna())]


def alone(rows: pd.DataFrame, reason: Reason) -> list[bool]:
    """Which rows a check rejects when it is the only one."""
    others = {rule.key: None for rule in RULES if rule.reason != reason}
    after = decide(rows, ALL_ON.model_copy(update={**others, "doubt": {}}))
    return [said == reason for said in after["reason"]]


def _values(rows: pd.DataFrame, column: str) -> NDArray[np.float64]:
    return rows[column].to_numpy(np.float64, na_value=np.nan)


def fault(name: str, domain: str, pictures: list[Image.Image], kind: str, errors: Errors) -> Figure:
    """A kind of fault, made of 200 draws of the pictures: found by its own check."""
    rng = np.random.default_rng([11, *kind.encode()])
    column, make = FAULTS[kind]
    spoilt = [make([pictures[int(i)] for i in rng.integers(0, len(pictures), 4)], rng) for _ in range(200)]
    rows = rows_of(spoilt, domain)
    hits = alone(rows, REASON_OF[column])
    errors.add(name, f"{kind} missed", spoilt, _values(rows, column), ~np.array(hits), domain in RENDERED)
    return share(f"{name}: {kind} found", hits)


def _given(pictures: list[Image.Image], domain: str, reason: Reason) -> list[bool]:
    return alone(rows_of(pictures, domain), reason)


def _pictures(folder: Path) -> list[Image.Image]:
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return [images.load(file) for file in files]


def speed(pictures: list[Image.Image]) -> list[Figure]:
    """Milliseconds of one core for layout and drawing at 512 px, and seconds for 100,000 decisions."""
    large = [p.resize((418, 512)) for p in pictures[:100]]
    turns = []
    for _ in range(5):
        started = time.process_time()
        for picture in large:
            quality.plain(picture)
        turns.append(10 * (time.process_time() - started))
    rows = manifest.table(pd.concat([rows_of(pictures[:100], SELFIE)] * 1000, ignore_index=True))
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        decide(rows, FilterConfig())
        times.append(time.perf_counter() - begun)
    return [
        Figure(
            "all measures but the watermark, 418 x 512 px, one core", float(np.median(turns)), "ms", 6.0, at_most=True
        ),
        Figure("decide 100,000 rows", float(np.median(times)), "s", 1.0, at_most=True),
    ]


if __name__ == "__main__":
    main()
