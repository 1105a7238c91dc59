"""The weights of a linear model that minimise a loss and a penalty, by scipy's L-BFGS-B."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from scipy.optimize import minimize

from stages.models.linear.score_losses import ScoreLoss

ELASTIC = "elastic"
Penalty = float | Literal["elastic"]
Bounds = Sequence[tuple[float | None, float | None]]
Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
STEEP = 1e-2  # entry of the gradient up to which an end by rounding is one at the minimum: next to a kink it jumps by less
ROUNDINGS = (1e-2, 1e-4, 1e-6, 1e-8)  # weights over which |w|ᵖ with 1 < p < 2 is rounded off, one minimum after the other


@dataclass(frozen=True)
class Regularizer:
    """Σ |w|ᵖ / p, or l1_ratio·Σ |w| + (1 − l1_ratio)/2·Σ w²; `share` times it is added to the mean loss.

    exact_zeros: whether |w| is a part of it, so that weights of features that help too little are 0. rounding: ε of (w² + ε²)^(p/2), which
    stands for |w|ᵖ: its slope has no jump, but for 1 < p < 2 one as good as that at 0, over which no line search finds a step.
    """

    penalty: Penalty
    l1_ratio: float
    share: float
    rounding: float = 0.0

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
        p = float(self.penalty)
        if self.rounding:
            squares = weights**2 + self.rounding**2
            return self.share / p * float((squares ** (p / 2)).sum()), self.share * weights * squares ** (p / 2 - 1)
        power = np.abs(weights) ** (p - 1)
        return self.share / p * float((power * np.abs(weights)).sum()), self.share * np.sign(weights) * power

    def rounded(self) -> "list[Regularizer]":
        """Return what is minimized one after the other, each from the former's minimum: itself alone, or less and less rounded off."""
        is_steep = self.penalty != ELASTIC and 1 < float(self.penalty) < 2
        return [replace(self, rounding=rounding) for rounding in ROUNDINGS] if is_steep else [self]


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
    found = [_minimum(X, loss, regularizer.rounded()[0], start, limits)]
    for one in regularizer.rounded()[1:]:
        found.append(_minimum(X, loss, one, (found[-1].weights, found[-1].offsets), limits))
    # where |w|ᵖ is hardly rounded off, slopes next to 0 jump by more than tol from one number to the next
    return replace(found[-1], n_iter=sum(one.n_iter for one in found), converged=any(one.converged for one in found[-3:]))


def _minimum(X: Any, loss: ScoreLoss, regularizer: Regularizer, start: tuple[np.ndarray, np.ndarray], limits: Limits) -> Solution:
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
    lower = np.array([-np.inf if least is None else least for least, _ in bounds]) if bounds else -np.inf
    steepest = float(np.abs(found.x - np.maximum(found.x - found.jac, lower)).max())
    # status 1: max_iter; the others also where no step lowers the objective any more, by rounding at the minimum or far from it
    return Minimum(found.x, int(found.nit), found.status != 1 and steepest <= max(limits.tol, STEEP))


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
