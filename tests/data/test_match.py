"""match: equal domains are quiet, each change lights its own quantity, and the two fixes mend what they say."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image, ImageFilter
from pydantic import ValidationError
from skimage import color
from skimage import data as pictures
from typer.testing import CliRunner

from scgan_data import cli, crop, dataset, files, images, manifest
from scgan_data.crop import CropConfig
from scgan_data.dataset import DatasetConfig
from scgan_data.errors import ConfigError, DatasetError, ScganError
from scgan_data.limits import params_file
from scgan_data.matching import command, fix_crop, joint, left_out, measure, statistics
from scgan_data.matching.framing import DEPTH, framing
from scgan_data.matching.match import StyleMatch, match_style
from scgan_data.matching.quantities import BY_NAME, FRAMING, QUANTITIES, Kind
from scgan_data.matching.rebalance import rebalance
from scgan_data.matching.statistics import Light
from scgan_data.matching.table import TABLE, framed, measured, styles_of
from scgan_data.records import Reason
from scgan_data.stage import open_stage

SIDE = 64
FACE = np.array([[-0.5, 0.0], [0.5, 0.0], [0.0, 0.6], [-0.4, 1.087], [0.4, 1.087]])
"""The five points of a frontal face whose scale s is 1, around its eyes."""


def points(rng: np.random.Generator, *, scale: float = 1.0, down: float = 0.0, yaw: float = 0.0) -> list[float]:
    """Ten numbers: a face as the shoulder crop places it, with what a detector errs by."""
    face = FACE.copy()
    face[2, 0] += DEPTH * np.tan(np.radians(yaw + rng.normal(0, 10)))
    s = SIDE / 4.6 * scale * rng.normal(1, 0.04)
    place = np.array([SIDE * rng.normal(0.5, 0.01), SIDE * rng.normal(0.42 + down, 0.01)])
    return (face * s + place + rng.normal(0, 0.15, (5, 2))).ravel().tolist()


def photograph(rng: np.random.Generator, astronaut: Image.Image) -> Image.Image:
    """Some part of a photograph, lighter or darker, so that pictures of one domain differ."""
    x, y = rng.integers(0, 250, 2).tolist()
    gain = rng.uniform(0.6, 1.0)
    return astronaut.crop((x, y, x + 256, y + 256)).resize((SIDE, SIDE)).point(lambda v: int(v * gain))


def domain_rows(
    folder: Path, domain: str, count: int, *, seed: int = 0, change=lambda picture: picture, **moved: float
) -> list[dict]:
    """Kept rows of a domain with real files; the same seed gives the same pictures and faces."""
    rng = np.random.default_rng(seed)
    astronaut = Image.fromarray(pictures.astronaut())  # public domain (NASA)
    rows = []
    for _ in range(count):
        png = images.encode_png(change(photograph(rng, astronaut)))
        name = files.id_of_bytes(png)
        path = folder / "pictures" / f"{domain}_{name}.png"
        files.write_bytes(path, png)
        known = {"id": name, "domain": domain, "status": "kept", "path": str(path), "width": SIDE, "height": SIDE}
        rows.append(known | {"landmarks": points(rng, **moved), "padding": float(max(0, rng.normal(0.02, 0.02)))})
    return rows


def looked_at(folder: Path, rows: list[dict]) -> StyleMatch:
    return match_style(measured(manifest.table(rows), folder / "match", workers=1), "ink")


def lit(found: StyleMatch) -> set[str]:
    return set(found.lit())


@pytest.fixture(scope="module")
def selfies(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    return domain_rows(tmp_path_factory.mktemp("selfies"), "selfie", 80, seed=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_domains_of_one_kind_have_no_light(tmp_path: Path, selfies: list[dict], seed: int) -> None:
    found = looked_at(tmp_path, selfies + domain_rows(tmp_path, "ink", 80, seed=seed))
    assert lit(found) == set()
    assert found.joint is not None and found.joint.tell.low < 0.6 and abs(found.joint.tell.auc - 0.5) < 0.15
    assert "no difference of framing is sure" in found.verdict


@pytest.mark.parametrize(
    ("moved", "expected", "shift"),
    [
        ({"scale": 1.12}, {"face_scale"}, "higher"),
        ({"down": -0.05}, {"eyes_y"}, "lower"),
        ({"yaw": 25.0}, {"yaw_deg"}, "higher"),
    ],
)
def test_another_framing_lights_exactly_its_quantity(
    tmp_path: Path, selfies: list[dict], moved: dict, expected: set[str], shift: str
) -> None:
    found = looked_at(tmp_path, selfies + domain_rows(tmp_path, "ink", 80, seed=1, **moved))
    assert lit(found) == expected
    (name,) = expected
    assert found.differences[name].shift == shift and name in found.joint.leans_on
    assert found.joint.tell.light in (Light.AMBER, Light.RED)
    assert BY_NAME[name].learns in found.advice(name) and "ink is" in found.advice(name)


def redder(picture: Image.Image) -> Image.Image:
    lab = color.rgb2lab(np.asarray(picture))
    lab[..., 1] += 12
    return Image.fromarray((color.lab2rgb(lab) * 255).round().astype(np.uint8))


def white_sides(picture: Image.Image) -> Image.Image:
    pixels = np.asarray(picture).copy()
    pixels[:40, :11] = pixels[:40, -11:] = 128
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("change", "expected", "possible"),
    [
        (lambda p: p.filter(ImageFilter.GaussianBlur(1.5)), {"sharpness"}, set()),
        (redder, {"red_green"}, {"chroma", "background_chroma"}),
        (white_sides, {"background_plain"}, {"background_lightness", "background_chroma", "chroma", "contrast"}),
    ],
)
def test_other_pictures_light_what_was_changed(
    tmp_path: Path, selfies: list[dict], change, expected: set[str], possible: set[str]
) -> None:
    found = looked_at(tmp_path, selfies + domain_rows(tmp_path, "ink", 80, seed=1, change=change))
    assert expected <= lit(found) <= expected | possible
    assert found.joint.tell.light is Light.GREEN, "colours are no part of framing"


def test_a_spread_is_seen_as_well_as_a_shift() -> None:
    rng = np.random.default_rng(0)
    both_ways = rng.normal(0, 20, 200)
    one = statistics.difference(both_ways, rng.normal(0, 2, 200), tolerance=2.0, name="yaw_deg")
    assert one is not None and one.shift == "narrower" and one.light is Light.RED
    assert abs(statistics.auc(both_ways, rng.normal(0, 4, 200)) - 0.5) < 0.1


def test_portraits_kept_whole_vary_by_the_detector_and_are_not_to_be_cut_for_it() -> None:
    rng = np.random.default_rng(1)
    scales = {"selfie": rng.normal(0.217, 0.001, 60), "ink": rng.normal(0.217, 0.03, 60)}
    table = pd.DataFrame(
        [{"id": f"{d}{n}", "domain": d, "face_scale": v} for d in scales for n, v in enumerate(scales[d])]
    )
    table = table.reindex(columns=list(TABLE)).assign(whole=False)
    found = match_style(table, "ink")
    assert found.differences["face_scale"].shift == "wider" and "--fix rebalance" in found.advice("face_scale")
    found = match_style(table.assign(whole=table["domain"] == "ink"), "ink")
    assert found.whole == 60 and "the detector errs" in found.advice("face_scale")


def test_five_pictures_give_wide_intervals_and_no_light(tmp_path: Path, selfies: list[dict]) -> None:
    found = looked_at(tmp_path, selfies[:5] + domain_rows(tmp_path, "ink", 5, seed=4, scale=1.4))
    assert lit(found) == set() and found.joint is None
    scale = found.differences["face_scale"]
    assert scale.tell.auc == 1 and scale.tell.low < 0.75 and found.advice("face_scale") == "too few pictures to say"
    widths = [d.tell.high - d.tell.low for d in found.differences.values()]
    assert np.median(widths) > 0.4


def test_intervals_hold_the_truth() -> None:
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        tell = statistics.tell_of(rng.normal(0, 1, 40), rng.normal(1, 1, 60), rng)
        hits += tell.low <= 0.7602 <= tell.high  # the area of two unit normals one apart
    assert hits >= 57


def test_the_figures_are_those_of_the_textbook() -> None:
    from scipy import stats

    rng = np.random.default_rng(5)
    one, two = rng.normal(0, 1, 90), rng.normal(0.4, 2, 140)
    assert statistics.wasserstein(one, two) == pytest.approx(stats.wasserstein_distance(one, two))
    assert statistics.kolmogorov_smirnov(one, two) == pytest.approx(stats.ks_2samp(one, two).statistic)
    u = stats.mannwhitneyu(two, one).statistic
    assert statistics.auc(one, two) == pytest.approx(u / len(one) / len(two))
    assert statistics.auc(np.array([1.0, 2.0]), np.array([2.0, 2.0])) == 0.75  # ties count half
    rgb = rng.integers(0, 256, (50, 3), dtype=np.uint8)
    assert np.abs(measure.to_lab(rgb) - color.rgb2lab(rgb[None])[0]).max() < 0.02


def test_angles_turn_with_the_head_and_not_with_its_tilt() -> None:
    turned = {
        yaw: FACE + np.array([[0, 0]] * 2 + [[DEPTH * np.tan(np.radians(yaw)), 0]] + [[0, 0]] * 2) for yaw in (-30, 20)
    }
    tilt = np.radians(15)
    rotate = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    faces = [turned[-30], turned[20], turned[20] @ rotate]
    rows = manifest.table(
        [
            {
                "id": str(n),
                "domain": "selfie",
                "status": "kept",
                "width": 10,
                "height": 10,
                "landmarks": face.ravel().tolist(),
            }
            for n, face in enumerate(faces)
        ]
        + [{"id": "none", "domain": "selfie", "status": "kept", "width": 10, "height": 10}]
    )
    found = framing(rows)
    assert found["yaw_deg"].tolist()[:3] == pytest.approx([-30, 20, 20], abs=0.01)
    assert found["roll_deg"].tolist()[:3] == pytest.approx([0, 0, 15], abs=0.01)
    assert found["face_scale"].tolist()[:3] == pytest.approx([0.1] * 3, rel=0.001)
    assert found.loc[3, list(FRAMING)].isna().all()


def test_breakers_are_outside_the_other_domain_the_worst_first(tmp_path: Path, selfies: list[dict]) -> None:
    rows = selfies + domain_rows(tmp_path, "ink", 80, seed=1, scale=1.12)
    found = looked_at(tmp_path, rows)
    broken = found.breakers["face_scale"]
    values = {domain: [b.value for b in broken if b.domain == domain] for domain in ("selfie", "ink")}
    assert len(values["ink"]) > 10 and min(values["ink"]) > 1 / 4.6
    beyond = [b.beyond for b in broken]
    assert beyond == sorted(beyond, reverse=True) and beyond[-1] > 0
    assert all(b.path and Path(b.path).is_file() for b in broken)
    mine = {r["id"] for r in rows}
    assert {b.id for b in broken} <= mine and len({(b.id, b.domain) for b in broken}) == len(broken)


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
        ("crop:\n  size_px: 4\n", "crop:\n  framed: [oil]\n  size_px: 4\n"),
    ],
)
def test_names_are_set_and_nothing_else(tmp_path: Path, before: str, after: str | None) -> None:
    (tmp_path / "p.yaml").write_text(before)
    params_file.set_names(tmp_path / "p.yaml", "crop", "framed", ["oil"])
    text = (tmp_path / "p.yaml").read_text()
    assert yaml.safe_load(text) == {"crop": {"framed": ["oil"], "size_px": 4}}
    assert after is None or text == after


def mixed(folder: Path) -> list[dict]:
    """Selfies of which a third looks aside, against frontal portraits."""
    aside = domain_rows(folder, "selfie", 25, seed=8, yaw=35.0)
    return domain_rows(folder, "selfie", 50, seed=7) + aside + domain_rows(folder, "ink", 40, seed=9)


def framed_only(rows: list[dict]) -> pd.DataFrame:
    """The table of quantities without opening a picture."""
    return framed(manifest.table(rows)).reindex(columns=list(TABLE))


@pytest.mark.parametrize("keep", [0.9, 0.6])
def test_rebalancing_improves_and_keeps_what_it_promises(keep: float) -> None:
    rng = np.random.default_rng(3)
    yaws = {"selfie": [0.0] * 200 + [35.0] * 100, "ink": [0.0] * 150}
    rows = [
        {"id": rng.bytes(16).hex(), "domain": domain, "status": "kept", "width": SIDE, "height": SIDE}
        | {"landmarks": points(rng, yaw=yaw), "padding": 0.0, "path": str(yaw)}
        for domain, turned in yaws.items()
        for yaw in turned
    ]
    table = framed_only(rows)
    aside = {row["id"] for row in rows if row["path"] == "35.0"}
    found = rebalance(table, "ink", keep=keep)
    assert found.domain == "selfie" and found.of == 300 and 0 < len(found.ids) <= round((1 - keep) * 300)
    before, after = (m.differences["yaw_deg"] for m in (found.before, found.after))
    assert after.distance < 0.85 * before.distance and after.tell.auc < before.tell.auc
    assert len(aside & set(found.ids)) / len(found.ids) > 0.6
    if keep == 0.6:
        assert before.light is Light.AMBER and after.light is Light.GREEN
        assert found.after.joint.tell.auc < found.before.joint.tell.auc - 0.03
    assert rebalance(table.sample(frac=1, random_state=1), "ink", keep=keep).ids == found.ids
    assert rebalance(table, "ink", keep=1.0).ids == []


def test_a_proposal_is_read_by_dataset_spared_by_people_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    manifest.write(tmp_path / "05", manifest.table(mixed(tmp_path)))
    run = CliRunner()
    shown = run.invoke(cli.app, ["match", "05", "--fix", "rebalance", "--keep", ".7", "--workers", "1"])
    assert "would be left out" in shown.output and not left_out.FILE.exists(), shown.output
    wrote = run.invoke(cli.app, ["match", "05", "--fix", "rebalance", "--keep", ".7", "--write", "--workers", "1"])
    gone = left_out.read()
    assert wrote.exit_code == 0 and 10 < len(gone) <= 22 and set(gone.values()) == {"ink"}
    spared = min(gone)
    (tmp_path / "review" / "verdicts.jsonl").write_text(json.dumps({"id": spared, "verdict": "accept"}) + "\n")

    def rejected() -> set[str]:
        with open_stage("dataset", tmp_path / "06") as folder:
            folder.commit(dataset.run(manifest.read(tmp_path / "05"), DatasetConfig(sheet_pictures=0), folder))
        rows = manifest.read(tmp_path / "06")
        return set(rows.loc[rows["reason"] == Reason.REBALANCED, "id"])

    assert rejected() == set(gone) - {spared}
    arguments = ["match", "06", "--fix", "rebalance", "--write", "--workers", "1", "--keep"]
    assert run.invoke(cli.app, [*arguments, ".7"]).exit_code == 0
    assert set(left_out.read()) == set(gone), "what an earlier list left out takes part again"
    assert run.invoke(cli.app, [*arguments, "1"]).exit_code == 0
    assert left_out.read() == {} and rejected() == set()


def test_the_list_of_what_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    left_out.write(["b", "a"], "ink", file)
    left_out.write(["c"], "oil", file)
    left_out.write(["d"], "ink", file)
    assert left_out.stale(manifest.table([{"id": "c", "domain": "selfie", "status": "kept"}]), left_out.read(file)) == 1
    assert left_out.read(file) == {"c": "oil", "d": "ink"} and left_out.read(tmp_path / "none") == {}
    file.write_text('{"id": "a"}\n\n{"what": 1}\n')
    with pytest.raises(ScganError, match="line 3"):
        left_out.read(file)


def test_a_joint_fit_gives_no_odds_to_what_it_cannot_see() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(0, 1, (120, len(FRAMING))), columns=list(FRAMING))
    table["id"], table["domain"] = [f"{n:03d}" for n in range(120)], ["selfie", "ink"] * 60
    _, names = joint.usable(table)
    assert names == FRAMING and abs(joint.joint(table).tell.auc - 0.5) < 0.15
    table.loc[table["domain"] == "ink", "padding"] = np.nan
    assert "padding" not in joint.usable(table)[1]
    assert joint.usable(table.assign(yaw_deg=1.0))[1] == tuple(n for n in FRAMING if n not in ("yaw_deg", "padding"))


def test_every_quantity_says_what_it_teaches() -> None:
    assert {q.kind for q in QUANTITIES} == set(Kind) and len(BY_NAME) == len(QUANTITIES)
    assert all(q.tolerance > 0 and q.learns and q.remedy for q in QUANTITIES)
