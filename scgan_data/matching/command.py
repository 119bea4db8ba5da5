"""What `scgan-data match` does: measure, compare, write, and print or apply a fix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

from scgan_data import config, files, manifest
from scgan_data.crop import CropConfig
from scgan_data.dataset import DatasetConfig
from scgan_data.matching import fix_crop, left_out, output
from scgan_data.matching.match import match
from scgan_data.matching.quantities import QUANTITIES, Kind
from scgan_data.matching.rebalance import Rebalance, rebalance
from scgan_data.matching.table import framed, measured, styles_of
from scgan_data.records import SELFIE, Reason, Status

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """A folder and the styles that are looked at."""

    folder: Path
    styles: list[str]
    rows: pd.DataFrame
    table: pd.DataFrame

    def of(self, style: str) -> pd.DataFrame:
        """The table of the selfies and one style."""
        return self.table[self.table["domain"].isin([SELFIE, style])]


def look(folder: Path, style: str | None, out: Path, *, workers: int | None = None) -> Asked:
    """Read and measure a stage's folder. Raises ManifestError, DatasetError."""
    rows = manifest.read(folder)
    styles = styles_of(rows, style, str(folder))
    wanted = rows[rows["domain"].isin([SELFIE, *styles])]
    return Asked(folder, styles, wanted, measured(wanted, out, workers=workers))


def report(asked: Asked, out: Path, *, json: bool) -> None:
    """Compare, write match.json and the sheets into `out`, and print a table a style, or the JSON."""
    found = match(asked.table, asked.styles)
    written = output.write(out, asked.folder, found)
    if json:
        print(files.as_json(output.record(asked.folder, found)))
        return
    for one in found.values():
        Console().print(output.view(one))
        print("\n".join(output.remarks(one)))
    print(f"written: {', '.join(map(str, written))}")


def mend_crop(asked: Asked, params: Path | None, *, write: bool, say: Say) -> None:
    """Print the crop settings that would align the styles, and put them into the params file."""
    settings = config.load(CropConfig, "crop", file=params)
    fixes = [fix_crop.crop_fix(asked.table, style, settings) for style in asked.styles]
    for fix in fixes:
        for line in fix_crop.lines(fix):
            say(line)
    if write:
        file = params or config.PARAMS_FILE
        changed = fix_crop.write(fixes, settings, file)
        say(f"{file}: {', '.join(changed) or 'nothing'} changed" + ("; crop again" if changed else ""))


def mend_balance(asked: Asked, *, keep: float, write: bool, params: Path | None, say: Say) -> None:
    """Print whom rebalancing would leave out and what that changes, and write the list for `dataset`.

    What an earlier list left out takes part again: a proposal replaces the one before it.
    """
    file = config.load(DatasetConfig, "dataset", file=params).rebalance
    back = (asked.rows["reason"] == Reason.REBALANCED) & (asked.rows["status"] == Status.REJECTED)
    rows = asked.rows.assign(status=asked.rows["status"].mask(back, Status.KEPT.value))
    table = pd.concat([asked.table, framed(rows[back])])
    for style in asked.styles:
        found = rebalance(table[table["domain"].isin([SELFIE, style])], style, keep=keep)
        for line in said(found, style):
            say(line)
        if write:
            left_out.write(found.ids, style, file)
            say(f"{file}: {len(found.ids)} left out for {style}; `dataset` again applies it, `--keep 1` undoes it")


def said(found: Rebalance, style: str) -> list[str]:
    """A proposal in a few lines: how many go, and the tells before and after."""
    lines = [f"{style}: {len(found.ids)} of {found.of} of {found.domain} would be left out"]
    joint = (None if m.joint is None else m.joint.tell.auc for m in (found.before, found.after))
    tells: list[tuple[str, list[float | None]]] = [("framing together", list(joint))]
    for quantity in QUANTITIES:
        if quantity.kind is Kind.FRAMING:
            both = (m.differences[quantity.name] for m in (found.before, found.after))
            tells.append((quantity.label, [None if d is None else d.tell.auc for d in both]))
    lines += [f"  {label}: tell {_two(before)} -> {_two(after)}" for label, (before, after) in tells]
    return lines


def _two(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
