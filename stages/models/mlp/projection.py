"""Principal components of each block, or its columns as they are, fitted on training rows: what the networks see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stages.features.encoders import Matrix


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
    in which thousands of directions of noise stand next to the image (docs/decisions/0006-mlp.md). Sparse rows get all components, of
    which there are at most as many as rows, where there may be 100,000 columns.

    By scikit-learn's exact solvers; sparse rows stay sparse. Each direction's largest entry (of those equal but for rounding the first) is
    made positive, so that signs do not depend on the machine.
    """
    n, d = matrix.shape
    mean = np.asarray(matrix.mean(axis=0, dtype=np.float64)).ravel()
    if n_components is None and isinstance(matrix, np.ndarray):
        return _own_columns(matrix, mean)
    rows = matrix.astype(np.float64)
    # below this a variance is rounding: relative to the rows as they are, so that a constant block has no component
    negligible = 1e-12 * float((rows**2).sum()) / n
    if total_variance(rows, mean) <= negligible:
        return Projection(mean, np.zeros((d, 1)), 1.0)
    variances, directions = _components(rows, n_components)
    kept = int((variances > max(negligible, variances[0] * 1e-10)).sum())
    directions = np.ascontiguousarray(directions[:, :kept])
    sizes = np.abs(directions)
    largest = (sizes >= (1 - 1e-6) * sizes.max(axis=0)).argmax(axis=0)
    directions *= np.where(directions[largest, np.arange(kept)] < 0, -1.0, 1.0)
    return Projection(mean, directions, float(np.sqrt(kept / variances[:kept].sum())))


def total_variance(rows: Matrix, mean: np.ndarray) -> float:
    """Return the sum of the variances of all columns, without densifying."""
    if isinstance(rows, np.ndarray):
        return float(rows.var(axis=0).sum())
    return float((rows**2).sum() / rows.shape[0] - (mean**2).sum())


def _components(rows: Matrix, n_components: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return variances, falling, and directions (d, c) of the principal components of rows float64 (n, d)."""
    from sklearn.decomposition import PCA

    n, d = rows.shape
    if n_components is not None and 4 * n_components <= min(n, d):
        pca = PCA(n_components, svd_solver="arpack", random_state=0)
    elif isinstance(rows, np.ndarray) or d <= n:
        pca = PCA(min(n, d, n_components or d), svd_solver="full" if isinstance(rows, np.ndarray) else "covariance_eigh")
    else:
        return _components_by_rows(rows, n_components)
    pca.fit(rows)
    return pca.explained_variance_ * (n - 1) / n, pca.components_.T


def _components_by_rows(rows: Matrix, n_components: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return variances and directions of fewer sparse rows than columns, from the eigenvectors of their inner products."""
    from sklearn.decomposition import KernelPCA

    n = rows.shape[0]
    pca = KernelPCA(n_components, kernel="linear", eigen_solver="dense", remove_zero_eig=True).fit(rows)
    weights = pca.eigenvectors_ / np.sqrt(pca.eigenvalues_)
    return pca.eigenvalues_ / n, np.asarray(rows.T @ (weights - weights.mean(axis=0)))


def _own_columns(rows: np.ndarray, mean: np.ndarray) -> Projection:
    """Return rows (n, d) as they are, centred, scaled so that the mean variance of the columns that vary is 1; the others are 0.

    A network's response to a column that did not vary is that of its initial weights.
    """
    varies = rows.max(axis=0) > rows.min(axis=0)
    spread = rows.var(axis=0, dtype=np.float64)
    return Projection(mean, None, varies / np.sqrt(spread[varies].mean()) if varies.any() else np.zeros(len(mean)))


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
