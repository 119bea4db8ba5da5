"""The columns of every manifest, with their types: what each says of a picture, and its unit.

A stage adds values, never columns: what it does not know yet is null, so that manifests of any stage and version can
be read, joined and compared alike.
"""

from __future__ import annotations

import pyarrow as pa

from scgan_data.records import Region

_TEXT, _REAL, _INT, _LONG = pa.string(), pa.float64(), pa.int32(), pa.int64()
_BOX = pa.list_(pa.float64())

SCHEMA = pa.schema(
    [
        pa.field("id", _TEXT, nullable=False),
        ("pixel_id", _TEXT),  # sha256 of size and decoded RGB bytes
        ("parent_id", _TEXT),  # the id of the picture that this one was cropped from
        pa.field("domain", _TEXT, nullable=False),
        ("path", _TEXT),
        ("source", _TEXT),  # the entry of params.yaml or --from that named it
        ("source_url", _TEXT),
        ("final_url", _TEXT),  # where redirects led, if they did
        ("page_url", _TEXT),
        ("query", _TEXT),  # the search that found it
        ("retrieved_at", _TEXT),  # UTC, ISO 8601
        ("license", _TEXT),
        ("license_url", _TEXT),
        ("author", _TEXT),
        ("ai_generated", _TEXT),  # what says so: iptc:trainedAlgorithmicMedia, c2pa:..., ...
        ("rules", _TEXT),  # what each rule of the host decided: "robots.txt: allowed; x-robots-tag: none"
        ("via_proxy", pa.bool_()),
        ("extra", _TEXT),  # JSON: further columns of a list, carried along
        ("width", _INT),
        ("height", _INT),
        ("format", _TEXT),  # of the fetched bytes: JPEG, PNG, ...
        ("file_bytes", _LONG),  # their number
        ("orientation", _INT),  # EXIF's, 1 to 8, which was applied
        ("hash_mode", _TEXT),  # what the perceptual hashes are of (hashes.MODE)
        ("phash", _TEXT),  # imagehash.phash, 64 bits, hexadecimal
        ("phash256", _TEXT),  # the same with hash_size 16
        ("phash_views", _TEXT),  # the 64-bit hash of each of hashes.VIEWS, one after the other
        ("thumbnail", _TEXT),  # glimpse.pack, until dedup has used it
        ("group_id", _TEXT),  # hash of the near-duplicate group, at least the row itself
        ("sharpness", _REAL),
        ("contrast", _REAL),
        ("watermark_score", _REAL),  # 0 to 1
        ("watermark_xyxy", _BOX),  # where the mark is, where there is one
        ("recurring_mark", _REAL),  # how like it is to the mark of its source or author, at most 1 (recurring)
        ("mark_text", _TEXT),  # what it says, where text recognition told that it is one
        ("border", _REAL),  # fraction of the area in borders of one colour (letterbox, frames)
        ("collage", _REAL),  # 0 to 1: a straight seam through the whole picture
        ("screenshot", _REAL),  # 0 to 1: bars, panels and text of a user interface
        ("drawn", _REAL),  # 0 a photograph, 1 a drawing
        ("doubt", _TEXT),  # why a person should look at it: what lies near its limit (records.with_doubt)
        ("faces", _INT),  # how many were found that count (crop.second_face)
        ("face_number", _INT),  # which of them the row is about, from 1, the largest first
        ("face_score", _REAL),  # the detector's, 0 to 1
        ("face_xyxy", _BOX),  # in the crop's pixels
        ("landmarks", _BOX),  # ten numbers, in the crop's pixels
        ("eye_distance_px", _REAL),  # in the source picture
        ("roll_deg", _REAL),  # in the source picture, positive clockwise
        ("yaw_deg", _REAL),  # positive towards the right of the picture (poses)
        ("pitch_deg", _REAL),  # positive looking up
        ("face_cut", _REAL),  # fraction of the face that the source picture's border cuts off
        ("face_sharpness", _REAL),  # as `sharpness`, of the face alone
        ("occlusion", _REAL),  # how far a part of the face departs in colour from its skin (occlusion)
        ("crop_preset", _TEXT),  # how it was framed: a preset, or `whole` for a picture kept as it was framed
        ("crop_quad", _BOX),  # x, y of its top left, bottom left, bottom right, top right, in the parent's pixels
        ("crop_scale", _REAL),  # crop pixels for a parent pixel
        ("padding", _REAL),  # fraction of the crop's area outside the parent
        *((f"{region}_xyxy", _BOX) for region in Region),  # null: not visible if `regions_hidden` says so, else unknown
        ("regions_hidden", _TEXT),  # the regions judged not visible (records.hidden_in)
        ("regions_score", _REAL),  # 0 to 1: the detector's score times the boxes' plausibility
        ("regions_origin", _TEXT),
        ("split", _TEXT),
        pa.field("status", _TEXT, nullable=False),
        ("rejected_by", _TEXT),  # the stage
        ("reason", _TEXT),
        ("value", _REAL),  # what was measured
        ("limit", _REAL),  # what was allowed
        ("detail", _TEXT),  # a few words for people: the error's text, the id of the copy that was kept
    ]
)
COLUMNS = SCHEMA.names
