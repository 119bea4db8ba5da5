"""Pictures a second of what `filter` measures, the watermark detector above all, in two processes; imports apart."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.results import Figure
from benchmarks.watermark_cases import portraits, windows
from scgan_data import quality
from scgan_data.watermark import WatermarkConfig
from scgan_data.workers import pool


def rates() -> list[Figure]:
    """Drawn PNG files of 200 and 512 px, and photographs of 512 px as JPEG."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        for name, side, suffix in (("drawn", 200, "png"), ("drawn", 512, "png"), ("photographs", 512, "jpg")):
            drawn = name == "drawn"
            pictures = list(portraits("micah", 8, seed=5, size_px=side) if drawn else windows(8, seed=5, size_px=side))
            paths = [str(Path(folder) / f"{name}-{side}-{k}.{suffix}") for k in range(8)]
            for path, picture in zip(paths, pictures, strict=True):
                picture.save(path)
            target = 40.0 if side == 512 else None
            made.append(
                Figure(f"{name}, {side} px: pictures a second, two processes", round(_rate(paths), 1), "1/s", target)
            )
    return made


def _rate(paths: list[str]) -> float:
    os.environ["OMP_NUM_THREADS"] = "1"
    config, batch = WatermarkConfig(), pd.DataFrame({"path": paths * 3, "sharpness": 0.3})
    with pool(2) as executor:
        list(executor.map(quality.measure_batch, [batch.head(8)] * 4, [config] * 4))  # start, import, warm up
        seen = []
        for _ in range(3):
            started = time.perf_counter()
            list(executor.map(quality.measure_batch, [batch] * 6, [config] * 6))
            seen.append(6 * len(batch) / (time.perf_counter() - started))
    return float(np.median(seen))
