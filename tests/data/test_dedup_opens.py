"""Which files dedup opens: of distinct pictures none, of a grown folder only the new ones."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from scgan_data import dedup
from scgan_data.config import limit_for
from scgan_data.dedup import DedupConfig
from scgan_data.duplicates import pairs
from scgan_data.errors import ScganError
from scgan_data.limits.whatif import what_if
from scgan_data.stage import open_stage
from tests.data.copies import EDITS, NAMES, collected, crop, deduplicated, jpeg, photograph, png


def finished(home: Path, rows: pd.DataFrame, workers: int = 1) -> dict[str, bytes]:
    with open_stage("dedup", home) as folder:
        folder.commit(dedup.run(rows, DedupConfig(), folder, workers=workers))
    return {name: (home / name).read_bytes() for name in ("manifest.parquet", "pairs.parquet", "summary.json")}


def test_growing_equals_from_nothing_and_opens_only_new_pairs(tmp_path: Path, copies: pd.DataFrame) -> None:
    rows = copies.copy()
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
    for path, original in zip(rows["path"], copies["path"], strict=True):
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


def test_folders_without_thumbnails_decide_the_same(tmp_path: Path, copies: pd.DataFrame) -> None:
    drawn = copies.assign(domain="anime")
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
