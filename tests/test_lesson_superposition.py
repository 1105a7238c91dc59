"""Splines, Jacobians and least squares against what is known of them."""

from collections.abc import Callable

import numpy as np
import pytest

from stages.lessons.superposition import N_INPUTS, N_TERMS, SuperpositionSettings, n_hidden_of, networked, spline_basis, superposed, trained
from stages.teaching.least_squares import Model, least_squares

N = 8
X = np.random.default_rng(0).uniform(-1, 1, (30, 2))


def test_splines_sum_to_1_and_reproduce_a_line() -> None:
    x = np.linspace(-1, 1, 50)
    values, slopes = spline_basis(x, N)
    knots = -1 + 2 / (N - 3) * (np.arange(N) - 1)
    assert values.sum(axis=1) == pytest.approx(1) and values @ knots == pytest.approx(x)
    assert slopes @ knots == pytest.approx(1) and slopes.sum(axis=1) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("model, size", [(superposed(X, N), N_TERMS * (N_INPUTS + 1) * N), (networked(X), 4 * n_hidden_of(N) + 1)])
def test_jacobian_is_that_of_differences(model: Model, size: int) -> None:
    parameters = np.random.default_rng(1).standard_normal(size) / 2
    _, jacobian = model(parameters)
    for place in range(0, size, 7):
        step = 1e-6 * np.eye(size)[place]
        assert jacobian[:, place] == pytest.approx((model(parameters + step)[0] - model(parameters - step)[0]) / 2e-6, abs=1e-6)


def test_both_models_are_of_one_size() -> None:
    assert abs(4 * n_hidden_of(N) + 1 - N_TERMS * (N_INPUTS + 1) * N) <= 2


def test_a_sum_of_functions_of_one_variable_is_learned() -> None:
    settings = SuperpositionSettings(n_steps=60)
    target: Callable[[np.ndarray], np.ndarray] = lambda rows: rows[:, 0] - 0.5 * rows[:, 1]  # noqa: E731
    for kind, model in (("splines", superposed(X, N)), ("network", networked(X))):
        assert model(trained(kind, settings, target, 0))[0] == pytest.approx(target(X), abs=0.01)


def test_least_squares_of_a_linear_model_is_exact() -> None:
    A, y = X, X @ [2.0, -1.0]
    assert least_squares(lambda p: (A @ p, A), y, np.zeros(2), 30) == pytest.approx([2.0, -1.0])
