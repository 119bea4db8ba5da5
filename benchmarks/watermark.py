"""The filter stage measured: watermarks found and falsely found, blurred pictures, pictures a second.

    python -m benchmarks.watermark

Marks, fonts, seeds and photographs are not those of training (`watermark_cases`). The limits were set on these clean
pictures (the whole sample; avataaars and unseen styles of other seeds), the marks were not: shares rejected say what
the limits cost here, shares found are of marks never trained on. What lies in ../shared is measured where it is there.
"""

from __future__ import annotations

import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from benchmarks.results import Figure, write
from benchmarks.watermark_cases import CARRY_A_MARK, KINDS, UNSEEN_STYLES, mark, portraits, saved, selfies
from scgan_data import images, watermark
from scgan_data.config import limit_for
from scgan_data.filter import FilterConfig
from scgan_data.hashes import sharpness_contrast
from scgan_data.records import SELFIE
from scgan_data.sample import watermarks
from scgan_data.sample.portraits import portraits as demo_portraits
from scgan_data.watermark import WatermarkConfig

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared" / "cases"
CONFIG = FilterConfig()
Results = list[Figure]


def main() -> None:
    """Measure everything and write the two files."""
    results: Results = []
    photographs = selfies()
    drawings = list(portraits("avataaars", 400, seed=101))
    unseen = [p for style in UNSEEN_STYLES for p in portraits(style, 50, seed=102)]
    for name, domain, pictures in (
        ("sample selfies", SELFIE, photographs),
        ("avataaars, unseen seeds", "anime", drawings),
        ("drawings, four unseen styles", "anime", unseen),
    ):
        _detection(results, name, domain, pictures)
    unmarked = [p for k, p in enumerate(photographs, 1) if k not in CARRY_A_MARK]
    _add(results, "sample selfies without ten that carry a mark: clean rejected", *_share(_over(unmarked, SELFIE)))
    _planted(results, "sample selfies", SELFIE, photographs[3::4])
    _planted(results, "the demo's portraits", "anime", list(demo_portraits(180, 77)))
    for name, domain, pictures in (
        ("sample selfies", SELFIE, photographs),
        ("avataaars", "anime", drawings),
        ("drawings, four unseen styles", "anime", unseen),
    ):
        _blur(results, name, domain, pictures)
    _shared(results)
    _speed(results)
    write("watermark", results)


def _add(results: Results, name: str, value: float, unit: str, target: tuple[str, float] | None = None) -> None:
    sign, bound = target or ("", None)
    results.append(Figure(name, round(value, 4), unit, bound, at_most=sign == "<="))
    print(f"{name}: {value:.4g} {unit}", flush=True)


def _share(hits: Iterable[bool]) -> tuple[float, str]:
    every = list(hits)
    return sum(every) / max(1, len(every)), f"of 1 ({sum(every)}/{len(every)})"


def _over(pictures: Iterable[Image.Image], domain: str) -> list[bool]:
    limit = limit_for(CONFIG.max_watermark_score, domain)
    return [limit is not None and watermark.score(picture) > limit for picture in pictures]


def _detection(results: Results, name: str, domain: str, pictures: list[Image.Image]) -> None:
    """False rejections of clean pictures, and marks of each kind found on up to 200 of them."""
    _add(results, f"{name}: clean rejected as marked", *_share(_over(pictures, domain)), ("<=", 0.03))
    every: list[bool] = []
    for kind in KINDS:
        rng = np.random.default_rng(7)
        hits = _over([mark(picture, kind, rng) for picture in pictures[:200]], domain)
        _add(results, f"{name}: marks found, {kind}", *_share(hits))
        every += hits
    _add(results, f"{name}: marks found, all", *_share(every), (">=", 0.8))


def _blur(results: Results, name: str, domain: str, pictures: list[Image.Image]) -> None:
    """Pictures and their blurred copies (Gaussian, radius 3 px of 178) below the limits of sharpness and contrast."""
    least, flat = limit_for(CONFIG.min_sharpness, domain) or 0.0, limit_for(CONFIG.min_contrast, domain) or 0.0
    clean = [sharpness_contrast(p.convert("L")) for p in pictures]
    soft = [p.filter(ImageFilter.GaussianBlur(3 * p.width / 178)).convert("L") for p in pictures]
    _add(results, f"{name}: clean rejected as blurred", *_share(s < least for s, _ in clean), ("<=", 0.01))
    _add(results, f"{name}: clean rejected as flat", *_share(c < flat for _, c in clean), ("<=", 0.01))
    _add(results, f"{name}: blurred found", *_share(sharpness_contrast(p)[0] < least for p in soft), (">=", 0.95))


def _planted(results: Results, name: str, domain: str, pictures: list[Image.Image]) -> None:
    """The demo's own marks, as its gallery plants them; also what it keeps of the clean ones where they are drawn."""
    rng = np.random.default_rng(9)
    every: list[bool] = []
    for turn, (kind, draw) in enumerate(watermarks.MARKS.items()):
        marked = [draw(picture, rng) for picture in pictures[turn :: len(watermarks.MARKS)]]
        hits = _over([saved(m, 90) if domain == SELFIE else m for m in marked], domain)
        _add(results, f"{name}, the demo's marks: found, {kind}", *_share(hits))
        every += hits
    _add(results, f"{name}, the demo's marks: found, all", *_share(every), (">=", 0.8))
    if domain != SELFIE:
        _add(results, f"{name}: clean rejected as marked", *_share(_over(pictures, domain)), ("<=", 0.03))


def _pictures(folder: Path) -> list[Image.Image]:
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    return [images.load(file) for file in files]


def _shared(results: Results) -> None:
    """The team's real cases, where they are."""
    if not SHARED.is_dir():
        print(f"{SHARED} is not here: real cases are left out")
        return
    for name, domain in (
        ("faces/portraits256", SELFIE),
        ("faces/landmarks5", SELFIE),
        ("faces/landmarks68", SELFIE),
        ("faces/full_frames", SELFIE),
        ("cartoons/toons", "anime"),
    ):
        _add(results, f"shared {name}: rejected as marked", *_share(_over(_pictures(SHARED / name), domain)))
    labels = list(csv.DictReader((SHARED / "watermark" / "labels.csv").open(encoding="utf-8")))
    for label, how, what in (
        ("marked", "hand", "marked found"),
        ("clean", "hand", "clean by its label, rejected"),
        ("clean", "one look at 128 px", "face crops, rejected"),
    ):
        chosen = [row["file"] for row in labels if row["label"] == label and row["how"] == how]
        hits = _over([images.load(SHARED / "watermark" / file) for file in chosen], SELFIE)
        _add(results, f"shared watermark: {what}", *_share(hits))


def _speed(results: Results) -> None:
    """Pictures a second of two processes, decoding of PNG included, imports not."""
    for side in (200, 512):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for k, picture in enumerate(portraits("avataaars", 8, seed=5, size_px=side)):
                picture.save(Path(folder) / f"{k}.png")
                paths.append(str(Path(folder) / f"{k}.png"))
            rate = _rate(lambda n, paths=paths: pd.DataFrame({"path": (paths * n)[:n]}))  # type: ignore[misc]
        _add(results, f"pictures a second at {side} px, two processes", rate, "1/s", (">=", 40.0))


def _rate(batch_of: Callable[[int], pd.DataFrame]) -> float:
    os.environ["OMP_NUM_THREADS"] = "1"
    config = WatermarkConfig()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(watermark.score_batch, [batch_of(8)] * 4, [config] * 4))  # start, import, warm up
        rates = []
        for _ in range(3):
            started = time.perf_counter()
            list(pool.map(watermark.score_batch, [batch_of(24)] * 6, [config] * 6))
            rates.append(144 / (time.perf_counter() - started))
    return float(np.median(rates))


if __name__ == "__main__":
    main()
