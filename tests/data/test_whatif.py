"""whatif: the new funnel beside the recorded one, exactly the flips drawn, errors of one line, no pandas."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from scgan_data import filter as stage
from scgan_data import images, manifest
from scgan_data.errors import ConfigError, ManifestError
from scgan_data.limits import columns, flip_sheet, whatif
from scgan_data.limits.whatif import what_if

GOOD = {"width": 200, "height": 240, "contrast": 50.0, "sharpness": 0.4, "watermark_score": 0.01, "status": "kept"}
COLOURS = ("red", "green", "blue", "black", "white")


def filtered(folder: Path, *changes: dict[str, object]) -> None:
    """A folder as the filter leaves it, with real (small) pictures."""
    rows = []
    for n, change in enumerate(changes):
        path = folder.parent / "pictures" / f"{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), COLOURS[n % 5]).save(path)
        rows.append({"id": f"{n:02}" * 32, "domain": "selfie", "path": str(path), **GOOD, **change})
    manifest.write(folder, stage.decide(manifest.table(rows), stage.FilterConfig()))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    filtered(
        tmp_path / "data" / "03_filter",
        {},
        {"sharpness": 0.2},
        {"sharpness": 0.05},
        {"sharpness": 0.2, "domain": "ink"},
        {"sharpness": 0.2, "status": "rejected", "rejected_by": "dedup", "reason": "same_bytes"},
    )
    return tmp_path / "data" / "03_filter"


def test_a_stricter_limit_names_what_would_go_and_a_looser_one_what_would_come(folder: Path):
    strict = what_if(["filter.min_sharpness=.3"])
    assert list(strict.rows[strict.flips(to_kept=False)]) == list(
        np.flatnonzero(manifest.read(folder)["id"].isin(["01" * 32, "03" * 32]))
    )
    assert len(strict.flips(to_kept=True)) == 0 and len(strict.rows) == 4
    assert len(what_if(["filter.min_sharpness.selfie=.3"]).flips(to_kept=False)) == 1
    loose = what_if(["filter.min_sharpness=null"])
    assert len(loose.flips(to_kept=True)) == 1 and len(loose.flips(to_kept=False)) == 0
    other = what_if(["filter.min_sharpness=null", "filter.min_side_px=300"])
    assert len(other.flips(to_kept=False)) == 3 and (other.after > 0).all()


def test_a_limit_of_one_domain_is_laid_over_what_params_say(folder: Path):
    (folder.parents[1] / "params.yaml").write_text("filter: {min_sharpness: .25}")
    assert len(what_if(["filter.min_sharpness.ink=.1"]).flips(to_kept=False)) == 1
    assert len(what_if(["filter.min_sharpness=.1"], folder).flips(to_kept=False)) == 0


def test_the_funnel_stands_beside_the_recorded_one(folder: Path):
    console = Console(width=100, record=True)
    console.print(whatif.funnel(what_if(["filter.min_sharpness=.3"])))
    words = [line.replace("│", " ").split() for line in console.export_text().splitlines()]
    assert ["selfie", "kept", "2", "1", "-1"] in words and ["blurred", "1", "2", "+1"] in words
    assert ["ink", "kept", "1", "0", "-1"] in words


def test_the_sheet_opens_the_pictures_that_flip_and_no_other(folder: Path):
    rows = manifest.read(folder)
    change = what_if(["filter.min_sharpness=.3"])
    flipped = set(change.rows[change.flips(to_kept=False)].tolist())
    for row, path in enumerate(rows["path"]):
        if row not in flipped:
            Path(path).unlink()
    file = flip_sheet.draw(change, whatif.default_sheet(change))
    assert file == Path("data/.03_filter.work/whatif.jpg")
    sheet = np.asarray(images.load(file)).reshape(-1, 3).astype(int)
    near = {
        name: (np.abs(sheet - colour).max(1) < 30).sum()
        for name, colour in {"green": (0, 128, 0), "black": (0, 0, 0), "blue": (0, 0, 255)}.items()
    }
    assert near["green"] > 10_000 and near["black"] > 10_000 and near["blue"] == 0
    assert flip_sheet.draw(what_if(["filter.max_aspect=1.9"]), file) is None


def test_a_sheet_of_more_than_it_holds_says_so_and_a_missing_picture_is_one_line(folder: Path):
    change = what_if(["filter.min_sharpness=.3"])
    one, two = (flip_sheet.draw(change, folder / f"{most}.jpg", most=most) for most in (1, 2))
    assert images.load(one).height == images.load(two).height and one.read_bytes() != two.read_bytes()
    for path in manifest.read(folder)["path"]:
        Path(path).unlink()
    with pytest.raises(ManifestError, match="dvc pull"):
        flip_sheet.draw(change, folder / "x.jpg")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("filter.min_sharpnes=1", "did you mean `min_sharpness`"),
        ("filtre.min_sharpness=1", "did you mean `filter`"),
        ("annotate.padding=1", "write STAGE.LIMIT=VALUE"),
        ("filter.min_sharpness", "KEY=VALUE"),
        ("filter.min_sharpness=blue", "filter.min_sharpness = 'blue'"),
        ("filter.min_sharpness={", "not YAML"),
        ("dedup.hash_distance=3", "no limit of `dedup` that its manifest can answer"),
    ],
)
def test_errors_are_one_line(folder: Path, change: str, words: str):
    (folder.parent / "02_dedup").mkdir()
    with pytest.raises(ConfigError, match=words) as error:
        what_if([change])
    assert "\n" not in str(error.value)


def test_what_is_missing_is_one_line(folder: Path, tmp_path: Path):
    with pytest.raises(ConfigError, match="one stage at a time"):
        what_if(["filter.max_aspect=1", "dedup.max_difference=.1"])
    with pytest.raises(ManifestError, match="has no folder of dedup"):
        what_if(["dedup.max_difference=.1"])
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "manifest.parquet").write_bytes(b"no parquet")
    with pytest.raises(ManifestError, match="run the stage that writes it again"):
        what_if(["filter.max_aspect=1"], tmp_path / "damaged")


def test_columns_read_as_the_manifest_does(folder: Path):
    read, table = manifest.read(folder), columns.Table(folder)
    assert columns.MANIFEST == manifest.FILE_NAME
    assert table.paths(np.arange(len(table))) == [Path(p) for p in read["path"]]
    (codes, texts) = table.labels(["reason"])["reason"]
    assert [None if c < 0 else texts[c] for c in codes] == [None if pd.isna(r) else r for r in read["reason"]]
    np.testing.assert_array_equal(table.numbers(["sharpness", "face_score"])["sharpness"], read["sharpness"])
    assert np.isnan(table.numbers(["face_score"])["face_score"]).all()
    assert table.numbers(["not_yet"])["not_yet"].shape == (5,)


def test_whatif_of_the_filter_imports_no_pandas(folder: Path):
    code = (
        "import sys; sys.argv = ['x', 'whatif', 'filter.min_sharpness=.3']\nfrom scgan_data.cli import main\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'pandas', 'scipy'} & set(sys.modules)\nsys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder.parents[1])
    assert done.returncode == 0, done.stderr
    assert "whatif.jpg" in done.stdout
