"""match: the command, its errors, and crop settings that mend what they say."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from pydantic import ValidationError
from skimage import data as pictures
from typer.testing import CliRunner

from scgan_data import cli, crop, files, images, manifest
from scgan_data.crop import CropConfig
from scgan_data.errors import ConfigError, DatasetError
from scgan_data.limits import params_file
from scgan_data.matching import command, fix_crop
from scgan_data.matching.match import match_style
from scgan_data.matching.quantities import BY_NAME, FRAMING
from scgan_data.matching.rebalance import rebalance
from scgan_data.matching.statistics import Light
from scgan_data.matching.table import measured, styles_of
from scgan_data.stage import open_stage
from tests.data.two_domains import domain_rows


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset's folder of selfies and larger-faced portraits, in a project of its own."""
    monkeypatch.chdir(tmp_path)
    rows = domain_rows(tmp_path, "selfie", 60, seed=1) + domain_rows(tmp_path, "ink", 40, seed=2, scale=1.15)
    manifest.write(tmp_path / "data" / "05_annotate", manifest.table(rows))
    (tmp_path / "params.yaml").write_text("crop:\n  size_px: 64 # small\n  side_factor: 4.6\n")
    return tmp_path


def test_the_command_prints_writes_and_uses_its_results_again(project: Path) -> None:
    done = CliRunner().invoke(cli.app, ["match", "data/05_annotate", "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert "face scale" in done.output and "it teaches to zoom faces" in done.output
    said = json.loads((project / "reports/match/match.json").read_text())["styles"]["ink"]
    scale = said["quantities"]["face_scale"]
    assert scale["light"] == "red" and scale["style"]["median"] > scale["selfies"]["median"]
    assert set(scale["breakers"][0]) == {"id", "domain", "value", "beyond"} and said["framing"]["light"] == "red"
    sheet = images.load(project / "reports/match/breakers_ink.jpg")
    assert sheet.width > 1000 and sheet.height > 300
    for file in (project / "pictures").iterdir():
        file.unlink()
    again = CliRunner().invoke(
        cli.app, ["match", "data/05_annotate", "--json", "--style", "ink", "--out", "reports/match"]
    )
    assert again.exit_code == 0 and json.loads(again.stdout)["styles"]["ink"] == said


def test_errors_are_one_line(project: Path) -> None:
    rows = manifest.read(project / "data" / "05_annotate")
    with pytest.raises(DatasetError, match="no kept selfies"):
        styles_of(rows[rows["domain"] == "ink"], None, "here")
    with pytest.raises(DatasetError, match="no kept portraits of any style"):
        styles_of(rows[rows["domain"] == "selfie"], None, "here")
    with pytest.raises(DatasetError, match="did you mean `ink`"):
        styles_of(rows, "inc", "here")
    table = measured(rows, project / "m", workers=1)
    faceless = table.assign(**dict.fromkeys(FRAMING, np.nan))
    with pytest.raises(DatasetError, match="no face is known of ink"):
        fix_crop.crop_fix(faceless, "ink", CropConfig())
    for wrong in (0.5, None, {"ink": 13.0}):
        with pytest.raises(ValidationError, match="not between 1 and 12"):
            CropConfig(side_factor=wrong)
    with pytest.raises(DatasetError, match="10 pictures each"):
        rebalance(faceless, "ink", keep=0.5)
    quiet = match_style(faceless, "ink")
    assert quiet.faceless == (60, 40) and quiet.joint is None
    assert quiet.advice("face_scale") == "not measured in both domains" and quiet.light("face_scale") is Light.UNSURE


def heads(folder: Path, domain: str, count: int, seed: int) -> list[dict]:
    """Pictures of one person, somewhere in a larger frame and of several sizes: what `crop` gets."""
    rng = np.random.default_rng(seed)
    woman = Image.fromarray(pictures.astronaut())
    rows = []
    for _ in range(count):
        x, y = rng.integers(0, 24, 2).tolist()
        side = int(rng.integers(200, 240))
        png = images.encode_png(woman.crop((x, y, x + 400, y + 400)).resize((side, side), Image.Resampling.LANCZOS))
        name = files.id_of_bytes(png)
        files.write_bytes(folder / "heads" / f"{domain}{name}.png", png)
        known = {"id": name, "domain": domain, "status": "kept", "width": side, "height": side}
        rows.append(known | {"path": str(folder / "heads" / f"{domain}{name}.png")})
    return rows


@pytest.mark.parametrize(
    "section",
    [
        "size_px: 48 # small\n  side_factor: {ink: 3.7, default: 4.6}\n  eyes_at: {ink: .46, selfie: .42}",
        "framed: [ink]",
    ],
)
def test_the_crop_fix_brings_the_tells_down_when_cropped_again(tmp_path: Path, section: str) -> None:
    params = tmp_path / "params.yaml"
    params.write_text(f"crop:\n  {section}\n  max_padding: 0.9\n\n# the end\n")
    source = manifest.table(heads(tmp_path, "selfie", 10, 1) + heads(tmp_path, "ink", 10, 2))

    def cropped(name: str) -> command.Asked:
        from scgan_data import config

        settings = config.load(CropConfig, "crop", file=params)
        with open_stage("crop", tmp_path / name) as folder:
            folder.commit(crop.run(source, settings, folder, workers=1))
        return command.look(tmp_path / name, None, tmp_path / "match", workers=1)

    before, said = cropped("04"), []
    command.mend_crop(before, params, write=True, say=said.append)
    after = cropped("05")
    one, two = (match_style(asked.table, "ink").differences for asked in (before, after))
    assert one["face_scale"].light is Light.RED
    for name in ("face_scale", "eyes_y"):
        assert two[name].light is not Light.RED and two[name].distance < BY_NAME[name].tolerance
        assert abs(two[name].style.median - two[name].selfies.median) < BY_NAME[name].tolerance / 2
    assert params.read_text().endswith("\n\n# the end\n") and "max_padding: 0.9" in params.read_text()
    again: list[str] = []
    command.mend_crop(after, params, write=True, say=again.append)
    assert any("nothing to change" in line for line in again) and again[-1].endswith("nothing changed")


def test_a_style_kept_whole_by_the_word_drawn_is_for_a_person_to_name(project: Path) -> None:
    fix = fix_crop.CropFix("ink", {}, {}, {"side_factor": 4.6}, unframe=True)
    before = (project / "params.yaml").read_text()
    with pytest.raises(ConfigError, match="every style"):
        fix_crop.write([fix], CropConfig(framed=("drawn",)), project / "params.yaml")
    assert (project / "params.yaml").read_text() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("crop:\n  framed: [ink, oil] # why\n  size_px: 4\n", "crop:\n  framed: [oil] # why\n  size_px: 4\n"),
        ("crop:\n  framed:\n    - ink\n    - oil\n  size_px: 4\n", None),
        ("crop:\n  framed:\n  - ink\n  - oil\n  size_px: 4\n", None),  # as YAML libraries write it
        ("crop:\n  size_px: 4\n", "crop:\n  framed: [oil]\n  size_px: 4\n"),
    ],
)
def test_names_are_set_and_nothing_else(tmp_path: Path, before: str, after: str | None) -> None:
    (tmp_path / "p.yaml").write_text(before)
    params_file.set_names(tmp_path / "p.yaml", "crop", "framed", ["oil"])
    text = (tmp_path / "p.yaml").read_text()
    assert yaml.safe_load(text) == {"crop": {"framed": ["oil"], "size_px": 4}}
    assert after is None or text == after
