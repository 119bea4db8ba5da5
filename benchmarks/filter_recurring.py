"""What marks that recur over a source add to the filter: sources whose pictures carry one faint or small mark.

    python -m benchmarks.filter_recurring

A source is 60 pictures of one set, of which all, half or a quarter carry one mark at one place (text, logo, tiled, or a
small line, three sources each), one opacity and colour over the source, each picture a JPEG of its own. `filter` runs
over all of them as it ships; what it finds by the score alone stands beside what it finds in all. Clean pictures are
those of the same sources and those of sources without a mark, among them drawings that one program composes alike.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.filter_marks import sets
from benchmarks.filter_marks_scores import Pictures
from benchmarks.results import Figure, share, write
from benchmarks.watermark_cases import DRAW, OPACITY, saved
from scgan_data import filter as filter_stage
from scgan_data import images, manifest
from scgan_data.files import content_path, id_of_bytes, write_bytes
from scgan_data.limits.rules import RULES
from scgan_data.records import Reason
from scgan_data.stage import open_stage

KINDS = ("text", "logo", "tiled", "small")
SHARES = {"all": 1.0, "half": 0.5, "a quarter": 0.25, "none": 0.0}
SOURCES, PICTURES, LEAST_OPACITY = 3, 60, 0.6
"""Sources a kind of mark and share; pictures of a source; and how far a source's mark fades, over the opacity of
`watermark_cases`."""


def main() -> None:
    """Measure everything and write the two files."""
    write("filter_recurring", figures())


def figures() -> list[Figure]:
    """Every set's figures."""
    every: list[Figure] = []
    for found in sets():
        every += _of_set(found.name, found.domain, found.pictures)
    return every


def _of_set(name: str, domain: str, pictures: Pictures) -> list[Figure]:
    rng, count = np.random.default_rng(21), min(PICTURES, len(pictures))
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for share_name, part in SHARES.items():
            for number, kind in enumerate(SOURCES * KINDS):
                chosen = [pictures[k] for k in rng.choice(len(pictures), count, replace=False)]
                marked = np.arange(count) < part * count
                for picture, is_marked in zip(_source(chosen, kind, marked, rng), marked, strict=True):
                    rows.append(_row(Path(folder), picture, domain, f"{share_name}/{kind}/{number}", is_marked))
        truth = [row.pop("is_marked") for row in rows]
        known = pd.Series(truth, [row["id"] + row["source"] for row in rows])
        off = {rule.key: None for rule in RULES if rule.reason not in (Reason.WATERMARKED, Reason.RECURRING_MARK)}
        config = filter_stage.FilterConfig(sheet_pictures=0, **off)
        with open_stage("filter", Path(folder) / "out") as stage:
            decided = filter_stage.run(manifest.table(rows), config, stage)
    return _figures(name, decided.assign(marked=known[decided["id"] + decided["source"]].to_numpy()))


def _source(pictures: Pictures, kind: str, marked: np.ndarray, rng: np.random.Generator) -> Pictures:
    """The source's pictures of one size, those `marked` under its mark, all through JPEG."""
    size = pictures[0].size
    unders = [np.asarray(picture.resize(size, Image.Resampling.BICUBIC), np.float32) for picture in pictures]
    cover = np.asarray(DRAW[kind](size, min(size), rng), np.float32)[..., None] / 255
    alpha = cover * rng.uniform(*OPACITY[kind]) * rng.uniform(LEAST_OPACITY, 1)
    inked = np.mean(unders, axis=0)[cover[..., 0] > 0].mean()
    ink = 255.0 if (inked < 128 if rng.random() < 0.8 else inked < 64) else 0.0
    made = []
    for under, is_marked in zip(unders, marked, strict=True):
        over = under + (ink - under) * alpha if is_marked else under
        made.append(saved(Image.fromarray(over.round().astype(np.uint8)), int(rng.integers(80, 96))))
    return made


def _row(folder: Path, picture: Image.Image, domain: str, source: str, is_marked: bool) -> dict[str, object]:
    png = images.encode_png(picture)
    content_id = id_of_bytes(png + source.encode())
    path = folder / content_path(content_id)
    write_bytes(path, png)
    return {
        "id": content_id, "domain": domain, "path": str(path), "source": source, "status": "kept",
        "source_url": f"https://{source.replace('/', '-').replace(' ', '-')}.example/{content_id}.png",
        "width": picture.width, "height": picture.height, "contrast": 50.0, "is_marked": bool(is_marked),
    }  # fmt: skip


def _figures(name: str, rows: pd.DataFrame) -> list[Figure]:
    """Found and wrongly rejected, by the score alone and in all."""
    alone, recurs = rows["reason"] == Reason.WATERMARKED, rows["reason"] == Reason.RECURRING_MARK
    share_of, kind_of = (rows["source"].str.split("/").str[k] for k in (0, 1))
    made = []
    for part in list(SHARES)[:-1]:
        for size, kinds in (("marks", KINDS[:3]), ("small lines", KINDS[3:])):
            here = rows["marked"] & (share_of == part) & kind_of.isin(kinds)
            made.append(share(f"{name}, {size} on {part} of a source: by the score", alone[here]))
            made.append(share(f"{name}, {size} on {part} of a source: in all", (alone | recurs)[here]))
    clean = ~rows["marked"]
    for what, here in (("in sources with a mark", share_of != "none"), ("in sources without", share_of == "none")):
        made.append(share(f"{name}, clean pictures {what}: by the score", alone[clean & here]))
        made.append(share(f"{name}, clean pictures {what}: recurring alone", recurs[clean & here], 0.01, at_most=True))
    return made


if __name__ == "__main__":
    main()
