"""Mean absolute error, in the target's own unit, mean over targets; scikit-learn's `mean_absolute_error`.

The target with the largest values dominates the mean. Unknown entries (NaN) are ignored, and so are targets without a known entry.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.regression_inputs import by_target, is_known, mean_over


def mae(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean absolute error, mean over targets, at least 0; NaN if no entry is known.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    return mean_over(mae_by_output(target, prediction), is_known(target))


def mae_by_output(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
    """Return the mean absolute error of each target, float64 (n_outputs,); NaN for one without a known entry."""
    from sklearn.metrics import mean_absolute_error

    return by_target(mean_absolute_error, target, prediction, title="MAE", worst=np.inf)


METRIC = Metric(
    name="mae",
    title="MAE",
    score=mae,
    greater_is_better=False,
    needs_scores=False,
    bounds=(0.0, float("inf")),
    forms=("continuous",),
    by_output=mae_by_output,
)
