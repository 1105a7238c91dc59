"""Means and variances of targets with unknown values (NaN)."""

import numpy as np


def mean_where_known(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the mean of each column's known entries (n, n_outputs), NaN if there is none; values may be a stack (m, n, n_outputs)."""
    n_known = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=-2)
    return np.divide(total, n_known, out=np.full(total.shape, np.nan), where=n_known > 0)


def varies(target: np.ndarray) -> np.ndarray:
    """Return which targets (n, n_outputs) have two different known values: bool (n_outputs,).

    The variance cannot decide it: the mean of equal values may be rounded.
    """
    known = ~np.isnan(target)
    return np.asarray(np.where(known, target, -np.inf).max(axis=0) > np.where(known, target, np.inf).min(axis=0))


def variance_of(target: np.ndarray) -> np.ndarray:
    """Return the variance of each target's known values, float64 (n_outputs,); exactly 0 for a constant target."""
    known = ~np.isnan(target)
    deviation = np.where(known, target - mean_where_known(target, known), 0.0)
    return np.where(varies(target), mean_where_known(deviation**2, known), 0.0)
