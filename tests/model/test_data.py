import json
from functools import partial
from pathlib import Path

import pytest
import torch

from scgan_data.errors import DatasetError
from scgan_data.records import ATTENTIVE, Split
from scgan_model import data, losses


def load(dataset: Path, size_px: int = 20) -> data.Pictures:
    return data.load_pictures(dataset, Split.TRAIN, "selfie", size_px=size_px)


def test_pictures_come_in_the_order_of_ids_with_their_boxes(tiny_dataset: Path) -> None:
    pictures = load(tiny_dataset)
    assert pictures.ids == tuple(f"se{n:03d}" for n in range(7)) and len(pictures) == 7
    assert pictures.pixels.shape == (7, 3, 20, 20) and pictures.pixels.dtype == torch.uint8
    assert pictures.boxes[0].tolist() == [[4, 4, 16, 8], [8, 8, 12, 12], [6, 13, 14, 17]]
    assert pictures.boxes[2, 2].tolist() == [0, 0, 0, 0]


def test_another_size_scales_the_boxes_too(tiny_dataset: Path) -> None:
    pictures = load(tiny_dataset, 40)
    assert pictures.pixels.shape == (7, 3, 40, 40)
    assert pictures.boxes[0, 0].tolist() == [8, 8, 32, 16]


def test_a_hidden_region_is_one_that_eq_4_weighs_0(tiny_dataset: Path) -> None:
    """Whether nobody knows a region or it was judged not visible: the loss is that of its weight at 0."""
    before = load(tiny_dataset)
    rewrite(tiny_dataset, nose=None, regions_hidden=["nose"], hair=[0, 0, 20, 4])
    hidden = load(tiny_dataset)
    assert hidden.boxes.shape == before.boxes.shape == (7, len(ATTENTIVE), 4), "further regions do not train"
    assert hidden.boxes[0, 1].tolist() == [0, 0, 0, 0]
    real, rebuilt = torch.rand(2, 1, 3, 20, 20, generator=torch.Generator().manual_seed(0)).unbind()
    for reduction in ("mean", "sum"):
        terms = partial(losses.attentive_cycle, real, rebuilt, reduction=reduction)
        without = terms(hidden.boxes[:1], lambdas=[1, 0.5, 0.5, 0.5])
        assert torch.equal(without, terms(before.boxes[:1], lambdas=[1, 0.5, 0.0, 0.5]))
        assert without < terms(before.boxes[:1], lambdas=[1, 0.5, 0.5, 0.5])


def rewrite(dataset: Path, **changes: object) -> None:
    file = dataset / "train" / "selfie" / "metadata.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[0] = {key: value for key, value in (rows[0] | changes).items() if value != "drop"}
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_what_is_missing_is_named(tiny_dataset: Path) -> None:
    with pytest.raises(DatasetError, match=r"oil.metadata.jsonl is missing: run the dataset stage"):
        data.load_pictures(tiny_dataset, Split.TRAIN, "oil", size_px=20)
    with pytest.raises(DatasetError, match=r"oil.metadata.jsonl is missing"):
        data.contents(tiny_dataset, "oil")
    (tiny_dataset / "train" / "selfie" / "se003.png").unlink()
    with pytest.raises(DatasetError, match=r"se003.png is named in metadata.jsonl and cannot be read"):
        load(tiny_dataset)


def test_a_truncated_picture_is_named(tiny_dataset: Path) -> None:
    file = tiny_dataset / "train" / "selfie" / "se001.png"
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(DatasetError, match=r"se001.png is no whole picture \(truncated\)"):
        load(tiny_dataset)


def test_damaged_and_empty_metadata_are_named(tiny_dataset: Path) -> None:
    rewrite(tiny_dataset, file_name="drop")
    with pytest.raises(DatasetError, match="without `id` or `file_name`"):
        load(tiny_dataset)
    file = tiny_dataset / "train" / "selfie" / "metadata.jsonl"
    file.write_text('{"id": ')
    with pytest.raises(DatasetError, match="is damaged"):
        load(tiny_dataset)
    file.write_text("")
    with pytest.raises(DatasetError, match="lists no pictures"):
        load(tiny_dataset)


def test_names_may_hold_any_character_that_json_does(tiny_dataset: Path) -> None:
    file = tiny_dataset / "train" / "selfie" / "metadata.jsonl"
    rows = [json.loads(line) | {"author": "A\u2028B\x85C"} for line in file.read_text().splitlines()]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)  # as the dataset stage writes them
    file.write_text(text, encoding="utf-8")
    assert len(load(tiny_dataset)) == 7


def test_identity_follows_names_and_metadata_of_what_training_uses(tiny_dataset: Path) -> None:
    def identity() -> str:
        return data.identity(data.contents(tiny_dataset, "dots"))

    first = identity()
    assert identity() == first
    rewrite(tiny_dataset, eyes=[1, 1, 3, 3])
    second = identity()
    (tiny_dataset / "test" / "selfie" / "se000.png").rename(tiny_dataset / "test" / "selfie" / "other.png")
    assert len({first, second, identity()}) == 3


def test_a_sampler_gives_each_picture_once_an_epoch() -> None:
    sampler = data.Sampler(7, 0, "selfie")
    epochs = torch.cat([sampler.take(2) for _ in range(7)]).view(2, 7)
    assert [sorted(epoch) for epoch in epochs.tolist()] == [list(range(7))] * 2
    assert epochs[0].tolist() != epochs[1].tolist()


def test_a_sampler_goes_on_from_its_position() -> None:
    first = data.Sampler(7, 0, "selfie")
    first.take(10)
    second = data.Sampler(7, 0, "selfie")
    second.position = first.position
    assert torch.equal(first.take(12), second.take(12))
    assert not torch.equal(data.Sampler(7, 0, "selfie").take(7), data.Sampler(7, 0, "dots").take(7))
    assert not torch.equal(data.Sampler(7, 0, "selfie").take(7), data.Sampler(7, 1, "selfie").take(7))


def marked(count: int, side_px: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures whose eyes' box alone is white, so that pixels can be compared with the box after augmentation."""
    pixels = torch.zeros(count, 3, side_px, side_px, dtype=torch.uint8)
    pixels[:, :, 6:10, 5:12] = 255
    boxes = torch.zeros(count, 3, 4)
    boxes[:, 0] = torch.tensor([5, 6, 12, 10])
    return pixels, boxes


def test_boxes_move_with_crop_and_flip() -> None:
    pixels, boxes = marked(64, 20)
    x, moved = data.augment(pixels, boxes, 16, flip=True, generator=torch.Generator().manual_seed(0))
    assert x.shape == (64, 3, 16, 16)
    assert (x.min().item(), x.max().item()) == (-1, 1)
    for picture, box in zip(x, moved, strict=True):
        x0, y0, x1, y1 = (int(v) for v in box[0])
        expected = torch.full((16, 16), -1.0)
        expected[y0:y1, x0:x1] = 1
        assert torch.equal(picture[0], expected)
        assert box[1].tolist() in ([0, 0, 0, 0], [16, 0, 16, 0])  # null stays without area
    assert len({tuple(box[0].tolist()) for box in moved}) > 20


def test_what_a_crop_cuts_off_is_cut_off_the_box() -> None:
    boxes = torch.tensor([[[2.0, 3, 6, 5], [6, 4, 8, 6], [1, 3, 5, 7]]])
    left = top = torch.tensor([3])
    moved = data.move_boxes(boxes, left, top, torch.tensor([False]), 4)
    assert moved[0].tolist() == [[0, 0, 3, 2], [3, 1, 4, 3], [0, 0, 2, 4]]
    mirrored = data.move_boxes(boxes, left, top, torch.tensor([True]), 4)
    assert mirrored[0].tolist() == [[1, 0, 4, 2], [0, 1, 1, 3], [2, 0, 4, 4]]


def test_a_region_with_less_than_half_of_its_area_inside_is_none() -> None:
    boxes = torch.tensor([[[0.0, 0, 4, 4], [0, 3, 5, 5], [10, 10, 14, 14]]])  # 1 of 16, 4 of 10, nothing
    moved = data.move_boxes(boxes, torch.tensor([3]), torch.tensor([3]), torch.tensor([False]), 4)
    assert moved[0].tolist() == [[0, 0, 0, 0]] * 3
    half = data.move_boxes(boxes + 1, torch.tensor([3]), torch.tensor([1]), torch.tensor([False]), 4)
    assert half[0, 0].tolist() == [0, 0, 2, 4]  # 8 of 16


@pytest.mark.parametrize("seed", range(3))
def test_region_losses_follow_ragged_boxes_under_crop_and_flip(seed: int) -> None:
    """Against slices, picture by picture: an error that is 1 in the eyes only, boxes of other sizes in each picture."""
    random = torch.Generator().manual_seed(seed)
    pixels, boxes = torch.zeros(16, 3, 24, 24, dtype=torch.uint8), torch.zeros(16, 3, 4)
    for number in range(16):
        x0, y0, w, h = (int(torch.randint(1, 12, (), generator=random)) for _ in range(4))
        pixels[number, :, y0 : y0 + h, x0 : x0 + w] = 255
        boxes[number, 0] = torch.tensor([x0, y0, x0 + w, y0 + h])
    x, moved = data.augment(pixels, boxes, 12, flip=True, generator=random)
    errors = losses.region_errors(torch.full_like(x, -1), x, moved)
    sums = losses.region_errors(torch.full_like(x, -1), x, moved, "sum")
    counted = 0
    for number in range(16):
        white = int((x[number, 0] > 0).sum())
        whole = float((boxes[number, 0, 2] - boxes[number, 0, 0]) * (boxes[number, 0, 3] - boxes[number, 0, 1]))
        counts = white >= whole / 2
        counted += counts
        assert errors[number].tolist() == pytest.approx([2.0 * counts, 0, 0])
        assert sums[number, 0].item() == pytest.approx(2.0 * white / 144 * counts)
    assert 0 < counted < 16


def test_without_flip_and_room_augmentation_changes_nothing() -> None:
    pixels, boxes = marked(3, 20)
    x, moved = data.augment(pixels, boxes, 20, flip=False, generator=torch.Generator())
    assert torch.equal(x, data.to_range(pixels)) and torch.equal(moved, boxes)


def test_the_centre_is_what_evaluation_sees() -> None:
    pixels, boxes = marked(1, 20)
    middle, moved = data.center_crop(pixels, boxes, 16)
    assert torch.equal(middle, pixels[..., 2:18, 2:18])
    assert moved[0, 0].tolist() == [3, 4, 10, 8]
