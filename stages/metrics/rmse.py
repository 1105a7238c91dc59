"""Root mean squared error, in the target's own unit, mean over targets; scikit-learn's `root_mean_squared_error`.

The target with the largest values dominates the mean. Unknown entries (NaN) are ignored, and so are targets without a known entry.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.metric_inputs.regression_inputs import by_target, is_known, mean_over


def rmse(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the root mean squared error, mean over targets, at least 0; NaN if no entry is known.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    return mean_over(rmse_by_output(target, prediction), is_known(target))


def rmse_by_output(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
    """Return the root mean squared error of each target, float64 (n_outputs,); NaN for one without a known entry."""
    from sklearn.metrics import root_mean_squared_error

    return by_target(root_mean_squared_error, target, prediction, title="RMSE", worst=np.inf)


METRIC = Metric(
    name="rmse",
    title="RMSE",
    score=rmse,
    greater_is_better=False,
    needs_scores=False,
    bounds=(0.0, float("inf")),
    forms=("continuous",),
    by_output=rmse_by_output,
)
