import torch

from scgan_model.pool import ImagePool


def numbered(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def test_a_pool_of_none_passes_everything_through_detached() -> None:
    fakes = numbered(1, 2).clone().requires_grad_()
    shown = ImagePool(0, 0).swap(fakes)
    assert torch.equal(shown, fakes) and not shown.requires_grad


def test_it_fills_before_it_swaps() -> None:
    pool = ImagePool(4, 0)
    assert torch.equal(pool.swap(numbered(1, 2, 3)), numbered(1, 2, 3))
    assert pool.count == 3


def test_once_full_it_swaps_half_of_the_time_with_pictures_of_the_past() -> None:
    pool = ImagePool(50, 3)
    pool.swap(numbered(*range(50)))
    swapped = 0
    past = set(range(50))
    for step in range(50, 1050):
        shown = int(pool.swap(numbered(step))[0, 0, 0, 0])
        if shown != step:
            swapped += 1
            assert shown in past
            past = (past - {shown}) | {step}
    assert 440 < swapped < 560
    assert pool.images is not None
    assert {int(v) for v in pool.images[:, 0, 0, 0]} == past


def test_the_given_fakes_are_not_written_to() -> None:
    pool = ImagePool(1, 0)
    fakes = numbered(1, 2, 3, 4).clone()
    pool.swap(fakes)
    assert torch.equal(fakes, numbered(1, 2, 3, 4))


def test_it_goes_on_where_its_state_was_taken() -> None:
    first, second = ImagePool(3, 0), ImagePool(3, 99)
    for step in range(10):
        first.swap(numbered(step, step + 0.5))
    second.load_state_dict(first.state_dict(), torch.device("cpu"))
    for step in range(10, 30):
        assert torch.equal(first.swap(numbered(step)), second.swap(numbered(step)))


def test_a_saved_state_does_not_change_with_the_pool() -> None:
    pool = ImagePool(2, 0)
    pool.swap(numbered(1))
    saved = pool.state_dict()
    pool.swap(numbered(2))
    assert saved["count"] == 1
    assert saved["images"][1].eq(0).all()
