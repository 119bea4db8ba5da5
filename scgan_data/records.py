"""The closed vocabularies of a manifest: what a row may say, in one place.

Coordinates everywhere: `*_xyxy` is (x0, y0, x1, y1) in pixels of the row's own picture, half-open, origin top left.
Landmarks are RetinaFace's five points, flattened x, y: the eye on the picture's left, the eye on its right, nose tip,
mouth corner on the left, mouth corner on the right.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

SELFIE = "selfie"
"""The domain of photographs. Every other domain is a style, named by its team (`watercolor`, `anime`, ...)."""


class Status(StrEnum):
    """What the stages so far decided of a row."""

    KEPT = "kept"
    REJECTED = "rejected"


class Split(StrEnum):
    """The part of the dataset that a kept row belongs to."""

    TRAIN = "train"
    TEST = "test"


class Region(StrEnum):
    """The parts of a head that a row may have a box of, in the order of the manifest's columns `REGION_xyxy`."""

    EYES = "eyes"
    NOSE = "nose"
    MOUTH = "mouth"
    LEFT_EYE = "left_eye"
    """As seen in the picture, like the landmarks."""
    RIGHT_EYE = "right_eye"
    EYEBROWS = "eyebrows"
    HAIR = "hair"
    GLASSES = "glasses"


ATTENTIVE = (Region.EYES, Region.NOSE, Region.MOUTH)
"""The attentive parts of Eq. 3, beside the whole picture (the paper's k = 4), in the order of training's boxes."""


class Origin(StrEnum):
    """Where a row's region boxes come from."""

    LANDMARKS = "landmarks"
    """Fitted proportions of the detector's five points."""
    DETECTOR = "detector"
    """A detector that sees regions itself."""
    DENSE = "dense"
    """The outlines that a landmark model drew."""
    IMPORTED = "imported"
    HUMAN = "human"


REGIONS_IN_DOUBT = "regions"
"""What the column `doubt` says of boxes that lie near a limit of plausibility; the other doubts are reasons."""


def hidden_in(text: object) -> frozenset[Region]:
    """The regions that a cell of `regions_hidden` names: judged not visible. A null cell names none."""
    return frozenset(map(Region, text.split(","))) if isinstance(text, str) and text else frozenset()


def hidden_text(regions: Iterable[Region]) -> str | None:
    """The cell of `regions_hidden` for these regions: `eyes,mouth`, in the order of `Region`; None for none."""
    among = frozenset(regions)
    return ",".join(region for region in Region if region in among) or None


def with_doubt(earlier: object, doubt: str) -> str:
    """The column `doubt` with another one added, after what earlier stages doubted: `watermarked,regions`."""
    said = earlier.split(",") if isinstance(earlier, str) and earlier else []
    return ",".join(dict.fromkeys([*said, doubt]))


class Reason(StrEnum):
    """Why a row was rejected. `MEANING` says each in words; `value` and `limit` of the row hold the measurement."""

    ROBOTS_DISALLOWED = "robots_disallowed"
    NOAI = "noai"
    HTTP_ERROR = "http_error"
    RATE_LIMITED = "rate_limited"
    HOST_GIVEN_UP = "host_given_up"
    NAME_NOT_FOUND = "name_not_found"
    NOT_CONNECTED = "not_connected"
    TLS_FAILED = "tls_failed"
    BAD_ANSWER = "bad_answer"
    TRANSFER_BROKEN = "transfer_broken"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    TIMED_OUT = "timed_out"
    ADDRESS_FORBIDDEN = "address_forbidden"
    OVER_BUDGET = "over_budget"
    LICENSE_NOT_ALLOWED = "license_not_allowed"
    AI_GENERATED = "ai_generated"
    FILE_UNREADABLE = "file_unreadable"
    TOO_MANY_BYTES = "too_many_bytes"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED = "truncated"
    BROKEN = "broken"
    TOO_MANY_PIXELS = "too_many_pixels"
    SAME_BYTES = "same_bytes"
    SAME_PIXELS = "same_pixels"
    NEAR_DUPLICATE = "near_duplicate"
    OTHER_DOMAIN = "other_domain"
    TOO_SMALL = "too_small"
    ASPECT = "aspect"
    BLURRED = "blurred"
    FLAT = "flat"
    BORDERED = "bordered"
    COLLAGE = "collage"
    SCREENSHOT = "screenshot"
    NOT_A_PHOTOGRAPH = "not_a_photograph"
    NOT_DRAWN = "not_drawn"
    WATERMARKED = "watermarked"
    RECURRING_MARK = "recurring_mark"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_TOO_SMALL = "face_too_small"
    FACE_CUT = "face_cut"
    FACE_BLURRED = "face_blurred"
    OCCLUDED = "occluded"
    TILTED = "tilted"
    TURNED = "turned"
    NODDED = "nodded"
    PADDED = "padded"
    HUMAN_REJECTED = "human_rejected"
    REBALANCED = "rebalanced"


MEANING: dict[Reason, str] = {
    Reason.ROBOTS_DISALLOWED: "the site's robots.txt disallows the URL; it was not requested",
    Reason.NOAI: "the site or the file forbids this use (noai, noimageai, noml, noindex, TDM reservation, PLUS)",
    Reason.HTTP_ERROR: "the server answered with an error status (value)",
    Reason.RATE_LIMITED: "429 or 503 to the last attempt, or the host asks for a longer pause than is granted (limit)",
    Reason.HOST_GIVEN_UP: "the host failed so often in a row (value) that its other URLs were not requested",
    Reason.NAME_NOT_FOUND: "the host's name does not exist, or no name server answered",
    Reason.NOT_CONNECTED: "no connection: refused, unreachable, or not answered in time",
    Reason.TLS_FAILED: "no secure connection: the certificate is not valid for the name, or the handshake failed",
    Reason.BAD_ANSWER: "the server's answer is not HTTP, or contradicts itself",
    Reason.TRANSFER_BROKEN: "the connection broke before the whole file had come",
    Reason.TOO_MANY_REDIRECTS: "more redirects (value) than the limit, or a redirect to itself",
    Reason.TIMED_OUT: "the whole transfer took longer than its deadline (limit, seconds)",
    Reason.ADDRESS_FORBIDDEN: "not http(s), or an address that is not public",
    Reason.OVER_BUDGET: "found, and not requested: the query's, host's or whole collection's budget was spent (limit)",
    Reason.LICENSE_NOT_ALLOWED: "its licence is not among those that `licenses.allow` names, or is not known",
    Reason.AI_GENERATED: "the file or its source says that it was generated by a model",
    Reason.FILE_UNREADABLE: "a file of a folder or list source could not be read",
    Reason.TOO_MANY_BYTES: "the file is larger than the byte limit",
    Reason.NOT_AN_IMAGE: "the bytes are no picture of an allowed format",
    Reason.TRUNCATED: "the picture's file ends too early",
    Reason.BROKEN: "the picture's file is damaged",
    Reason.TOO_MANY_PIXELS: "the picture has more pixels than the decoding limit",
    Reason.SAME_BYTES: "the same file as another row",
    Reason.SAME_PIXELS: "other bytes, the same pixels as another row",
    Reason.NEAR_DUPLICATE: "a resized, recompressed, cropped, mirrored or otherwise edited copy of another row",
    Reason.OTHER_DOMAIN: "a copy of a picture that another domain has (detail): no two may share one",
    Reason.TOO_SMALL: "the shorter side is below the limit (pixels)",
    Reason.ASPECT: "the longer side over the shorter exceeds the limit",
    Reason.BLURRED: "the sharpness is below the domain's limit",
    Reason.FLAT: "hardly any contrast: the picture is empty or one colour",
    Reason.BORDERED: "bars or a frame of one colour take more of the area than the limit",
    Reason.COLLAGE: "several pictures in one: a straight seam goes through it",
    Reason.SCREENSHOT: "a screenshot: bars and panels of a user interface",
    Reason.NOT_A_PHOTOGRAPH: "a drawing in the selfie domain",
    Reason.NOT_DRAWN: "a photograph in a style's domain",
    Reason.WATERMARKED: "a visible watermark (text, logo or tiling)",
    Reason.RECURRING_MARK: "it shows the mark that recurs at one place over its source's or author's pictures",
    Reason.NO_FACE: "the detector found no face",
    Reason.SEVERAL_FACES: "more than one face (value)",
    Reason.FACE_TOO_SMALL: "the distance of the eyes is below the limit (pixels of the source)",
    Reason.FACE_CUT: "the picture's border cuts the face (fraction of its box or points outside)",
    Reason.FACE_BLURRED: "the sharpness of the face alone is below the domain's limit",
    Reason.OCCLUDED: "a part of the face has another colour than its skin: a mask, a phone, sunglasses",
    Reason.TILTED: "the line of the eyes is tilted more than the limit (degrees)",
    Reason.TURNED: "the head is turned to a side more than the limit (degrees)",
    Reason.NODDED: "the head is raised or lowered more than the limit (degrees)",
    Reason.PADDED: "the crop would lie outside the picture by more than the limit (fraction of its area)",
    Reason.HUMAN_REJECTED: "a person rejected it (review/verdicts.jsonl)",
    Reason.REBALANCED: "left out so that selfies and style are framed alike (review/rebalance.jsonl)",
}
