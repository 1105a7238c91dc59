"""Inputs of scikit-learn's regression metrics: the known rows of each target."""

from collections.abc import Callable

import numpy as np

from stages.metric_inputs.classification_inputs import require_rows


def by_target(
    score: Callable[[np.ndarray, np.ndarray], float], target: np.ndarray, prediction: np.ndarray, *, title: str, worst: float
) -> np.ndarray:
    """Return `score(target, prediction)` on the known rows of each target: float64 (n_outputs,).

    NaN for a target without known rows or with a prediction of NaN; `worst` for one with an infinite prediction.

    Args:
        target: float64 (n, n_outputs), NaN where not known.
        prediction: (n, n_outputs).
    Raises:
        ValueError: if there is no row.
    """
    require_rows(target, title)
    values = np.full(target.shape[1], np.nan)
    for output in range(target.shape[1]):
        known = ~np.isnan(target[:, output])
        predicted = prediction[known, output].astype(np.float64)
        if known.any() and not np.isnan(predicted).any():
            values[output] = score(target[known, output], predicted) if np.isfinite(predicted).all() else worst
    return values


def mean_over(values: np.ndarray, defined: np.ndarray) -> float:
    """Return the mean over the targets for which a score is defined; NaN if there is none.

    `defined` depends on the true values alone, so that a prediction of NaN is not skipped.
    """
    return float(values[defined].mean()) if defined.any() else float("nan")


def is_known(target: np.ndarray) -> np.ndarray:
    """Return which targets have a known value: bool (n_outputs,)."""
    return np.asarray((~np.isnan(target)).any(axis=0))

