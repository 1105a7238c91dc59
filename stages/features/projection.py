"""Principal components of each block, or its centred and scaled columns, fitted on training rows: the inputs of the networks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import scipy.sparse as sp

from stages.features.early_fusion import FoldBlocks
from stages.features.encoders import Matrix


@dataclass(frozen=True)
class Projection:
    """A block's fitted projection.

    mean: float64 (d,). directions: float64 (d, c), orthonormal columns; None keeps the block's columns.
    scale: one factor for the block; float64 (d,) where columns are kept, 0 for columns that are constant in the training rows.
    columns: of sparse rows that stay sparse, int64 (c,), those that are kept; they are not centred.
    """

    mean: np.ndarray
    directions: np.ndarray | None
    scale: float | np.ndarray
    columns: np.ndarray | None = None

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the projection as named arrays, to be saved."""
        saved = {f"mean/{name}": self.mean, f"scale/{name}": np.array(self.scale)}
        if self.columns is not None:
            return saved | {f"columns/{name}": self.columns}
        return saved if self.directions is None else saved | {f"directions/{name}": self.directions}

    def apply(self, matrix: Matrix) -> Matrix:
        """Return the scaled components of rows: float32 (n, c), CSR if columns of sparse rows are kept."""
        if self.columns is not None:
            return sp.csr_array(sp.csr_array(matrix)[:, self.columns] * self.scale).astype(np.float32)
        if self.directions is None:
            return (self.scale * (matrix - self.mean)).astype(np.float32)
        projected = np.asarray(matrix @ self.directions) - self.mean @ self.directions
        return (self.scale * projected).astype(np.float32)


def fit_projection(matrix: Matrix, n_components: int | None) -> Projection:
    """Return the first principal components of training rows (n, d), scaled so that a component's mean variance is 1.

    With None, dense rows keep their columns, centred and scaled by one factor: a network on pixels is trained on pixels, not on a rotation
    in which thousands of directions are noise (docs/decisions/0006-mlp.md). Sparse rows get all components: at most as many as rows, while
    there may be 100,000 columns.

    Uses scikit-learn's exact solvers; sparse rows stay sparse. Each direction's largest entry (the first of those equal up to rounding) is
    made positive, so that signs do not depend on the machine.
    """
    n, d = matrix.shape
    mean = np.asarray(matrix.mean(axis=0, dtype=np.float64)).ravel()
    if n_components is None and isinstance(matrix, np.ndarray):
        return _own_columns(matrix, mean)
    rows = matrix.astype(np.float64)
    # smaller variances are rounding errors; relative to uncentred rows, so that a constant block has no component
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
    """Return the sum of the variances of all columns; sparse rows stay sparse."""
    if isinstance(rows, np.ndarray):
        return float(rows.var(axis=0).sum())
    return float((rows**2).sum() / rows.shape[0] - (mean**2).sum())


def _components(rows: Matrix, n_components: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return variances, descending, and directions (d, c) of the principal components of rows float64 (n, d)."""
    from sklearn.decomposition import PCA

    n, d = rows.shape
    if n_components is not None and 4 * n_components <= min(n, d):
        return _leading_components(rows, n_components)
    if isinstance(rows, np.ndarray) or d <= n:
        pca = PCA(min(n, d, n_components or d), svd_solver="full" if isinstance(rows, np.ndarray) else "covariance_eigh")
    else:
        return _components_by_rows(rows, n_components)
    pca.fit(rows)
    return pca.explained_variance_ * (n - 1) / n, pca.components_.T


def _leading_components(rows: Matrix, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first of many components, by ARPACK on the inner products of columns or of rows, whichever are fewer.

    As scikit-learn's `PCA(svd_solver="arpack")`, which cannot seed ARPACK's restarts (docs/decisions/0086-arpack.md).
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    n, d = rows.shape
    mean = np.asarray(rows.mean(axis=0)).ravel()
    centred = rows - mean if isinstance(rows, np.ndarray) else None

    def scores(directions: np.ndarray) -> np.ndarray:
        return np.asarray(rows @ directions - mean @ directions if centred is None else centred @ directions)

    def loadings(weights: np.ndarray) -> np.ndarray:
        if centred is not None:
            return np.asarray(centred.T @ weights)
        return np.asarray(rows.T @ weights - np.multiply.outer(mean, weights.sum(axis=0)))

    first, second = (scores, loadings) if d <= n else (loadings, scores)
    inner_products = LinearOperator((min(n, d),) * 2, matvec=lambda x: second(first(x)), dtype=np.float64)
    random = np.random.default_rng(0)
    _, found = eigsh(inner_products, k=n_components, v0=random.uniform(-1, 1, min(n, d)), rng=random)
    basis = np.linalg.qr(found)[0]
    left, values, right = np.linalg.svd(first(basis), full_matrices=False)
    return values**2 / n, basis @ right.T if d <= n else left


def _components_by_rows(rows: Matrix, n_components: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return variances and directions from the eigenvectors of the rows' inner products, for sparse rows with more columns than rows."""
    from sklearn.decomposition import KernelPCA

    n = rows.shape[0]
    pca = KernelPCA(n_components, kernel="linear", eigen_solver="dense", remove_zero_eig=True).fit(rows)
    weights = pca.eigenvectors_ / np.sqrt(pca.eigenvalues_)
    return pca.eigenvalues_ / n, np.asarray(rows.T @ (weights - weights.mean(axis=0)))


def _own_columns(rows: np.ndarray, mean: np.ndarray) -> Projection:
    """Return the projection that centres rows (n, d) and scales the mean variance of non-constant columns to 1; constant columns become 0.

    A network cannot learn the weights of a column that is constant in training.
    """
    varies = rows.max(axis=0) > rows.min(axis=0)
    variances = rows.var(axis=0, dtype=np.float64)
    return Projection(mean, None, varies / np.sqrt(variances[varies].mean()) if varies.any() else np.zeros(len(mean)))


def keep_terms(rows: sp.csr_array, n_terms: int) -> Projection:
    """Return the projection that keeps the columns of sparse rows (n, d) with the largest variances, scaled so that these sum to 1.

    Args:
        n_terms: of which there are at most so many; of equal ones the first.
    """
    values = rows.astype(np.float64)
    variances = np.asarray((values**2).mean(axis=0) - np.asarray(values.mean(axis=0)) ** 2)
    # to 12 digits: columns that are equal but for rounding stay in order
    columns = np.sort(np.argsort(-np.round(variances / max(variances.max(), 1e-300), 12), kind="stable")[:n_terms])
    total = float(variances[columns].sum())
    return Projection(np.zeros(0), None, 1 / np.sqrt(total) if total > 0 else 0.0, columns)


def saved_projection(name: str, arrays: Mapping[str, np.ndarray]) -> Projection:
    """Return a block's projection from a saved model's arrays."""
    return Projection(arrays[f"mean/{name}"], arrays.get(f"directions/{name}"), arrays[f"scale/{name}"], arrays.get(f"columns/{name}"))


def fit_projections(
    blocks: FoldBlocks, names: Iterable[str], rows: np.ndarray, n_components: int | None, *, n_terms: int | None = None
) -> dict[str, Projection]:
    """Return a projection of each named block, fitted on `rows` and multiplied by the root of the block's weight.

    Args:
        n_terms: most columns of sparse blocks, which stay sparse; None: their principal components.
    """
    found = {}
    for name in names:
        block, weight = blocks.encoded[name], blocks.weights[name]
        if n_terms is None or isinstance(block.matrix, np.ndarray):
            fitted = block.of_rows(f"projection {n_components}", rows, partial(_fitted, block.matrix, rows, n_components))
        else:
            fitted = block.of_rows(f"terms {n_terms}", rows, partial(_kept, block.matrix, rows, n_terms))
        found[name] = replace(fitted, scale=fitted.scale * np.sqrt(weight))
    return found


def _fitted(matrix: Matrix, rows: np.ndarray, n_components: int | None) -> Projection:
    return fit_projection(matrix[rows], n_components)


def _kept(matrix: sp.csr_array, rows: np.ndarray, n_terms: int) -> Projection:
    return keep_terms(matrix[rows], n_terms)
