"""What holds across the project: a stage's name, dependencies that point one way, closed vocabularies, the README."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from scgan_data import cli, config, flow, watermark, weights
from scgan_data.records import MEANING, Reason

ROOT = Path(__file__).parents[2]
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


def source_of(module: str) -> str:
    """A module's file, or a package's folder, relative to the root."""
    plain = Path(module.replace(".", "/") + ".py")
    return str(plain if (ROOT / plain).is_file() else plain.with_suffix(""))


@pytest.mark.parametrize("stage", flow.STAGES)
def test_a_stage_has_one_name_everywhere(stage: str) -> None:
    number = flow.STAGES.index(stage) + 1
    entry = DVC["stages"][stage]
    (out,) = (o if isinstance(o, str) else next(iter(o)) for o in entry["outs"])
    assert out == f"data/{number:02d}_{stage}"
    assert entry["cmd"].startswith(f"scgan-data {stage} ") and entry["cmd"].endswith(out)
    assert entry["params"] == [stage] and stage in PARAMS and stage in config.SECTIONS
    assert stage in {c.name or c.callback.__name__ for c in cli.app.registered_commands}
    assert f"{out}/summary.json" in DVC["metrics"]


@pytest.mark.parametrize("stage", flow.STAGES)
def test_a_stage_depends_on_its_own_modules_and_no_others(stage: str) -> None:
    module = flow.module_of(stage)
    listed = {d for d in DVC["stages"][stage]["deps"] if d.startswith("scgan_data/") and not d.endswith(".npz")}
    assert listed == {source_of(name) for name in (*module.MODULES, module.__name__)}


@pytest.mark.parametrize(("stage", "names"), [("filter", watermark.OURS), ("crop", ("drawn",))])
def test_a_stage_depends_on_the_weights_that_ship_and_that_it_reads(stage: str, names: tuple[str, ...]) -> None:
    listed = {d for d in DVC["stages"][stage]["deps"] if d.endswith(".npz")}
    assert listed == {f"scgan_data/{weights.WEIGHTS[name].shipped}" for name in names}


def test_params_have_no_section_without_an_owner() -> None:
    assert set(PARAMS) <= set(config.SECTIONS)
    used = {p for s in DVC["stages"].values() for p in s["params"]} | {"styles"}
    assert set(PARAMS) == used


def imports(package: str) -> set[str]:
    """The top packages that a package's modules import, anywhere in their text."""
    found = set()
    for file in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found


def test_dependencies_point_one_way() -> None:
    assert not {"scgan_model", "pipelines"} & imports("scgan_data")
    assert "pipelines" not in imports("scgan_model")
    assert not {"dvc", "imagehash"} & imports("scgan_model"), "training runs on machines that lack them"


def test_every_reason_is_given_somewhere_and_has_a_meaning() -> None:
    text = "".join(f.read_text() for f in (ROOT / "scgan_data").rglob("*.py") if f.name != "records.py")
    assert {reason for reason in Reason if f"Reason.{reason.name}" not in text} == set()
    assert set(MEANING) == set(Reason)


def test_every_reason_is_asserted_by_a_test() -> None:
    text = "".join(f.read_text() for f in (ROOT / "tests").rglob("*.py") if f != Path(__file__))
    missing = {r.value for r in Reason if not re.search(rf"Reason\.{r.name}\b|[\"'`]{r.value}[\"'`]", text)}
    assert missing == set()


def test_the_readme_names_every_command_and_option() -> None:
    from typer.main import get_command

    from scgan_model import cli as model_cli

    readme = (ROOT / "README.md").read_text()
    for program, app in (("scgan-data", cli.app), ("scgan", model_cli.app)):
        for name, command in get_command(app).commands.items():
            assert f"{program} {name}" in readme, f"{program} {name}"
            for parameter in command.params:
                long = [o for o in parameter.opts if o.startswith("--") and o != "--help"]
                assert all(f"`{o}" in readme or f" {o}" in readme for o in long), f"{program} {name} {long}"


def test_the_readme_says_why_each_dependency_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    block = project.split("dependencies = [", 1)[1].split("]", 1)[0]
    names = re.findall(r'"([A-Za-z0-9-]+)', block)
    assert len(names) > 15
    assert {name for name in names if f"`{name}`" not in readme} == set()


def test_the_lock_names_no_address() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()
