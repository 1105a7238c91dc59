"""Mean absolute error, in the target's own unit; mean over targets, which the target of the largest numbers governs.

Entries that are not known (NaN) are left out, and so is a target of which none is known.
"""

import numpy as np

from stages.contracts.metric import Metric
from stages.scoring.residuals import known_residuals, mean_of_defined, mean_where_known, means_of_defined
from stages.scoring.stacks import Stack


def mae(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> float:
    """Return the mean absolute error, mean over targets, at least 0; NaN where nothing is known.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
        scores: not used.
    Raises:
        ValueError: if there is no row.
    """
    return mean_of_defined(mae_by_output(target, prediction), ~np.isnan(target).all(axis=0))


def mae_by_output(target: np.ndarray, prediction: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
    """Return the mean absolute error of each target, float64 (n_outputs,); NaN for one of which nothing is known."""
    residuals, known = known_residuals(target, prediction, "MAE")
    return mean_where_known(np.abs(residuals), known)


def maes(stack: Stack) -> np.ndarray:
    """Return the mean absolute error of each prediction of a stack, float64 (m,)."""
    return means_of_defined(mean_where_known(np.abs(stack.residuals), stack.known), stack.known.any(axis=0))


METRIC = Metric(
    name="mae",
    title="MAE",
    score=mae,
    greater_is_better=False,
    needs_scores=False,
    bounds=(0.0, float("inf")),
    tasks=("regression",),
    by_output=mae_by_output,
    score_stack=maes,
)
