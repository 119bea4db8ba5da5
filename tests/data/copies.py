"""Photographs, edited copies of them, and what collection says of both, for the tests of dedup."""

from io import BytesIO
from pathlib import Path

import pandas as pd
from PIL import Image, ImageEnhance
from skimage import data as pictures

from scgan_data import dedup, files, hashes, manifest
from scgan_data.dedup import DedupConfig
from scgan_data.hashes import DecodeConfig
from scgan_data.stage import open_stage

NAMES = ("astronaut", "coffee", "chelsea", "rocket", "cat")


def photograph(name: str) -> Image.Image:
    return Image.fromarray(getattr(pictures, name)()).convert("RGB").resize((300, 300))


def crop(image: Image.Image, *sides: float) -> Image.Image:
    w, h = image.size
    left, top, right, bottom = sides
    return image.crop((round(w * left), round(h * top), round(w * (1 - right)), round(h * (1 - bottom))))


FIGURES = ["pixel_id", "width", "height", "file_bytes", "sharpness", "contrast"]


HASHES = ["hash_mode", "phash", "phash256", "phash_views", "thumbnail"]


EDITS = {
    "resized": lambda im: im.resize((180, 180)),
    "recompressed": lambda im: im,
    "cropped": lambda im: crop(im, 0.04, 0.02, 0.03, 0.04),
    "brightened": lambda im: ImageEnhance.Brightness(im).enhance(1.25),
    "darkened": lambda im: ImageEnhance.Brightness(im).enhance(0.8),
}


def collected(folder: Path, contents: dict[str, bytes], domain: str = "selfie") -> pd.DataFrame:
    """Rows as `collect` leaves them: files stored, measured by its own code."""
    rows = []
    for url, content in contents.items():
        content_id = files.id_of_bytes(content)
        path = folder / files.content_path(content_id)
        files.write_bytes(path, content)
        rows.append({"id": content_id, "domain": domain, "source_url": url, "status": "kept", "path": str(path)})
    table = manifest.table(rows)
    measured = pd.DataFrame([hashes.measure(Path(p).read_bytes(), DecodeConfig()).columns for p in table["path"]])
    for name in (*FIGURES, *HASHES):
        table[name] = measured[name].to_numpy()
    return manifest.table(table)


def png(image: Image.Image, level: int = 4) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=level)
    return buffer.getvalue()


def jpeg(image: Image.Image, quality: int = 70) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def deduplicated(tmp_path: Path, rows: pd.DataFrame, config: DedupConfig | None = None) -> dict[str, dict]:
    with open_stage("dedup", tmp_path / "02") as folder:
        done = dedup.run(rows, config or DedupConfig(), folder, workers=1)
        folder.commit(done)
    manifest.check_complete(rows, done, "dedup")
    return {row["source_url"]: row for row in done.to_dict("records")}


def four_and_their_copies(folder: Path) -> pd.DataFrame:
    """Collected: four photographs, each with all edits, one with equal bytes and equal pixels too."""
    contents = {f"{name}.png": png(photograph(name)) for name in NAMES[:4]}
    contents |= {
        f"{name}-{edit}.jpg": jpeg(change(photograph(name))) for name in NAMES[:4] for edit, change in EDITS.items()
    }
    contents["same-bytes.png"] = contents["coffee.png"]
    contents["same-pixels.png"] = png(photograph("coffee"), level=9)
    return collected(folder, contents)
