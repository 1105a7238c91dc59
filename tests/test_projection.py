"""A few principal components: those of an exact solver, and the same in every fit, also where variances are equal or 0."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import PCA

from stages.features.encoders import Matrix
from stages.features.projection import fit_projection

RANDOM = np.random.default_rng(0)
SHAPES = {"more rows": (160, 40), "more columns": (40, 160)}


def sparse(matrix: np.ndarray) -> sp.csr_array:
    return sp.csr_array(np.where(np.abs(matrix) > 1.5, matrix, 0.0))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [np.asarray, sparse], ids=["dense", "sparse"])
def test_they_are_those_of_an_exact_solver(shape: str, kind: type) -> None:
    rows: Matrix = kind(RANDOM.standard_normal(SHAPES[shape]))  # type: ignore[call-arg]
    dense = rows if isinstance(rows, np.ndarray) else rows.toarray()
    exact, found = PCA(6, svd_solver="full").fit(dense), fit_projection(rows, 6)
    assert found.directions is not None
    np.testing.assert_allclose(np.abs(found.directions.T), np.abs(exact.components_), atol=1e-9)
    np.testing.assert_allclose(found.directions.T @ found.directions, np.eye(6), atol=1e-12)
    n = len(dense)
    assert float(found.scale) == pytest.approx(np.sqrt(6 / (exact.explained_variance_ * (n - 1) / n).sum()), rel=1e-9)


def degenerate(kind: str) -> np.ndarray:
    """Return rows of rank 2 with two equal variances, rows that each have a column of their own, or rows of few kinds."""
    angle = 2 * np.pi * np.arange(72) / 72
    plane = np.linalg.qr(RANDOM.standard_normal((192, 2)))[0]
    kinds = {"rank 2": np.stack([np.cos(angle), np.sin(angle)], axis=1) @ plane.T, "own columns": np.eye(72),
             "few kinds": np.eye(72)[np.arange(72) % 5]}  # fmt: skip
    return kinds[kind]


@pytest.mark.parametrize("kind", ["rank 2", "own columns", "few kinds"])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_every_fit_is_the_same(kind: str, form: type) -> None:
    rows = form(degenerate(kind))  # type: ignore[call-arg]
    first, *others = (fit_projection(rows, 8) for _ in range(6))
    assert first.directions is not None
    for other in others:
        np.testing.assert_array_equal(first.directions, other.directions)
        assert first.scale == other.scale
