import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from scgan_data.errors import CheckpointError, one_line
from scgan_model import checkpoint, step
from scgan_model.config import TrainConfig
from scgan_model.data import Batch
from scgan_model.networks import build

CPU = torch.device("cpu")


def content_of(config: TrainConfig, steps: int = 2) -> dict[str, Any]:
    state = step.start(config, CPU, torch.zeros(1, 3, 16, 16, dtype=torch.uint8))
    for number in range(steps):
        step.train_step(state, batch(number), 1.0)
    origin = {"style": "dots", "config": config.model_dump(mode="json"), "dataset": "d", "code": "c", "step": steps}
    return origin | checkpoint.state_dict(state)


def batch(seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(2, 3, 16, 16, generator=generator) * 2 - 1 for _ in range(2))
    return Batch(x, torch.tensor([[2.0, 3, 14, 6]]).expand(2, 3, 4), y)


@pytest.fixture
def saved(tmp_path: Path, tiny_config: Callable[..., TrainConfig]) -> Path:
    file = tmp_path / "model" / "checkpoint.pt"
    checkpoint.save(file, content_of(tiny_config()))
    return file


def test_a_state_put_back_goes_on_to_the_bit(tmp_path: Path, tiny_config: Callable[..., TrainConfig]) -> None:
    config = tiny_config()
    straight = content_of(config, steps=5)
    checkpoint.save(tmp_path / "c.pt", content_of(config, steps=3))
    state = step.start(config, CPU, torch.zeros(1, 3, 16, 16, dtype=torch.uint8))
    checkpoint.load_state_dict(state, checkpoint.load(tmp_path / "c.pt"))
    for number in (3, 4):
        step.train_step(state, batch(number), 1.0)
    resumed = checkpoint.state_dict(state)
    for part in ("networks", "optimizers", "pools", "torch_rng"):
        assert _equal(resumed[part], straight[part]), part


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else bool(a == b)


def test_generators_come_from_the_folder_or_the_file(saved: Path) -> None:
    for path in (saved, saved.parent):
        found = checkpoint.load_generators(path, "cpu")
        assert (found.step, found.style, found.l_per_scale) == (2, "dots", None)
        assert found.config.generator_channels == 4
        assert not found.g_ab.training and not any(p.requires_grad for p in found.g_ba.parameters())
        kept = checkpoint.load(saved)["networks"]["g_ab"]
        assert all(torch.equal(value, kept[name]) for name, value in found.g_ab.state_dict().items())


def test_untrained_generators_are_where_training_began(saved: Path) -> None:
    untrained = checkpoint.untrained_generators(saved)
    config = untrained.config
    fresh = build(config).g_ab.state_dict()
    trained = checkpoint.load_generators(saved).g_ab.state_dict()
    ours = untrained.g_ab.state_dict()
    assert untrained.step == 0
    assert all(torch.equal(ours[name], fresh[name]) for name in fresh)
    assert any(not torch.equal(ours[name], trained[name]) for name in fresh)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_one_clear_line(saved: Path, share: float) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match=r"checkpoint.pt is no whole checkpoint .*train again") as error:
        checkpoint.load_generators(saved)
    line = one_line(error.value)
    assert line is not None and "\n" not in line and str(saved) in line


def test_a_file_that_may_not_be_read_is_not_called_damaged(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its line would say to delete it. Root may read everything, hence the patch."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(saved))

    monkeypatch.setattr("zipfile.ZipFile", refuse)
    with pytest.raises(PermissionError) as error:
        checkpoint.load(saved)
    assert "permission denied" in str(one_line(error.value))


def test_the_bytes_are_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, bool]] = []
    original = os.fsync

    def fsync(number: int) -> None:
        synced.append((os.fstat(number).st_ino, (tmp_path / "c.pt").exists()))
        original(number)

    monkeypatch.setattr(os, "fsync", fsync)
    checkpoint.save(tmp_path / "c.pt", {"step": 1})
    assert synced == [((tmp_path / "c.pt").stat().st_ino, False)]


def test_a_flipped_byte_is_noticed(saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    data[len(data) // 2] ^= 0xFF
    saved.write_bytes(data)
    with pytest.raises(CheckpointError, match="is no whole checkpoint"):
        checkpoint.load(saved)


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is missing: the model is not trained; run the train stage"):
        checkpoint.load_generators(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("content", [{"state_dict": {}}, [1, 2], {"format": checkpoint.FORMAT}])
def test_a_foreign_file_is_not_taken(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="is no checkpoint of this version"):
        checkpoint.load_generators(tmp_path / "other.pt")


class Payload:
    """A pickle that would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("owned"),)


def test_code_in_a_file_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"format": checkpoint.FORMAT, "x": Payload()}, tmp_path / "bad.pt")
    with pytest.raises(CheckpointError):
        checkpoint.load(tmp_path / "bad.pt")
    assert not (tmp_path / "owned").exists()


def test_weights_of_another_size_are_named(saved: Path) -> None:
    content = checkpoint.load(saved)
    content["config"]["generator_channels"] = 8
    checkpoint.save(saved, content)
    with pytest.raises(CheckpointError, match="weights of another size"):
        checkpoint.load_generators(saved)


def test_a_configuration_of_another_version_is_named(saved: Path) -> None:
    content = checkpoint.load(saved)
    content["config"]["loss"]["delta"] = 1
    checkpoint.save(saved, content)
    with pytest.raises(CheckpointError, match=r"does not know \(`loss.delta`\)"):
        checkpoint.load_generators(saved)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_last_checkpoint(small_disk: Path, tiny_config: Callable[..., TrainConfig]) -> None:
    file = small_disk / "checkpoint.pt"
    content = content_of(tiny_config())
    checkpoint.save(file, content)
    (small_disk / "filler").write_bytes(bytes(2 * 2**20 - file.stat().st_size - 16 * 2**10))
    with pytest.raises(OSError) as error:
        checkpoint.save(file, content | {"step": 4})
    assert f"the disk is full at {file}: free some space" in str(one_line(error.value))
    assert checkpoint.load(file)["step"] == 2
    assert sorted(p.name for p in small_disk.iterdir()) == ["checkpoint.pt", "filler"]
