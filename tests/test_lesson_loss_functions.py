"""Losses of scores whose values are known, and their derivatives by differences."""

import numpy as np
import pytest

from stages.teaching.score_gaps import KINDS, loss_of, margins, slopes_of

SCORES, CLASSES = np.array([[2.0, 1.0, 0.5], [0.0, 0.0, 0.0], [9.0, -3.0, 0.2]]), np.array([0, 1, 2])


def test_values() -> None:
    assert loss_of("hinge", SCORES, CLASSES, 1.5) == pytest.approx([0.5, 3.0, 10.3])
    assert loss_of("Δ outside", SCORES, CLASSES, 1.5) == pytest.approx([1.5, 1.5, 10.3])
    assert loss_of("cross-entropy", SCORES, CLASSES, 1.5)[1] == pytest.approx(np.log(3))
    assert margins(SCORES, CLASSES) == pytest.approx([1.0, 0.0, -8.8])


def test_a_row_that_is_right_by_far_has_no_hinge_loss_but_delta_if_it_is_outside() -> None:
    far = np.array([[50.0, 0.0, 0.0]])
    assert loss_of("hinge", far, np.array([0]), 2.0) == 0 and loss_of("Δ outside", far, np.array([0]), 2.0) == 2
    assert not slopes_of("hinge", far, np.array([0]), 2.0).any()


def test_delta_outside_pushes_no_margin_above_0() -> None:
    right = np.array([[1.0, 0.9, -1.0]])
    assert not slopes_of("Δ outside", right, np.array([0]), 2.0).any()
    assert slopes_of("hinge", right, np.array([0]), 2.0).tolist() == [[-1.0, 1.0, 0.0]]  # the third is below by Δ already


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_are_the_derivatives(kind: str) -> None:
    scores, h = np.random.default_rng(0).standard_normal((20, 3)), 1e-6
    classes = np.arange(20) % 3
    for j in range(3):
        step = h * np.eye(3)[j]
        found = (loss_of(kind, scores + step, classes, 1.0) - loss_of(kind, scores - step, classes, 1.0)) / (2 * h)
        assert slopes_of(kind, scores, classes, 1.0)[:, j] == pytest.approx(found, abs=1e-6)
