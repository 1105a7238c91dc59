"""Pairwise inner products and distances, dense or sparse, in float64."""

import numpy as np
import scipy.sparse as sp

from stages.foundation.parallel import each, n_cores

# A squared distance below this share of the two squared norms is a rounding error: the rows are equal.
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
    """Return Σ|a − b|: float64 (n_a, n_b). Sparse matrices must hold no negative value."""
    if sp.issparse(a) or sp.issparse(b):
        return _sparse_manhattan(sp.csc_array(a), sp.csc_array(b))
    from scipy.spatial.distance import cdist

    chunks = np.array_split(np.arange(a.shape[0]), n_cores())
    return np.vstack(each(lambda rows: cdist(a[rows], b, "cityblock"), chunks))


def _sparse_manhattan(a: sp.csc_array, b: sp.csc_array) -> np.ndarray:
    """Return Σ|a − b| = Σa + Σb − 2 Σmin(a, b), column by column: only pairs of rows that share a term cost time.

    Ten times as fast as merging every pair of rows (scikit-learn's `manhattan_distances`) on 3,000 reviews.
    """
    if min(a.data.min(initial=0), b.data.min(initial=0)) < 0:
        raise ValueError("sparse L1 distances need values of 0 or more")
    shared = np.zeros((a.shape[0], b.shape[0]))
    for column in np.flatnonzero((np.diff(a.indptr) > 0) & (np.diff(b.indptr) > 0)):
        in_a, in_b = slice(*a.indptr[column : column + 2]), slice(*b.indptr[column : column + 2])
        shared[np.ix_(a.indices[in_a], b.indices[in_b])] += np.minimum.outer(a.data[in_a], b.data[in_b])
    distances = np.asarray(a.sum(axis=1)).ravel()[:, None] + np.asarray(b.sum(axis=1)).ravel()[None, :] - 2 * shared
    return np.maximum(distances, 0.0)
