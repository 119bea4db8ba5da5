import base64
import itertools
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from scgan_data import files
from scgan_data.images import encode_png
from scgan_model.report import animation


def write_grids(folder: Path, count: int, *, size: tuple[int, int] = (96, 36)) -> dict[int, Path]:
    """Noise of its own a step: no two frames are alike, and none compresses well."""
    grids = {}
    for number in range(count):
        random = np.random.default_rng(number)
        pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        grids[number * 50] = folder / f"step_{number * 50:06d}.png"
        files.write_bytes(grids[number * 50], encode_png(Image.fromarray(pixels)))
    return grids


def decoded(src: str) -> Image.Image:
    head, _, data = src.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(BytesIO(base64.b64decode(data)))


def test_a_frame_a_grid_with_its_step_below(tmp_path: Path) -> None:
    found = animation.animate(write_grids(tmp_path, 5))
    assert found is not None and found.steps == [0, 50, 100, 150, 200]
    moving = decoded(found.src)
    assert moving.n_frames == 5 and moving.info["loop"] == 0  # type: ignore[attr-defined]
    assert moving.size == (found.width, found.height) == (96, 36 + 16)
    frames = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(moving)]
    for number in range(5):
        grid = np.asarray(Image.open(tmp_path / f"step_{number * 50:06d}.png"), int)
        distances = [np.abs(frame[:36] - grid).mean() for frame in frames]
        assert int(np.argmin(distances)) == number
    captions = [frame[36 + 4 :] for frame in frames]
    assert all(np.abs(a - b).max() > 60 for a, b in itertools.pairwise(captions))
    still = np.asarray(decoded(found.still).convert("RGB"), int)
    assert np.abs(still - frames[-1]).mean() < 12


def test_the_last_frame_stays_longest(tmp_path: Path) -> None:
    found = animation.animate(write_grids(tmp_path, 3))
    assert found is not None
    durations = []
    for frame in ImageSequence.Iterator(decoded(found.src)):
        frame.load()
        durations.append(frame.info["duration"])
    assert durations == [animation.FRAME_MS, animation.FRAME_MS, animation.LAST_MS]


def test_the_size_is_limited_by_width_and_then_by_frames(tmp_path: Path) -> None:
    grids = write_grids(tmp_path, 12, size=(700, 90))
    free = animation.animate(grids)
    assert free is not None and free.width == 640 and len(free.steps) == 12
    tight = animation.animate(grids, max_bytes=40_000)
    assert tight is not None and tight.width == 320 and 2 <= len(tight.steps) < 12
    assert (tight.steps[0], tight.steps[-1]) == (0, 550)
    assert len(base64.b64decode(tight.src.partition(",")[2])) <= 40_000


def test_many_grids_are_thinned_from_first_to_last() -> None:
    assert animation.spread(range(100), 4) == [0, 33, 66, 99]
    assert animation.spread([3, 1], 4) == [3, 1]


@pytest.mark.parametrize("count", [0, 1])
def test_one_grid_does_not_move(tmp_path: Path, count: int) -> None:
    assert animation.animate(write_grids(tmp_path, count)) is None


def test_damaged_grids_and_those_of_another_shape_are_left_out(tmp_path: Path) -> None:
    grids = write_grids(tmp_path, 4)
    grids[50].write_bytes(grids[50].read_bytes()[:60])
    Image.new("RGB", (40, 40)).save(grids[100])
    found = animation.animate(grids)
    assert found is not None and found.steps == [0, 150]
