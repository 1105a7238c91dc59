"""Principal components of each block, fitted on training rows: what the networks see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.numerics.encoders import Matrix
from stages.numerics.pairwise import inner_products


@dataclass(frozen=True)
class Projection:
    """mean: float64 (d,); directions: float64 (d, c), orthonormal columns; scale: one number for the block."""

    mean: np.ndarray
    directions: np.ndarray
    scale: float

    def apply(self, matrix: Matrix) -> np.ndarray:
        """Return scaled components of rows: float32 (n, c)."""
        projected = np.asarray(matrix @ self.directions) - self.mean @ self.directions
        return (self.scale * projected).astype(np.float32)


def fit_projection(matrix: Matrix, n_components: int | None) -> Projection:
    """Return the first principal components of training rows (n, d), scaled so that a component's mean variance is 1.

    The eigenvectors of the smaller of the two Gram matrices give them: an exact answer, and no densifying of sparse rows where
    there are fewer rows than columns. Each direction's largest entry is made positive, so that signs are the same everywhere.
    """
    n, d = matrix.shape
    # below this an eigenvalue is rounding: relative to the rows as they are, so that a constant block has no component
    negligible = 1e-12 * float((matrix.astype(np.float64) ** 2).sum())
    mean = np.asarray(matrix.mean(axis=0), dtype=np.float64).ravel()
    if d <= n:
        dense = np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray(), dtype=np.float64)
        values, vectors = np.linalg.eigh((dense - mean).T @ (dense - mean))
        directions = vectors
    else:
        gram = inner_products(matrix, matrix)
        centred = gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean()
        values, vectors = np.linalg.eigh(centred)
        weights = vectors / np.sqrt(np.where(values > negligible, values, np.inf))
        weights -= weights.mean(axis=0)
        directions = np.asarray(matrix.T @ weights)
    rank = int((values > max(negligible, values[-1] * 1e-10)).sum())
    if rank == 0:
        return Projection(mean, np.zeros((d, 1)), 1.0)
    kept = min(rank, n_components or rank)
    directions = np.ascontiguousarray(directions[:, ::-1][:, :kept])
    largest = np.abs(directions).argmax(axis=0)
    directions *= np.where(directions[largest, np.arange(kept)] < 0, -1.0, 1.0)
    variance = float(values[::-1][:kept].sum()) / n
    return Projection(mean, directions, float(np.sqrt(kept / variance)))


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
