"""The extreme eigenvalues of a symmetric matrix that is known by its products with vectors.

Lanczos' method, every new vector made orthogonal to all former ones again, so that rounding does not matter. One run finds both ends of
the spectrum, and its estimates are never outside it. scipy's `eigsh` searches one end at a time, with a tolerance relative to the
eigenvalue itself, which for one next to 0 is never met, and then returns nothing (docs/decisions/0090-critical-points.md).
Source: Parlett 1998, The Symmetric Eigenvalue Problem, chapter 13; its errors: theorem 4.5.1 (residuals) and 11.7.1 (gaps).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

Product = Callable[[np.ndarray], np.ndarray]
TOLERANCE = 1e-4  # of an eigenvalue's error, relative to it
NEAR_ZERO = 1e-3  # of the largest size: an eigenvalue that is smaller is as exact as one of this size
CHECKED = 10  # products between two looks at the errors


@dataclass(frozen=True)
class Eigenpair:
    """value: an estimate, to which an eigenvalue is as near as `error` or nearer. vector: float64 (n,), of length 1."""

    value: float
    error: float
    vector: np.ndarray


@dataclass(frozen=True)
class Spectrum:
    """The ends of a spectrum. values: float64, ascending, all estimates: at least as many eigenvalues are below any number as of these."""

    least: Eigenpair
    greatest: Eigenpair
    values: np.ndarray

    @property
    def size(self) -> float:
        """Return the largest absolute value."""
        return max(abs(self.least.value), abs(self.greatest.value))


def spectrum_ends(product: Product, n: int, *, seed: int, most: int) -> Spectrum:
    """Return both ends of the spectrum of a symmetric n × n matrix.

    Args:
        product: returns the matrix times a vector float64 (n,).
        seed: of the first vector. most: products, after which the estimates are what they are.
    Raises:
        FloatingPointError: if a product is not finite.
    """
    rng, steps = np.random.default_rng(seed), min(most, n)
    basis, diagonal, beside = np.zeros((steps + 1, n)), np.zeros(steps), np.zeros(steps)
    basis[0] = _unit(rng.standard_normal(n))
    for step in range(steps):
        image = product(basis[step])
        if not np.isfinite(image).all():
            raise FloatingPointError("a product with the matrix is not finite")
        diagonal[step] = basis[step] @ image
        image = image - diagonal[step] * basis[step] - (beside[step - 1] * basis[step - 1] if step else 0.0)
        image -= basis[: step + 1].T @ (basis[: step + 1] @ image)
        beside[step] = float(np.linalg.norm(image))
        done = step + 1
        largest = np.abs(diagonal[:done]).max() + beside[:done].max()
        if beside[step] <= n * np.finfo(float).eps * largest:  # the subspace is invariant: go on in another
            beside[step] = 0.0
            image = _orthogonal(rng, basis[:done])
        if done == steps or (done % CHECKED == 0 and _is_exact(diagonal[:done], beside[:done])):
            break
        basis[done] = _unit(image)
    return _ends(diagonal[:done], beside[:done], basis[:done])


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), np.finfo(float).tiny))


def _orthogonal(rng: np.random.Generator, basis: np.ndarray) -> np.ndarray:
    """Return a drawn vector (n,) that is orthogonal to all of a basis (m, n)."""
    found = rng.standard_normal((basis.shape[1],))
    for _ in range(2):
        found = found - basis.T @ (basis @ found)
    return np.asarray(found)


def _estimates(diagonal: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the eigenvalues of the tridiagonal matrix, the errors of its first and last, and the vectors of these (m, 2)."""
    values, vectors = eigh_tridiagonal(diagonal, beside[:-1])
    return values, np.abs(beside[-1] * vectors[-1, [0, -1]]), vectors[:, [0, -1]]


def _is_exact(diagonal: np.ndarray, beside: np.ndarray) -> bool:
    values, errors, _ = _estimates(diagonal, beside)
    ends = np.abs(values[[0, -1]])
    return bool((errors <= TOLERANCE * np.maximum(ends, NEAR_ZERO * ends.max())).all())


def _ends(diagonal: np.ndarray, beside: np.ndarray, basis: np.ndarray) -> Spectrum:
    values, errors, vectors = _estimates(diagonal, beside)
    found = [Eigenpair(float(values[place]), float(errors[place]), _unit(basis.T @ vectors[:, place])) for place in (0, -1)]
    return Spectrum(found[0], found[1], values)
