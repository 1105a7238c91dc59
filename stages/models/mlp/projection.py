"""Principal components of each block, or its columns as they are, fitted on training rows: what the networks see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from stages.features.encoders import Matrix
from stages.features.pairwise import inner_products

FEW = 256  # a Gram matrix smaller than this is taken apart whole, which takes 5 ms


@dataclass(frozen=True)
class Projection:
    """mean: float64 (d,); directions: float64 (d, c), orthonormal columns, None for the block's own.

    scale: one number for the block; of its own columns float64 (d,), 0 for those that did not vary where it was fitted.
    """

    mean: np.ndarray
    directions: np.ndarray | None
    scale: float | np.ndarray

    def apply(self, matrix: Matrix) -> np.ndarray:
        """Return scaled components of rows: float32 (n, c)."""
        if self.directions is None:
            return (self.scale * (matrix - self.mean)).astype(np.float32)
        projected = np.asarray(matrix @ self.directions) - self.mean @ self.directions
        return (self.scale * projected).astype(np.float32)


def fit_projection(matrix: Matrix, n_components: int | None) -> Projection:
    """Return the first principal components of training rows (n, d), scaled so that a component's mean variance is 1.

    With None, dense rows keep their columns, centred and scaled by one number: a network that is given pixels sees pixels, not a rotation
    in which thousands of directions of noise stand beside the picture (docs/decisions/0006-mlp.md). Sparse rows get all components, of
    which there are at most as many as rows, where there may be 100,000 columns.

    The eigenvectors of the smaller of the two Gram matrices give them: an exact answer, and no densifying of sparse rows where
    there are fewer rows than columns. Each direction's largest entry (of those equal but for rounding the first) is made positive,
    so that signs are the same everywhere.
    """
    n, d = matrix.shape
    mean = np.asarray(matrix.mean(axis=0, dtype=np.float64)).ravel()
    if n_components is None and isinstance(matrix, np.ndarray):
        return _own_columns(matrix, mean)
    rows = matrix.astype(np.float64)
    # below this an eigenvalue is rounding: relative to the rows as they are, so that a constant block has no component
    negligible = 1e-12 * float((rows**2).sum())
    found = None
    if n_components is not None and min(n, d) >= max(FEW, 4 * n_components):
        found = leading_eigenvectors(_centred_gram(rows, mean), n_components)
    values, vectors = found or _all_eigenvectors(rows, mean)
    if d > n:
        weights = vectors / np.sqrt(np.where(values > negligible, values, np.inf))
        weights -= weights.mean(axis=0)
        vectors = np.asarray(matrix.T @ weights)
    rank = int((values > max(negligible, values[-1] * 1e-10)).sum())
    if rank == 0:
        return Projection(mean, np.zeros((d, 1)), 1.0)
    kept = min(rank, n_components or rank)
    directions = np.ascontiguousarray(vectors[:, ::-1][:, :kept])
    sizes = np.abs(directions)
    largest = (sizes >= (1 - 1e-6) * sizes.max(axis=0)).argmax(axis=0)
    directions *= np.where(directions[largest, np.arange(kept)] < 0, -1.0, 1.0)
    variance = float(values[::-1][:kept].sum()) / n
    return Projection(mean, directions, float(np.sqrt(kept / variance)))


def _own_columns(rows: np.ndarray, mean: np.ndarray) -> Projection:
    """Return rows (n, d) as they are, centred, scaled so that the mean variance of the columns that vary is 1; the others are 0.

    What a network makes of a column that did not vary is what its weights happened to be at first.
    """
    varies = rows.max(axis=0) > rows.min(axis=0)
    spread = rows.var(axis=0, dtype=np.float64)
    return Projection(mean, None, varies / np.sqrt(spread[varies].mean()) if varies.any() else np.zeros(len(mean)))


def _all_eigenvectors(rows: Matrix, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues, ascending, and eigenvectors of the smaller Gram matrix of centred rows (n, d)."""
    if rows.shape[1] <= rows.shape[0]:
        dense = (rows if isinstance(rows, np.ndarray) else rows.toarray()) - mean
        return np.linalg.eigh(dense.T @ dense)
    gram = inner_products(rows, rows)
    return np.linalg.eigh(gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean())


def _centred_gram(rows: Matrix, mean: np.ndarray) -> LinearOperator:
    """Return the smaller Gram matrix of centred rows (n, d) as what it does to a vector: sparse rows stay sparse."""
    n, d = rows.shape
    if isinstance(rows, np.ndarray):
        centred = rows - mean
        gram = centred.T @ centred if d <= n else centred @ centred.T
        return LinearOperator(gram.shape, matvec=lambda x: gram @ x.ravel(), dtype=np.float64)
    columns = sp.csr_array(rows.T)

    def by_rows(x: np.ndarray) -> np.ndarray:  # (n,)
        w = columns @ x.ravel() - mean * x.sum()
        return np.asarray(rows @ w - mean @ w)

    def by_columns(x: np.ndarray) -> np.ndarray:  # (d,)
        w = rows @ x.ravel() - mean @ x.ravel()
        return np.asarray(columns @ w - mean * w.sum())

    return LinearOperator((min(n, d),) * 2, matvec=by_columns if d <= n else by_rows, dtype=np.float64)


def leading_eigenvectors(gram: LinearOperator, count: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the largest eigenvalues, ascending, and their eigenvectors (n, count), converged to rounding; None where that is not shown.

    A Krylov space may hold one vector of an eigenvalue that has several, so the space beside those found is searched for a larger one.
    Source: Lehoucq, Sorensen, Yang, ARPACK Users' Guide, 1998.
    """
    n = gram.shape[0]
    start = np.random.default_rng(0).random((2, n)) + 0.5
    try:
        values, vectors = eigsh(gram, count, which="LA", v0=start[0], rng=0)
        beside = LinearOperator(
            gram.shape, matvec=lambda x: _without(vectors, gram @ _without(vectors, x.ravel())), dtype=np.float64
        )
        ((missed,), _) = eigsh(beside, 1, which="LA", v0=_without(vectors, start[1]), tol=1e-3, rng=0)
    except ArpackError:  # not converged, or nothing to start from: a block without variance
        return None
    return (values, vectors) if missed <= values[0] * (1 + 1e-9) else None


def _without(vectors: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return x less its part in the span of orthonormal vectors (n, k)."""
    return np.asarray(x - vectors @ (vectors.T @ x))


def fit_projections(
    matrices: Mapping[str, Matrix], rows: np.ndarray, n_components: int | None
) -> dict[str, Projection]:
    """Return a projection per block, fitted on `rows`."""
    return {label: fit_projection(matrix[rows], n_components) for label, matrix in matrices.items()}


def project(matrices: Mapping[str, Matrix], projections: Mapping[str, Projection], subset: Sequence[str]) -> np.ndarray:
    """Return the fused components of a subset: float32 (n, Σ c), each block with the same total variance."""
    parts = [projections[label].apply(matrices[label]) for label in subset]
    total = sum(part.shape[1] for part in parts)
    return np.hstack([part * np.float32(np.sqrt(total / (len(parts) * part.shape[1]))) for part in parts])
