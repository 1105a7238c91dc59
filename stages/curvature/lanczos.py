"""The extreme eigenvalues of a symmetric matrix that is known by its products with vectors.

Lanczos' method, every new vector made orthogonal to all former ones again, so that rounding does not matter. One run finds both ends of
the spectrum, and its estimates are never outside it. scipy's `eigsh` searches one end at a time, with a tolerance relative to the
eigenvalue itself, which for one next to 0 is never met, and then returns nothing (docs/decisions/0090-critical-points.md).
An end may lie further out than its estimate: a residual only shows that some eigenvalue is near. After as many products as there are
dimensions it cannot; after fewer, `unseen` says how far, but for a chance of `CHANCE` over the drawn first vector.

Source: Parlett 1998, The Symmetric Eigenvalue Problem, chapter 13; residuals: theorem 4.5.1; unseen: Kuczyński & Woźniakowski 1992, SIAM
Journal on Matrix Analysis and Applications 13, 1094, theorem 4.2, doi:10.1137/0613066.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

Product = Callable[[np.ndarray], np.ndarray]
CHANCE = 1e-3  # that an eigenvalue lies further out than `unseen`


@dataclass(frozen=True)
class Eigenpair:
    """value: an estimate, to which an eigenvalue is as near as `error` or nearer. vector: float64 (n,), of length 1."""

    value: float
    error: float
    vector: np.ndarray


@dataclass(frozen=True)
class Spectrum:
    """The ends of a spectrum.

    values: float64, ascending, all estimates: at least as many eigenvalues are below any number as of these. unseen: how far below the
    least estimate, or above the greatest, an eigenvalue may be.
    """

    least: Eigenpair
    greatest: Eigenpair
    values: np.ndarray
    unseen: float

    @property
    def size(self) -> float:
        """Return the largest absolute value."""
        return max(abs(self.least.value), abs(self.greatest.value))


def spectrum_ends(product: Product, n: int, *, seed: int, most: int) -> Spectrum:
    """Return both ends of the spectrum of a symmetric n × n matrix.

    Args:
        product: returns the matrix times a vector float64 (n,).
        seed: of the first vector. most: products that are made, or n if that is less.
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
        basis[done] = _unit(image)
    values, errors, vectors = _estimates(diagonal, beside)
    found = [Eigenpair(float(values[place]), float(errors[place]), _unit(basis[:steps].T @ vectors[:, place])) for place in (0, -1)]
    return Spectrum(found[0], found[1], values, float(values[-1] - values[0]) * unseen_share(n, steps))


def unseen_share(n: int, n_products: int) -> float:
    """Return the most that an end may lie beyond its estimate, as a share of the distance between both estimates; but for `CHANCE`.

    The theorem bounds the share ε of the whole spectrum: by 1.648·√n·exp(−√ε·(2k − 1)) = CHANCE after k products. The estimates span at
    least 1 − 2ε of it.
    """
    if n_products >= n:
        return 0.0
    share = (np.log(1.648 * np.sqrt(n) / CHANCE) / (2 * n_products - 1)) ** 2
    return float(share / (1 - 2 * share)) if share < 0.5 else float("inf")


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
