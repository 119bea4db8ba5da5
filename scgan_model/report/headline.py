"""The few numbers at the top of the page, and the record of a style that they are taken from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scgan_model.report.data import Step
from scgan_model.report.figures import Figures
from scgan_model.report.planted import Planted
from scgan_model.report.training import Training


@dataclass(frozen=True)
class Style:
    """One style's section; a part is None where its stage has not run."""

    name: str
    training: Training | None
    figures: Figures | None
    examples: list[dict[str, str]]
    """Held-out selfies: data URIs by `examples.COLUMNS`."""


@dataclass(frozen=True)
class Number:
    """A figure, what it is, and what it is to be held against."""

    label: str
    value: str
    note: str


def headline(funnel: dict[str, list[Step]], planted: Planted | None, styles: list[Style]) -> list[Number]:
    """Pictures by domain, targets met on the sample, and each style's results."""
    numbers = [
        Number(f"{domain} pictures", f"{steps[-1].kept:,}", f"of {steps[0].came:,} found, after {steps[-1].stage}")
        for domain, steps in funnel.items()
    ]
    if planted:
        met, targets = sum(planted.verdicts), len(planted.verdicts)
        numbers.append(Number("targets met", f"{met} of {targets}", "planted faults found, clean pictures spared"))
    return numbers + [number for style in styles for number in _of_style(style)]


def _of_style(style: Style) -> Iterator[Number]:
    rows = {row.key: row for row in style.figures.rows} if style.figures else {}
    trained, untrained = rows.get("trained"), rows.get("untrained")
    after, before = (row.errors["whole"] if row else None for row in (trained, untrained))
    if after is not None and before is not None:
        yield Number("cycle error", f"{after:.3f}", f"{style.name}, held out; untrained {before:.3f}")
    if trained and trained.kid:
        interval = f"interval {trained.kid.low:.2f} to {trained.kid.high:.2f}"
        yield Number("KID to the style", f"{trained.kid.value:.2f}", f"{style.name}; {interval}")
    if style.training and style.training.steps and style.training.seconds:
        minutes = style.training.seconds / 60
        yield Number("training", f"{minutes:.1f} min", f"{style.name}, {style.training.steps:,} steps")
