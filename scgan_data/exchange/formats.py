"""The formats that can be written and read back."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """A format of `scgan-data export` and `import`."""

    COCO = "coco"
    """Boxes and keypoints as COCO's own files; CVAT reads and writes it."""
    LABEL_STUDIO = "label-studio"
    """Tasks with the boxes as predictions, and the labelling configuration."""
    YOLO = "yolo"
    """images/, labels/ and data.yaml."""
    WEBDATASET = "webdataset"
    """Tar files of pictures, each with a JSON beside it."""
    CROISSANT = "croissant"
    """The dataset's description as JSON-LD, with the pictures and their table."""
