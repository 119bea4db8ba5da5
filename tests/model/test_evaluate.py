import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scgan_data.errors import CheckpointError, DatasetError, ScganError
from scgan_data.records import SELFIE, Split
from scgan_model import checkpoint, examples, features
from scgan_model.evaluate import EvaluateConfig, cycle_errors, evaluate, load, run, to_image

SYSTEMS = ("trained", "untrained", "binarization")


@pytest.fixture(scope="module")
def figures(evaluated: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((evaluated / "reports" / "dots" / "metrics.json").read_text())
    return content


def test_every_system_and_reference_has_its_figures(figures: dict[str, Any]) -> None:
    assert figures["feature"] == features.NAME
    assert (figures["n"], figures["n_portraits"], figures["step"], figures["resolution_px"]) == (5, 6, 12, 16)
    for name in (*SYSTEMS, "selfies", "portraits"):
        assert figures[name]["kid_low"] <= figures[name]["kid_high"]
        assert figures[name]["average_gradient"] > 0
    for name in ("trained", "untrained"):
        assert all(figures[name][f"cycle_error{part}"] > 0 for part in ("", "_eyes", "_nose", "_mouth"))


def test_what_has_no_way_back_has_no_cycle_error(figures: dict[str, Any]) -> None:
    parts = ("", "_eyes", "_nose", "_mouth")
    assert [figures["binarization"][f"cycle_error{part}"] for part in parts] == [None] * 4
    assert not any(key.startswith("cycle_error") for key in figures["selfies"])


def test_cycle_error_is_that_of_the_training_s_own_log(evaluated: Path, figures: dict[str, Any]) -> None:
    lines = [json.loads(line) for line in (evaluated / "models" / "dots" / "metrics.jsonl").read_text().splitlines()]
    logged = {line["step"]: line["test_cycle"] for line in lines if "test_cycle" in line}
    assert figures["trained"]["cycle_error"] == pytest.approx(logged[12], rel=1e-4)
    assert figures["untrained"]["cycle_error"] == pytest.approx(logged[0], rel=1e-4)


def test_regions_by_hand(evaluated: Path, figures: dict[str, Any]) -> None:
    """Mouth of every selfie that has one: its pixels' mean, then the mean over selfies."""
    generators = checkpoint.load_generators(evaluated / "models" / "dots", "cpu")
    selfies = load(evaluated / "data" / "06_dataset", Split.TEST, SELFIE, generators.config)
    system = run(generators.g_ab, generators.g_ba, selfies.pixels, 2)
    assert system.reconstructions is not None
    difference = (system.reconstructions - selfies.pixels).abs()
    means = []
    for picture, box in zip(difference, selfies.boxes[:, 2], strict=True):
        inside = [
            picture[:, y, x].mean()
            for y in range(16)
            for x in range(16)
            if box[0] <= x + 0.5 < box[2] and box[1] <= y + 0.5 < box[3]
        ]
        if inside:
            means.append(torch.stack(inside).mean())
    assert len(means) == 4  # of five, the third has no mouth
    assert figures["trained"]["cycle_error_mouth"] == pytest.approx(torch.stack(means).mean().item(), rel=1e-4)
    assert cycle_errors(selfies, selfies.pixels)["cycle_error_mouth"] == 0


def test_examples_are_the_first_by_id_and_lossless(evaluated: Path) -> None:
    out = evaluated / "reports" / "dots"
    found = examples.read(out)
    assert list(found) == ["se000", "se001", "se002"]
    assert list(found["se000"]) == list(examples.COLUMNS)
    generators = checkpoint.load_generators(evaluated / "models" / "dots", "cpu")
    selfies = load(evaluated / "data" / "06_dataset", Split.TEST, SELFIE, generators.config)
    np.testing.assert_array_equal(found["se000"]["input"], to_image(selfies.pixels[0]))
    with torch.no_grad():
        cartoon = to_image(generators.g_ab(selfies.pixels[:1])[0])
    assert np.abs(np.asarray(found["se000"]["cartoon"], int) - np.asarray(cartoon, int)).max() <= 1
    levels = np.unique(np.asarray(found["se000"]["binarization"]))
    assert set(levels.tolist()) <= {0, 255}
    with Image.open(out / "grid.png") as grid:
        step = examples.CELL_PX + examples.GAP_PX
        assert grid.size == (examples.LABEL_PX + 3 * step, examples.GAP_PX + 5 * step)


def test_the_same_evaluation_again_gives_the_same_and_clears_old_examples(evaluated: Path, tmp_path: Path) -> None:
    out = tmp_path / "dots"
    shutil.copytree(evaluated / "reports" / "dots", out)
    before = (out / "metrics.json").read_text()
    settings = EvaluateConfig(grid_pictures=1, bootstrap_replicates=200)
    evaluate(evaluated / "data" / "06_dataset", evaluated / "models" / "dots", out, style="dots", config=settings)
    assert (out / "metrics.json").read_text() == before
    assert [file.name for file in (out / "examples").iterdir()] == ["se000.png"]


def test_too_few_pictures_are_one_clear_line(evaluated: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(evaluated / "data" / "06_dataset", dataset)
    metadata = dataset / "test" / "selfie" / "metadata.jsonl"
    metadata.write_text(metadata.read_text().splitlines()[0])
    with pytest.raises(DatasetError, match="1 held-out selfies and 6 portraits of dots"):
        evaluate(dataset, evaluated / "models" / "dots", tmp_path / "out", style="dots", config=EvaluateConfig())
    assert not (tmp_path / "out").exists()


def test_a_missing_model_is_one_clear_line(evaluated: Path, tmp_path: Path) -> None:
    dataset = evaluated / "data" / "06_dataset"
    with pytest.raises(CheckpointError):
        evaluate(dataset, tmp_path / "nothing", tmp_path / "out", style="dots", config=EvaluateConfig())


def test_another_style_than_the_model_s_is_refused(evaluated: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(evaluated / "data" / "06_dataset", dataset)
    shutil.copytree(dataset / "train" / "dots", dataset / "train" / "ink")
    with pytest.raises(ScganError, match="draws the style `dots`, not `ink`"):
        evaluate(dataset, evaluated / "models" / "dots", tmp_path / "out", style="ink", config=EvaluateConfig())
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_not_written_into(evaluated: Path, tmp_path: Path) -> None:
    """The model's own has a metrics.json too, and other folders have examples."""
    model = tmp_path / "model"
    shutil.copytree(evaluated / "models" / "dots", model)
    before = (model / "metrics.json").read_text()
    with pytest.raises(ScganError, match=r"model holds `checkpoint.pt`, which is no evaluation's: name another folder"):
        evaluate(evaluated / "data" / "06_dataset", model, model, style="dots", config=EvaluateConfig())
    assert (model / "metrics.json").read_text() == before


def test_a_damaged_example_is_left_out(evaluated: Path, tmp_path: Path) -> None:
    shutil.copytree(evaluated / "reports" / "dots", tmp_path / "dots")
    (tmp_path / "dots" / "examples" / "se001.png").write_bytes(b"garbage")
    assert sorted(examples.read(tmp_path / "dots")) == ["se000", "se002"]
