"""What `--allow-changes` may change in the middle of a training: each setting is in force from then on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scgan_data.errors import CheckpointError, ScganError
from scgan_model import checkpoint, data, train
from scgan_model.config import TrainConfig
from scgan_model.origin import origin
from scgan_model.ranks import ALONE, Ranks
from scgan_model.run import Run, content, next_batch, set_up
from scgan_model.step import train_step
from tests.model.training import killed_at_6, lines

Make = Callable[..., TrainConfig]


def begun(dataset: Path, config: TrainConfig, partial: dict[str, Any] | None = None, ranks: Ranks = ALONE) -> Run:
    facts = origin(dataset, "dots") | {"config": config.model_dump(mode="json")}
    return set_up(dataset, dataset.parent / "run", facts, partial, ranks)


def after_two_steps(dataset: Path, config: TrainConfig) -> dict[str, Any]:
    run = begun(dataset, config)
    for _ in range(2):
        train_step(run.state, next_batch(run), 1.0)
        run.step += 1
    checkpoint.save(dataset.parent / "c.pt", content(run))
    return checkpoint.load(dataset.parent / "c.pt")


def test_adams_momentum_is_the_new_settings(tiny_dataset: Path, tiny_config: Make) -> None:
    partial = after_two_steps(tiny_dataset, tiny_config(adam_beta1=0.5))
    state = begun(tiny_dataset, tiny_config(adam_beta1=0.9), partial).state
    assert [adam.param_groups[0]["betas"][0] for adam in (state.adam_g, state.adam_d)] == [0.9, 0.9]


@pytest.mark.parametrize(("size", "kept"), [(0, 0), (2, 2), (3, 3), (5, 3)])
def test_a_pool_of_another_size_takes_over_what_fits(
    tiny_dataset: Path, tiny_config: Make, size: int, kept: int
) -> None:
    partial = after_two_steps(tiny_dataset, tiny_config(pool_images=3))
    run = begun(tiny_dataset, tiny_config(pool_images=size), partial)
    pool = run.state.pool_a
    assert pool.count == kept
    if pool.images is not None:
        assert torch.equal(pool.images[:kept], partial["pools"]["a"]["images"][:kept])
    for _ in range(2):
        train_step(run.state, next_batch(run), 1.0)
    assert pool.count == size


def test_the_scale_of_eq_7_follows_its_definition(tiny_dataset: Path, tiny_config: Make) -> None:
    partial = after_two_steps(tiny_dataset, tiny_config(loss={}))
    kept = partial["l_per_scale"]
    assert kept > 50
    for loss, same in (({"gamma": 0.2}, True), ({"perceptual_layer": "relu4_4"}, False)):
        assert (begun(tiny_dataset, tiny_config(loss=loss), partial).state.l_per_scale == kept) is same
    assert begun(tiny_dataset, tiny_config(loss={"perceptual_scale": "raw"}), partial).state.l_per_scale == 1


def test_a_run_goes_on_on_another_kind_of_device(tiny_dataset: Path, tiny_config: Make) -> None:
    """A checkpoint as a GPU leaves it: its generators' states have another form."""
    partial = after_two_steps(tiny_dataset, tiny_config())
    partial["config"]["device"] = "cuda"
    partial |= {"augmentation": torch.zeros(16, dtype=torch.uint8), "cuda_rng": [torch.zeros(16, dtype=torch.uint8)]}
    runs = [begun(tiny_dataset, tiny_config(), partial) for _ in range(2)]
    states = [run.augmentation.get_state() for run in (*runs, begun(tiny_dataset, tiny_config()))]
    assert runs[0].step == 2
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


@pytest.mark.parametrize("ranks", [ALONE, Ranks(1, 2)])
def test_dropout_draws_from_the_seed_whatever_was_built_before(
    tiny_dataset: Path, tiny_config: Make, ranks: Ranks
) -> None:
    begun(tiny_dataset, tiny_config(loss={}), ranks=ranks)  # VGG19 and the generators draw initial weights
    found = torch.get_rng_state()
    torch.manual_seed(0 if ranks.first else data.derived_seed(0, "rank", ranks.rank))
    assert torch.equal(found, torch.get_rng_state())


def test_changes_are_allowed_by_a_flag(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "dots"
    killed_at_6(tiny_dataset, model, tiny_config())
    longer = tiny_config(steps=12)
    train.train(tiny_dataset, model, style="dots", config=longer, take="changed")
    assert "going on from step 4 although the configuration (steps 10 -> 12) changed" in " ".join(
        capsys.readouterr().err.split()
    )
    assert checkpoint.load(model / "checkpoint.pt")["config"]["steps"] == 12
    train.train(tiny_dataset, model, style="dots", config=tiny_config(steps=14), take="changed")
    assert "going on from step 12" in capsys.readouterr().err  # from the finished model
    assert [line["step"] for line in lines(model)][-2:] == [12, 14]
    with pytest.raises(ScganError, match="at step 14 already and 6 are asked for"):
        train.train(tiny_dataset, model, style="dots", config=tiny_config(steps=6), take="changed")
    with pytest.raises(CheckpointError, match="sizes of networks cannot change"):
        train.train(
            tiny_dataset, model, style="dots", config=tiny_config(steps=16, generator_channels=8), take="changed"
        )
