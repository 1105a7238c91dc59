"""The weights of a linear model that minimise a loss and a penalty, by scipy's L-BFGS-B."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize

from stages.models.linear.score_losses import ScoreLoss

ELASTIC = "elastic"
Penalty = float | Literal["elastic"]
Bounds = Sequence[tuple[float | None, float | None]]
Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Regularizer:
    """Σ |w|ᵖ / p, or l1_ratio·Σ |w| + (1 − l1_ratio)/2·Σ w²; `share` times it is added to the mean loss.

    exact_zeros: whether |w| is a part of it, so that weights of features that help too little are 0.
    """

    penalty: Penalty
    l1_ratio: float
    share: float

    @property
    def exact_zeros(self) -> bool:
        return self.l1 > 0

    @property
    def l1(self) -> float:
        """Return the factor of Σ |w|."""
        return self.share * (self.l1_ratio if self.penalty == ELASTIC else float(self.penalty == 1))

    def smooth(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the part without Σ |w|, and its slopes."""
        if self.penalty == ELASTIC:
            share = self.share * (1 - self.l1_ratio)
            return share / 2 * float((weights**2).sum()), share * weights
        if self.penalty == 1:
            return 0.0, np.zeros_like(weights)
        power = np.abs(weights) ** (float(self.penalty) - 1)
        return self.share / float(self.penalty) * float((power * np.abs(weights)).sum()), self.share * np.sign(weights) * power


@dataclass(frozen=True)
class Limits:
    """When L-BFGS-B stops: after max_iter iterations, or when no entry of the (projected) gradient is above tol."""

    max_iter: int
    tol: float


@dataclass(frozen=True)
class Solution:
    """weights: float64 (k, d). offsets: float64 (k,). converged: whether `tol` was reached before `max_iter`."""

    weights: np.ndarray
    offsets: np.ndarray
    n_iter: int
    converged: bool


@dataclass(frozen=True)
class Minimum:
    """values: float64 (n,), where an objective is least. converged: as of a Solution."""

    values: np.ndarray
    n_iter: int
    converged: bool


def solved(X: Any, loss: ScoreLoss, regularizer: Regularizer, start: tuple[np.ndarray, np.ndarray], limits: Limits) -> Solution:
    """Return the minimum of mean loss + regularizer over weights and offsets; offsets are not penalized.

    With |w| in the regularizer w = u − v with u, v ≥ 0, and |w| becomes u + v, which is smooth: weights at their bounds are 0 exactly.

    Args:
        X: (n, d), dense or CSR. start: weights (k, d) and offsets (k,).
    """
    weights, offsets = start
    n_weights, split = weights.size, regularizer.exact_zeros
    parts = [np.maximum(weights, 0).ravel(), np.maximum(-weights, 0).ravel()] if split else [weights.ravel()]
    bounds = [(0, None)] * (2 * n_weights) + [(None, None)] * offsets.size if split else None
    whole = objective(X, loss, regularizer, weights.shape)

    def split_objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        up, down = values[:n_weights], values[n_weights : 2 * n_weights]
        value, slopes = whole(np.concatenate([up - down, values[2 * n_weights :]]))
        value += regularizer.l1 * float(up.sum() + down.sum())
        of_weights = slopes[:n_weights]
        return value, np.concatenate([of_weights + regularizer.l1, regularizer.l1 - of_weights, slopes[n_weights:]])

    found = minimized(split_objective if split else whole, np.concatenate([*parts, offsets]), limits, bounds)
    kept = found.values[:n_weights] - found.values[n_weights : 2 * n_weights] if split else found.values[:n_weights]
    return Solution(kept.reshape(weights.shape), found.values[-offsets.size :], found.n_iter, found.converged)


def minimized(whole: Objective, start: np.ndarray, limits: Limits, bounds: Bounds | None = None) -> Minimum:
    """Return the minimum of an objective by scipy's L-BFGS-B, which stops where scikit-learn's LogisticRegression lets it stop."""
    options = {"maxiter": limits.max_iter, "maxfun": 4 * limits.max_iter, "gtol": limits.tol, "ftol": 64 * np.finfo(float).eps}
    found = minimize(whole, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return Minimum(found.x, int(found.nit), found.status != 1)


def warn_unfinished(found: "Solution | Minimum", tol: float, solver: str = "L-BFGS-B") -> None:
    """Warn if the solver stopped before `tol` was reached."""
    from sklearn.exceptions import ConvergenceWarning

    if not found.converged:
        warnings.warn(f"{solver} stopped after {found.n_iter} iterations, before tol={tol}; a larger max_iter goes on",
                      ConvergenceWarning, stacklevel=4)  # fmt: skip


def objective(X: Any, loss: ScoreLoss, regularizer: Regularizer, shape: tuple[int, ...]) -> Objective:
    """Return mean loss and smooth part of the regularizer as a function of weights and offsets in one vector, with its gradient."""
    n, n_weights = X.shape[0], int(np.prod(shape))

    def whole(values: np.ndarray) -> tuple[float, np.ndarray]:
        weights, offsets = values[:n_weights].reshape(shape), values[n_weights:]
        total, slopes = loss(np.asarray(X @ weights.T) + offsets)
        penalty, of_penalty = regularizer.smooth(weights)
        of_weights = np.asarray(X.T @ slopes).T / n + of_penalty
        return total / n + penalty, np.concatenate([of_weights.ravel(), slopes.sum(axis=0) / n])

    return whole
