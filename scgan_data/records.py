"""The closed vocabularies of a manifest: what a row may say, in one place.

Coordinates everywhere: `*_xyxy` is (x0, y0, x1, y1) in pixels of the row's own picture, half-open, origin top left.
Landmarks are RetinaFace's five points, flattened x, y: the eye on the picture's left, the eye on its right, nose tip,
mouth corner on the left, mouth corner on the right.
"""

from __future__ import annotations

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
    """The attentive parts of Eq. 3, beside the whole picture."""

    EYES = "eyes"
    NOSE = "nose"
    MOUTH = "mouth"


class Origin(StrEnum):
    """Where a row's region boxes come from."""

    LANDMARKS = "landmarks"
    HUMAN = "human"


class Reason(StrEnum):
    """Why a row was rejected. `MEANING` says each in words; `value` and `limit` of the row hold the measurement."""

    ROBOTS_DISALLOWED = "robots_disallowed"
    NOAI = "noai"
    HTTP_ERROR = "http_error"
    RATE_LIMITED = "rate_limited"
    FETCH_FAILED = "fetch_failed"
    TIMED_OUT = "timed_out"
    ADDRESS_FORBIDDEN = "address_forbidden"
    FILE_UNREADABLE = "file_unreadable"
    TOO_MANY_BYTES = "too_many_bytes"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED = "truncated"
    BROKEN = "broken"
    TOO_MANY_PIXELS = "too_many_pixels"
    SAME_BYTES = "same_bytes"
    SAME_PIXELS = "same_pixels"
    NEAR_DUPLICATE = "near_duplicate"
    TOO_SMALL = "too_small"
    ASPECT = "aspect"
    BLURRED = "blurred"
    FLAT = "flat"
    WATERMARKED = "watermarked"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    FACE_TOO_SMALL = "face_too_small"
    TILTED = "tilted"
    PADDED = "padded"
    HUMAN_REJECTED = "human_rejected"


MEANING: dict[Reason, str] = {
    Reason.ROBOTS_DISALLOWED: "the site's robots.txt disallows the URL; it was not requested",
    Reason.NOAI: "the site forbids this use (X-Robots-Tag or meta robots: noai, noimageai, noml, noindex)",
    Reason.HTTP_ERROR: "the server answered with an error status (value)",
    Reason.RATE_LIMITED: "the server kept answering 429 or 503 after every retry",
    Reason.FETCH_FAILED: "no answer: name not found, connection refused or broken",
    Reason.TIMED_OUT: "the whole transfer took longer than its deadline (limit, seconds)",
    Reason.ADDRESS_FORBIDDEN: "not http(s), or an address that is not public",
    Reason.FILE_UNREADABLE: "a file of a folder or list source could not be read",
    Reason.TOO_MANY_BYTES: "the file is larger than the byte limit",
    Reason.NOT_AN_IMAGE: "the bytes are no picture of an allowed format",
    Reason.TRUNCATED: "the picture's file ends too early",
    Reason.BROKEN: "the picture's file is damaged",
    Reason.TOO_MANY_PIXELS: "the picture has more pixels than the decoding limit",
    Reason.SAME_BYTES: "the same file as another row",
    Reason.SAME_PIXELS: "other bytes, the same pixels as another row",
    Reason.NEAR_DUPLICATE: "a resized, recompressed, cropped or brightened copy of another row",
    Reason.TOO_SMALL: "the shorter side is below the limit (pixels)",
    Reason.ASPECT: "the longer side over the shorter exceeds the limit",
    Reason.BLURRED: "the sharpness is below the domain's limit",
    Reason.FLAT: "hardly any contrast: the picture is empty or one colour",
    Reason.WATERMARKED: "a visible watermark (text, logo or tiling)",
    Reason.NO_FACE: "the detector found no face",
    Reason.SEVERAL_FACES: "more than one face (value)",
    Reason.FACE_TOO_SMALL: "the distance of the eyes is below the limit (pixels of the source)",
    Reason.TILTED: "the line of the eyes is tilted more than the limit (degrees)",
    Reason.PADDED: "the crop would lie outside the picture by more than the limit (fraction of its area)",
    Reason.HUMAN_REJECTED: "a person rejected it (review/verdicts.jsonl)",
}
