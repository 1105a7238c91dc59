"""Bias, variance and noise of least squares, whose values are known in closed form."""

import numpy as np
import pytest
from numpy.polynomial import legendre

from stages.lessons.capacity import GRID, decomposed, fitted, truth

SIGMA = 0.3


def test_decomposition_by_hand() -> None:
    """The fits (1, 3) and (3, 5) have the mean (2, 4): off (0, 4) by 2 and 0, and each fit off the mean by 1 everywhere."""
    curves, target = np.array([[1.0, 3.0], [3.0, 5.0]]), np.array([0.0, 4.0])
    assert decomposed(curves, target) == (2.0, 1.0) and ((curves - target) ** 2).mean() == 3.0


def test_both_parts_add_up_to_the_error() -> None:
    curves, target = np.random.default_rng(0).standard_normal((7, 50)), np.linspace(-1, 1, 50)
    assert sum(decomposed(curves, target)) == pytest.approx(((curves - target) ** 2).mean(), rel=1e-12)


def test_a_polynomial_is_found_again_from_its_degree_on() -> None:
    x = np.linspace(-1, 1, 30)
    for degree in (3, 5, 8):
        assert fitted(x, 1 - x + 2 * x**3, degree) == pytest.approx(1 - GRID + 2 * GRID**3, abs=1e-10)
    assert fitted(x, np.full(30, 7.0), 0) == pytest.approx(3.0)  # bounded
    assert fitted(x, x**2, 0) == pytest.approx((x**2).mean())


@pytest.mark.parametrize("degree", [0, 3, 6])
def test_bias_variance_and_noise_add_up(degree: int) -> None:
    """On fixed x: bias is what the projection of the truth misses, variance σ²·φᵀ(ΦᵀΦ)⁻¹φ; the error on new noisy targets is all three."""
    rng, x = np.random.default_rng(degree), np.linspace(-1, 1, 40)
    curves = np.stack([fitted(x, truth(x) + SIGMA * rng.standard_normal(40), degree) for _ in range(3000)])
    design, at = legendre.legvander(x, degree), legendre.legvander(GRID, degree)
    inverse = np.linalg.inv(design.T @ design)
    known_bias = ((at @ inverse @ design.T @ truth(x) - truth(GRID)) ** 2).mean()
    known_variance = SIGMA**2 * np.einsum("gi,ij,gj->g", at, inverse, at).mean()
    bias, variance = decomposed(curves, truth(GRID))
    assert bias == pytest.approx(known_bias, rel=0.03, abs=2e-4) and variance == pytest.approx(known_variance, rel=0.05)
    new = truth(GRID) + SIGMA * rng.standard_normal(curves.shape)
    assert ((new - curves) ** 2).mean() == pytest.approx(known_bias + known_variance + SIGMA**2, rel=0.02)
