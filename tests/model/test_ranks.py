"""Two processes of a real torchrun (gloo, CPU) train what one does at the same global batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scgan_data.errors import ConfigError
from scgan_model import checkpoint, resume, train
from scgan_model.config import TrainConfig
from scgan_model.origin import origin
from scgan_model.ranks import ALONE, Ranks
from scgan_model.run import next_batch, set_up
from tests.model.ranks import torchrun
from tests.model.training import Killed, lines, stop_at

Make = Callable[..., TrainConfig]
TOLERANCE = 2e-3
"""Relative, of losses over ten steps. A sum of fp32 in another order differs in the last bits (1e-7 in the first step);
Adam makes steps of one length of them where a gradient is nearly 0, and the difference grows from step to step."""


def close(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert [line.keys() for line in ours] == [line.keys() for line in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one == pytest.approx(other, rel=TOLERANCE), one["step"]


def test_each_process_has_its_slice_of_the_same_batch_and_fakes(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make
) -> None:
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32")
    facts = origin(tiny_dataset, "dots") | {"config": config.resolved().model_dump(mode="json")}
    runs = [set_up(tiny_dataset, tmp_path, facts, None, ranks) for ranks in (ALONE, Ranks(0, 2), Ranks(1, 2))]
    for _ in range(3):
        whole, *parts = (next_batch(run) for run in runs)
        for field in ("x", "boxes", "y"):
            assert torch.equal(torch.cat([getattr(part, field) for part in parts]), getattr(whole, field))
    with torch.no_grad():
        fakes = [run.state.networks.g_ab(b.x) for run, b in zip(runs, (whole, *parts), strict=True)]
    assert torch.allclose(torch.cat(fakes[1:]), fakes[0], atol=1e-6)
    with pytest.raises(ConfigError, match="batch_pairs = 4 cannot be dealt evenly to 3 processes"):
        set_up(tiny_dataset, tmp_path, facts, None, Ranks(1, 3))


def test_pools_are_seeded_for_each_process(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    facts = origin(tiny_dataset, "dots") | {"config": tiny_config().resolved().model_dump(mode="json")}
    states = [set_up(tiny_dataset, tmp_path, facts, None, ranks).state for ranks in (ALONE, Ranks(0, 2), Ranks(1, 2))]
    seeds = [state.pool_a.generator.initial_seed() for state in states]
    assert seeds[0] == seeds[1] != seeds[2]


def test_two_processes_learn_what_one_learns_and_one_goes_on(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make
) -> None:
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32", log_every_steps=1, ema_decay=0.9)
    train.train(tiny_dataset, tmp_path / "one", style="dots", config=config)
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config)
    assert said.count("held-out cycle error") == 3  # by the first process only
    close(lines(tmp_path / "two"), lines(tmp_path / "one"))
    assert lines(tmp_path / "two")[1]["total"] == pytest.approx(lines(tmp_path / "one")[1]["total"], rel=1e-6)
    assert len(checkpoint.load(tmp_path / "two" / "checkpoint.pt")["other_ranks"]) == 1
    longer = config.model_copy(update={"steps": 12})
    train.train(tiny_dataset, tmp_path / "two", style="dots", config=longer, take="changed")
    assert checkpoint.load(tmp_path / "two" / "checkpoint.pt")["other_ranks"] == []


OTHERWISE = """
import os
from scgan_model import step
original = step.build
def build(config, device):
    seed = config.seed + int(os.environ["RANK"])
    return original(config.model_copy(update={"seed": seed}), device)
step.build = build
"""


def test_two_processes_begin_with_the_first_ones_weights(tiny_dataset: Path, tmp_path: Path, tiny_config: Make) -> None:
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32", log_every_steps=1, ema_decay=0.9, steps=2)
    train.train(tiny_dataset, tmp_path / "one", style="dots", config=config)
    torchrun(tmp_path, tiny_dataset, tmp_path / "two", config, before=OTHERWISE)
    close(lines(tmp_path / "two"), lines(tmp_path / "one"))


def test_two_processes_go_on_where_one_was_killed(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32")
    train.train(tiny_dataset, tmp_path / "one", style="dots", config=config)
    with monkeypatch.context() as patch:
        stop_at(patch, 6, Killed())
        with pytest.raises(Killed):
            train.train(tiny_dataset, tmp_path / "both", style="dots", config=config)
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "both", config)
    assert said.count("going on from step 4") == 1
    close(lines(tmp_path / "both"), lines(tmp_path / "one"))
    assert resume.finished(tmp_path / "both", origin(tiny_dataset, "dots"), config)


STOP = """
import os, signal
from scgan_model import train
original = train.next_batch
def next_batch(run):
    if run.step == 4 and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGTERM)
    return original(run)
train.next_batch = next_batch
"""


def test_a_signal_to_one_process_stops_both_and_the_lines_go_on_exactly(
    tiny_dataset: Path, tmp_path: Path, tiny_config: Make
) -> None:
    config = tiny_config(batch_pairs=4, pool_images=0, precision="fp32", log_every_steps=4)
    train.train(tiny_dataset, tmp_path / "one", style="dots", config=config)
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config, before=STOP, code=1)
    assert " ".join(said.split()).count("error: train: stopped at step 5 of 10 and saved") == 1
    said = torchrun(tmp_path, tiny_dataset, tmp_path / "two", config)
    assert said.count("going on from step 5") == 1
    close(lines(tmp_path / "two"), lines(tmp_path / "one"))
