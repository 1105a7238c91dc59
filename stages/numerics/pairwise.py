"""Pairwise inner products and distances, dense or sparse, in float64."""

import numpy as np
import scipy.sparse as sp

from stages.numerics.parallel import each, n_cores

# A squared distance below this share of the two squared norms is rounding: the two rows are the same.
SAME = 1e-13


def inner_products(a: np.ndarray | sp.csr_array, b: np.ndarray | sp.csr_array) -> np.ndarray:
    """Return a·bᵀ: float64 (n_a, n_b)."""
    if sp.issparse(a) or sp.issparse(b):
        return np.asarray((sp.csr_array(a) @ sp.csr_array(b).T).toarray(), dtype=np.float64)
    return a.astype(np.float64) @ b.astype(np.float64).T


def squared_distances(products: np.ndarray, squared_a: np.ndarray, squared_b: np.ndarray) -> np.ndarray:
    """Return |a|² + |b|² − 2a·b: float64 (n_a, n_b), never negative, exactly 0 for equal rows.

    Args:
        products: (n_a, n_b) inner products.
        squared_a, squared_b: squared norms (n_a,), (n_b,).
    """
    norms = squared_a[:, None] + squared_b[None, :]
    distances = norms - 2 * products
    distances[distances < SAME * norms] = 0.0
    return distances


def manhattan_distances(a: np.ndarray | sp.csr_array, b: np.ndarray | sp.csr_array) -> np.ndarray:
    """Return Σ|a − b|: float64 (n_a, n_b)."""
    pieces = np.array_split(np.arange(a.shape[0]), n_cores())
    if sp.issparse(a) or sp.issparse(b):
        from sklearn.metrics.pairwise import manhattan_distances as sparse_manhattan

        a, b = sp.csr_matrix(a), sp.csr_matrix(b)
        return np.vstack(each(lambda rows: sparse_manhattan(a[rows], b), pieces))
    from scipy.spatial.distance import cdist

    return np.vstack(each(lambda rows: cdist(a[rows], b, "cityblock"), pieces))
