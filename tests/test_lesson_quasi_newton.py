"""Counted evaluations against counts by hand, and ways down against what is known of Rosenbrock's function and of quadratics."""

import numpy as np
import pytest
import torch

from stages.lessons.quasi_newton import REFERENCE, late_gap, late_ratio, trained
from stages.teaching.counted_losses import CountedLoss
from stages.teaching.digit_draws import drawn_digits
from stages.teaching.rosenbrock_descents import WayDown, descent, descents_at, drawn_start, rosenbrock, simplex_descent
from stages.teaching.small_networks import Recipe, train

CURVATURES = torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)
STEEPNESS, MOST = 5.0, 500


def counted_quadratic(optimizer: str, n_steps: int, *, rate: float = 0.001) -> tuple[CountedLoss, np.ndarray]:
    """Return what a rule evaluates of ½ Σ λ_j θ_j², and where it ends."""
    point = torch.tensor([3.0, 4.0, 5.0], dtype=torch.float64, requires_grad=True)
    counted = CountedLoss(lambda rows: (CURVATURES * point**2).sum() / 2, [point])
    train([point], counted, 1, Recipe(optimizer, rate, n_steps), seed=0)
    return counted, point.detach().numpy()


def test_newton_reaches_the_minimum_of_a_quadratic_in_one_step() -> None:
    counted, end = counted_quadratic("newton", 1)
    assert end == pytest.approx(0, abs=1e-9)
    # losses: with the gradient, before the step, at its end, and the last one of `train`
    assert len(counted.losses) == 4 and counted.n_gradients == 1
    assert counted.n_products in (3, 4)  # conjugate gradients in 3 variables, and one for rounding
    assert counted.costs[-1] == 4 + 2 * counted.n_products


def test_evaluations_of_gradient_descent_are_its_steps() -> None:
    counted, _ = counted_quadratic("gradient_descent", 7)
    assert (len(counted.losses), counted.n_gradients, counted.n_products) == (8, 7, 0)
    assert counted.losses[0] == pytest.approx((9 + 160 + 2500) / 2) and counted.costs == list(range(1, 9))


def test_bfgs_evaluates_its_start_and_one_length() -> None:
    """The first length 1 / ‖g‖ fulfills both conditions here, and `train` evaluates the end."""
    counted, _ = counted_quadratic("bfgs", 1)
    assert (len(counted.losses), counted.n_gradients) == (3, 2)


def test_bfgs_uses_no_learning_rate() -> None:
    runs = [counted_quadratic("bfgs", 20, rate=rate)[0].losses for rate in (1e-3, 1e3)]
    assert runs[0] == runs[1]


def test_calls_until_a_target_count_from_1() -> None:
    counted, _ = counted_quadratic("gradient_descent", 7)
    assert float(counted.calls_until(float(counted.losses[2]))) == 3 and np.isinf(counted.calls_until(-1.0))


def test_rosenbrock_is_as_known() -> None:
    assert rosenbrock(np.ones(6), 100.0) == 0
    assert rosenbrock(np.array([-1.2, 1.0]), 100.0) == pytest.approx(24.2)  # Moré et al. 1981, problem 1
    assert rosenbrock(np.tile([-1.2, 1.0], 10), 100.0) == pytest.approx(242)


@pytest.mark.parametrize("optimizer", ["bfgs", "lbfgs", "newton"])
@pytest.mark.parametrize("n_dimensions", [2, 20])
def test_ways_end_at_the_minimum(optimizer: str, n_dimensions: int) -> None:
    start = drawn_start(n_dimensions, 1)
    way = descent(optimizer, start, STEEPNESS, learning_rate=1.0, most=MOST, exact=1e-12)
    assert way.points[0] == pytest.approx(start) and way.points[-1] == pytest.approx(1, abs=1e-4)
    assert way.losses[0] == pytest.approx(rosenbrock(start, STEEPNESS)) and (np.diff(way.costs) > 0).all()
    assert (way.costs[-1] == len(way.losses)) == (optimizer != "newton")


def test_simplex_counts_every_value() -> None:
    way = simplex_descent(drawn_start(2, 1), STEEPNESS, most=MOST, exact=1e-12)
    assert way.costs.tolist() == list(range(1, len(way.losses) + 1)) and way.losses.min() < 1e-10
    assert len(simplex_descent(drawn_start(20, 1), STEEPNESS, most=50, exact=1e-12).losses) == 50


def test_descents_of_several_starts_are_those_of_each_alone() -> None:
    starts = [drawn_start(2, 1), drawn_start(6, 2)]
    both = descents_at(0.02, starts, STEEPNESS, most=100, exact=1e-6)
    for start, way in zip(starts, both, strict=True):
        (alone,) = descents_at(0.02, [start], STEEPNESS, most=100, exact=1e-6)
        assert way.losses == pytest.approx(alone.losses, rel=1e-9) and len(way.losses) == len(way.points) == 100
        x, y = start[0::2], start[1::2]
        slope = np.stack([-2 * (1 - x) - 4 * STEEPNESS * x * (y - x**2), 2 * STEEPNESS * (y - x**2)], axis=1).ravel()
        assert way.points[1] == pytest.approx(start - 0.02 * slope)


def test_a_descent_that_diverges_leaves_the_others_alone() -> None:
    far, near = np.array([-30.0, 1.0]), drawn_start(2, 1)
    ways = descents_at(0.02, [far, near], STEEPNESS, most=900, exact=1e-6)
    assert not np.isfinite(ways[0].losses[-1]) and ways[1].losses[-1] <= 1e-6 < ways[1].losses[-2]


def test_late_ratio_is_that_of_gradient_descent_on_a_known_slope() -> None:
    points = 1 + 0.9 ** np.arange(9)[:, None] * np.array([[1e-6, 2e-6]])
    assert late_ratio(WayDown(np.zeros(9), np.arange(9), points), STEEPNESS) == pytest.approx(0.81, rel=1e-4)


def test_late_gap_averages_the_last_passes() -> None:
    assert late_gap(np.array([1.0, 5.0, 6.0, 10.0]), np.array([9.0, 9.0, 1.0, 3.0])) == 2


def test_reference_is_the_least_loss() -> None:
    X, y = drawn_digits([7], 200)
    least = trained((X, y), REFERENCE, np.inf, 0).losses[-1, 0]
    other = trained((X, y), Recipe("lbfgs", n_steps=150), np.inf, 0).losses[:, 0]
    assert least == pytest.approx(other[-1], abs=1e-9) and other.min() >= least - 1e-12
