from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from scgan_data import config as params
from scgan_data.errors import ConfigError
from scgan_model.config import LossConfig, TrainConfig


def test_the_paper_preset_is_the_papers() -> None:
    paper = params.load(TrainConfig, "train", overrides=["train.preset=paper"])
    assert (paper.resolution_px, paper.load_px, paper.generator_channels, paper.epochs) == (256, 286, 64, 200)
    assert (paper.loss.alpha, paper.loss.beta, paper.loss.gamma, paper.loss.gan) == (10, 2, 0.5, "vanilla")
    lambdas = paper.loss.lambda_whole, paper.loss.lambda_eyes, paper.loss.lambda_nose, paper.loss.lambda_mouth
    assert lambdas == (1, 0.5, 0.5, 0.5)
    assert (paper.generator_lr, paper.adam_beta1, paper.pool_images, paper.batch_pairs) == (2e-4, 0.5, 50, 1)


def test_faithful_is_another_name_for_paper_and_fast_is_the_same_model() -> None:
    paper, faithful, fast = (TrainConfig.model_validate({"preset": p}) for p in ("paper", "faithful", "fast"))
    assert paper.model_copy(update={"preset": "faithful"}) == faithful
    same = ("resolution_px", "load_px", "generator_channels", "discriminator_channels", "epochs", "loss", "pool_images")
    assert all(getattr(fast, key) == getattr(faithful, key) for key in same)
    assert (fast.precision, fast.batch_pairs, fast.ema_decay) == ("bf16", 16, 0.999)
    assert (fast.memory_format, fast.compile) == ("channels_last", "auto")
    assert (fast.lr_scale, faithful.lr_scale) == (4, 1)
    assert TrainConfig.model_validate({"preset": "fast", "batch_pairs": 64}).lr_scale == 8


def test_the_demo_is_the_default_and_its_keys_can_be_overridden() -> None:
    assert TrainConfig() == TrainConfig(preset="demo")
    assert (TrainConfig().loss.beta, TrainConfig().loss.alpha, LossConfig().beta) == (4, 10, 2)
    assert TrainConfig.model_validate({"loss": {"beta": 1}}).loss.beta == 1


def test_given_keys_override_the_preset_nested_ones_too() -> None:
    config = TrainConfig.model_validate({"preset": "paper", "steps": 7, "loss": {"beta": 0}})
    assert (config.steps, config.epochs, config.loss.beta, config.loss.gan) == (7, None, 0, "vanilla")


def test_a_length_in_epochs_replaces_the_demos_steps() -> None:
    config = TrainConfig.model_validate({"epochs": 3})
    assert (config.steps, config.epochs) == (None, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"resolution_px": 60}, "power of two"),
        ({"resolution_px": 128}, "load_px"),
        ({"steps": 5, "epochs": 5}, "either steps or epochs"),
        ({"checkpoint_every_steps": 15}, "multiple of log_every_steps"),
        ({"resolution_px": 16}, "discriminator_layers"),
        ({"preset": "papre"}, "paper"),
        ({"loss": {"alpha": -1}}, "greater than or equal"),
    ],
)
def test_values_that_cannot_be_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TrainConfig.model_validate(given)


def test_a_misspelt_nested_key_is_one_line_with_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("train:\n  loss: {aplha: 3}\n")
    with pytest.raises(ConfigError, match=r"unknown key `train.loss.aplha`; did you mean `alpha`"):
        params.load(TrainConfig, "train", file=file)


def test_resolving_keeps_a_given_thread_count_and_prefers_the_unfinished_runs() -> None:
    assert TrainConfig(threads=3).resolved(begun={"threads": 5}).threads == 3
    assert TrainConfig(threads=0).resolved(begun={"threads": 5}).threads == 5
    assert TrainConfig(threads=0).resolved().threads >= 1
    assert TrainConfig().resolved().threads == 1
    assert TrainConfig().resolved().device in ("cpu", "cuda")
    assert TrainConfig(precision="bf16").resolved(begun={"precision": "fp32"}).precision == "bf16"
    assert TrainConfig().resolved(begun={"precision": "bf16"}).precision == "bf16"
    assert TrainConfig().resolved(begun={"precision": "fp32"}).precision == "fp32"
    assert TrainConfig().resolved().precision in ("fp32", "bf16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="wants a machine without a GPU")
def test_a_gpu_that_is_not_there_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"train.device = cuda, and torch finds no GPU here"):
        TrainConfig(device="cuda").resolved()


def test_a_key_of_a_nested_section_is_proposed_under_its_whole_name() -> None:
    with pytest.raises(ConfigError, match=r"unknown key `train.beta`; did you mean `loss.beta`\?"):
        params.load(TrainConfig, "train", overrides=["beta=1"])
    with pytest.raises(
        ConfigError, match=r"unknown key `train.perceptual_layer`; did you mean `loss.perceptual_layer`"
    ):
        params.load(TrainConfig, "train", overrides=["perceptual_layer=1"])
