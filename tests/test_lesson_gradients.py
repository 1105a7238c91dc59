"""Gradients and losses worked by hand, and errors of differences whose order is known."""

import math

import numpy as np
import pytest

from stages.lessons.gradients import GradientsSettings, drawn_probe, kink_distance, moved_onto_kink
from stages.teaching.closed_forms import ACTIVATIONS, LOSSES
from stages.teaching.network_gradients import N_CLASSES, N_INPUTS, Probe, analytic, by_autograd, numerical, relative, split

X = np.array([[1.0, 2.0, -1.0, 0.5]])


def still(n_hidden: int, y: int) -> Probe:
    """Return one row and parameters that are all 0."""
    return Probe(X, np.array([y]), np.zeros(n_hidden * (N_INPUTS + 1 + N_CLASSES) + N_CLASSES), n_hidden)


def test_losses_and_their_slopes_by_hand() -> None:
    f, t = np.array([[1.0, 1.5, 0.8]]), np.array([[1.0, 0.0, 0.0]])
    by_hand = {  # gaps of the wrong classes, Δ = 1: 1.5 and 0.8
        "hinge": (2.3, [-2.0, 1.0, 1.0]), "hinge of the largest": (1.5, [-1.0, 1.0, 0.0]), "squared": (0 + 2.25 + 0.64, [0.0, 3.0, 1.6]),
        "cross-entropy": (math.log(math.exp(1) + math.exp(1.5) + math.exp(0.8)) - 1,
                          [math.exp(1) / (math.exp(1) + math.exp(1.5) + math.exp(0.8)) - 1, None, None]),
    }  # fmt: skip
    assert set(by_hand) == set(LOSSES)
    for name, (value, slopes) in by_hand.items():
        assert LOSSES[name].value(f, t) == pytest.approx([value])
        known = [place for place, slope in enumerate(slopes) if slope is not None]
        assert LOSSES[name].slope(f, t)[0, known] == pytest.approx([slopes[place] for place in known])


@pytest.mark.parametrize("name", ["hinge", "hinge of the largest"])
def test_a_row_that_is_right_by_more_than_delta_has_no_hinge_loss(name: str) -> None:
    f, t = np.array([[-1.0, 3.0, 1.9]]), np.array([[0.0, 1.0, 0.0]])
    assert LOSSES[name].value(f, t) == 0 and not LOSSES[name].slope(f, t).any()


@pytest.mark.parametrize("at", [-3.0, -0.2, 0.7, 4.0])
def test_slopes_of_activations_are_known(at: float) -> None:
    e = math.exp(-at)
    known = {"identity": 1.0, "sigmoid": e / (1 + e) ** 2, "tanh": 1 / math.cosh(at) ** 2, "ReLU": float(at > 0), "softplus": 1 / (1 + e)}
    assert set(known) == set(ACTIVATIONS)
    for name, slope in known.items():
        assert ACTIVATIONS[name].slope(np.array([at])) == pytest.approx([slope], rel=1e-12)


def test_gradient_of_a_network_of_zeros() -> None:
    """All scores are 0: the slopes of the cross-entropy are 1/3 − target, hidden units are σ(0) = 1/2, and nothing flows through W₂ = 0."""
    W1, b1, W2, b2 = split(analytic(still(2, 1), "cross-entropy", "sigmoid"), 2)
    slopes = np.array([1 / 3, -2 / 3, 1 / 3])
    assert b2 == pytest.approx(slopes) and W2.T.tolist() == [pytest.approx(slopes / 2)] * 2
    assert not W1.any() and not b1.any()


def test_gradient_of_one_path() -> None:
    """With W₂ = 2 from the only hidden unit to the right class and 0 else: ∂L/∂W₁ = 2·(p − 1)·(1 − tanh²(z))·x."""
    probe = still(1, 0)
    probe.parameters[:N_INPUTS], probe.parameters[N_INPUTS + 1] = [0.1, 0.2, 0.3, 0.4], 2.0
    z = 0.1 + 0.4 - 0.3 + 0.2
    score = 2 * math.tanh(z)
    p = math.exp(score) / (math.exp(score) + 2)
    W1, b1, _, _ = split(analytic(probe, "cross-entropy", "tanh"), 1)
    by_hand = 2 * (p - 1) * (1 - math.tanh(z) ** 2)
    assert W1[0] == pytest.approx(by_hand * X[0]) and b1[0] == pytest.approx(by_hand)
    assert by_autograd(probe, "cross-entropy", "tanh")[:N_INPUTS] == pytest.approx(by_hand * X[0])


@pytest.mark.parametrize(("central", "ratio"), [(True, 100), (False, 10)])
def test_error_of_differences_falls_with_the_square_of_the_step_or_with_the_step(central: bool, ratio: float) -> None:
    probe = drawn_probe(5, 3)
    known = analytic(probe, "cross-entropy", "tanh")
    errors = [relative(known, numerical(probe, "cross-entropy", "tanh", h=h, central=central)) for h in (1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(ratio, rel=0.05)


def test_on_a_kink_differences_of_both_sides_are_the_mean_of_both_slopes() -> None:
    """A unit at 0 for the first row: its bias has the analytic slope 0 of this row, and half of the slope above 0 by differences."""
    probe = moved_onto_kink(drawn_probe(GradientsSettings().n_hidden, 5))
    W1, b1, W2, _ = split(probe.parameters, probe.n_hidden)
    z = probe.X @ W1.T + b1
    f = np.maximum(z, 0) @ W2.T + split(probe.parameters, probe.n_hidden)[3]
    shares = np.exp(f[0]) / np.exp(f[0]).sum()
    above = (shares - np.eye(N_CLASSES)[probe.y[0]]) @ W2[:, 0] / len(probe.X)
    bias = probe.n_hidden * N_INPUTS
    missing = numerical(probe, "cross-entropy", "ReLU", h=1e-6)[bias] - analytic(probe, "cross-entropy", "ReLU")[bias]
    assert z[0, 0] == pytest.approx(0, abs=1e-15) and kink_distance(probe) < 1e-15 and missing == pytest.approx(above / 2, rel=1e-4)


def test_relative_error() -> None:
    assert relative(np.array([3.0, 4.0]), np.array([3.0, 4.0])) == 0
    assert relative(np.array([3.0, 4.0]), np.zeros(2)) == 1 and relative(np.array([2.0]), np.array([1.0])) == pytest.approx(1 / 3)
