"""The families of drawn heads: for each, the ranges that its proportions, kinds of parts and colours are drawn from.

Families are only centres: a third of all heads has proportions or parts of another family mixed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipelines.drawn_eyes import EYE_KINDS
from pipelines.drawn_parts import Look
from pipelines.drawn_pen import Colour, Pose, hue, mixed

Range = tuple[float, float]
SKINS: tuple[Colour, ...] = (
    (255, 224, 196),
    (240, 200, 160),
    (224, 172, 105),
    (198, 134, 66),
    (141, 85, 36),
    (80, 50, 35),
)
HAIRS: tuple[Colour, ...] = ((25, 20, 20), (60, 40, 25), (120, 70, 30), (190, 140, 60), (230, 200, 110), (150, 50, 30),
                             (200, 200, 200), (245, 245, 245))  # fmt: skip
MOUTHS = ("line", "smile", "frown", "wave", "open", "grin", "teeth", "lips")
NOSES = ("none", "dot", "line", "long", "hook", "curve", "triangle", "button", "sausage", "nostrils", "shaded")


@dataclass(frozen=True)
class Family:
    """Ranges in half head heights; `eye_gap` and `eye_rx` as fractions of the half-width."""

    share: float
    width: Range
    eye_y: Range
    eye_gap: Range
    eye_rx: Range
    eye_ratio: Range
    """Height over width of an eye."""
    eyes: str
    nose_y: Range
    """From the eyes to the mouth, 0 to 1."""
    nose_size: Range
    noses: str
    mouth_y: Range
    mouth_rx: Range
    mouths: str
    hair: tuple[float, float, float, float, float, float, float]
    """Shares of cap, fringe, parted, spikes, curls, tuft and none."""
    yaw: float
    """Spread of the head's turn, radians."""
    hat: float = 0.1
    outlined: float = 0.75
    power: Range = (1.9, 2.6)
    taper: Range = (-0.1, 0.2)
    point: Range = (0.0, 0.2)
    muzzle: Range = (0.0, 0.0)
    shaded: float = 0.1
    skin: str = "any"


FAMILIES = {
    "plain": Family(
        0.16, (0.6, 1.15), (-0.35, 0.15), (0.3, 0.55), (0.1, 0.3), (0.7, 1.6), "ball dot ring arc line almond",
        (0.3, 0.75), (0.08, 0.36), "none dot line long hook curve triangle button sausage nostrils", (0.35, 0.7),
        (0.12, 0.45), " ".join(MOUTHS) + " open grin open lips", (0.2, 0.15, 0.15, 0.12, 0.1, 0.1, 0.18), 0.4,
        power=(1.8, 4.0), taper=(-0.25, 0.3),
    ),
    "cutout": Family(  # a wide round head, great eyes that touch, dots for pupils, a small mouth, a cap
        0.13, (1.0, 1.3), (-0.25, 0.12), (0.2, 0.3), (0.19, 0.28), (0.95, 1.35), "ball ball ball ball line",
        (0.4, 0.6), (0.05, 0.12), "none none none none curve button", (0.4, 0.68), (0.08, 0.3),
        "line smile frown open grin teeth line", (0.3, 0.2, 0.1, 0.15, 0.1, 0.05, 0.1), 0.3, hat=0.4, outlined=0.8,
        power=(1.9, 2.4), taper=(-0.12, 0.05), point=(0, 0.05), shaded=0.02,
    ),
    "bulge": Family(  # a tall head, standing-out round eyes, a long nose, an overbite
        0.15, (0.55, 0.85), (-0.3, 0.05), (0.32, 0.5), (0.3, 0.46), (0.9, 1.1), "ball ball ball ball ball arc line",
        (0.35, 0.6), (0.22, 0.42), "sausage sausage sausage button curve", (0.4, 0.66), (0.28, 0.55),
        "line smile frown open grin teeth wave", (0.2, 0.05, 0.1, 0.3, 0.1, 0.1, 0.15), 0.65, hat=0.06, outlined=0.93,
        power=(2.2, 4.0), taper=(-0.15, 0.15), point=(0, 0.1), muzzle=(0.2, 0.45), shaded=0.02, skin="series",
    ),
    "anime": Family(
        0.36, (0.68, 1.05), (0.0, 0.3), (0.38, 0.54), (0.2, 0.42), (0.45, 1.4),
        "anime anime anime anime anime arc almond", (0.4, 0.68), (0.04, 0.14),
        "none none dot dot line line curve nostrils", (0.52, 0.8), (0.05, 0.24),
        "line smile smile frown open grin lips line", (0.06, 0.6, 0.16, 0.14, 0.02, 0.01, 0.01), 0.45, hat=0.06,
        outlined=0.65, power=(1.9, 2.3), taper=(0.05, 0.25), point=(0.25, 0.75), shaded=0.25, skin="pale",
    ),
    "film": Family(  # drawn by a computer: round light, large eyes with irises, a small nose, no outline
        0.13, (0.68, 0.92), (-0.1, 0.12), (0.38, 0.52), (0.18, 0.3), (0.55, 1.0), "almond almond almond ball arc",
        (0.5, 0.7), (0.12, 0.24), "shaded shaded shaded nostrils button", (0.5, 0.7), (0.18, 0.38),
        "lips lips smile open grin teeth", (0.25, 0.12, 0.35, 0.08, 0.08, 0.02, 0.1), 0.55, hat=0.08, outlined=0.08,
        taper=(0.0, 0.22), point=(0.0, 0.4), shaded=0.95, skin="human",
    ),
    "strip": Family(  # ink on white
        0.14, (0.55, 1.05), (-0.3, 0.15), (0.22, 0.5), (0.05, 0.25), (0.5, 1.5), "dot dot ball ring arc line almond",
        (0.4, 0.75), (0.1, 0.38), "none dot line long hook hook curve triangle button sausage", (0.4, 0.7),
        (0.15, 0.45), " ".join(MOUTHS) + " open grin open lips", (0.2, 0.15, 0.15, 0.15, 0.12, 0.1, 0.13), 0.5,
        outlined=1.0, shaded=0.0, skin="paper",
    ),
    "person": Family(
        0.1, (0.66, 0.85), (-0.15, 0.08), (0.38, 0.5), (0.14, 0.24), (0.45, 0.9), "almond almond dot ball",
        (0.55, 0.75), (0.12, 0.32), "line long hook curve nostrils shaded triangle", (0.48, 0.65), (0.2, 0.36),
        "lips smile line open grin teeth frown", (0.3, 0.12, 0.28, 0.08, 0.1, 0.02, 0.1), 0.45, outlined=0.45,
        taper=(0.0, 0.2), point=(0.0, 0.35), shaded=0.35, skin="human",
    ),
    "animal": Family(
        0.01, (0.75, 1.2), (-0.35, 0.1), (0.3, 0.55), (0.1, 0.3), (0.8, 1.4), "ball dot dot almond anime",
        (0.5, 0.75), (0.1, 0.25), "button button triangle dot", (0.45, 0.7), (0.15, 0.4),
        "smile line open grin wave", (0.02, 0.02, 0.02, 0.04, 0.05, 0.15, 0.7), 0.4, muzzle=(0.1, 0.5), shaded=0.25,
        taper=(-0.25, 0.2),
    ),
}  # fmt: skip


def draw_look(rng: np.random.Generator) -> tuple[Look, str]:
    """A look and the name of its family."""
    names = list(FAMILIES)
    shares = np.array([f.share for f in FAMILIES.values()])
    name = str(rng.choice(names, p=shares / shares.sum()))
    family = FAMILIES[name]
    if rng.random() < 0.3:
        family = _crossed(rng, family)
    return _look(rng, family), name


def _crossed(rng: np.random.Generator, family: Family) -> Family:
    """A family with some ranges of another."""
    other = list(FAMILIES.values())[rng.integers(len(FAMILIES))]
    groups = (("eyes", "eye_rx", "eye_ratio"), ("noses", "nose_size"), ("mouths", "mouth_rx"),
              ("width", "power", "taper", "point"), ("skin",), ("shaded", "outlined"), ("muzzle",))  # fmt: skip
    for group in groups:
        if rng.random() < 0.3:
            family = replace(family, **{name: getattr(other, name) for name in group})
    return family


def _look(rng: np.random.Generator, f: Family) -> Look:
    def pick(span: Range) -> float:
        return float(rng.uniform(*span))

    width = pick(f.width)
    yaw = float(np.clip(rng.normal(0, f.yaw), -1.25, 1.25)) if rng.random() < 0.8 else 0.0
    eye_rx = pick(f.eye_rx) * width
    kinds = f.eyes.split() if rng.random() > 0.05 else EYE_KINDS
    eye_y, mouth_y = pick(f.eye_y), pick(f.mouth_y)
    eye_kind = str(rng.choice(kinds))
    gap = pick(f.eye_gap) * width
    if eye_kind == "anime":
        gap = max(gap, eye_rx * 1.05)
    skin = _skin(rng, f.skin)
    hair = HAIRS[rng.integers(len(HAIRS))] if rng.random() < 0.5 else hue(rng, (0.2, 0.9), (0.2, 1.0))
    if f.skin == "series" and rng.random() < 0.35:
        hair = skin
    return Look(
        pose=Pose(yaw, float(rng.normal(0, 0.22))), skin=skin, hair=hair, width=width, eye_y=eye_y, eye_gap=gap,
        eye_rx=eye_rx, eye_ry=min(eye_rx * pick(f.eye_ratio), 0.42), eye_kind=eye_kind,
        iris=skin if eye_kind == "ball" and rng.random() < 0.75 else hue(rng, (0.3, 0.95), (0.25, 0.9)),
        nose_y=eye_y + (mouth_y - eye_y) * pick(f.nose_y), nose_size=pick(f.nose_size),
        nose_kind=str(rng.choice(f.noses.split())), mouth_y=mouth_y, mouth_rx=pick(f.mouth_rx) * min(width, 1.0),
        mouth_kind=str(rng.choice(f.mouths.split())), power=pick(f.power), taper=pick(f.taper), point=pick(f.point),
        gaze=(float(rng.uniform(-0.8, 0.8)), float(rng.uniform(-0.8, 0.8))),
        brow_kind=str(rng.choice(["line", "line", "thick", "lid", "none"])),
        muzzle=pick(f.muzzle) if f.muzzle[1] else 0.0,
        shaded=float(rng.uniform(0.4, 1.0)) if rng.random() < f.shaded else 0.0,
        stroke=float(rng.exponential(0.12)), detail=tuple(float(v) for v in rng.random(8)),
    )  # fmt: skip


def _skin(rng: np.random.Generator, kind: str) -> Colour:
    pick = rng.random()
    if kind == "paper":
        return (255, 255, 255) if pick < 0.7 else mixed((255, 255, 255), hue(rng, (0, 0.3), (0.7, 1)), 0.6)
    if kind == "series" and pick < 0.55:
        return int(rng.integers(225, 256)), int(rng.integers(185, 235)), int(rng.integers(10, 110))
    if kind == "pale" and pick < 0.4:
        return mixed((255, 246, 240), SKINS[int(pick * 10) % 2], float(rng.uniform(0, 1)))
    if kind in ("pale", "human") and pick < 0.93:
        tone = SKINS[int(rng.integers(2 if kind == "pale" and pick < 0.75 else len(SKINS)))]
        return mixed(tone, hue(rng, (0.0, 0.5), (0.5, 1.0)), float(rng.uniform(0, 0.2)))
    if pick < 0.7:
        return mixed(SKINS[rng.integers(len(SKINS))], hue(rng, (0.0, 0.6), (0.4, 1.0)), float(rng.uniform(0, 0.25)))
    return hue(rng, (0.0, 0.9), (0.35, 1.0))
