"""Crop settings that bring a style's median face scale and eye height to the selfies'.

A crop by points has the side `side_factor` s and the eyes at `eyes_at` of its height, so a median scale that is r times
the selfies' wants r times the side, and eyes that stand d lower want `eyes_at` less by d. A domain that is kept whole
(`crop.framed`) follows no formula; where its middle is off, it is taken out of `framed`, and from then on cut by its
points. Spread is no matter of settings: what a detector errs by on drawings would only move from the framing into the
crops (see `crop.framed`), so medians within tolerance change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import pandas as pd

from scgan_data.crop import CropConfig, formula
from scgan_data.errors import ConfigError, DatasetError
from scgan_data.limits import params_file
from scgan_data.matching.quantities import BY_NAME
from scgan_data.records import SELFIE

KEYS = ("side_factor", "eyes_at")


@dataclass(frozen=True)
class CropFix:
    """What would change for one style; settings that stay are not in it."""

    style: str
    medians: dict[str, tuple[float, float]]
    """face_scale and eyes_y: the selfies', the style's."""
    now: dict[str, float]
    new: dict[str, float]
    """By key of section `crop`; empty where the medians agree."""
    unframe: bool
    """Whether the style has to leave `crop.framed`."""


def crop_fix(table: pd.DataFrame, style: str, config: CropConfig) -> CropFix:
    """The settings for a style, from a table of quantities. Raises DatasetError where no face is known.

    Raises ConfigError for a preset whose formula has no such settings.
    """
    medians = {}
    for name in ("face_scale", "eyes_y"):
        both = [float(table.loc[table["domain"] == domain, name].median()) for domain in (SELFIE, style)]
        if any(map(isnan, both)):
            raise DatasetError(f"--fix crop: no face is known of {style} or of the selfies; run `crop` first")
        medians[name] = (both[0], both[1])
    preset = getattr(config, "preset", "shoulder")
    if preset != "shoulder":
        raise ConfigError(f"--fix crop moves the shoulder crop; `crop.preset: {preset}` has a formula of its own")
    whole = style in config.framed or "drawn" in config.framed
    base = SELFIE if whole else style  # the formula a whole picture is to follow is the selfies'
    now = dict(zip(KEYS, formula(config, base), strict=True))
    scale, height = medians["face_scale"], medians["eyes_y"]
    off = [abs(b - a) > BY_NAME[name].tolerance / 2 for name, (a, b) in medians.items()]
    if not any(off):
        return CropFix(style, medians, now, {}, unframe=False)
    new = dict(now) if whole else {}
    if not whole and off[0]:
        new["side_factor"] = round(now["side_factor"] * scale[1] / scale[0], 3)
    if not whole and off[1]:
        new["eyes_at"] = round(now["eyes_at"] + height[0] - height[1], 3)
    return CropFix(style, medians, now, new, unframe=whole)


def lines(fix: CropFix) -> list[str]:
    """What a fix says, for the terminal."""
    labels = {name: BY_NAME[name].label for name in fix.medians}
    said = [f"{labels[name]}: selfies {a:.3f}, {fix.style} {b:.3f} (medians)" for name, (a, b) in fix.medians.items()]
    if not fix.new:
        return [*said, f"{fix.style}: nothing to change, the medians agree within half the tolerances"]
    if fix.unframe:
        said.append(f"crop.framed: without {fix.style}, which is then cut by its points")
    return [*said, *(f"crop.{key}.{fix.style}: {fix.now[key]:g} -> {value:g}" for key, value in fix.new.items())]


def write(fixes: Sequence[CropFix], config: CropConfig, file: Path) -> list[str]:
    """Put the settings into a params file, everything else staying as it is; the keys that changed.

    Raises ConfigError before anything is written.
    """
    leaving = {fix.style for fix in fixes if fix.unframe}
    if leaving and "drawn" in config.framed:
        raise ConfigError("crop.framed says `drawn`, every style; name the styles that stay whole instead, then again")
    changed = []
    for key in KEYS:
        limits: Mapping[str, float] = {fix.style: fix.new[key] for fix in fixes if key in fix.new}
        if limits:
            params_file.set_limit(file, "crop", key, dict(limits), getattr(config, key))
            changed += [f"crop.{key}.{style}" for style in limits]
    if leaving:
        params_file.set_names(file, "crop", "framed", [name for name in config.framed if name not in leaving])
        changed.append("crop.framed")
    return changed
