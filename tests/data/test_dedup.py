"""dedup: copies found by the right reason, the best kept, distinct pictures left alone."""

import json
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps
from skimage import data as pictures

from scgan_data import dedup, files, hashes, images, manifest, similarity
from scgan_data.config import limit_for
from scgan_data.dedup import DedupConfig
from scgan_data.duplicates import exact, order, pairs
from scgan_data.errors import ScganError
from scgan_data.hashes import DecodeConfig
from scgan_data.limits.whatif import what_if
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
        assert near["value"] <= near["limit"] and near["rejected_by"] == "dedup"
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


@pytest.mark.parametrize(
    ("rule", "kept"),
    [("reject_both", []), ("keep_first", ["selfie"]), ("off", ["selfie", "anime"])],
)
@pytest.mark.parametrize("copy", ["same bytes", "same pixels", "cropped"])
def test_a_picture_of_two_domains_follows_the_rule(tmp_path: Path, rule: str, kept: list[str], copy: str) -> None:
    coffee = photograph("coffee")
    other = {"same bytes": png(coffee), "same pixels": png(coffee, 9), "cropped": jpeg(EDITS["cropped"](coffee))}[copy]
    rows = pd.concat(
        [
            collected(tmp_path / "s", {"a": png(coffee), "a2": jpeg(coffee), "cat": png(photograph("cat"))}),
            collected(tmp_path / "d", {"b": other, "rocket": png(photograph("rocket"))}, "anime"),
        ],
        ignore_index=True,
    )
    done = deduplicated(tmp_path, rows, DedupConfig(across_domains=rule))
    assert [done[url]["domain"] for url in ("a", "b") if done[url]["status"] == "kept"] == kept
    assert done["cat"]["status"] == done["rocket"]["status"] == "kept" and done["a2"]["reason"] == "near_duplicate"
    for url in {"a", "b"} - {"a" if kept else "", "b" if rule == "off" else ""}:
        assert done[url]["reason"] == "other_domain" and done[url]["detail"].endswith(done["ab".replace(url, "")]["id"])
    assert (done["a"]["group_id"] == done["b"]["group_id"]) == (rule != "off")


def test_a_person_settles_which_domain_is_right(tmp_path: Path) -> None:
    selfies = collected(tmp_path / "s", {"a": png(photograph("coffee"))})
    drawn = collected(tmp_path / "d", {"b": jpeg(photograph("coffee"))}, "anime")
    verdicts = tmp_path / "verdicts.jsonl"
    verdicts.write_text(json.dumps({"id": drawn["id"][0], "verdict": "accept"}) + "\n")
    done = deduplicated(tmp_path, pd.concat([selfies, drawn], ignore_index=True), DedupConfig(verdicts=verdicts))
    assert (done["a"]["reason"], done["b"]["status"]) == ("other_domain", "kept")


def test_limits_can_be_off(tmp_path: Path, gallery: pd.DataFrame) -> None:
    near = {"near_duplicate"}
    for off in ({"max_difference": None, "sure_distance256": None}, {"hash_distance": None, "view_distance": None}):
        done = deduplicated(tmp_path, gallery, DedupConfig(**off))
        assert not near & {row["reason"] for row in done.values()}
    assert near & {row["reason"] for row in deduplicated(tmp_path, gallery, DedupConfig(view_distance=None)).values()}


def test_hashes_of_another_mode_are_never_compared(tmp_path: Path) -> None:
    rows = collected(tmp_path / "1", {"a": png(photograph("coffee")), "b": jpeg(photograph("coffee"))})
    rows.loc[0, "hash_mode"] = "another"
    assert {row["status"] for row in deduplicated(tmp_path, rows).values()} == {"kept"}


def test_flat_pictures_do_not_merge_on_their_hashes(tmp_path: Path) -> None:
    shades = {f"{n}.png": png(Image.new("RGB", (100, 100), (n, n, 90))) for n in range(0, 250, 10)}
    two_tone = {f"t{n}": png(ImageOps.expand(Image.new("RGB", (100, 60 + n), "white"), 20)) for n in range(0, 20, 5)}
    rows = collected(tmp_path / "1", {**shades, **two_tone, "again.png": shades["10.png"]})
    done = deduplicated(tmp_path, rows)
    assert {url for url in shades if done[url]["status"] == "rejected"} <= {"10.png"}
    assert [done[u]["reason"] for u in ("10.png", "again.png") if done[u]["status"] == "rejected"] == ["same_bytes"]


def test_a_mirrored_picture_is_a_copy_unless_that_is_off(tmp_path: Path) -> None:
    turned = ImageOps.mirror(crop(photograph("astronaut"), 0.03, 0.02, 0.02, 0.03))
    rows = collected(tmp_path / "1", {"a": png(photograph("astronaut")), "b": jpeg(turned)})
    assert deduplicated(tmp_path, rows)["b"]["reason"] == "near_duplicate"
    (pair,) = pairs.read(tmp_path / "02").to_dict("records")
    assert pair["mirrored"] and pair["confirmed"] and pair["id_one"] < pair["id_two"]
    assert deduplicated(tmp_path, rows, DedupConfig(mirror=False))["b"]["status"] == "kept"


def captioned(image: Image.Image) -> Image.Image:
    image = image.copy()
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 265, 300, 300), fill="black")
    draw.text((20, 268), "when you see it", fill="white", font=ImageFont.load_default(24))
    return image


HEAVY = {
    "framed": lambda im: ImageOps.expand(im, 15, "white"),
    "captioned": captioned,
    "turned": lambda im: im.rotate(2, Image.Resampling.BICUBIC),
    "cut": lambda im: crop(im, 0.1, 0, 0, 0.1),
    "foot cut": lambda im: crop(im, 0, 0, 0, 0.12),
}


@pytest.mark.parametrize("name", NAMES[:4])
@pytest.mark.parametrize("edit", HEAVY)
def test_heavy_edits_are_found_by_the_parts_hashes(tmp_path: Path, edit: str, name: str) -> None:
    rows = collected(tmp_path / "1", {"a": png(photograph(name)), "b": jpeg(HEAVY[edit](photograph(name)))})
    done = deduplicated(tmp_path, rows)
    assert {row["reason"] for row in done.values() if row["status"] == "rejected"} == {"near_duplicate"}


def test_pairs_hold_what_was_measured_and_decide_again_without_a_file(tmp_path: Path, gallery: pd.DataFrame) -> None:
    done = deduplicated(tmp_path, gallery)
    table = pairs.read(tmp_path / "02")
    confirmed = table[table["confirmed"]]
    assert {"same_bytes", "same_pixels", "near_duplicate"} == set(confirmed["reason"])
    opened = confirmed["difference"].notna()
    assert opened.any() and (confirmed["distance256"][~opened] <= 24).all()
    assert (confirmed["difference"][opened] <= limit_for(DedupConfig().max_difference, "selfie")).all()
    strict = DedupConfig(max_difference=0.0, sure_distance256=None)
    assert not dedup.is_confirmed(table[table["reason"] == "near_duplicate"], strict).any()
    best, _ = exact.reject(order.best_first(gallery, frozenset()))
    again = dedup.decide(best, table, DedupConfig(), frozenset()).set_index("source_url")
    assert {url: (row["status"], row["group_id"]) for url, row in done.items()} == {
        url: (row["status"], row["group_id"]) for url, row in again.iterrows()
    }


def finished(home: Path, rows: pd.DataFrame, workers: int = 1) -> dict[str, bytes]:
    with open_stage("dedup", home) as folder:
        folder.commit(dedup.run(rows, DedupConfig(), folder, workers=workers))
    return {name: (home / name).read_bytes() for name in ("manifest.parquet", "pairs.parquet", "summary.json")}


def test_growing_equals_from_nothing_and_opens_only_new_pairs(tmp_path: Path, gallery: pd.DataFrame) -> None:
    rows = gallery.copy()
    rows["path"] = [shutil.copy(path, tmp_path / f"{n}") for n, path in enumerate(rows["path"])]
    rows["path"] = rows["path"].astype(str)
    new = rows["source_url"].str.startswith("rocket-")
    (tmp_path / "grown").mkdir()
    finished(tmp_path / "grown" / "02", rows[~new])
    for path in rows["path"][~rows["source_url"].str.startswith("rocket")]:
        Path(path).unlink()
    grown = finished(tmp_path / "grown" / "02", rows)
    for path in rows["path"]:
        Path(path).unlink(missing_ok=True)
    assert finished(tmp_path / "grown" / "02", rows) == grown, "a second run opens no file and changes nothing"
    (tmp_path / "other").mkdir()
    for path, original in zip(rows["path"], gallery["path"], strict=True):
        shutil.copy(original, path)
    shuffled = rows.sample(frac=1, random_state=3).reset_index(drop=True)
    assert finished(tmp_path / "other" / "02", shuffled, workers=2) == grown


def test_distinct_pictures_open_no_file(tmp_path: Path) -> None:
    rows = collected(tmp_path / "1", {f"{n}": png(photograph(n)) for n in NAMES[:4]})
    for path in rows["path"]:
        Path(path).unlink()
    assert {row["status"] for row in deduplicated(tmp_path, rows).values()} == {"kept"}


def recoloured(image: Image.Image) -> Image.Image:
    """The same luma, so the same hashes, in other colours."""
    luma, blue, red = image.convert("YCbCr").split()
    complement = Image.merge("YCbCr", (luma, ImageOps.invert(blue), ImageOps.invert(red)))
    return Image.blend(image, complement.convert("RGB"), 0.4)


def test_what_differs_in_colour_alone_opens_no_file(tmp_path: Path) -> None:
    drawing = photograph("astronaut")
    rows = collected(tmp_path / "1", {"a": png(drawing), "b": png(recoloured(drawing))}, "anime")
    for path in rows["path"]:
        Path(path).unlink()
    done = deduplicated(tmp_path, rows)
    assert {row["status"] for row in done.values()} == {"kept"}
    assert {row["thumbnail"] for row in done.values()} == {None}, "no later stage needs it"
    (pair,) = pairs.read(tmp_path / "02").to_dict("records")
    config = DedupConfig()
    assert pair["glance"] > limit_for(config.max_difference, "anime") + config.glance_slack
    assert np.isnan([pair["difference"], pair["correlation"]]).all() and not pair["confirmed"]
    notes = {limit: what_if([f"dedup.max_difference={limit}"], tmp_path / "02").notes for limit in (0.1, 3)}
    assert [any("thumbnails refused" in note for note in notes[limit]) for limit in notes] == [False, True]
    for blind in (rows.assign(thumbnail=None), rows.assign(thumbnail="AAAA")):
        with pytest.raises(ScganError, match="is not there"):
            deduplicated(tmp_path, blind)
    with pytest.raises(ScganError, match="is not there"):
        deduplicated(tmp_path, rows, DedupConfig(glance_slack=None))


@pytest.mark.parametrize("edit", [*EDITS, "mirrored"])
def test_thumbnails_let_copies_pass(tmp_path: Path, edit: str) -> None:
    change = ImageOps.mirror if edit == "mirrored" else EDITS[edit]
    rows = collected(tmp_path / "1", {"a": png(photograph("cat")), "b": jpeg(change(photograph("cat")))}, "anime")
    deduplicated(tmp_path, rows)
    (pair,) = pairs.read(tmp_path / "02").to_dict("records")
    assert pair["confirmed"] and pair["glance"] == pytest.approx(pair["difference"], abs=0.12)


def test_folders_without_thumbnails_decide_the_same(tmp_path: Path, gallery: pd.DataFrame) -> None:
    drawn = gallery.assign(domain="anime")
    for name in ("there", "without"):
        (tmp_path / name).mkdir()
    there = deduplicated(tmp_path / "there", drawn)
    without = deduplicated(tmp_path / "without", drawn.assign(thumbnail=None))
    assert {row["reason"] for row in there.values()} >= {"near_duplicate"}
    assert {url: (row["status"], row["group_id"], str(row["value"])) for url, row in there.items()} == {
        url: (row["status"], row["group_id"], str(row["value"])) for url, row in without.items()
    }


def test_a_missing_file_is_an_error_and_a_damaged_one_a_decision(tmp_path: Path) -> None:
    cut = {"a": png(photograph("coffee")), "b": jpeg(crop(photograph("coffee"), 0.1, 0, 0, 0.1))}
    rows = collected(tmp_path / "1", cut)
    Path(rows["path"][1]).write_bytes(cut["b"][:2000])
    done = deduplicated(tmp_path, rows)
    assert (done["a"]["status"], done["b"]["reason"], done["b"]["rejected_by"]) == ("kept", "truncated", "dedup")
    Path(rows["path"][1]).unlink()
    with pytest.raises(ScganError, match="is not there, though the manifest names it"):
        deduplicated(tmp_path, rows)


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
    assert similarity.difference(original, copy).over_all < 0.5
    assert similarity.difference(original, copy).over_all == similarity.difference(copy, original).over_all
    assert similarity.difference(original, other).over_all > 0.8
    assert similarity.difference(original, original).over_all < 1e-3


def test_a_flat_picture_gives_finite_distances() -> None:
    flat = similarity.thumbnail(Image.new("RGB", (80, 80), "white"))
    assert np.isfinite(similarity.difference(flat, similarity.thumbnail(photograph("coffee"))).over_all)
    assert np.isfinite(similarity.coarse(flat)).all()
