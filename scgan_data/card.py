"""The dataset card: what is in it, where it came from, under which licences, what was left out, what it is for."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from scgan_data import manifest
from scgan_data.records import MEANING, Reason, Status

HEAD = """---
task_categories: [image-to-image]
tags: [portraits, cartoonization, scgan]
---
# {title}

Head-and-shoulders selfies and cartoon portraits, square, {sizes}, with boxes of eyes, nose and mouth, for training
selfie-to-cartoon models (scGAN: Li et al., "Everyone is a Cartoonist"). `datasets.load_dataset("imagefolder",
data_dir=...)` reads it; `annotations.coco.json` holds the same boxes for annotation tools. Where a box is null, the
region is not visible if `regions_hidden` names it, and unknown if not.
"""

SPLIT = """
## What the split promises, and what it does not

Train and test share no picture and no near-copy of one that was found: resized, recompressed, cropped, framed,
captioned, mirrored or otherwise edited.{kept_together} Copies are found by perceptual hashes, and those know pictures,
not people: the same person in another picture may be on both sides, and so may a copy that was edited beyond
recognition. Figures on the test part are for unseen pictures, not for unseen people.
"""

USE = """
## Faces are personal data

The pictures show people, or drawings by people. Use them only as the licences above allow; "non-commercial research
only" sources must not reach a product. EXIF and GPS of the source files were dropped at collection. To withdraw a
picture, add `{"id": "<its id>", "verdict": "reject"}` to `review/verdicts.jsonl` and run `dvc repro`.
"""


def card(rows: pd.DataFrame, title: str, group_by: Sequence[str] = ("group",)) -> str:
    """The card as Markdown; the same rows give the same text. `group_by` is the split's (`split`)."""
    kept = manifest.kept(rows)
    sizes = " and ".join(f"{w} x {h} px" for w, h in sorted(set(zip(kept["width"], kept["height"], strict=True))))
    parts = [
        HEAD.format(title=title, sizes=sizes or "no picture yet"),
        "\n## Counts\n",
        _table(kept.groupby(["domain", "split"]).size().reset_index(name="pictures")),
        SPLIT.format(kept_together=_kept_together(group_by)),
        "\n## Sources and licences\n",
        _table(_by_source(kept)),
        "\n## What was left out\n",
        _table(_rejects(rows)),
        USE,
    ]
    return "\n".join(parts)


def _kept_together(group_by: Sequence[str]) -> str:
    further = [name for name in group_by if name != "group"]
    return f" Pictures of one {' or '.join(further)} are on one side, where that is known." if further else ""


def _by_source(kept: pd.DataFrame) -> pd.DataFrame:
    named = kept.assign(
        license=kept["license"].fillna("unknown"),
        license_url=kept["license_url"].fillna(""),
        source=kept["source"].fillna(""),
    )
    return named.groupby(["domain", "source", "license", "license_url"]).size().reset_index(name="pictures")


def _rejects(rows: pd.DataFrame) -> pd.DataFrame:
    rejected = rows[rows["status"] == Status.REJECTED]
    counts = rejected.groupby(["domain", "rejected_by", "reason"]).size().reset_index(name="pictures")
    counts["meaning"] = [MEANING[Reason(reason)] for reason in counts["reason"]]
    return counts


def _table(frame: pd.DataFrame) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = ["| " + " | ".join(map(str, frame.columns)) + " |", "|" + " --- |" * len(frame.columns)]
    cells = ([str(v).replace("|", "\\|").replace("\n", " ") for v in row] for row in frame.itertuples(index=False))
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in cells)])
