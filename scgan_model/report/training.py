"""How one style's model was trained: curves of everything that was logged, and sample grids as strip and animation."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from scgan_data.images import UndecodableError, load
from scgan_model.report.animation import Animation, animate, spread
from scgan_model.report.charts import curve
from scgan_model.report.pictures import data_uri
from scgan_model.report.sheets import words

NOT_PLOTTED = ["step", "seconds", "epoch"]
TITLES = {
    "test_cycle": "held-out cycle error",
    "kid": "KID to the style, held out",
    "total": "total loss (Eq. 8)",
    "cycle_a": "attentive cycle (Eq. 4)",
    "cycle_b": "cycle of cartoons (Eq. 5)",
    "per": "perceptual (Eq. 7)",
    "tv": "total variation (Eq. 6)",
    "gan_ab": "adversarial, to cartoon",
    "gan_ba": "adversarial, to selfie",
    "d_a": "discriminator of selfies",
    "d_b": "discriminator of cartoons",
    "lr": "learning rate",
}
"""Of the quantities that `train` logs, in the order of the page; others follow under their own names."""
KEPT_AT_LEAST = "kid"
"""Whose least value decides which checkpoint is best.pt."""


@dataclass(frozen=True)
class Curve:
    """One logged quantity."""

    name: str
    first: float
    last: float
    best_step: int | None
    """Where the least value was, of the quantity that decides on best.pt; else None."""
    svg: Markup


@dataclass(frozen=True)
class Frame:
    """One row of the film: cartoons at a step, or what stays the same."""

    label: str
    src: str


@dataclass(frozen=True)
class Training:
    """What a model's folder tells."""

    curves: list[Curve]
    film: list[Frame]
    animation: Animation | None
    config: str
    """The resolved configuration as indented JSON; empty where there is none."""
    steps: int | None
    seconds: float | None


def read_training(folder: Path, *, frames: int) -> Training | None:
    """The training that left `folder`, or None where there is none; its parts may be missing."""
    log = read_log(folder / "metrics.jsonl")
    grids = {int(m[1]): file for file in folder.glob("samples/*.png") if (m := re.search(r"(\d+)$", file.stem))}
    film = _film(grids, frames)
    config = _text(folder / "config.json")
    if log.empty and not film and not config:
        return None
    steps = int(log["step"].max()) if len(log) else None
    seconds = float(log["seconds"].max()) if "seconds" in log else None
    return Training(_curves(log, _best_step(folder)), film, animate(grids), config, steps, seconds)


def _best_step(folder: Path) -> int | None:
    """The step of `best.pt` by the finished training's summary: where somebody went back, the log's least KID may be of
    the branch that they left."""
    try:
        step = json.loads(_text(folder / "metrics.json"))["kid"]["best_step"]
    except (ValueError, KeyError, TypeError):
        return None
    return step if isinstance(step, int) else None


def read_log(file: Path) -> pd.DataFrame:
    """`metrics.jsonl` as a table by step; a line that a kill cut short ends it, a repeated step counts once, last."""
    rows = []
    for line in _text(file).splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
    return pd.DataFrame(rows).drop_duplicates("step", keep="last").sort_values("step") if rows else pd.DataFrame()


def _curves(log: pd.DataFrame, best_step: int | None) -> list[Curve]:
    curves = []
    names = [str(n) for n in log.select_dtypes("number").columns if n not in NOT_PLOTTED]
    for name in sorted(names, key=lambda n: list(TITLES).index(n) if n in TITLES else len(TITLES)):
        known = log[name].dropna()
        if known.nunique() > 1:
            title = TITLES.get(name, words(name))
            least = int(log.loc[known.index, "step"].iloc[known.to_numpy().argmin()])
            best = (best_step if best_step is not None else least) if name == KEPT_AT_LEAST else None
            svg = curve(log["step"], log[name], label=f"{title} by training step", marked_step=best)
            curves.append(Curve(title, float(known.iloc[0]), float(known.iloc[-1]), best, svg))
    return curves


def _film(grids: dict[int, Path], frames: int) -> list[Frame]:
    """The selfies, their cartoons at up to `frames` steps from the first grid to the last, the last reconstructions.

    A grid has the rows input, cartoon, reconstruction (`samples.write_grid`).
    """
    rows = {step: _rows(grids[step]) for step in spread(sorted(grids), frames)}
    whole = {step: three for step, three in rows.items() if three}
    if not whole:
        return []
    last = whole[max(whole)]
    cartoons = [Frame(f"step {step:,}", three[1]) for step, three in whole.items()]
    return [Frame("input", last[0]), *cartoons, Frame("back again", last[2])]


def _rows(grid: Path) -> list[str] | None:
    """A sample grid's three rows as data URIs; None where the file is damaged."""
    try:
        image = load(grid)
    except (OSError, UndecodableError):
        return None
    third = image.height // 3
    return [data_uri(image.crop((0, i * third, image.width, (i + 1) * third))) for i in range(3)]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""
