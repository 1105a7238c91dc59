"""Gradient descent on a quadratic: every step by hand, the threshold of the rate, decay in closed form, and the loss that noise leaves."""

import numpy as np
import pytest

from stages.lessons.learning_rates import START, loss, noisy_path, path

CURVATURES = np.array([1.0, 10.0])


@pytest.mark.parametrize("rate", [0.004, 0.1, 0.199, 0.21])
def test_path_is_gradient_descent(rate: float) -> None:
    points = [START]
    for _ in range(30):
        points.append(points[-1] - rate * CURVATURES * points[-1])
    assert path(CURVATURES, rate, 30, START) == pytest.approx(np.array(points), rel=1e-10)


def test_one_step_by_hand() -> None:
    assert path(CURVATURES, 0.1, 1, START).tolist() == [[-4.0, 1.5], [-3.6, 0.0]]
    assert loss(CURVATURES, path(CURVATURES, 0.1, 1, START)) == pytest.approx([(16 + 22.5) / 2, 3.6**2 / 2])


@pytest.mark.parametrize("largest", [2.0, 10.0, 750.0])
def test_it_diverges_exactly_above_2_over_the_largest_curvature(largest: float) -> None:
    curvatures, threshold = np.array([1.0, largest]), 2 / largest
    sizes = {share: np.abs(path(curvatures, share * threshold, 100_000, START)[:, 1]) for share in (1 - 1e-4, 1.0, 1 + 1e-4)}
    assert sizes[1 - 1e-4][-1] < 1e-6 and np.all(np.diff(sizes[1 - 1e-4]) <= 0)
    assert sizes[1.0] == pytest.approx(1.5)  # from one side to the other, forever
    assert sizes[1 + 1e-4][-1] > 1e6 and np.all(np.diff(sizes[1 + 1e-4]) >= 0)


def test_the_rate_1_over_curvature_arrives_in_one_step() -> None:
    assert path(np.array([4.0, 4.0]), 0.25, 1, START)[-1].tolist() == [0, 0]


def test_without_noise_both_schedules_are_products() -> None:
    """θ_n = θ_0 · Π (1 − ε_k·λ), with ε_k = (1 − α)·ε_0 + α·ε_τ, α = k / τ, ε_τ = ε_0 / 100, τ = all steps."""
    none = np.zeros((40, 2))
    assert noisy_path(CURVATURES, 0.1, none, "constant") == pytest.approx(path(CURVATURES, 0.1, 40, START), abs=1e-12)
    alpha = np.arange(40) / 40
    rates = (1 - alpha) * 0.05 + alpha * 0.0005
    known = START * np.prod(1 - rates[:, None] * CURVATURES, axis=0)
    assert noisy_path(CURVATURES, 0.05, none, "linear_decay")[-1] == pytest.approx(known, rel=1e-12)


def test_the_loss_that_noise_leaves_at_a_constant_rate() -> None:
    """θ' = (1 − ελ)·θ − ε·n has the variance ε·σ² / (λ·(2 − ελ)), so that the loss is ½ Σ ε·σ² / (2 − ελ)."""
    rate, sigma, rng = 0.1, 1.5, np.random.default_rng(0)
    paths = [noisy_path(CURVATURES, rate, sigma * rng.standard_normal((80, 2)), "constant") for _ in range(600)]
    start = START[0] ** 2 * np.mean((1 - rate) ** (2.0 * np.arange(40, 81))) / 2  # what is left of the way from the start
    known = sum(rate * sigma**2 / (2 - rate * curvature) for curvature in CURVATURES) / 2
    assert np.mean([loss(CURVATURES, points[40:]) for points in paths]) == pytest.approx(known + start, rel=0.05)
