"""The squared loss of predictions over bootstraps, and its exact split into bias and variance.

Of a row with target y and predictions p₁ … p_B, whose mean (the main prediction) is m: mean |y − p_b|² = bias + variance, with variance =
Σ |p_b − m|² / (B − 1) and bias = |y − m|² − variance / B. Both are unbiased: the main prediction of B bootstraps is off by variance / B, which
the first term would count as bias. So a bias may be a little below 0. y is one draw of the target: its noise is in the bias, and nothing
but repeated targets of one sample would tell it apart.

Classes: p are probabilities and y is 1 for the true class (the Brier score summed over classes: 0 to 2). Labels: the mean over labels (0 to 1).
Continuous targets: in units of each target's variance in the data set, mean over targets (1 − Q²).

Source: Geman, Bienenstock & Doursat 1992, Neural Computation 4, 1 (squared loss); Domingos 2000, ICML, "A unified bias-variance decomposition"
(other losses: of the 0-1 loss variance counts negatively on biased rows, and with several classes the parts do not add up without factors).
"""

from collections.abc import Sequence

import numpy as np

from stages.contracts.fitted import Scores
from stages.contracts.task import TargetForm
from stages.scoring.known_values import variance_of


def squared_form(scores: Scores) -> np.ndarray:
    """Return what the squared loss is of: float64 (n, n_outputs), probabilities, or continuous predictions."""
    values = scores.decisions if scores.probabilities is None else scores.probabilities
    return np.asarray(values, np.float64)


def bias_and_variance(target: np.ndarray, predicted: Sequence[np.ndarray], weights: np.ndarray) -> tuple[float, float]:
    """Return bias and variance, means over rows; their sum is the mean loss of the predictions.

    Args:
        target: float64 (n, n_outputs), NaN where unknown.
        predicted: of each bootstrap (two at least), float64 (n, n_outputs).
        weights: float64 (n_outputs,), of the squares of each output, summed.
    """
    stack = np.stack(predicted)
    main, n = stack.mean(axis=0), len(stack)
    variance = ((stack - main) ** 2).sum(axis=0) / (n - 1)
    bias = (target - main) ** 2 - variance / n
    known = ~np.isnan(target)
    n_known = np.maximum(known.sum(axis=0), 1)
    return tuple(float((np.where(known, part, 0.0).sum(axis=0) / n_known) @ weights) for part in (bias, variance))  # type: ignore[return-value]


def squared_target(target: np.ndarray, form: TargetForm, n_outputs: int) -> np.ndarray:
    """Return the targets that the squared loss compares with: float64 (n, n_outputs), 1 for the true class or labels."""
    return np.eye(n_outputs)[target] if form == "classes" else np.asarray(target, np.float64)


def output_weights(target: np.ndarray, form: TargetForm, n_outputs: int) -> np.ndarray:
    """Return the weight of each output's squares: float64 (n_outputs,).

    Args:
        target: of the whole data set, in its form.
    """
    if form == "classes":
        return np.ones(n_outputs)
    if form == "labels":
        return np.full(n_outputs, 1 / n_outputs)
    variance = variance_of(target)
    return np.divide(1.0, variance, out=np.zeros(n_outputs), where=variance > 0) / max(1, int((variance > 0).sum()))
