"""dedup: copies found by the right reason, the best kept, distinct pictures left alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from scgan_data import dedup, images, similarity
from scgan_data.config import limit_for
from scgan_data.dedup import DedupConfig
from scgan_data.duplicates import exact, order, pairs
from tests.data.copies import EDITS, NAMES, collected, crop, deduplicated, jpeg, photograph, png


def test_each_copy_goes_for_its_own_reason_and_the_best_stays(tmp_path: Path, copies: pd.DataFrame) -> None:
    done = deduplicated(tmp_path, copies)
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


def test_input_order_changes_nothing(tmp_path: Path, copies: pd.DataFrame) -> None:
    one = deduplicated(tmp_path, copies)
    two = deduplicated(tmp_path, copies.iloc[::-1].reset_index(drop=True))
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


def test_limits_can_be_off(tmp_path: Path, copies: pd.DataFrame) -> None:
    near = {"near_duplicate"}
    for off in ({"max_difference": None, "sure_distance256": None}, {"hash_distance": None, "view_distance": None}):
        done = deduplicated(tmp_path, copies, DedupConfig(**off))
        assert not near & {row["reason"] for row in done.values()}
    assert near & {row["reason"] for row in deduplicated(tmp_path, copies, DedupConfig(view_distance=None)).values()}


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


def test_pairs_hold_what_was_measured_and_decide_again_without_a_file(tmp_path: Path, copies: pd.DataFrame) -> None:
    done = deduplicated(tmp_path, copies)
    table = pairs.read(tmp_path / "02")
    confirmed = table[table["confirmed"]]
    assert {"same_bytes", "same_pixels", "near_duplicate"} == set(confirmed["reason"])
    opened = confirmed["difference"].notna()
    assert opened.any() and (confirmed["distance256"][~opened] <= 24).all()
    assert (confirmed["difference"][opened] <= limit_for(DedupConfig().max_difference, "selfie")).all()
    strict = DedupConfig(max_difference=0.0, sure_distance256=None)
    assert not dedup.is_confirmed(table[table["reason"] == "near_duplicate"], strict).any()
    best, _ = exact.reject(order.best_first(copies, frozenset()))
    again = dedup.decide(best, table, DedupConfig(), frozenset()).set_index("source_url")
    assert {url: (row["status"], row["group_id"]) for url, row in done.items()} == {
        url: (row["status"], row["group_id"]) for url, row in again.iterrows()
    }


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
