"""Margins of lines whose geometry is known."""

import numpy as np
import pytest

from stages.teaching.separating_lines import Separator, perceptron_line, svm_line

TWO = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([-1.0, 1.0])


def test_the_maximum_margin_of_two_points_is_their_distance() -> None:
    line, support = svm_line(*TWO)
    assert line.width == pytest.approx(5.0, rel=1e-5) and list(support) == [0, 1]
    assert line.margin(*TWO) == pytest.approx(5.0, rel=1e-5)
    assert line.w == pytest.approx(2 * np.array([3.0, 4.0]) / 25, rel=1e-5)  # towards the plus side, ±1 at the points
    assert line.w @ [1.5, 2.0] + line.b == pytest.approx(0, abs=1e-5)


def test_rows_behind_the_nearest_ones_change_nothing() -> None:
    X, signs = np.array([[-1.0, 0.0], [-1.0, 2.0], [1.0, 1.0], [5.0, 1.0]]), np.array([-1.0, -1.0, 1.0, 1.0])
    line, support = svm_line(X, signs)
    assert line.width == pytest.approx(2.0, rel=1e-5) and 3 not in support


def test_margin_of_any_line_is_twice_the_least_distance() -> None:
    line = Separator(np.array([0.0, 2.0]), -2.0)  # y = 1, whose planes are 1 apart
    X, signs = np.array([[0.0, 0.0], [7.0, 1.5]]), np.array([-1.0, 1.0])
    assert line.distances(X, signs) == pytest.approx([1.0, 0.5])
    assert line.margin(X, signs) == pytest.approx(1.0) and line.width == pytest.approx(1.0)
    assert line.margin(X, -signs) == pytest.approx(-2.0) and line.accuracy(X, -signs) == 0


def test_a_perceptron_separates_with_a_narrower_margin() -> None:
    for seed in range(5):
        assert 0 < perceptron_line(*TWO, seed=seed).margin(*TWO) <= 5.0 + 1e-9
