"""Contact sheets of the filter's wrong answers, the highest score first."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.results import FOLDER, Figure, write

TILE_PX, COLUMNS, MOST = 160, 8, 48


@dataclass
class Errors:
    """Wrong answers by set and sort."""

    sheets: dict[str, list[tuple[float, Image.Image]]] = field(default_factory=dict)
    rendered: set[str] = field(default_factory=set)

    def add(
        self,
        name: str,
        sort: str,
        pictures: list[Image.Image],
        scores: NDArray[np.float64],
        wrong: NDArray[np.bool_],
        rendered: bool = False,
    ) -> None:
        """Keep the pictures whose answer is wrong; `rendered` ones may be shown in the repository."""
        key = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{name} {sort}")
        self.sheets[key] = [(float(scores[k]), pictures[k]) for k in np.flatnonzero(wrong)]
        if rendered:
            self.rendered.add(key)


def run(benchmark: str, description: str, figures: Callable[[Errors], list[Figure]]) -> None:
    """A benchmark's main: measure, write its results, and its wrong answers as sheets (`--sheets`: of all pictures)."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--sheets", type=Path, help="a folder for contact sheets of all errors, research pictures too")
    given = parser.parse_args()
    errors = Errors()
    write(benchmark, figures(errors))
    write_sheets(errors, benchmark, FOLDER, rendered_only=True)
    if given.sheets:
        write_sheets(errors, benchmark, given.sheets)


def write_sheets(errors: Errors, benchmark: str, folder: Path, *, rendered_only: bool = False) -> None:
    """One JPEG a set and sort that has errors, named after them; `rendered_only` writes those that may be committed."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, wrong in errors.sheets.items():
        if wrong and (key in errors.rendered or not rendered_only):
            _sheet(sorted(wrong, key=lambda pair: -pair[0])[:MOST]).save(folder / f"{benchmark}_{key}.jpg", quality=85)


def _sheet(tiles: list[tuple[float, Image.Image]]) -> Image.Image:
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (min(COLUMNS, len(tiles)) * TILE_PX, rows * TILE_PX), "white")
    draw = ImageDraw.Draw(sheet)
    for k, (score, picture) in enumerate(tiles):
        x, y = k % COLUMNS * TILE_PX, k // COLUMNS * TILE_PX
        scale = (TILE_PX - 4) / max(picture.size)
        sheet.paste(picture.resize((round(picture.width * scale), round(picture.height * scale))), (x, y))
        draw.text(
            (x + 3, y + 3), f"{score:.3f}", "red", ImageFont.load_default(13), stroke_width=2, stroke_fill="white"
        )
    return sheet
