"""match: do selfies and a style agree in everything but the style? What the GAN would learn by mistake.

A pure function of the table of quantities (`table`): for each style every quantity's difference and light
(`statistics`), the joint tell of framing (`joint`), and the pictures that break the match (`breakers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from scgan_data.matching.breakers import Breaker, breakers
from scgan_data.matching.joint import Joint, joint
from scgan_data.matching.quantities import BALANCE, BY_NAME, FRAMING, QUANTITIES, Kind
from scgan_data.matching.statistics import Difference, Light, difference
from scgan_data.records import SELFIE

PLACE = ("face_scale", "eyes_x", "eyes_y")
DETECTOR = "portraits kept whole (`crop.framed`) vary by what the detector errs by on them; look before you cut"
_SHIFTS = {"higher": "higher", "lower": "lower", "wider": "spread wider", "narrower": "spread narrower", "same": "same"}


@dataclass(frozen=True)
class StyleMatch:
    """The selfies against one style."""

    style: str
    pictures: tuple[int, int]
    """Selfies and portraits."""
    faceless: tuple[int, int]
    """Of those, pictures without a known face: they have no framing."""
    whole: int
    """Portraits that are kept as they were framed."""
    differences: dict[str, Difference | None]
    """By quantity, in their order; None where a domain has no two values."""
    joint: Joint | None
    breakers: dict[str, list[Breaker]]

    def light(self, name: str) -> Light:
        """A quantity's light; unsure where nothing is known."""
        found = self.differences[name]
        return Light.UNSURE if found is None else found.light

    def advice(self, name: str) -> str:
        """What a light that is not green means, and what to do; empty for green."""
        found, quantity = self.differences[name], BY_NAME[name]
        if found is None:
            return "not measured in both domains"
        if found.light is Light.GREEN:
            return ""
        if found.light is Light.UNSURE:
            return "too few pictures to say"
        remedy = quantity.remedy
        if name in PLACE and found.shift in ("wider", "narrower"):  # one crop for all moves the middle, not the spread
            remedy = DETECTOR if 2 * self.whole > self.pictures[1] else BALANCE
        return f"{self.style} is {_SHIFTS[found.shift]}; it teaches {quantity.learns}: {remedy}"

    def lit(self, *kinds: Kind) -> list[str]:
        """The quantities (of some kinds) whose light is amber or red, the clearest tell first."""
        names = [q.name for q in QUANTITIES if not kinds or q.kind in kinds]
        found = {n: d for n in names if (d := self.differences[n]) and d.light in (Light.AMBER, Light.RED)}
        return sorted(found, key=lambda n: -found[n].tell.auc)

    @property
    def verdict(self) -> str:
        """One line."""
        framing = self.lit(Kind.FRAMING)
        others = [name for name in self.lit() if name not in framing]
        labels = [BY_NAME[name].label.partition(" (")[0] for name in framing]
        seen = "too few pictures for a joint figure" if self.joint is None else _of_joint(self.joint)
        found = f"framing differs in {', '.join(labels)}" if labels else "no difference of framing is sure"
        rest = f"; {len(others)} of the other quantities differ" if others else ""
        return f"{found}{rest}; {seen}"


def _of_joint(found: Joint) -> str:
    tell = found.tell
    return (
        f"framing alone tells the domains apart by {tell.auc:.2f} ({tell.low:.2f} to {tell.high:.2f}; .5 is not at all)"
    )


def match(table: pd.DataFrame, styles: Sequence[str]) -> dict[str, StyleMatch]:
    """Each style's match with the selfies."""
    return {style: match_style(table[table["domain"].isin([SELFIE, style])], style) for style in styles}


def match_style(table: pd.DataFrame, style: str) -> StyleMatch:
    """The match of a table of selfies and one style."""
    table = table.sort_values(["id", "domain"])
    parts = [table[table["domain"] == domain] for domain in (SELFIE, style)]
    no_face = [int(part[list(FRAMING[:-1])].isna().all(axis=1).sum()) for part in parts]
    return StyleMatch(
        style=style,
        pictures=(len(parts[0]), len(parts[1])),
        whole=int(parts[1]["whole"].sum()),
        faceless=(no_face[0], no_face[1]),
        differences={
            q.name: difference(
                *(part[q.name].dropna().to_numpy(float) for part in parts), tolerance=q.tolerance, name=q.name
            )
            for q in QUANTITIES
        },
        joint=joint(table),
        breakers={q.name: breakers(table, q) for q in QUANTITIES},
    )


def as_record(found: StyleMatch) -> dict[str, Any]:
    """What match.json and --json say of a style; ids and values of the breakers without their paths."""
    return {
        "pictures": dict(zip(("selfies", "style"), found.pictures, strict=True)),
        "without_face": dict(zip(("selfies", "style"), found.faceless, strict=True)),
        "verdict": found.verdict,
        "framing": None if found.joint is None else {"light": found.joint.tell.light.value, **asdict(found.joint)},
        "quantities": {name: _quantity(found, name) for name in found.differences},
    }


def _quantity(found: StyleMatch, name: str) -> dict[str, Any]:
    one = found.differences[name]
    broken = [{"id": b.id, "domain": b.domain, "value": b.value, "beyond": b.beyond} for b in found.breakers[name]]
    return {
        "kind": BY_NAME[name].kind.value,
        "tolerance": BY_NAME[name].tolerance,
        "light": found.light(name).value,
        "advice": found.advice(name),
        **({} if one is None else asdict(one)),
        "breakers": broken,
    }
