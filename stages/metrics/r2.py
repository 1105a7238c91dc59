"""R²: the share of a target's variance that is explained, 1 − Σ residual² / Σ (value − mean)², mean over targets.

The mean is that of the rows scored, as in scikit-learn: 0 is what their own mean would get, and less is possible. Entries that are
not known (NaN) are left out, and so is a target that has one value only, whose R² is undefined; scikit-learn counts it 0 or 1.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.residuals import known_residuals, mean_of_defined, mean_where_known, means_of_defined
from stages.scoring.stacks import Stack


def r2(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean R² over targets, at most 1; NaN where it is defined for none.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    values = r2_by_output(target, prediction)
    return mean_of_defined(values, _varies(target))


def r2_by_output(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
    """Return R² of each target, float64 (n_outputs,); NaN for one whose known entries are all equal."""
    residuals, known = known_residuals(target, prediction, "R²")
    return _shares(target, residuals, known)


def _shares(target: np.ndarray, residuals: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return R² of each target from residuals (n, n_outputs), or from a stack of them (m, n, n_outputs)."""
    spread = np.where(known, target - mean_where_known(target, known), 0.0)
    total, errors = (spread**2).sum(axis=0), (residuals**2).sum(axis=-2)
    return 1 - np.divide(errors, total, out=np.full(errors.shape, np.nan), where=_varies(target))


def r2s(stack: Stack) -> np.ndarray:
    """Return R² of each prediction of a stack, float64 (m,)."""
    return means_of_defined(_shares(stack.target, stack.residuals, stack.known), _varies(stack.target))


def _varies(target: np.ndarray) -> np.ndarray:
    """Return which targets have two known values that differ (the mean of equal numbers may round, so a variance is no test)."""
    known = ~np.isnan(target)
    return np.where(known, target, -np.inf).max(axis=0) > np.where(known, target, np.inf).min(axis=0)


METRIC = Metric(
    name="r2",
    title="R²",
    score=r2,
    greater_is_better=True,
    needs_scores=False,
    bounds=(float("-inf"), 1.0),
    tasks=("regression",),
    by_output=r2_by_output,
    score_stack=r2s,
)
