"""The lesson on optimizers against what is known: Adam's first steps, counted costs, networks that are trained as one."""

import numpy as np
import pytest
import torch

from stages.lessons.optimizers_compared import FIRST_STEPS, curve_of, drawn_networks, one_seed, step_lengths, to_target
from stages.teaching.budgeted_training import BudgetedCurve, budgeted_curve
from stages.teaching.small_networks import Recipe, train

SEEDS = (3, 4)


def stepped(optimizer: str, gradient: float, rate: float, n_steps: int) -> float:
    """Return where a parameter is that starts at 0 and whose gradient is constant."""
    point = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    train([point], lambda rows: gradient * point.sum(), 1, Recipe(optimizer, rate, n_steps), seed=0)
    return float(point.detach())


@pytest.mark.parametrize("gradient", [-5.0, 0.02])
def test_first_steps_of_adam_by_hand(gradient: float) -> None:
    sign, m, v = np.sign(gradient), 0.1 * gradient, 0.001 * gradient**2
    assert stepped("adam", gradient, 0.01, 1) == pytest.approx(-0.01 * sign, rel=1e-5)
    assert stepped("adam_uncorrected", gradient, 0.01, 1) == pytest.approx(-0.01 * m / v**0.5, rel=1e-4)
    assert -stepped("adam_uncorrected", gradient, 0.01, 1) * sign == pytest.approx(0.01 * FIRST_STEPS["adam_uncorrected"], rel=1e-4)


def test_the_12th_step_without_correction_is_the_longest_of_a_constant_gradient() -> None:
    ends = [stepped("adam_uncorrected", -1.0, 0.01, n) for n in range(1, 16)]
    lengths = np.diff([0.0, *ends]) / 0.01
    assert int(lengths.argmax()) + 1 == 12 and lengths[11] == pytest.approx(6.5685, abs=1e-3)  # as the erratum says
    assert stepped("adam", -1.0, 0.01, 15) == pytest.approx(0.15, rel=1e-6)


def test_measured_first_steps() -> None:
    networks = drawn_networks(SEEDS, 3)
    for name, right in FIRST_STEPS.items():
        assert step_lengths(networks, name)[0] == pytest.approx(right, rel=0.01)


@pytest.mark.parametrize("name", ["sgd", "adadelta", "adam_uncorrected", "adamw", "gradient_descent"])
def test_networks_trained_as_one_are_trained_as_each_alone(name: str) -> None:
    networks = drawn_networks(SEEDS, 3)
    both = curve_of(networks, name, 0.1, 2, seed=9)
    for place in range(2):
        alone = curve_of(networks.of(place), name, 0.1, 2, seed=9)
        assert one_seed(both, place).losses == pytest.approx(alone.losses, rel=1e-9)
        assert both.passes.tolist() == alone.passes.tolist() == [0, 1, 2]


def test_every_rule_starts_from_the_same_weights() -> None:
    networks = drawn_networks(SEEDS, 3)
    starts = [curve_of(networks, name, 0.1, 1, seed=0).losses[0].tolist() for name in ("sgd", "adam", "gradient_descent")]
    assert starts[0] == starts[1] == starts[2]


def test_budget_is_kept_and_what_is_looked_at_costs_nothing() -> None:
    point = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    curve = budgeted_curve([point], lambda rows: (point**2 / 2), 4, Recipe("gradient_descent", 0.5, 100), n_passes=3, seed=0)
    assert curve.steps.tolist() == [0, 1, 2, 3] and curve.passes.tolist() == [0, 1, 2, 3]
    assert curve.losses[:, 0] == pytest.approx([2, 1 / 2, 1 / 8, 1 / 32])  # θ is halved by every step


def test_steps_and_passes_to_the_target() -> None:
    curve = BudgetedCurve(np.array([0, 8, 16]), np.array([0.0, 1.0, 2.0]), np.array([[2.0], [0.6], [0.4]]))
    assert (to_target(curve, "steps", 5), to_target(curve, "passes", 5)) == (16, 2)
    never = curve._replace(losses=curve.losses + 1)
    assert (to_target(never, "steps", 5), to_target(never, "passes", 5)) == (16, 5)
