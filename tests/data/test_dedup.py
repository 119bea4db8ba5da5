"""dedup: copies found by the right reason, the best kept, distinct pictures left alone."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance
from skimage import data as pictures

from scgan_data import dedup, files, hashes, images, manifest, similarity
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
    for name in ("pixel_id", "width", "height", "phash", "phash256", "sharpness", "contrast"):
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
        done = dedup.run(rows, config or DedupConfig(), folder)
    manifest.check_complete(rows, done, "dedup")
    return {row["source_url"]: row for row in done.to_dict("records")}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    files = {f"{name}.png": png(photograph(name)) for name in NAMES[:4]}
    files |= {
        f"{name}-{edit}.jpg": jpeg(change(photograph(name))) for name in NAMES[:4] for edit, change in EDITS.items()
    }
    files["same-bytes.png"] = files["coffee.png"]
    files["same-pixels.png"] = png(photograph("coffee"), level=9)
    return collected(tmp_path_factory.mktemp("01"), files)


def test_each_copy_goes_for_its_own_reason_and_the_best_stays(tmp_path: Path, gallery: pd.DataFrame) -> None:
    done = deduplicated(tmp_path, gallery)
    kept = {url for url, row in done.items() if row["status"] == "kept"}
    assert len(kept) == 4
    reasons = {url: row["reason"] for url, row in done.items()}
    coffee = {url for url in done if reasons[url] in ("same_bytes", "same_pixels")}
    assert len(coffee) == 2 and coffee <= {"coffee.png", "same-bytes.png", "same-pixels.png"}
    for name in NAMES[:4]:
        assert reasons[f"{name}-resized.jpg"] == reasons[f"{name}-cropped.jpg"] == "near_duplicate"
        near = done[f"{name}-resized.jpg"]
        assert near["value"] <= near["limit"] == 0.6 and near["rejected_by"] == "dedup"
        assert near["group_id"] == done[f"{name}-cropped.jpg"]["group_id"]
    assert len({row["group_id"] for row in done.values()}) == 4
    sizes = {row["width"] for url, row in done.items() if url in kept}
    assert sizes == {300}, "the copy with the most pixels is kept"


def test_input_order_changes_nothing(tmp_path: Path, gallery: pd.DataFrame) -> None:
    one = deduplicated(tmp_path, gallery)
    two = deduplicated(tmp_path, gallery.iloc[::-1].reset_index(drop=True))
    assert {u: (r["status"], r["group_id"]) for u, r in one.items()} == {
        u: (r["status"], r["group_id"]) for u, r in two.items()
    }


def test_domains_do_not_meet_and_limits_can_be_off(tmp_path: Path) -> None:
    content = {"a.png": png(photograph("coffee")), "b.jpg": jpeg(photograph("coffee"))}
    selfies, drawn = collected(tmp_path / "s", content), collected(tmp_path / "d", content, "anime")
    with open_stage("dedup", tmp_path / "02") as folder:
        both = dedup.run(pd.concat([selfies, drawn], ignore_index=True), DedupConfig(), folder)
        off = dedup.run(selfies, DedupConfig(hash_distance={"drawn": 20.0}), folder)
    assert manifest.kept(both)["domain"].value_counts().to_dict() == {"selfie": 1, "anime": 1}
    assert len(manifest.kept(off)) == 2


def test_rejected_rows_take_no_part(tmp_path: Path) -> None:
    rows = collected(tmp_path / "1", {"a.png": png(photograph("coffee")), "b.jpg": jpeg(photograph("coffee"))})
    rows.loc[0, ["status", "reason", "rejected_by"]] = ["rejected", "noai", "collect"]
    done = deduplicated(tmp_path, rows)
    assert done["a.png"]["reason"] == "noai" and done["b.jpg"]["status"] == "kept"


@pytest.mark.parametrize("edit", EDITS)
def test_the_aligned_distance_sees_through_edits_but_not_through_another_picture(edit: str) -> None:
    original = similarity.thumbnail(photograph("astronaut"))
    copy = similarity.thumbnail(images.decode(jpeg(EDITS[edit](photograph("astronaut")))).image)
    other = similarity.thumbnail(photograph("chelsea"))
    assert similarity.distance(original, copy) < 0.5
    assert similarity.distance(original, copy) == similarity.distance(copy, original)
    assert similarity.distance(original, other) > 0.8
    assert similarity.distance(original, original) < 1e-3


def test_a_flat_picture_gives_finite_distances() -> None:
    flat = similarity.thumbnail(Image.new("RGB", (80, 80), "white"))
    assert np.isfinite(similarity.distance(flat, similarity.thumbnail(photograph("coffee"))))
    assert np.isfinite(similarity.coarse(flat)).all()
