"""The filter stage measured: watermarks found and falsely found, blurred pictures, pictures a second.

`python benchmarks/watermark.py` writes results/watermark.json and .md beside itself. Marks, fonts, seeds and
photographs are not those of training (`watermark_cases`). What lies in ../shared is measured where it is there.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter
from watermark_cases import KINDS, UNSEEN_STYLES, mark, portraits, selfies

from scgan_data import images, watermark
from scgan_data.config import limit_for
from scgan_data.filter import FilterConfig
from scgan_data.hashes import sharpness_contrast
from scgan_data.records import SELFIE
from scgan_data.watermark import WatermarkConfig

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared" / "cases"
COMMAND = "python benchmarks/watermark.py"
CONFIG = FilterConfig()
Results = list[dict[str, Any]]


def main() -> None:
    """Measure everything and write the two files."""
    results: Results = []
    photographs = selfies()
    drawings = list(portraits("avataaars", 400, seed=101))
    unseen = [p for style in UNSEEN_STYLES for p in portraits(style, 50, seed=102)]
    for name, domain, pictures in (
        ("sample selfies, second half", SELFIE, photographs[1::2]),
        ("avataaars, unseen seeds", "anime", drawings),
        ("drawings, four unseen styles", "anime", unseen),
    ):
        _detection(results, name, domain, pictures)
    for name, domain, pictures in (
        ("sample selfies", SELFIE, photographs),
        ("avataaars", "anime", drawings),
        ("drawings, four unseen styles", "anime", unseen),
    ):
        _blur(results, name, domain, pictures)
    _shared(results)
    _speed(results)
    _write(results)


def _add(results: Results, name: str, value: float, unit: str, target: tuple[str, float] | None = None) -> None:
    met = None if target is None else (value >= target[1] if target[0] == ">=" else value <= target[1])
    results.append(
        {
            "name": name,
            "value": round(value, 4),
            "unit": unit,
            "target": None if target is None else f"{target[0]} {target[1]}",
            "met": met,
            "versus": None,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "date": datetime.now(UTC).date().isoformat(),
            "command": COMMAND,
        }
    )
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


def _write(results: Results) -> None:
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / "watermark.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    lines = [
        "# The filter stage",
        "",
        f"`{COMMAND}`, {results[0]['date']}, {results[0]['machine']}. Limits: the defaults of `FilterConfig`.",
        "The limit for selfies was set on the sample's first half; the second half is reported.",
        "",
        "| what | value | target | met |",
        "|---|---|---|---|",
    ]
    for r in results:
        met = "" if r["met"] is None else ("yes" if r["met"] else "**no**")
        lines.append(f"| {r['name']} | {r['value']} {r['unit']} | {r['target'] or ''} | {met} |")
    (folder / "watermark.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
