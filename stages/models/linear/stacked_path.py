"""Logistic regression of several inner folds at once: one minimisation of the sum of their objectives, by scipy's L-BFGS-B.

No weight is in the objectives of two folds: the sum is least where each of them is, and `tol` bounds every entry of each one's gradient.
One product of matrices serves all folds at each step. Of small problems calls take most of the time, not products (decision 0103).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, log_expit

from stages.contracts.model import Config, InnerFits
from stages.models.linear.penalized_fit import Limits, Objective, minimized, warn_unfinished

StackedLoss = Callable[[np.ndarray], tuple[float, np.ndarray]]  # of scores (g, k, n), which it may overwrite with the slopes


def out_of_fold_path(configs: Sequence[Config], fits: InnerFits) -> Iterator[np.ndarray]:
    """Yield the out-of-fold scores of each configuration, float64 (n, n_classes).

    Of rows that no fold holds out they are 0.

    Args:
        configs: C, max_iter and tol.
    """
    stack = FoldStack.of(fits)
    places, solutions = list[float](), [np.zeros(int(np.prod(stack.shape)))]
    for config in configs:
        place = float(np.log(config["C"]))
        start = extrapolated(places, solutions, place)
        found = minimized(stack.objective(config["C"]), start, Limits(config["max_iter"], config["tol"]))
        warn_unfinished(found, config["tol"])
        places, solutions = [*places[-1:], place], [*solutions[-1:], found.values]
        yield stack.held_out_scores(found.values.reshape(stack.shape))


def extrapolated(places: Sequence[float], solutions: Sequence[np.ndarray], place: float) -> np.ndarray:
    """Return where a path of solutions goes on in a straight line over log C; of fewer than two, or of equal places, the last one."""
    if len(places) < 2 or places[0] == places[1]:
        return solutions[-1]
    return solutions[1] + (solutions[1] - solutions[0]) * ((place - places[1]) / (places[1] - places[0]))


@dataclass(frozen=True)
class FoldStack:
    """Folds that are fitted together.

    rows: float64 (n, d + 1), the last column ones, whose weights are the offsets. held_out: bool (g, n). codes: int (n,). n_scores: k, of
    two classes 1.
    """

    rows: np.ndarray
    held_out: np.ndarray
    codes: np.ndarray
    n_scores: int

    @classmethod
    def of(cls, fits: InnerFits) -> "FoldStack":
        rows = np.hstack([fits.rows, np.ones((len(fits.rows), 1))], dtype=np.float64)
        return cls(rows, fits.inner == np.arange(fits.n_inner)[:, None], fits.codes, 1 if fits.n_classes == 2 else fits.n_classes)

    @cached_property
    def columns(self) -> np.ndarray:
        """The columns of `rows`, each in one piece of memory."""
        return np.ascontiguousarray(self.rows.T)

    @cached_property
    def loss(self) -> StackedLoss:
        """The sum over folds of their rows' mean loss."""
        shares = ~self.held_out / (~self.held_out).sum(axis=1, keepdims=True)
        return two_classes(self.codes, shares) if self.n_scores == 1 else many_classes(self.codes, shares, self.n_scores)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of the weights: folds, scores, columns."""
        return len(self.held_out), self.n_scores, self.rows.shape[1]

    def objective(self, C: float) -> Objective:
        """Return the sum over folds of mean loss + Σ w² / (2·C·n), with its gradient, of all weights in one vector."""
        n_folds, n_scores, width = self.shape
        factors = np.where(np.arange(width) < width - 1, 1 / (C * (~self.held_out).sum(axis=1)[:, None, None]), 0)

        def whole(values: np.ndarray) -> tuple[float, np.ndarray]:
            total, slopes = self.loss((values.reshape(-1, width) @ self.columns).reshape(n_folds, n_scores, -1))
            pull = (factors * values.reshape(self.shape)).ravel()
            total += float(pull @ values) / 2
            pull += (slopes.reshape(n_folds * n_scores, -1) @ self.rows).ravel()
            return total, pull

        return whole

    def held_out_scores(self, weights: np.ndarray) -> np.ndarray:
        """Return the scores of each row by the fold that holds it out: float64 (n, n_classes), of two classes 0 and their difference."""
        found = np.zeros((len(self.codes), max(2, self.n_scores)))
        for out, of_fold in zip(self.held_out, weights, strict=True):
            found[out, -self.n_scores :] = self.rows[out] @ of_fold.T
        return found


def many_classes(codes: np.ndarray, shares: np.ndarray, n_classes: int) -> StackedLoss:
    """Return the sum of logistic losses. codes: int (n,). shares: of each fold and row, float64 (g, n)."""
    n_folds, n = shares.shape
    right = (np.arange(n_folds)[:, None] * n_classes + codes) * n + np.arange(n)

    def loss(scores: np.ndarray) -> tuple[float, np.ndarray]:
        scores -= scores.max(axis=1, keepdims=True)
        of_right = scores.reshape(-1)[right]
        np.exp(scores, out=scores)
        totals = scores.sum(axis=1)
        scores *= (shares / totals)[:, None]
        scores.reshape(-1)[right] -= shares
        return float((shares * (np.log(totals) - of_right)).sum()), scores

    return loss


def two_classes(codes: np.ndarray, shares: np.ndarray) -> StackedLoss:
    """Return the same of one score per fold and row, f₁ − f₀: (g, 1, n)."""
    signs = np.where(codes == 1, 1.0, -1.0)

    def loss(scores: np.ndarray) -> tuple[float, np.ndarray]:
        leads = signs * scores[:, 0]
        return -float((shares * log_expit(leads)).sum()), (-signs * shares * expit(-leads))[:, None]

    return loss
