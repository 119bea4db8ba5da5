"""The filter's limits and rules as plain arrays and numbers: what `filter` decides, without the tools that measure.

A rule compares a value, computed from columns of the manifest, with a limit of its domain. They are asked in the order
of `RULES`, and the first that a picture breaks is its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from scgan_data.config import ByDomain, Config, PerDomain, SharePerDomain, limit_for
from scgan_data.errors import nearest
from scgan_data.limits.columns import Numbers
from scgan_data.records import Reason

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """One comparison."""

    key: str
    """The limit's name in params.yaml."""
    reason: Reason
    columns: tuple[str, ...]
    at_most: bool
    """The limit is an upper one."""
    value: Callable[[Numbers], Values]

    def values(self, columns: Numbers) -> Values:
        """(N,) what is compared; NaN, which no limit rejects, where it was not measured."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.value(columns)

    def limits(self, config: Config, domains: Sequence[str]) -> Values:
        """(D,) each domain's limit; NaN, beyond which nothing is, for off."""
        given: PerDomain = getattr(config, self.key)
        return np.array([np.nan if (v := limit_for(given, d)) is None else v for d in domains], np.float64)

    def beyond(self, values: Values, limits: Values) -> NDArray[np.bool_]:
        """Which values break the rule."""
        return values > limits if self.at_most else values < limits


def column(name: str) -> Callable[[Numbers], Values]:
    """What a rule compares where it is a column as it stands."""
    return lambda columns: columns[name]


def _shorter_px(columns: Numbers) -> Values:
    return np.minimum(columns["width"], columns["height"])


def _aspect(columns: Numbers) -> Values:
    return np.maximum(columns["width"], columns["height"]) / _shorter_px(columns)


_SIZE = ("width", "height")
RULES = (
    Rule("min_side_px", Reason.TOO_SMALL, _SIZE, False, _shorter_px),
    Rule("max_aspect", Reason.ASPECT, _SIZE, True, _aspect),
    Rule("min_contrast", Reason.FLAT, ("contrast",), False, column("contrast")),
    Rule("min_sharpness", Reason.BLURRED, ("sharpness",), False, column("sharpness")),
    Rule("max_screenshot", Reason.SCREENSHOT, ("screenshot",), True, column("screenshot")),
    Rule("max_border", Reason.BORDERED, ("border",), True, column("border")),
    Rule("max_collage", Reason.COLLAGE, ("collage",), True, column("collage")),
    Rule("max_drawn", Reason.NOT_A_PHOTOGRAPH, ("drawn",), True, column("drawn")),
    Rule("min_drawn", Reason.NOT_DRAWN, ("drawn",), False, column("drawn")),
    Rule("max_watermark_score", Reason.WATERMARKED, ("watermark_score",), True, column("watermark_score")),
    Rule("max_recurring_mark", Reason.RECURRING_MARK, ("recurring_mark",), True, column("recurring_mark")),
)
"""In the order in which they are asked."""
COLUMNS = tuple(dict.fromkeys(name for rule in RULES for name in rule.columns))


class Limits(Config, extra="ignore"):
    """What a section of params.yaml has beside its limits; `RULES` are asked in their order."""

    RULES: ClassVar[tuple[Rule, ...]] = ()
    """The section's rules."""
    doubt: Annotated[dict[Reason, PerDomain], ByDomain()] = {}
    """Zones of doubt: how near its limit a value is doubtful, as a share of the limit (.15: within 15 %)."""
    doubtful: Literal["keep", "reject"] = "keep"
    """What becomes of the doubtful until a person has judged them."""
    verdicts: Path = Path("review/verdicts.jsonl")
    """People's verdicts; a missing file is an empty one."""

    @field_validator("doubt", mode="before")
    @classmethod
    def _known_reasons(cls, zones: Any) -> Any:
        known = [rule.reason.value for rule in cls.RULES]
        for reason in zones if isinstance(zones, dict) else ():
            if reason not in known:
                raise ValueError(f"no check of this stage: `{reason}`{nearest(str(reason), known)}")
        return zones

    @field_validator("doubt")
    @classmethod
    def _shares(cls, zones: dict[Reason, PerDomain]) -> dict[Reason, PerDomain]:
        shares = [s for zone in zones.values() for s in (zone.values() if isinstance(zone, dict) else [zone])]
        if any(share is not None and not 0 < share < 1 for share in shares):
            raise ValueError("a zone of doubt is a share of the limit, above 0 and below 1, or null for none")
        return zones


class FilterLimits(Limits, extra="ignore"):
    """What decides in section `filter` of params.yaml; its other keys say how things are measured and shown."""

    RULES: ClassVar[tuple[Rule, ...]] = RULES
    """The section's rules."""
    min_side_px: PerDomain = 100.0
    """Least shorter side."""
    max_aspect: PerDomain = 2.0
    """Most of the longer side over the shorter."""
    min_contrast: PerDomain = 8.0
    """Least contrast, 0 to 127 (`hashes`); below it a picture is flat."""
    min_sharpness: PerDomain = {"selfie": 0.09, "drawn": 0.12}
    """Least sharpness (`hashes`); below it a picture is blurred."""
    max_screenshot: SharePerDomain = 0.45
    """Most text on panels (`layout`), 0 to 1; .45 is five lines."""
    max_border: SharePerDomain = 0.02
    """Most of the area in bars or a frame of one colour (`layout`)."""
    max_collage: SharePerDomain = {"selfie": 0.85, "drawn": 0.9}
    """Most of the height or width that a straight seam runs through (`layout`)."""
    max_drawn: SharePerDomain = {"selfie": 0.9}
    """Most certainty, 0 to 1, that a picture is drawn (`drawn`); above it a selfie is no photograph."""
    min_drawn: SharePerDomain = None
    """Least certainty that a picture is drawn; below it a portrait is a photograph. Off: paintings look like that."""
    max_watermark_score: SharePerDomain = {"selfie": 0.933, "drawn": 0.82}
    """Most certainty, 0 to 1, that a visible mark is there."""
    max_recurring_mark: SharePerDomain = 0.55
    """Most likeness, at most 1, to the mark that recurs over the pictures of its source or author (`recurring`)."""
    doubt: Annotated[dict[Reason, PerDomain], ByDomain()] = {
        Reason.WATERMARKED: 0.15,
        Reason.BLURRED: 0.2,
        Reason.SCREENSHOT: 0.35,
        Reason.COLLAGE: 0.1,
        Reason.NOT_A_PHOTOGRAPH: 0.1,
    }
    """Zones of doubt, for these checks."""


def first_broken(
    columns: Numbers,
    codes: NDArray[np.int64],
    domains: Sequence[str],
    config: Config,
    rules: Sequence[Rule] = RULES,
) -> NDArray[np.int64]:
    """(N,) index into `rules` of each row's first broken rule, -1 for none. `codes` (N,) index `domains`."""
    first = np.full(len(codes), -1, np.int64)
    for number, rule in reversed(list(enumerate(rules))):
        limits = rule.limits(config, domains)
        if not np.isnan(limits).all():
            first[rule.beyond(rule.values(columns), limits[codes])] = number
    return first


def clear_of_others(
    columns: Numbers, codes: NDArray[np.int64], domains: Sequence[str], config: Config, but: Rule
) -> NDArray[np.bool_]:
    """(N,) which rows break no rule other than `but`."""
    clear = np.ones(len(codes), bool)
    for rule in RULES:
        if rule is not but:
            clear &= ~rule.beyond(rule.values(columns), rule.limits(config, domains)[codes])
    return clear
