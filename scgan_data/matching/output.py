"""What `match` leaves: match.json, one contact sheet of breakers a style, and a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.table import Table

from scgan_data import contact_sheet, files
from scgan_data.contact_sheet import Tile
from scgan_data.limits.flip_sheet import stacked
from scgan_data.matching.breakers import Breaker
from scgan_data.matching.match import StyleMatch, as_record
from scgan_data.matching.quantities import BY_NAME
from scgan_data.matching.statistics import Difference, Light, Range
from scgan_data.records import SELFIE

PER_DOMAIN = 10
"""Pictures drawn of each domain and quantity."""
STYLES = {Light.GREEN: "green", Light.AMBER: "yellow", Light.RED: "red", Light.UNSURE: "dim"}


def record(folder: Path, matches: Mapping[str, StyleMatch]) -> dict[str, Any]:
    """The content of match.json."""
    return {"folder": str(folder), "styles": {style: as_record(found) for style, found in matches.items()}}


def write(out: Path, folder: Path, matches: Mapping[str, StyleMatch]) -> list[Path]:
    """Write the sheets and then match.json into `out`; the files, in that order."""
    written = []
    for style, found in matches.items():
        drawn = sheet(found)
        if drawn is not None:
            written.append(out / f"breakers_{style}.jpg")
            files.write_bytes(written[-1], drawn)
    files.write_json(out / "match.json", record(folder, matches))
    return [*written, out / "match.json"]


def sheet(found: StyleMatch) -> bytes | None:
    """A style's breakers as a JPEG, the clearest tells first, a line a quantity and domain; None where none breaks."""
    lit = found.lit()
    names = [*lit, *(n for n in found.breakers if n not in lit)]
    lines = [_line(found, name, domain) for name in names for domain in (SELFIE, found.style)]
    drawn = [line for line in lines if line is not None]
    return contact_sheet.encode(stacked(drawn)) if drawn else None


def _line(found: StyleMatch, name: str, domain: str) -> Any:
    mine = [b for b in found.breakers[name] if b.domain == domain]
    tiles = [Tile(Path(b.path), caption(b)) for b in mine if b.path and Path(b.path).is_file()][:PER_DOMAIN]
    if not tiles:
        return None
    other = found.style if domain == SELFIE else SELFIE
    label = BY_NAME[name].label.partition(" (")[0]
    title = f"{label} [{found.light(name).value}]: {len(mine)} of {domain}, beyond {other}"
    return contact_sheet.draw(tiles, title, columns=PER_DOMAIN)


def caption(one: Breaker) -> str:
    """`0.31  3fa1b2c4`: value and the beginning of the id."""
    return f"{number(one.value)}  {one.id[:8]}"


def number(value: float) -> str:
    """Three figures, or whole numbers of a hundred and more."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def view(found: StyleMatch) -> Table:
    """A style's quantities as a rich table: medians, and what tells the domains apart. The rest is in match.json."""
    title = "{} selfies against {} of {}".format(*found.pictures, found.style)
    table = Table("", title=title, title_justify="left", box=SIMPLE, padding=0)  # whole figures in 80 columns
    for name in ("selfies", "style", "moved by", "tell", "", "breakers"):
        table.add_column(name, justify="left" if name == "" else "right", no_wrap=True)
    for name, one in found.differences.items():
        light = found.light(name)
        table.add_row(
            BY_NAME[name].label.partition(" (")[0],
            *(_cells(one) if one is not None else ("", "", "", "")),
            f"[{STYLES[light]}]{light.value}[/]",
            str(len(found.breakers[name])),
        )
    return table


def _cells(one: Difference) -> tuple[str, str, str, str]:
    tell = f"{one.tell.auc:.2f} ({one.tell.low:.2f}-{one.tell.high:.2f})"
    return number(one.selfies.median), number(one.style.median), number(one.distance), tell


def remarks(found: StyleMatch) -> list[str]:
    """The verdict, and a line a light that is amber or red."""
    return [
        f"{found.style}: {found.verdict}",
        *(f"  {found.light(n).value:5} {BY_NAME[n].label.partition(' (')[0]}: {found.advice(n)}" for n in found.lit()),
    ]


def range_text(one: Range) -> str:
    """`0.21 (0.19 to 0.24)`: median, and 5 % to 95 %."""
    return f"{number(one.median)} ({number(one.low)} to {number(one.high)})"
