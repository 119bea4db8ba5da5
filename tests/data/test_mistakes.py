"""What people do wrong, and what must not come of it: nothing of theirs is lost, and a line says what to do."""

import errno
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from scgan_data import config, flow, manifest
from scgan_data.cli import app
from scgan_data.collect import CollectConfig
from scgan_data.config import Config, PerDomain
from scgan_data.errors import ConfigError, ManifestError, ScganError, one_line
from scgan_data.filter import FilterConfig
from scgan_data.limits import judgements
from scgan_data.limits.whatif import what_if

ID = "ab" * 32


class Inner(Config):
    """A section's section."""

    least: PerDomain = {"a": 1.0}
    """A limit."""


class Limited(Config):
    """A section with limits."""

    most: PerDomain = 1.0
    """A limit of all."""
    least: PerDomain = {"selfie": 0.5, "drawn": 2.0}
    """A limit a domain."""
    inner: Inner = Inner()
    """Deeper."""


def stage_of_one(folder: Path, picture: Path, **more: object) -> Path:
    """A finished stage's folder whose one row points at a picture."""
    row = {"id": ID, "domain": "selfie", "status": "kept", "path": str(picture), "width": 200, "height": 240}
    manifest.write(folder, manifest.table([row | {"sharpness": 0.2} | more]))
    return folder


def test_a_folder_of_somebody_s_pictures_is_never_replaced_by_a_stage(tmp_path: Path, jpeg) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "holiday.jpg").write_bytes(jpeg(1))
    src = stage_of_one(tmp_path / "02", photos / "holiday.jpg")
    for stage, settings, before in (("filter", FilterConfig(), src), ("collect", CollectConfig(), None)):
        with pytest.raises(ScganError, match="is no stage's folder"):
            flow.run_configured(stage, settings, before, photos, workers=1)
    with pytest.raises(ScganError, match="is no stage's folder"):
        flow.run_configured("filter", FilterConfig(), src, photos / "holiday.jpg", workers=1)
    assert (photos / "holiday.jpg").read_bytes() == jpeg(1) and not (tmp_path / ".photos.work").exists()


def test_a_stage_never_replaces_the_pictures_that_it_reads(tmp_path: Path, jpeg) -> None:
    collected = tmp_path / "01"
    picture = collected / "ab" / f"{ID}.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(jpeg(1))
    stage_of_one(collected, picture)
    src = stage_of_one(tmp_path / "02", picture)
    for before, line in ((src, "holds the pictures that are to be read"), (collected, "is what is to be read")):
        with pytest.raises(ScganError, match=line):
            flow.run_configured("filter", FilterConfig(), before, collected, workers=1)
    assert picture.read_bytes() == jpeg(1)


def test_an_empty_folder_is_a_place_to_write(tmp_path: Path, jpeg) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    src = stage_of_one(tmp_path / "02", tmp_path / "a.jpg")
    (tmp_path / "03").mkdir()
    for _ in range(2):  # and once there is a result, the same command goes again
        flow.run_configured("filter", FilterConfig(), src, tmp_path / "03", workers=1)
    assert manifest.read(tmp_path / "03")["id"].tolist() == [ID]


@pytest.mark.parametrize(
    ("stage", "key", "line"),
    [
        ("filter", "min_sharpness.selfei=.3", r"`filter.min_sharpness` names the domain `selfei`, .*mean `selfie`\?"),
        ("filter", "doubt.blurred={watercolour: .1}", r"`filter.doubt` names the domain `watercolour`, .*`watercolor`"),
        ("crop", "framed=[drwan]", r"`crop.framed` names the domain `drwan`, .*mean `drawn`\?"),
        ("crop", "detector.watercolour=drawn", r"`crop.detector` names the domain `watercolour`"),
        ("dedup", "max_spot.avataars=.5", r"`dedup.max_spot` names the domain `avataars`, .*`avataaars`"),
    ],
)
def test_a_misspelt_domain_stops_a_stage_before_it_begins(
    tmp_path: Path, jpeg, stage: str, key: str, line: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    src = stage_of_one(tmp_path / "02", tmp_path / "a.jpg")
    (tmp_path / "params.yaml").write_text("styles: [watercolor]\n")
    with pytest.raises(ConfigError, match=line):
        flow.run_stage(stage, src, tmp_path / "03", params=tmp_path / "params.yaml", overrides=[key], workers=1)
    assert not (tmp_path / "03").exists()


def test_a_style_may_have_a_limit_before_it_has_pictures(tmp_path: Path, jpeg) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    src = stage_of_one(tmp_path / "02", tmp_path / "a.jpg")
    (tmp_path / "params.yaml").write_text("styles: [watercolor]\nfilter: {min_sharpness: {watercolor: .1}}\n")
    flow.run_stage("filter", src, tmp_path / "03", params=tmp_path / "params.yaml", workers=1)
    assert manifest.read(tmp_path / "03")["id"].tolist() == [ID]


def test_a_domain_that_nobody_has_is_noted(tmp_path: Path) -> None:
    rejected = {"status": "rejected", "rejected_by": "filter", "reason": "blurred"}
    folder = stage_of_one(tmp_path / "03", tmp_path / "a.jpg", **rejected)
    (note,) = what_if(["filter.min_sharpness.selfei=.3"], folder).notes
    assert note.endswith("no picture here is of `selfei`; did you mean `selfie`?")
    for change in ("min_sharpness.selfie=.3", "min_sharpness.drawn=.3", "min_sharpness.default=.3", "doubt.blurred=.3"):
        assert not what_if([f"filter.{change}"], folder).notes


def test_a_folder_that_the_filter_has_not_seen_is_noted(tmp_path: Path) -> None:
    before = stage_of_one(tmp_path / "01", tmp_path / "a.jpg")
    assert what_if(["filter.min_sharpness=.3"], before).notes
    rejected = {"status": "rejected", "rejected_by": "filter", "reason": "blurred"}
    after = stage_of_one(tmp_path / "03", tmp_path / "a.jpg", **rejected)
    assert not what_if(["filter.min_sharpness=.3"], after).notes


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (".nan", r"`filter\.most` = nan: .*finite number"),
        ("{selfie: .inf}", r"`filter\.most\.selfie` = inf: .*finite number"),
        ("{selfie: lots}", r"`filter\.most\.selfie` = 'lots': .*valid number"),
        ("lots", r"`filter\.most` = 'lots': .*valid number"),
    ],
)
def test_a_limit_is_a_number(value: str, line: str) -> None:
    with pytest.raises(ConfigError, match=line):
        config.load(Limited, "filter", overrides=[f"most={value}"])


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        (None, {"selfie": 0.5, "drawn": 2.0, "ink": 9}),
        ("filter: {least: 3}", {"default": 3, "ink": 9}),
        ("filter: {least: {drawn: 4}}", {"drawn": 4, "ink": 9}),
        ("filter: {least: null}", {"ink": 9}),
    ],
)
def test_one_domain_s_limit_leaves_the_others_as_they_are(tmp_path: Path, text: str | None, limits: dict) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text or "{}")
    assert config.load(Limited, "filter", file=file, overrides=["least.ink=9"]).least == limits
    assert config.load(Limited, "filter", file=file, overrides=["most.ink=9"]).most == {"default": 1, "ink": 9}
    assert config.load(Limited, "filter", file=file, overrides=["inner.least.ink=9"]).inner.least == {"a": 1, "ink": 9}


def test_params_of_another_encoding_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes("filter: {}  # gefällt mir".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        config.load(Limited, "filter", file=tmp_path / "params.yaml")


@pytest.mark.parametrize("code", ["EROFS", "EFBIG", "EEXIST", "ENOTDIR", "EISDIR", "ENAMETOOLONG"])
def test_a_place_that_cannot_be_written_is_one_line(code: str) -> None:
    line = one_line(OSError(getattr(errno, code), "as the system says", "out/manifest.parquet"))
    assert line is not None and "at out/manifest.parquet: name another place" in line
    assert one_line(OSError(errno.EBADF, "ours")) is None


def test_of_a_copy_the_full_disk_is_the_one_written_to() -> None:
    line = one_line(OSError(errno.ENOSPC, "No space left on device", "in/a.png", None, "out/a.png"))
    assert line is not None and "the disk is full at out/a.png:" in line


def test_a_table_that_is_no_stage_s_is_one_line(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / manifest.FILE_NAME)
    with pytest.raises(ManifestError, match=r"no stage's manifest"):
        what_if(["filter.min_sharpness=.3"], tmp_path)
    with pytest.raises(ManifestError, match=rf"{manifest.FILE_NAME}: columns .*: a; is it a stage's"):
        manifest.read(tmp_path)


def test_a_misspelt_verdicts_file_is_not_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no verdicts yet" in CliRunner().invoke(app, ["verdicts"]).output
    told = CliRunner().invoke(app, ["verdicts", "reveiw/verdicts.jsonl"])
    assert isinstance(told.exception, ScganError) and "no such file" in str(told.exception)
    (tmp_path / "v.jsonl").write_text('{"id": "a", "verdict": "accept", "reviewer": "ann"}\n')
    for named in (["v.jsonl"], ["--verdicts", "v.jsonl"]):
        assert "ann" in CliRunner().invoke(app, ["verdicts", *named]).output
    told = CliRunner().invoke(app, ["verdicts", "v.jsonl", "--verdicts", "v.jsonl"])
    assert isinstance(told.exception, ScganError) and "name one verdicts file" in str(told.exception)


def test_a_manifest_without_what_every_row_has_is_one_line(tmp_path: Path) -> None:
    file = stage_of_one(tmp_path / "02", tmp_path / "a.jpg") / manifest.FILE_NAME
    pd.read_parquet(file).drop(columns=["status", "occlusion"]).to_parquet(file)
    with pytest.raises(ManifestError, match=rf"{manifest.FILE_NAME} has no column status; is it a stage's"):
        manifest.read(tmp_path / "02")


@pytest.mark.parametrize("stage", ["filter", "crop"])
def test_a_picture_that_is_gone_is_one_line(tmp_path: Path, stage: str) -> None:
    src = stage_of_one(tmp_path / "02", tmp_path / "gone.jpg")
    with pytest.raises(ManifestError, match=r"gone.jpg is gone, which .*02 names: run the stage that wrote it again"):
        flow.run_stage(stage, src, tmp_path / "03", workers=1)
    assert not (tmp_path / "03").exists()


def test_a_folder_of_which_nothing_is_kept_goes_through_every_stage(tmp_path: Path) -> None:
    rejected = {"status": "rejected", "rejected_by": "collect", "reason": "broken"}
    src = stage_of_one(tmp_path / "01", tmp_path / "a.jpg", **rejected)
    for number, stage in enumerate(flow.STAGES[1:], 2):
        flow.run_stage(stage, src, tmp_path / f"0{number}", workers=1)
        src = tmp_path / f"0{number}"
    assert manifest.read(src)["reason"].tolist() == ["broken"]


def test_stages_out_of_order_are_one_line(tmp_path: Path) -> None:
    quad = [0.0, 0.0, 0.0, 99.0, 99.0, 99.0, 99.0, 0.0]
    seen = {"crop_quad": quad, "regions_origin": "detector", "eyes_xyxy": [1.0, 2.0, 3.0, 4.0]}
    src = stage_of_one(tmp_path / "04", tmp_path / "a.jpg", **seen)
    for stage in ("filter", "crop"):
        with pytest.raises(ScganError, match=f"04: its pictures are crops already; {stage} reads what comes before"):
            flow.run_stage(stage, src, tmp_path / "x", workers=1)
    with pytest.raises(ScganError, match="04: no picture has a box; dataset reads what `scgan-data annotate` wrote"):
        flow.run_stage("dataset", src, tmp_path / "x", workers=1)


@pytest.mark.parametrize("torn", [b'{"id": "b", "rea', b'{"id": "b", "reason": "blurred", "bad": true', b"\xff\xfe"])
def test_a_torn_judgement_costs_no_other(tmp_path: Path, torn: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "judgements.jsonl"
    judgements.append(file, "blurred", "a", True)
    file.write_bytes(file.read_bytes() + torn)
    assert judgements.read(file, "blurred") == {"a": True}
    assert "line 2: torn" in capsys.readouterr().err
    judgements.append(file, "blurred", "b", False)
    assert judgements.read(file, "blurred") == {"a": True, "b": False}
    assert file.read_bytes().count(b"\n") == 2


def test_a_judgement_without_its_line_s_end_counts(tmp_path: Path) -> None:
    file = tmp_path / "judgements.jsonl"
    judgements.append(file, "blurred", "a", True)
    file.write_bytes(file.read_bytes().rstrip())
    judgements.append(file, "blurred", "b", False)
    assert judgements.read(file, "blurred") == {"a": True, "b": False}
