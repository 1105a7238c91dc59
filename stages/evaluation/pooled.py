"""A score over pooled held-out rows, with the standard error that its groups imply."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stages.evaluation.design import Design


@dataclass(frozen=True)
class Pooled:
    """A mean over rows in which each fold weighs the same, as in a mean over folds.

    score: that mean. error: its standard error, by groups: rows of a group may depend on one another (NaN for one group).
    sums, weights: float64 (n_groups,), the weighted values and weights of each group's rows; score is Σ sums / Σ weights.
    plain: float64 (n_groups,), the unweighted sums.
    """

    score: float
    error: float
    sums: np.ndarray
    weights: np.ndarray
    plain: np.ndarray

    @property
    def n_groups(self) -> int:
        return int(np.count_nonzero(self.weights))

    @cached_property
    def df(self) -> float:
        """Return the degrees of freedom of the standard error."""
        return degrees_of_freedom((self.sums - self.score * self.weights)[self.weights > 0])


def degrees_of_freedom(residuals: np.ndarray) -> float:
    """Return the degrees of freedom of a variance of groups: 2·n_groups / (kurtosis − 1) of what they add, at most n_groups − 1.

    Of normal values that is the number of groups. Where few groups hold nearly all errors, their spread says little about that of other
    groups (Satterthwaite: a variance has 2·mean² / variance degrees of freedom).

    Args:
        residuals: float64 (n_groups,), about 0.
    """
    square = float((residuals**2).mean()) if residuals.size else 0.0
    if square == 0.0:
        return float(residuals.size - 1)
    excess = float((residuals**4).mean()) / square**2 - 1
    return float(np.clip(2 * residuals.size / excess if excess > 0 else np.inf, 1.0, max(1.0, residuals.size - 1)))


def pool(values: np.ndarray, design: Design) -> Pooled:
    """Return the pooled score of values of rows, float64 (N,); NaN: of a fold in which the score is undefined."""
    defined = ~np.isnan(values)
    folds, groups, kept = design.folds[defined], design.groups[defined], values[defined]
    sizes = np.bincount(folds, minlength=design.n_folds)
    weight = len(folds) / (max(np.count_nonzero(sizes), 1) * np.maximum(sizes, 1)[folds])
    sums, weights, plain = (np.bincount(groups, weights=part, minlength=design.n_groups) for part in (kept * weight, weight, kept))
    total = weights.sum()
    score = float(sums.sum() / total) if total else float("nan")
    n_groups = np.count_nonzero(weights)
    error = float("nan")
    if n_groups > 1:
        error = float(np.sqrt(n_groups / (n_groups - 1) * ((sums - score * weights) ** 2).sum()) / total)
    return Pooled(score, error, sums, weights, plain)
