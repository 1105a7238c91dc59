"""Means and variances of targets of which some values are not known (NaN)."""

import numpy as np


def mean_where_known(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the mean of the known entries (n, n_outputs) of each column; NaN where none is. Values may be a stack (m, n, n_outputs)."""
    n_known = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=-2)
    return np.divide(total, n_known, out=np.full(total.shape, np.nan), where=n_known > 0)


def varies(target: np.ndarray) -> np.ndarray:
    """Return which targets (n, n_outputs) have two known values that differ: bool (n_outputs,).

    The mean of equal values may round, so a variance is no test.
    """
    known = ~np.isnan(target)
    return np.asarray(np.where(known, target, -np.inf).max(axis=0) > np.where(known, target, np.inf).min(axis=0))


def variance_of(target: np.ndarray) -> np.ndarray:
    """Return the variance of the known values of each target, float64 (n_outputs,); 0 for one that does not vary."""
    known = ~np.isnan(target)
    deviation = np.where(known, target - mean_where_known(target, known), 0.0)
    return np.where(varies(target), mean_where_known(deviation**2, known), 0.0)
