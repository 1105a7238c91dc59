"""Sizes of both networks on paper, shifts pixel by pixel, and an image that a CNN cannot tell from itself moved."""

import numpy as np
import pytest

from stages.lessons.shifted_images import CANVAS, SHIFTS, SIDE, ShiftedImagesSettings, cnn, mlp, shifted
from stages.teaching.modules import n_parameters, nearest_width, seeded_module


@pytest.mark.parametrize("channels", [1, 2, 10])
def test_parameters_on_paper(channels: int) -> None:
    c = channels
    size = (9 * c + c) + (9 * c * 2 * c + 2 * c) + (2 * c * 10 + 10)
    assert n_parameters(cnn(c)) == size
    assert n_parameters(mlp(c)) == (400 * c + c) + (c * 10 + 10)


def test_the_mlp_has_as_many_parameters_as_one_can() -> None:
    """One hidden unit has 411: the nearest number of units is off by half of them at most."""
    size = n_parameters(cnn(ShiftedImagesSettings().channels))
    width = nearest_width(mlp, size, range(1, 400))
    assert width == round((size - 10) / 411) and abs(n_parameters(mlp(width)) - size) <= 411 / 2


@pytest.mark.parametrize("by", SHIFTS)
def test_a_shift_moves_every_pixel_and_loses_none(by: int) -> None:
    images = np.random.default_rng(0).uniform(0.1, 1, (3, SIDE, SIDE))
    found, corner = shifted(images, by), (CANVAS - SIDE) // 2
    assert found.shape == (3, CANVAS, CANVAS) and found.sum() == pytest.approx(images.sum())
    assert found[1, corner + by, corner + by] == images[1, 0, 0] and found[1, corner + by + 7, corner + by + 2] == images[1, 7, 2]
    assert (found == np.roll(shifted(images, 0), (by, by), axis=(1, 2))).all()


def test_a_cnn_gives_the_same_for_an_image_moved_by_the_stride_of_its_pooling() -> None:
    """Ink of 4 × 4 pixels, whose surroundings stay away from the edge: equal to rounding. For an MLP it is another image."""
    import torch

    images = np.zeros((2, SIDE, SIDE))
    images[:, 2:6, 2:6] = np.random.default_rng(1).uniform(0.1, 1, (2, 4, 4))
    here, there, between = (torch.from_numpy(shifted(images, by)) for by in (0, 2, 1))
    for seed in range(3):
        moved, dense = seeded_module(lambda: cnn(10), seed), seeded_module(lambda: mlp(11), seed)
        with torch.no_grad():
            assert moved(here).numpy() == pytest.approx(moved(there).numpy(), abs=1e-12)
            assert float((moved(here) - moved(between)).abs().max()) > 1e-6  # half a stride: only nearly
            assert float((dense(here) - dense(there)).abs().max()) > 1e-3
