"""Which members of a late fusion are shown to know something of the target by themselves.

Of members at chance nearly every weighting scores the same, so that the best one gives them weight by chance. A weighted mean has nothing
to gain from a member whose scores do not go with the target, so that it need not be tried.
"""

import numpy as np

from stages.contracts.task import TargetForm

STANDARD_ERRORS = 3.0  # and not 2: a member's configuration is the best of a grid on the same rows, so that chance looks better than it is

ROUNDING = 1e-12  # scores that differ by so much of the largest are equal: a constant member knows nothing


def informed_members(scores: np.ndarray, target: np.ndarray, form: TargetForm) -> np.ndarray:
    """Return which members' scores are shown to covary with the target: bool (n_members,).

    The covariance is summed over classes (in one is 1), labels or targets (in standard deviations), and must be above 0 by three of its
    standard errors over rows. It needs no thresholds, and rare classes count as they vary.

    Args:
        scores: float64 (n, n_members, n_outputs), out of fold.
        target: in its form, (n, …).
    """
    truth = _numbers(target, form, scores.shape[2])
    known = ~np.isnan(truth)
    centered = np.where(known, truth - np.nanmean(np.where(known.any(axis=0), truth, 0.0), axis=0), 0.0)
    moved = scores - scores.mean(axis=0)
    moved[np.abs(moved) <= ROUNDING * np.abs(scores).max()] = 0.0
    products = (moved * centered[:, None]).sum(axis=2)
    return np.asarray(products.mean(axis=0) > STANDARD_ERRORS * products.std(axis=0) / np.sqrt(len(products)))


def _numbers(target: np.ndarray, form: TargetForm, n_outputs: int) -> np.ndarray:
    """Return the target as numbers that compare with scores: float64 (n, n_outputs), NaN where not known."""
    if form == "classes":
        return np.eye(n_outputs)[target]
    if form == "labels":
        return target.astype(np.float64)
    # products of scores and truth in units of the target's variance, so that no target outweighs the others by its unit
    variance = np.nanvar(np.where((~np.isnan(target)).any(axis=0), target, 0.0), axis=0)
    return np.asarray(target / np.where(variance > 0, variance, 1.0))
