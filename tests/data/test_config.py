"""params.yaml: what is misspelt or out of range stops with a line that says key, nearest name and file."""

import ast
import inspect
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scgan_data import config, flow
from scgan_data.crop import CropConfig
from scgan_data.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    return file


def test_defaults_hold_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert config.load(CropConfig, "crop") == CropConfig()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("crop: {size_pix: 64}", r"unknown key `crop.size_pix`; did you mean `size_px`\?"),
        ("crop: {size_px: 3}", r"`crop.size_px` = 3: .*greater than or equal to 16"),
        ("crop: {size_px: wide}", r"`crop.size_px` = 'wide'"),
        ("crop: 7", r"`crop` must be a mapping"),
        ("crop: {max_padding: true}", r"`crop.max_padding` = True: true is no number; write one, or null for off"),
        ("crop: {max_padding: {drawn: no}}", r"`crop.max_padding.drawn` = False: false is no number"),
        ("crop: {max_padding: 25}", r"`crop.max_padding` = 25: Input should be less than or equal to 1"),
        ("crop: {max_face_cut: {ink: 2}}", r"`crop.max_face_cut.ink` = 2: Input should be less than or equal to 1"),
        ("crop: {max_roll_deg: -3}", r"`crop.max_roll_deg` = -3: .*greater than or equal to 0"),
        ("crop: {doubt: {turnd: .1}}", r"no check of this stage: `turnd`; did you mean `turned`\?"),
        ("corp: {}", r"unknown section `corp`; did you mean `crop`\?"),
        ("crop: {size_px: 1\n  b", r"is not YAML at line 2"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path: Path, text: str, line: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=line) as caught:
        config.load(CropConfig, "crop", file=file)
    assert str(file) in str(caught.value)


def test_overrides_win_and_may_name_the_section(tmp_path: Path) -> None:
    file = write(tmp_path, "crop: {size_px: 64, max_padding: {selfie: .1}}")
    loaded = config.load(
        CropConfig, "crop", file=file, overrides=["crop.size_px=96", "max_padding.drawn=0.4", "max_roll_deg=null"]
    )
    assert (loaded.size_px, loaded.max_padding, loaded.max_roll_deg) == (96, {"selfie": 0.1, "drawn": 0.4}, None)
    with pytest.raises(ConfigError, match="key=value"):
        config.load(CropConfig, "crop", file=file, overrides=["size_px"])
    with pytest.raises(ConfigError, match=r"or --set: unknown key `crop\.sise`"):
        config.load(CropConfig, "crop", file=file, overrides=["sise=3"])


def test_a_params_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.yaml cannot be read: No such file"):
        config.load(CropConfig, "crop", file=tmp_path / "none.yaml")


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_limits_by_domain(own: float, drawn: float, rest: float) -> None:
    limit = {"anime": own, "drawn": drawn, "default": rest}
    assert config.limit_for(limit, "anime") == own
    assert config.limit_for(limit, "watercolor") == drawn
    assert config.limit_for(limit, "selfie") == rest
    assert config.limit_for({"drawn": drawn}, "selfie") is None
    assert config.limit_for(own, "anything") == own
    assert config.limit_for(None, "anything") is None


def test_this_projects_own_params_are_valid() -> None:
    root = Path(__file__).parents[2]
    for stage in flow.STAGES:
        config.load(flow.config_class(stage), stage, file=root / "params.yaml")


def _configs(model: type) -> list[type]:
    """Every section's model below this one."""
    return [model, *(one for below in model.__subclasses__() for one in _configs(below))]


def test_every_field_has_a_line_of_documentation() -> None:
    stages = [flow.config_class(stage) for stage in flow.STAGES]
    models = _configs(config.Config)[1:]
    assert {*stages} <= {*models}
    for model in models:
        if model.__module__.startswith("scgan_"):
            assert _undocumented(model) == [], model


def _undocumented(model: type) -> list[str]:
    """Fields of a class that no docstring follows."""
    (found,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(found, ast.ClassDef)
    fields = [(here, after) for here, after in pairwise([*found.body, ast.Pass()]) if isinstance(here, ast.AnnAssign)]
    names = [ast.unparse(here.target) for here, after in fields if not _is_text(after)]
    return [name for name in names if name != "kind"]  # which of the sources it is, said by its class


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
