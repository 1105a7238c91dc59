"""Paths of penalties on an orthonormal design, where every weight is known, and the conditions of a minimum on any other."""

import numpy as np
import pytest

from stages.lessons.penalties import STRENGTHS, drawn, l1_path, l2_path


def orthonormal() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows with XᵀX = n·I, targets, and b = Xᵀy / n, the weights without a penalty."""
    rng = np.random.default_rng(0)
    X = np.linalg.qr(rng.standard_normal((50, 8)))[0] * np.sqrt(50)
    y = X @ np.array([3.0, -2.0, 1.0, 0.5, -0.1, 0.02, 0.0, 0.0]) + 0.3 * rng.standard_normal(50)
    return X, y, X.T @ y / 50


def test_l1_is_the_soft_threshold() -> None:
    """w = sign(b)·max(|b| − α, 0): exactly 0 where |b| is at most α."""
    X, y, b = orthonormal()
    known = np.sign(b) * np.maximum(np.abs(b) - STRENGTHS[:, None], 0)
    path = l1_path(X, y)
    assert path == pytest.approx(known, abs=1e-9)
    assert ((path == 0) == (known == 0)).all() and 0 < (path == 0).mean() < 1


def test_l2_divides_by_1_plus_the_strength() -> None:
    X, y, b = orthonormal()
    path = l2_path(X, y)
    assert path == pytest.approx(b / (1 + STRENGTHS[:, None]), rel=1e-10) and (path != 0).all()


def test_conditions_of_the_minimum_on_a_drawn_design() -> None:
    """L1: |Xᵀ(y − Xw)| / n is α where w is not 0 and at most α elsewhere. L2: it is α·w."""
    rng = np.random.default_rng(1)
    X, y = drawn(rng, np.array([1.5, -1.0, 0.7, 0.0, 0.0, 0.0]), 60, 1.0)
    for strength, l1, l2 in zip(STRENGTHS, l1_path(X, y), l2_path(X, y), strict=True):
        of_l1, of_l2 = (X.T @ (y - X @ weights) / 60 for weights in (l1, l2))
        assert of_l2 == pytest.approx(strength * l2, abs=1e-12)
        assert (np.abs(of_l1) <= strength + 1e-4).all()
        assert of_l1[l1 != 0] == pytest.approx(strength * np.sign(l1[l1 != 0]), abs=1e-4)


def test_l1_has_no_weight_from_the_largest_correlation_on() -> None:
    X, y, b = orthonormal()
    path = l1_path(X, y)
    assert not path[np.abs(b).max() <= STRENGTHS].any() and path[np.abs(b).max() > STRENGTHS].any(axis=1).all()


def test_drawn_rows_have_the_variance_of_their_weights_and_noise() -> None:
    _, y = drawn(np.random.default_rng(2), np.array([2.0, 1.0, 0.0]), 100_000, 0.5)
    assert y.var() == pytest.approx(4 + 1 + 0.25, rel=0.02)
