import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from scgan_data.errors import CheckpointError, DatasetError, ScganError
from scgan_model import checkpoint
from scgan_model.export import export, load_exported
from scgan_model.model_card import model_card

CARD = (
    "# sample\n\n## Counts\n\n3\n\n## Sources and licences\n\n| source | CC0-1.0 |\n\n## What was left out\n\nnothing\n"
)


@pytest.fixture
def exported(evaluated: Path, tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(CARD)
    export(evaluated / "models" / "dots", tmp_path / "out", dataset=tmp_path, evaluation=evaluated / "reports" / "dots")
    return tmp_path / "out"


def test_loading_it_back_gives_bit_equal_cartoons(evaluated: Path, exported: Path) -> None:
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    trained, back = checkpoint.load_generators(evaluated / "models" / "dots"), load_exported(exported)
    assert torch.equal(back.g_ab(x), trained.g_ab(x))
    assert (back.config, back.style, back.step) == (trained.config, "dots", 12)
    assert not back.g_ab.training and not any(p.requires_grad for p in back.g_ab.parameters())


def test_the_file_is_safetensors_with_the_configuration(evaluated: Path, exported: Path) -> None:
    with safe_open(exported / "model.safetensors", framework="pt") as content:
        facts = content.metadata()
        assert set(content.keys()) == set(checkpoint.load_generators(evaluated / "models" / "dots").g_ab.state_dict())
    assert json.loads(facts["config"])["generator_channels"] == 4
    assert facts["dataset"] == checkpoint.load(evaluated / "models" / "dots" / "checkpoint.pt")["dataset"]


def test_the_card_says_data_licences_use_and_figures(evaluated: Path, exported: Path) -> None:
    card = (exported / "README.md").read_text()
    assert "| source | CC0-1.0 |" in card and "nothing" not in card and "## Intended use" in card
    figures = json.loads((evaluated / "reports" / "dots" / "metrics.json").read_text())
    row = next(line for line in card.splitlines() if line.startswith("| trained"))
    assert f"{figures['trained']['kid']:.4f}" in row and f"{figures['trained']['cycle_error']:.4f}" in row
    assert figures["feature"] in card and "On 5 held-out photographs" in card


def test_a_card_without_a_dataset_says_so() -> None:
    card = model_card({"style": "ink", "step": "3"}, {"resolution_px": 64}, None, None)
    assert "named no dataset" in card and "## Evaluation" not in card


def test_what_is_missing_or_damaged_is_one_clear_line(evaluated: Path, exported: Path, tmp_path: Path) -> None:
    model = evaluated / "models" / "dots"
    with pytest.raises(DatasetError, match=r"nowhere.README.md is missing"):
        export(model, tmp_path / "a", dataset=tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="run `scgan evaluate` first"):
        export(model, tmp_path / "a", evaluation=tmp_path)
    assert not (tmp_path / "a").exists()
    with pytest.raises(CheckpointError, match="is missing: write it with `scgan export`"):
        load_exported(tmp_path)
    file = exported / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="no whole exported model"):
        load_exported(file)


def test_figures_of_another_model_are_refused(evaluated: Path, tmp_path: Path) -> None:
    figures = json.loads((evaluated / "reports" / "dots" / "metrics.json").read_text())
    for changed in ({"style": "ink"}, {"step": 8}):
        (tmp_path / "metrics.json").write_text(json.dumps(figures | changed))
        with pytest.raises(DatasetError, match=r"is of a model of `\w+` at step \d+, this one is of `dots` at 12: run"):
            export(evaluated / "models" / "dots", tmp_path / "out", evaluation=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_readme_of_something_else_is_not_replaced(evaluated: Path, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ScganError, match=r"README.md is of something else and would be replaced"):
        export(evaluated / "models" / "dots", tmp_path)
    assert (tmp_path / "README.md").read_text() == CARD
    export(evaluated / "models" / "dots", exported)  # an earlier export is
    assert "named no dataset" in (exported / "README.md").read_text()
