"""Rows of every stage to build a report from, hostile texts among them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from scgan_data import files, manifest
from scgan_data.images import encode_png
from scgan_data.records import SELFIE, Reason
from scgan_model.report import data

HOSTILE = "<script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(1)>"


HOSTILE_URL = "javascript:alert(1)//<b>"


STAGE_OF = {
    Reason.SAME_BYTES: "dedup",
    Reason.SAME_PIXELS: "dedup",
    Reason.NEAR_DUPLICATE: "dedup",
    Reason.TOO_SMALL: "filter",
    Reason.ASPECT: "filter",
    Reason.BLURRED: "filter",
    Reason.FLAT: "filter",
    Reason.WATERMARKED: "filter",
    Reason.NO_FACE: "crop",
    Reason.SEVERAL_FACES: "crop",
    Reason.FACE_TOO_SMALL: "crop",
    Reason.TILTED: "crop",
    Reason.PADDED: "crop",
    Reason.HUMAN_REJECTED: "dataset",
    Reason.REBALANCED: "dataset",
}


def picture(folder: Path, number: int, *, width: int = 40, height: int = 48) -> dict[str, Any]:
    """A gradient of its own colour, stored as `collect` stores it; its row."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 5, y * 4, np.full_like(x, number * 37 % 256)], axis=-1).astype(np.uint8)
    png = encode_png(Image.fromarray(pixels))
    name = files.id_of_bytes(png)
    files.write_bytes(folder / files.content_path(name), png)
    path = str(folder / files.content_path(name))
    return {"id": name, "path": path, "width": width, "height": height, "group_id": f"g{number}", "status": "kept"}


BOXED = {"regions_score": 0.9, "regions_origin": "landmarks"}


def write_stages(folder: Path) -> pd.DataFrame:
    """All six stages: two kept pictures a domain, one rejected for every reason. The last stage's rows."""
    home = folder / "01_collect"
    fixed = {"source": "list", "license": "CC0", "author": HOSTILE, "source_url": HOSTILE_URL}
    kept = [
        picture(home, number) | fixed | {"domain": domain, "split": "train"} | boxes
        for number, (domain, boxes) in enumerate(
            [
                (SELFIE, {"eyes_xyxy": [10.0, 10, 30, 18], "regions_hidden": "mouth"} | BOXED),
                (SELFIE, {"split": "test"}),
                ("dots", {"mouth_xyxy": [14.0, 30, 26, 38]}),
                ("dots", {}),
            ]
        )
    ]
    rejected = []
    for number, reason in enumerate(Reason, 10):
        decision = {"rejected_by": STAGE_OF.get(reason, "collect"), "reason": reason.value, "detail": HOSTILE}
        row = picture(home, number) | fixed | {"domain": SELFIE, "status": "rejected"} | decision
        if reason not in STAGE_OF:
            row["path"] = None
        if reason == Reason.NEAR_DUPLICATE:
            row["group_id"] = "g0"
        rejected.append(row | {"value": 41.0, "limit": 64.0})
    rows = manifest.table(kept + rejected)
    for number, stage in enumerate(data.STAGES, 1):
        later = rows["rejected_by"].isin(data.STAGES[number:])
        so_far = rows.copy()
        so_far.loc[later, ["status"]] = "kept"
        so_far.loc[later, ["rejected_by", "reason", "value", "limit", "detail"]] = None
        manifest.write(folder / f"{number:02d}_{stage}", so_far)
    return manifest.read(folder / "06_dataset")
