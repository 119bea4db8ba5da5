"""What the watermark detector is trained on, drawn here, and that two trainings end alike."""

import shutil
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from pipelines.watermark_scenes import texture
from scgan_data.errors import WeightsError

pytestmark = pytest.mark.usefixtures("torch_settings")


def test_what_is_composed_of_two_photographs_is_of_their_pixels_or_of_one_tone():
    from pipelines.watermark_clutter import MASKS, composed

    def flat(rng: np.random.Generator, size: int) -> Image.Image:
        return Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))

    for make in dict.fromkeys(MASKS):
        covers = [np.asarray(make(np.random.default_rng(seed), 96, flat)).mean() / 255 for seed in range(20)]
        assert all(0 <= share < 1 for share in covers) and np.median(covers) > 0.005, make
    for seed in range(20):
        one, two = (composed(np.random.default_rng(seed), 64, flat) for _ in range(2))
        assert one.size == (64, 64) and one.mode == "RGB" and one.tobytes() == two.tobytes()


def test_heaps_hair_paintings_and_anime_are_functions_of_their_seeds():
    from pipelines.watermark_anime import draw_anime
    from pipelines.watermark_hair import hairy
    from pipelines.watermark_heaps import heaped
    from pipelines.watermark_painted import painted

    def plain(rng: np.random.Generator, size: int) -> Image.Image:
        return Image.new("RGB", (size, size), tuple(rng.integers(0, 256, 3).tolist()))

    window = Image.open(Path(skimage.__file__).parent / "data" / "moon.png").convert("RGB").resize((96, 96))
    over_window = (lambda rng: painted(rng, window), lambda rng: hairy(rng, window))
    for draw in (lambda rng: heaped(rng, 96, plain), lambda rng: draw_anime(rng, 96, plain), *over_window):
        made = [draw(np.random.default_rng(seed)) for seed in range(12)]
        again = [draw(np.random.default_rng(seed)) for seed in range(12)]
        assert all(image.size == (96, 96) and image.mode == "RGB" for image in made)
        assert [image.tobytes() for image in made] == [image.tobytes() for image in again]
        assert len({image.tobytes() for image in made}) == 12


def test_a_lock_of_hair_is_along_its_spine_and_its_gleam_lies_where_asked():
    from pipelines.watermark_hair import Hair, curve, draw_lock

    image = Image.new("RGB", (200, 200))
    hair = Hair(np.full(3, 90.0), np.full(3, 255.0), (0.3, 0.05, 1.0), 2, 0.1, 0.02, None)
    draw_lock(np.random.default_rng(1), image, curve((100, 20), (100, 180), 0.0), 12.0, hair)
    light = np.asarray(image.convert("L")).astype(float)
    rows, columns = np.nonzero(light)
    assert rows.min() >= 18 and rows.max() <= 182 and columns.min() >= 84 and columns.max() <= 116
    assert 45 < light.max(1).argmax() < 95  # a gleam at .3 of 20..180, give or take what jags it
    assert light[150:175].max() < 110


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each network's bank of six pictures."""
    from pipelines.watermark_batches import MIXES, draw_bank

    folder = tmp_path_factory.mktemp("bank")
    try:
        for mix in MIXES.values():
            draw_bank(folder, 6, close=mix.close)
    except WeightsError as error:
        pytest.skip(f"the fonts of the marks cannot be had: {error}")
    return folder


@pytest.mark.parametrize("network", ["large", "small"])
def test_a_training_that_was_stopped_and_goes_on_gives_the_bytes_of_an_undisturbed_one(
    network: str, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from pipelines import train_watermark
    from pipelines.train_watermark import Run, train
    from scgan_data import watermark_net

    starts, drawn = [], train_watermark.batches

    def stopped_after_two(*given, start):
        starts.append(start)
        yield from islice(drawn(*given, start=start), 2)
        if start == 0:
            raise KeyboardInterrupt

    runs = {name: Run(shutil.copytree(bank, tmp_path / name), network, steps=4, bank=6) for name in "abc"}
    nets = [train(runs["a"]), train(runs["b"])]
    monkeypatch.setattr(train_watermark, "CHECKPOINT_EVERY", 2)
    monkeypatch.setattr(train_watermark, "batches", stopped_after_two)
    with pytest.raises(KeyboardInterrupt):
        train(runs["c"])
    nets.append(train(runs["c"]))
    assert starts == [0, 2]
    for k, net in enumerate(nets):
        watermark_net.save(net, tmp_path / f"{k}.npz")
    assert len({(tmp_path / f"{k}.npz").read_bytes() for k in range(3)}) == 1


@pytest.mark.usefixtures("bank")
def test_a_batch_is_a_function_of_its_number_and_the_clean_half_carries_no_mark():
    from pipelines.watermark_batches import draw_batch

    pictures = np.random.default_rng(0).integers(0, 256, (2, 208, 208, 3), dtype=np.uint8)
    one, two = (draw_batch(np.random.default_rng(5), pictures, 0.2) for _ in range(2))
    assert (one.images == two.images).all() and (one.cells == two.cells).all()
    assert not one.cells[::2].any() and one.cells[1::2].any(axis=(1, 2)).all()
    assert (one.images[::2] != one.images[1::2]).any(axis=(1, 2, 3)).all()


def test_what_ships_is_not_trained_with_research_photographs(monkeypatch, capsys):
    from pipelines import train_watermark

    monkeypatch.setattr(sys, "argv", ["train_watermark", "--selfies"])
    with pytest.raises(SystemExit):
        train_watermark.main()
    assert "--out" in capsys.readouterr().err


def test_who_draws_on_a_texture_changes_no_other() -> None:
    def drawn(seed: int) -> Image.Image:
        return texture(np.random.default_rng(seed), 32)

    for seed in range(20):  # one in five is used as it lies in memory
        before = drawn(seed).tobytes()
        drawn(seed).paste("red", (0, 0, 32, 32))
        assert drawn(seed).tobytes() == before
