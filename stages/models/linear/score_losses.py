"""Losses of a linear model as functions of its scores, with their slopes.

    log        log Σⱼ exp(fⱼ) − f_y
    hinge      Σ_{j≠y} max(0, fⱼ − f_y + Δ)
    hinge_max  max(0, max_{j≠y} fⱼ − f_y + Δ)
    squared    ½·(f − y)²

The hinges have kinks, at which solvers that follow gradients stop too early. They are rounded off: with the differences zⱼ = fⱼ − f_y + Δ
a hinge is max Σⱼ aⱼ·zⱼ over 0 ≤ aⱼ ≤ 1, `hinge_max` over aⱼ ≥ 0 with Σⱼ aⱼ ≤ 1; the rounded one is max Σⱼ aⱼ·zⱼ − h/2·Σⱼ aⱼ². Its slope is
that a, and it is smaller by at most h/2, `hinge` by at most h/2 per wrong class. Source: Nesterov 2005, Mathematical Programming 103, 127.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

Slopes = tuple[float, np.ndarray]  # sum of the losses, and their slopes (n, k)
ScoreLoss = Callable[[np.ndarray], Slopes]  # of scores (n, k)


def log_loss(target: np.ndarray) -> ScoreLoss:
    """Return the logistic loss of classes: codes int (n,)."""
    rows = np.arange(len(target))

    def loss(scores: np.ndarray) -> Slopes:
        log_shares = scores - logsumexp(scores, axis=1, keepdims=True)
        slopes = np.exp(log_shares)
        slopes[rows, target] -= 1
        return -float(log_shares[rows, target].sum()), slopes

    return loss


def hinge_loss(target: np.ndarray, margin: float, width: float, *, of_maximum: bool) -> ScoreLoss:
    """Return the hinge loss of classes, codes int (n,), rounded off over `width`; of_maximum: of the largest wrong score, or of each."""
    rows = np.arange(len(target))

    def loss(scores: np.ndarray) -> Slopes:
        gaps = scores - scores[rows, target][:, None] + margin
        gaps[rows, target] = 0
        weights = in_capped_simplex(gaps / width) if of_maximum else np.clip(gaps / width, 0, 1)
        value = float((weights * (gaps - width / 2 * weights)).sum())
        weights[rows, target] = -weights.sum(axis=1)
        return value, weights

    return loss


def squared_loss(target: np.ndarray) -> ScoreLoss:
    """Return half the squared error of a continuous target, float (n,)."""

    def loss(scores: np.ndarray) -> Slopes:
        errors = scores - target[:, None]
        return 0.5 * float((errors**2).sum()), errors

    return loss


def in_capped_simplex(values: np.ndarray) -> np.ndarray:
    """Return the nearest rows with entries of at least 0 and a sum of at most 1: float64 (n, k)."""
    found = np.maximum(values, 0)
    over = np.flatnonzero(found.sum(axis=1) > 1)
    descending = -np.sort(-values[over], axis=1)
    excess = (np.cumsum(descending, axis=1) - 1) / np.arange(1, values.shape[1] + 1)
    n_kept = (descending > excess).sum(axis=1)
    found[over] = np.maximum(values[over] - np.take_along_axis(excess, n_kept[:, None] - 1, axis=1), 0)
    return found
