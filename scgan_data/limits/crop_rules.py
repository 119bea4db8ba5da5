"""crop's limits and rules as plain arrays and numbers: what `crop` decides of a face that was found and measured.

Whether there is a face, and one only, is no question of a limit: see `crop`.

Measured on 49 and 37 portraits, 299 sample selfies (benchmarks/crop_presets.py) and 126 television faces of 50 to 100
pixels: sharpness of the face at 96 pixels (least, 5 %, median), and the median and the most where the picture is
blurred by a hundredth or two of the face's longer side

    portraits256  .45 .47 .73   .20 .32   .09 .14        selfies            .19 .30 .55   .19 .36   .09 .17
    landmarks5    .29 .36 .47   .16 .23   .07 .11        television faces   .19 .25 .46   .23 .95   .11 .53

.16 rejects none of the 511 and, blurred by two hundredths, 384 of the 385 that are larger than 96 pixels; the other is
in doubt. At 64 pixels a blur of a hundredth halves it at most (selfies .68 to .33), at 128 sharp but smooth portraits
come down to .16. The border cuts .004 off the worst of these faces. Of the 299 selfies two, of the 49 portraits two, of
376 television faces none are turned by more than 60 degrees; none is bent by more than 45.

Poses are `pose`'s, good enough for profiles and bent heads; of drawings they mean nothing and are off.

Occlusion above 22 rejects 28 of 976 sample selfies: 18 wear sunglasses, one holds a flower, one a microphone before the
face, eight are half in the dark or turned away; 76 more are in doubt. Painted over, 92 % of sunglasses, 76 of masks and
59 of phones lie above it, 99, 93 and 84 % at least in doubt (benchmarks/results/crop_occlusion.md). How far the
detector's points of a picture and of its mirror image disagree says less than its score, that less than colour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar

import numpy as np

from scgan_data.config import ByDomain, PerDomain, SharePerDomain
from scgan_data.limits.columns import Numbers
from scgan_data.limits.rules import Limits, Rule, Values, column
from scgan_data.records import Reason


def _either_way(name: str) -> Callable[[Numbers], Values]:
    return lambda columns: np.abs(columns[name])


RULES = (
    Rule("min_eye_distance_px", Reason.FACE_TOO_SMALL, ("eye_distance_px",), False, column("eye_distance_px")),
    Rule("max_face_cut", Reason.FACE_CUT, ("face_cut",), True, column("face_cut")),
    Rule("max_roll_deg", Reason.TILTED, ("roll_deg",), True, _either_way("roll_deg")),
    Rule("max_yaw_deg", Reason.TURNED, ("yaw_deg",), True, _either_way("yaw_deg")),
    Rule("max_pitch_deg", Reason.NODDED, ("pitch_deg",), True, _either_way("pitch_deg")),
    Rule("min_face_sharpness", Reason.FACE_BLURRED, ("face_sharpness",), False, column("face_sharpness")),
    Rule("max_occlusion", Reason.OCCLUDED, ("occlusion",), True, column("occlusion")),
    Rule("max_padding", Reason.PADDED, ("padding",), True, column("padding")),
)
"""In the order in which they are asked."""


class CropLimits(Limits, extra="ignore"):
    """What decides in section `crop` of params.yaml; its other keys say how faces are found and pictures cut."""

    RULES: ClassVar[tuple[Rule, ...]] = RULES
    """The section's rules."""
    min_eye_distance_px: PerDomain = 12.0
    """Least distance of the eyes in the source picture. A crop of `size_px` shows the eyes `size_px` / 4.6 apart
    (`shoulder`): what is less in the source is enlarged, the commonest cause of soft training data."""
    max_face_cut: SharePerDomain = 0.2
    """Most of the face that the picture's border may cut off: of its box's area, or of its five points."""
    max_roll_deg: PerDomain = 30.0
    """Most tilt of the eyes' line in the source picture; presets that turn heads upright bear more."""
    max_yaw_deg: PerDomain = {"selfie": 60.0}
    """Most turn to a side."""
    max_pitch_deg: PerDomain = {"selfie": 45.0}
    """Most raising or lowering of the head."""
    min_face_sharpness: PerDomain = {"selfie": 0.16}
    """Least sharpness of the face alone, reduced to at most 96 pixels."""
    max_occlusion: PerDomain = {"selfie": 22.0}
    """Most that a part of the face may depart in colour from its skin (`occlusion`), in units of CIELAB."""
    max_padding: SharePerDomain = 0.3
    """Most of the crop's area that may lie outside the picture. Portraits cut as tightly as FFHQ's (four eye distances)
    lie outside by .27 in the median, sample selfies by .03."""
    doubt: Annotated[dict[Reason, PerDomain], ByDomain()] = {
        Reason.FACE_BLURRED: 0.2,
        Reason.OCCLUDED: 0.35,
        Reason.TURNED: 0.15,
        Reason.NODDED: 0.15,
    }
    """Zones of doubt: how near its limit a value is doubtful, as a share of the limit (.15: within 15 %)."""
