"""The closed list of what is compared between selfies and a style, and what each difference would teach.

Three kinds. *Framing* is where the face stands and how it is turned: no style asks for it to differ, and a generator
that must hide such a difference zooms, shifts or turns faces. *Quality* (sharpness, what lies outside the source) and
*background* are properties of sources rather than of an artist's hand, mostly. *Look* is colour: a style may well be
brighter than photographs, so a light there is a question, not an order.

Each has a tolerance, the difference that nobody needs to care about: what the five points err by (a twentieth of the
eyes' distance: 4 degrees of yaw, 1.5 % of the crop's side), or what the eye hardly sees. Values are compared after
noise of that size has been added (`statistics`), so that a tell far below it is none: all faces cut by one formula have
one scale to within rounding, and without tolerance a change of that scale by 1 % would tell the domains apart
perfectly.

Colours are CIE Lab (D65): lightness 0 to 100, chroma the distance from grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Whether a difference is the crop's, the sources' or perhaps the style's own."""

    FRAMING = "framing"
    QUALITY = "quality"
    BACKGROUND = "background"
    LOOK = "look"


@dataclass(frozen=True)
class Quantity:
    """One number a picture."""

    name: str
    label: str
    """For people, with the unit where it has one."""
    kind: Kind
    tolerance: float
    """In the quantity's own unit."""
    learns: str
    """What a generator would learn to do, were the domains to differ in it."""
    remedy: str
    """What to do about it."""


CROP, BALANCE = "re-crop (`--fix crop`)", "leave the extremes out (`--fix rebalance`)"
_SOURCES = "add sources that have it, or reject what the sheet shows"
_WHOLE = "collect larger pictures, or lower `crop.max_padding`"

QUANTITIES: tuple[Quantity, ...] = (
    Quantity("face_scale", "face scale (share of the side)", Kind.FRAMING, 0.008, "to zoom faces", CROP),
    Quantity("eyes_x", "eyes, across (share of the side)", Kind.FRAMING, 0.015, "to shift faces sideways", BALANCE),
    Quantity("eyes_y", "eyes, down (share of the side)", Kind.FRAMING, 0.015, "to shift faces up or down", CROP),
    Quantity("yaw_deg", "yaw (°)", Kind.FRAMING, 4.0, "to turn faces", BALANCE),
    Quantity("pitch_deg", "pitch (°)", Kind.FRAMING, 5.0, "to raise or lower noses", BALANCE),
    Quantity("roll_deg", "roll (°)", Kind.FRAMING, 2.0, "to tilt or straighten heads", BALANCE),
    Quantity("padding", "padding (share of the area)", Kind.FRAMING, 0.03, "to paint mirrored edges", _WHOLE),
    Quantity(
        "sharpness", "sharpness", Kind.QUALITY, 0.03, "to blur, or to sharpen noise", "move `filter.min_sharpness`"
    ),
    Quantity("background_lightness", "background, lightness", Kind.BACKGROUND, 5.0, "to repaint backgrounds", _SOURCES),
    Quantity("background_chroma", "background, chroma", Kind.BACKGROUND, 4.0, "to recolour backgrounds", _SOURCES),
    Quantity(
        "background_plain", "background, plain share", Kind.BACKGROUND, 0.1, "to empty or fill backgrounds", _SOURCES
    ),
    Quantity(
        "lightness", "lightness", Kind.LOOK, 4.0, "to brighten or darken", "right for the style? else " + _SOURCES
    ),
    Quantity("contrast", "contrast", Kind.LOOK, 3.0, "to change contrast", "right for the style? else " + _SOURCES),
    Quantity("chroma", "saturation (chroma)", Kind.LOOK, 4.0, "to saturate", "right for the style? else " + _SOURCES),
    Quantity("red_green", "red against green (a)", Kind.LOOK, 3.0, "a cast", "right for the style? else " + _SOURCES),
    Quantity(
        "yellow_blue", "yellow against blue (b)", Kind.LOOK, 3.0, "a cast", "right for the style? else " + _SOURCES
    ),
)
BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}
FRAMING = tuple(quantity.name for quantity in QUANTITIES if quantity.kind is Kind.FRAMING)
PIXELS = tuple(quantity.name for quantity in QUANTITIES if quantity.kind is not Kind.FRAMING)
