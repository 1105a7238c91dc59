"""The loss of predictions over bootstraps, and its exact split into bias and variance.

Of a row with target y and predictions p₁ … p_B, whose mean (the main prediction) is m: mean |y − p_b|² = bias + variance, with
variance = Σ |p_b − m|² / (B − 1) and bias = |y − m|² − variance / B. Both are unbiased: the main prediction of B bootstraps is off by
variance / B, which the first term would count as bias. So the bias of a row may be a little below 0. y is one draw of the target: its noise
is in the bias, and nothing but repeated targets of one sample would tell it apart.

Classes: y and p are 1 for a class and 0 for the others, and squares weigh one half: |y − p|² is the 0-1 loss, its mean 1 − accuracy. This
is the decomposition of Kohavi & Wolpert 1996 (ICML, "Bias plus variance decomposition for zero-one loss functions"), with their correction
for few bootstraps. Labels: the same of each, the mean is the Hamming loss. Continuous targets: squared errors in units of each
target's variance in the data set (1 − Q²); Geman, Bienenstock & Doursat 1992, Neural Computation 4, 1.

Differs from Domingos 2000 (ICML, "A unified bias-variance decomposition"), whose variance counts negatively on biased rows, and whose parts
of several classes add up by factors alone: here the parts of every task are at least 0 on average, add up, and are the loss that ranks by
default (of labels: the share of wrong ones).
"""

from collections.abc import Sequence

import numpy as np

from stages.contracts.task import TargetForm
from stages.scoring.known_values import variance_of


def bias_and_variance(target: np.ndarray, predicted: Sequence[np.ndarray], weights: np.ndarray) -> tuple[float, float]:
    """Return bias and variance, means over rows; their sum is the mean loss of the predictions.

    Args:
        target: float64 (n, n_outputs), NaN where unknown.
        predicted: of each bootstrap (two at least), float64 (n, n_outputs).
        weights: float64 (n_outputs,), of the squares of each output, which are summed.
    """
    stack = np.stack(predicted)
    main, n = stack.mean(axis=0), len(stack)
    variance = ((stack - main) ** 2).sum(axis=0) / (n - 1)
    bias = (target - main) ** 2 - variance / n
    known = ~np.isnan(target)
    of_parts = [np.where(known, part, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1) for part in (bias, variance)]
    return float(of_parts[0] @ weights), float(of_parts[1] @ weights)


def as_numbers(values: np.ndarray, form: TargetForm, n_outputs: int) -> np.ndarray:
    """Return targets or predictions in their form as the loss compares them: float64 (n, n_outputs)."""
    return np.eye(n_outputs)[values] if form == "classes" else np.asarray(values, np.float64)


def output_weights(target: np.ndarray, form: TargetForm, n_outputs: int) -> np.ndarray:
    """Return the weight of each output's squares: float64 (n_outputs,).

    Args:
        target: of the whole data set, in its form.
    """
    if form != "continuous":
        return np.full(n_outputs, 0.5 if form == "classes" else 1 / n_outputs)
    variance = variance_of(target)
    return np.divide(1.0, variance, out=np.zeros(n_outputs), where=variance > 0) / max(1, int((variance > 0).sum()))
