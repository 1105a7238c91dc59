"""Whether a column is the target itself, or the target in other words or units."""

import numpy as np

SAME = 0.999  # share of the rows, at least: a few may be corrected by hand
FEWEST = 20  # rows in which both are known
KNOWN = 0.5  # share of the rows in which a column is known


def is_copy(values: np.ndarray, target: np.ndarray, *, continuous: bool) -> bool:
    """Return whether a column tells the target exactly, and the target the column: a recoding, or a monotone copy of numbers."""
    known = ~np.isnan(values) & ~np.isnan(target)
    if values.dtype == np.int32:
        known &= values >= 0
    if known.sum() < max(FEWEST, KNOWN * len(values)):
        return False
    a, b = values[known], target[known]
    return rank_correlation(a, b) >= SAME if continuous and a.dtype != np.int32 else one_to_one(a, b)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return the absolute Spearman correlation of two columns; 0 if one is constant."""
    ranks = np.stack([_ranks(a), _ranks(b)])
    if np.ptp(ranks, axis=1).min() == 0:
        return 0.0
    return float(abs(np.corrcoef(ranks)[0, 1]))


def one_to_one(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether, of SAME of the rows, each value of one goes with one value of the other, and there is more than one."""
    first, second = (np.unique(values, return_inverse=True)[1] for values in (a, b))
    n_first, n_second = int(first.max()) + 1, int(second.max()) + 1
    if min(n_first, n_second) < 2 or max(n_first, n_second) > len(a) / 2:
        return False
    pairs, counts = np.unique(first * n_second + second, return_counts=True)
    best_of_first, best_of_second = np.zeros(n_first), np.zeros(n_second)
    np.maximum.at(best_of_first, pairs // n_second, counts)
    np.maximum.at(best_of_second, pairs % n_second, counts)
    share = min(best_of_first.sum(), best_of_second.sum()) / len(a)
    return bool(share >= SAME)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 0, the mean of them where values are equal."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray(((last - counts + last - 1) / 2)[inverse])
