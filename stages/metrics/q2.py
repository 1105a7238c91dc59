"""Q²: the share of the data set's variance that is predicted, 1 − mean squared error / variance, mean over targets.

Unlike R² it divides by the variance over the whole data set (of the rows at hand where none is bound), which is the same number for
every fold. R² divides by the fold's own: where groups are blocks of time or of places, a fold may hardly vary, and its R² says −15 of a
fair prediction and outweighs all others. Means over folds of one size are then the R² of all folds together.

Source: Consonni, Ballabio and Todeschini (2009), J. Chem. Inf. Model. 49, 1669, doi:10.1021/ci900115y, Q²_F3.
Differs: the variance is that of all rows rather than of the training rows, so that it is one number.
Entries that are not known (NaN) are left out, and so is a target that has one value only.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.residuals import known_residuals, mean_of_defined, mean_where_known, means_of_defined
from stages.scoring.stacks import Stack


def q2(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None, *, variance: np.ndarray | None = None) -> float:
    """Return the mean Q² over targets, at most 1; NaN where it is defined for none.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
        scores: not used.
        variance: float64 (n_outputs,), of the data set; None: of `target`.
    Raises:
        ValueError: if there is no row.
    """
    values = q2_by_output(target, prediction, variance=variance)
    return mean_of_defined(values, (~np.isnan(target)).any(axis=0) & (_variance(target, variance) > 0))


def q2_by_output(
    target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None, *, variance: np.ndarray | None = None
) -> np.ndarray:
    """Return Q² of each target, float64 (n_outputs,); NaN for one that does not vary or is not known."""
    residuals, known = known_residuals(target, prediction, "Q²")
    return _shares(residuals, known, _variance(target, variance))


def _shares(residuals: np.ndarray, known: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return Q² of each target from residuals (n, n_outputs), or from a stack of them (m, n, n_outputs)."""
    error = mean_where_known(residuals**2, known)
    return 1 - np.divide(error, variance, out=np.full(error.shape, np.nan), where=variance > 0)


def q2s(stack: Stack, *, variance: np.ndarray | None = None) -> np.ndarray:
    """Return Q² of each prediction of a stack, float64 (m,)."""
    of_data = _variance(stack.target, variance)
    return means_of_defined(_shares(stack.residuals, stack.known, of_data), stack.known.any(axis=0) & (of_data > 0))


def _variance(target: np.ndarray, variance: np.ndarray | None) -> np.ndarray:
    if variance is not None:
        return variance
    known = ~np.isnan(target)
    spread = np.where(known, target - mean_where_known(target, known), 0.0)
    found = mean_where_known(spread**2, known)
    # the mean of equal numbers may round, so a variance is no test of whether they vary
    varies = np.where(known, target, -np.inf).max(axis=0) > np.where(known, target, np.inf).min(axis=0)
    return np.where(varies, found, 0.0)


def bind(target: np.ndarray) -> Metric:
    """Return the metric with the variance of a data set's targets, float64 (n, n_outputs)."""
    variance = _variance(target, None)
    return replace(
        METRIC,
        score=partial(q2, variance=variance),
        by_output=partial(q2_by_output, variance=variance),
        score_stack=partial(q2s, variance=variance),
    )


METRIC = Metric(
    name="q2",
    title="Q²",
    score=q2,
    greater_is_better=True,
    needs_scores=False,
    bounds=(float("-inf"), 1.0),
    tasks=("regression",),
    by_output=q2_by_output,
    score_stack=q2s,
    bind=bind,
)
