"""One style's figures of merit as the table shows them, with KID's intervals to scale and what they do not say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scgan_data.records import ATTENTIVE

LABELS = {
    "trained": ("scGAN, trained", "the model of this report"),
    "untrained": ("scGAN, untrained", "the same networks at their initial weights"),
    "binarization": ("Image binarization", "Otsu's threshold, no learning and no way back"),
    "selfies": ("Selfies as they are", "what doing nothing scores"),
    "portraits": ("Portraits, half against half", "as low as KID gets with so few pictures"),
}
REFERENCES = ("selfies", "portraits")
LARGEST = 1e12
"""Beyond it a figure is none; NaN is not below it either."""
ERRORS = {"cycle_error": "whole", **{f"cycle_error_{region}": str(region) for region in ATTENTIVE}}
TARGET_RATIO = 1 / 3
"""Issue 2: the held-out cycle error falls to a third or less of the untrained one."""


@dataclass(frozen=True)
class Interval:
    """KID with its interval, and where they lie on an axis from 0 to 100."""

    value: float
    low: float
    high: float
    at: float
    start: float
    end: float


@dataclass(frozen=True)
class Row:
    """One system, or a reference."""

    key: str
    """Its name in metrics.json."""
    name: str
    note: str
    reference: bool
    kid: Interval | None
    average_gradient: float | None
    errors: dict[str, float | None]


@dataclass(frozen=True)
class Figures:
    """The table and its fine print."""

    rows: list[Row]
    zero_at: float
    """Where KID 0 lies on the intervals' axis."""
    feature: str
    n: int | None
    cycle_ratio: float | None
    """Trained over untrained cycle error."""
    notes: list[str]


def read_figures(folder: Path) -> Figures | None:
    """The evaluation that left `folder`, or None where there is none that can be read."""
    try:
        content = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or not _are_numbers(content):
        return None
    systems = {name: part for name, part in content.items() if isinstance(part, dict) and "average_gradient" in part}
    span = _span(systems)
    rows = [_row(name, part, span) for name, part in systems.items()]
    ratio = _ratio(systems)
    return Figures(
        rows=rows,
        zero_at=_place(0.0, span),
        feature=str(content.get("feature", "features not named")),
        n=content.get("n"),
        cycle_ratio=ratio,
        notes=_notes(content, systems, ratio),
    )


def _are_numbers(content: Mapping[str, Any]) -> bool:
    """Whether what is reckoned with can be: files are edited by hand."""
    keys = ("kid", "kid_low", "kid_high", "average_gradient", *ERRORS)
    found = [part.get(key) for part in content.values() if isinstance(part, dict) for key in keys]
    found.append(content.get("confidence"))
    return all(value is None or (type(value) in (int, float) and abs(value) < LARGEST) for value in found)


def _interval(part: Mapping[str, Any]) -> tuple[float, float, float]:
    """KID, and the ends of its interval, which is the value alone where there is none."""
    kid: float = part["kid"]
    low, high = (kid if part.get(key) is None else float(part[key]) for key in ("kid_low", "kid_high"))
    return kid, low, high


def _span(systems: Mapping[str, Mapping[str, Any]]) -> tuple[float, float]:
    """The axis of the intervals: zero and every interval inside, with a little room."""
    ends = [0.0, *(s[key] for s in systems.values() for key in ("kid_low", "kid_high") if s.get(key) is not None)]
    room = 0.04 * (max(ends) - min(ends)) or 1.0
    return min(ends) - room, max(ends) + room


def _place(value: float, span: tuple[float, float]) -> float:
    return round(100 * (value - span[0]) / (span[1] - span[0]), 2)


def _row(name: str, part: Mapping[str, Any], span: tuple[float, float]) -> Row:
    label, note = LABELS.get(name, (name.replace("_", " "), ""))
    kid = None
    if part.get("kid") is not None:
        value, low, high = _interval(part)
        kid = Interval(value, low, high, *(_place(v, span) for v in (value, low, high)))
    errors = {title: part.get(key) for key, title in ERRORS.items()}
    return Row(name, label, note, name in REFERENCES, kid, part.get("average_gradient"), errors)


def _ratio(systems: Mapping[str, Mapping[str, Any]]) -> float | None:
    after, before = (systems.get(name, {}).get("cycle_error") for name in ("trained", "untrained"))
    return after / before if after is not None and before else None


def _notes(content: Mapping[str, Any], systems: Mapping[str, Mapping[str, Any]], ratio: float | None) -> list[str]:
    """What a reader must know before quoting a figure."""
    notes = [
        f"KID is computed on {content.get('feature')}. Published KID uses Inception-v3: compare figures within this "
        "table only.",
        f"{content.get('n')} held-out selfies against {content.get('n_portraits')} portraits, "
        f"read at {content.get('resolution_px')} px. The {content.get('confidence') or 0.95:.0%} interval resamples "
        "pictures: a second training would move the figures too.",
        "The portraits are the ones that the model was trained on: KID does not tell learning a style from copying "
        "portraits.",
        "Average gradient measures sharpness, and noise raises it as well: nearer to the portraits' own value "
        "is better, not higher.",
    ]
    if ratio is not None:
        verdict = "a third or less, as asked" if ratio <= TARGET_RATIO else "above the third that was asked for"
        notes.append(f"The cycle error is {ratio:.0%} of the untrained networks': {verdict}.")
    trained, selfies = systems.get("trained"), systems.get("selfies")
    if trained and selfies and None not in (trained.get("kid"), selfies.get("kid")):
        notes.append(_against_selfies(trained, selfies))
    return notes


def _against_selfies(trained: Mapping[str, Any], selfies: Mapping[str, Any]) -> str:
    ours, theirs = _interval(trained), _interval(selfies)
    if ours[2] < theirs[1]:
        return "The cartoons are nearer to the style than the selfies are: the intervals do not touch."
    if ours[1] > theirs[2]:
        return "By KID the cartoons are farther from the style than the selfies are: this model has not learned it yet."
    return "KID does not tell whether the cartoons are nearer to the style than the selfies: the intervals meet."
