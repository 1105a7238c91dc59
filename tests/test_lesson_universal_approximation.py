"""Approximations of the lesson where the result is known."""

import numpy as np
import pytest

from stages.lessons.universal_approximation import EVERYWHERE, approximation, hidden, largest_error, target


def test_the_function_itself_has_no_error() -> None:
    assert largest_error(target(EVERYWHERE)) == 0
    assert largest_error(target(EVERYWHERE) - 0.25) == pytest.approx(0.25)


def test_hidden_units() -> None:
    found = hidden(np.array([0.5]), np.array([2.0, -1.0]), np.array([0.5, 1.5]), "relu")
    assert found.tolist() == [[0.0, 1.0, 1.0]]


@pytest.mark.parametrize("activation", ["logistic", "tanh", "relu"])
def test_many_units_approximate_closely(activation: str) -> None:
    assert largest_error(approximation(128, activation, 0)) < 0.05 < largest_error(approximation(2, activation, 0))
