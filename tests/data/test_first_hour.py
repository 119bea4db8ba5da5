"""What a newcomer types first, and wrongly: one line says what to do, and nothing that is there is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scgan_data import manifest
from scgan_data.cli import app
from scgan_data.errors import ScganError

Jpeg = Callable[..., bytes]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jpeg: Jpeg) -> Path:
    """A folder with `selfies/` and `ink/`, two pictures each, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("selfies", "ink")):
        (tmp_path / name).mkdir()
        for k in range(2):
            (tmp_path / name / f"{name} {k}.jpg").write_bytes(jpeg(2 * number + k))
    return tmp_path


def said(*arguments: str) -> str:
    """The line with which a command ends. Fails where it does not end with an error of ours."""
    result = CliRunner().invoke(app, list(arguments))
    assert isinstance(result.exception, ScganError), result.output
    return str(result.exception)


def done(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output or result.exception
    return result.output


def domains(folder: str) -> list[str]:
    return sorted(manifest.kept(manifest.read(Path(folder)))["domain"])


BOTH = ("collect", "01", "--from", "selfie=selfies", "--from", "ink=ink", "--workers", "1")


@pytest.mark.usefixtures("here")
def test_one_call_collects_both_domains_and_another_drops_none() -> None:
    done(*BOTH)
    assert domains("01") == ["ink", "ink", "selfie", "selfie"]
    line = said("collect", "01", "--domain", "ink", "--from", "ink")
    assert line.startswith("01 has 2 pictures of folder:selfies, which --from does not name and would drop")
    assert "2 found" in done("collect", "01", "--domain", "ink", "--from", "ink", "--dry-run")  # which drops nothing
    assert domains("01") == ["ink", "ink", "selfie", "selfie"]
    done(*BOTH, "--from", "ink=ink")


@pytest.mark.usefixtures("here")
def test_a_folder_whose_name_has_a_sign_is_a_folder() -> None:
    Path("ink").rename("a=b")
    done("collect", "01", "--domain", "ink", "--from", "a=b")
    assert domains("01") == ["ink", "ink"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("collect", "01", "--domain", "ink"), "--domain ink says what the pictures of --from are"),
        (("collect", "01", "--from", "selfi=selfies"), "`selfi` would be a style of its own; did you mean `selfie`?"),
        (("collect", "01", "--from", "empty"), "collect: nothing was found"),
        (("show", "nowhere"), "nowhere is not there: name a stage's folder"),
        (("show", "selfies/selfies 0.jpg"), "selfies/selfies 0.jpg is a file"),
        (("filter", "selfies", "03"), "selfies has no manifest.parquet, so it is no finished stage's folder"),
        (("whatif", "=3"), "`=3`: write STAGE.LIMIT=VALUE"),
        (("whatif", "filter.min_side_px=3", "--folder", "empty"), "empty is empty: run the stage that writes it"),
    ],
)
@pytest.mark.usefixtures("here")
def test_the_line_says_what_to_do(arguments: tuple[str, ...], line: str) -> None:
    Path("empty").mkdir()
    assert said(*arguments).startswith(line)
    assert not Path("01/manifest.parquet").exists()


@pytest.mark.usefixtures("here")
def test_a_stage_is_not_written_over_what_it_reads_and_not_run_too_early() -> None:
    done(*BOTH)
    done("dedup", "01", "02", "--workers", "1")
    for command in (("dedup", "02", "02"), ("filter", "02", "./02")):
        assert "is what is to be read" in said(*command)
    for stage in ("annotate", "dataset"):
        assert (
            said(stage, "02", "05")
            == f"02: its pictures are not cropped; {stage} reads what comes after `scgan-data crop`"
        )
    assert domains("02") == ["ink", "ink", "selfie", "selfie"] and not Path("05").exists()


def stage_says(*arguments: str) -> str:
    return " ".join(done(*arguments).split())


def test_a_stage_prints_what_it_decided_itself(here: Path, jpeg: Jpeg) -> None:
    (here / "ink" / "note.txt").write_text("no picture")
    (here / "ink" / "copy.jpg").write_bytes(jpeg(2))
    told = stage_says(*BOTH)
    assert "collect: 6 in, 5 kept, 1 rejected" in told and "not_an_image" in told
    told = stage_says("dedup", "01", "02", "--workers", "1")
    assert (
        "dedup: 5 in, 4 kept, 1 rejected; 1 more were rejected before: `scgan-data show 02`" in told
        and "same_bytes" in told
        and "not_an_image" not in told
    )
    assert "not_an_image" in done("show", "02")


@pytest.mark.usefixtures("here")
def test_a_stage_that_decides_nothing_prints_no_table() -> None:
    Path("words").mkdir()
    Path("words/note.txt").write_text("no picture")
    done("collect", "01", "--from", "ink=words")
    told = stage_says("dedup", "01", "02", "--workers", "1")
    assert "dedup: 0 in, 0 kept, 0 rejected; 1 more were rejected before" in told and "┃" not in told


@pytest.mark.usefixtures("here")
def test_a_bare_folder_says_which_domain_it_is_taken_for() -> None:
    told = stage_says("dedup", "ink", "02", "--workers", "1")
    assert "the pictures of ink are taken for the domain `selfie`; --set bare.domain=STYLE says another" in told
    assert "--from" not in told
    assert "taken for" not in stage_says("dedup", "ink", "02", "--set", "bare.domain=ink", "--workers", "1")
    Path("both").mkdir()
    for name in ("ink", "selfies"):
        Path(name).rename(f"both/{name}")
    told = stage_says("dedup", "both", "03", "--workers", "1")
    assert (
        "where its folders are domains: `scgan-data collect DIR --from ink=both/ink --from selfies=both/selfies`"
        in told
    )


@pytest.mark.usefixtures("here")
def test_a_picture_is_explained_by_its_files_name() -> None:
    done(*BOTH)
    Path("data").mkdir()
    Path("01").rename("data/01_collect")
    assert "folder:ink" in done("explain", "ink 1.jpg", "--no-sheet")
    assert said("explain", "ink 7.jpg", "--no-sheet").endswith("or came from a file of that name")
