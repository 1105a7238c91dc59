"""Q²: the share of the data set's variance that is predicted, 1 − mean squared error / variance, mean over targets.

Q² divides by the variance over the whole data set (or over the scored rows, if none is bound), which is the same for every fold. R² divides
by the fold's own variance: where groups are blocks of time or places, a fold may hardly vary, and its R² of −15 for a fair prediction
outweighs all others. For folds of equal size, the mean Q² over folds is the R² of all folds together.

scikit-learn has no such function; the error is its `mean_squared_error`.
Source: Consonni, Ballabio and Todeschini (2009), J. Chem. Inf. Model. 49, 1669, doi:10.1021/ci900115y, Q²_F3.
Differs: the variance is that of all rows instead of the training rows, so that it is the same for every fold.
Unknown entries (NaN) are ignored, and so are constant targets.
"""

from dataclasses import replace
from functools import partial

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.regression_inputs import by_target, is_known, mean_over
from stages.scoring.known_values import variance_of


def q2(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None, *, variance: np.ndarray | None = None) -> float:
    """Return the mean Q² over targets, at most 1; NaN if it is defined for none.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
        scores: not used.
        variance: float64 (n_outputs,), of the data set; None: of `target`.
    Raises:
        ValueError: if there is no row.
    """
    values = q2_by_output(target, prediction, variance=variance)
    return mean_over(values, is_known(target) & ((variance_of(target) if variance is None else variance) > 0))


def q2_by_output(
    target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None, *, variance: np.ndarray | None = None
) -> np.ndarray:
    """Return Q² of each target, float64 (n_outputs,); NaN for one that is constant or has no known entry."""
    from sklearn.metrics import mean_squared_error

    error = by_target(mean_squared_error, target, prediction, title="Q²", worst=np.inf)
    of_data = variance_of(target) if variance is None else variance
    return 1 - np.divide(error, of_data, out=np.full(error.shape, np.nan), where=of_data > 0)


def bind(target: np.ndarray) -> Metric:
    """Return the metric with the variance of a data set's targets, float64 (n, n_outputs)."""
    variance = variance_of(target)
    return replace(METRIC, score=partial(q2, variance=variance), by_output=partial(q2_by_output, variance=variance))


METRIC = Metric(
    name="q2",
    title="Q²",
    score=q2,
    greater_is_better=True,
    needs_scores=False,
    bounds=(float("-inf"), 1.0),
    forms=("continuous",),
    by_output=q2_by_output,
    bind=bind,
)
