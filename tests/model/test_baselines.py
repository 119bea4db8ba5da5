import torch
from skimage import data as skimage_data

from scgan_model.baselines import binarize


def test_two_grey_levels_become_black_and_white() -> None:
    selfie = torch.full((1, 3, 4, 4), -0.2)
    selfie[:, :, :, 2:] = 0.1
    cartoon = binarize(selfie)
    assert cartoon.shape == selfie.shape
    assert (cartoon[..., :2] == -1).all()
    assert (cartoon[..., 2:] == 1).all()


def test_each_picture_has_its_own_threshold() -> None:
    grey_levels = torch.arange(64).expand(3, 64, 64)
    both = binarize(torch.stack([grey_levels, grey_levels + 180]) / 127.5 - 1)
    assert torch.equal(both[0], both[1])
    assert 0.4 < (both[0] > 0).float().mean() < 0.6


def test_a_real_photograph() -> None:
    photograph = torch.from_numpy(skimage_data.astronaut()).permute(2, 0, 1)[None].float() / 127.5 - 1
    cartoon = binarize(photograph)
    assert set(cartoon.unique().tolist()) == {-1.0, 1.0}
    assert (cartoon[:, 0] == cartoon[:, 2]).all()
    assert 0.2 < (cartoon > 0).float().mean() < 0.8


def test_one_grey_level_becomes_black() -> None:
    assert (binarize(torch.zeros(1, 3, 8, 8)) == -1).all()
