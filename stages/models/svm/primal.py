"""Solve many linear SVMs at once in the primal, for data too large for n × n matrices.

Each SVM minimises ½|w|² + C Σ loss² over its own training rows, with an unpenalised intercept. Classes and labels: squared hinge,
loss = max(0, 1 − y f). Continuous targets: squared epsilon-insensitive, loss = max(0, |y − f| − tube). Both are smooth, so Newton's method
with conjugate gradients and an exact line search finds the unique optimum (Keerthi, DeCoste: A modified finite Newton method for fast
solution of large scale linear SVMs, JMLR 6, 2005; liblinear's L2-loss SVMs). The exact SVMs use the hinge loss, which differs.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from stages.foundation.parallel import each

TOLERANCE = 1e-4  # norm of the gradient relative to that at w = 0
_GROUP = 32  # SVMs that share each product with the features; fixed, so that sums do not depend on the number of cores
_NEWTON, _GRADIENTS, _LINE = 60, 60, 12  # most steps: Newton, conjugate gradients in each, line search


@dataclass(frozen=True)
class PrimalProblem:
    """The training data of q linear SVMs.

    features: float32 (n, p), dense or CSR. target: float64 (n, q), ±1 or continuous. used: bool (n, q), the training rows of each SVM.
    penalties: float64 (q,), C. tube: epsilon of continuous targets; None for classes and labels.
    past: int64, rows whose features alone may decide where the solver stops (its preconditioner); None: all.
    """

    features: np.ndarray | sp.csr_array
    target: np.ndarray
    used: np.ndarray
    penalties: np.ndarray
    tube: float | None
    past: np.ndarray | None = None

    def select(self, columns: np.ndarray) -> "PrimalProblem":
        """Return the problem of some of the SVMs."""
        return PrimalProblem(self.features, self.target[:, columns], self.used[:, columns], self.penalties[columns], self.tube, self.past)

    def losses(self, f: np.ndarray) -> np.ndarray:
        """Return the loss with the sign in which f should move: float64 (n, q), 0 where there is none."""
        if self.tube is None:
            return np.where(self.used, self.target * np.maximum(1 - self.target * f, 0), 0.0)
        error = self.target - f
        return np.where(self.used, np.sign(error) * np.maximum(np.abs(error) - self.tube, 0), 0.0)


def train_primal(problem: PrimalProblem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights float64 (p, q), intercepts float64 (q,), and decision values of all rows: float64 (n, q)."""
    q = len(problem.penalties)
    groups = [np.arange(start, min(q, start + _GROUP)) for start in range(0, q, _GROUP)]
    found = each(lambda columns: _train(problem.select(columns)), groups)
    weights, intercepts, decisions = zip(*found, strict=True)
    return np.hstack(weights), np.concatenate(intercepts), np.hstack(decisions)


def _train(problem: PrimalProblem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, C = problem.features, problem.penalties
    (n, p), q = X.shape, len(C)
    # per feature; shared by all SVMs as a cheap preconditioner
    curvature = _mean_squares(X if problem.past is None else X[problem.past])[:, None]
    w, b, f = np.zeros((p, q)), np.zeros(q), np.zeros((n, q))
    at_zero = None
    live = np.arange(q)
    for _ in range(_NEWTON):
        selected = problem.select(live)
        loss = selected.losses(f[:, live])
        slope_w = w[:, live] - 2 * C[live] * _transposed(X, loss)
        slope_b = -2 * C[live] * loss.sum(axis=0)
        size = np.sqrt((slope_w**2).sum(axis=0) + slope_b**2)
        at_zero = size if at_zero is None else at_zero
        going = size > TOLERANCE * at_zero[live]
        if not going.any():
            break
        live, selected, active = live[going], selected.select(np.flatnonzero(going)), loss[:, going] != 0
        step_w, step_b = _newton_step(X, active, 2 * C[live], (slope_w[:, going], slope_b[going]), curvature)
        change = _product(X, step_w) + step_b
        t = _line_search(selected, (w[:, live], step_w), f[:, live], change)
        w[:, live] += t * step_w
        b[live] += t * step_b
        f[:, live] += t * change
    return w, b, _product(X, w) + b


def _newton_step(
    X: np.ndarray | sp.csr_array, active: np.ndarray, twice: np.ndarray, slope: tuple[np.ndarray, np.ndarray], curvature: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return an approximate solution of H step = −slope by preconditioned conjugate gradients, for each SVM.

    Args:
        active: bool (n, q), rows with a loss. twice: float64 (q,), 2C. curvature: float64 (p, 1), mean square of each feature.
    """
    count = active.sum(axis=0)
    scale_w, scale_b = 1 / (1 + twice * count * curvature), 1 / np.maximum(twice * count, 1e-12)
    step_w, step_b = np.zeros_like(slope[0]), np.zeros_like(slope[1])
    residual_w, residual_b = -slope[0], -slope[1]
    scaled_w, scaled_b = scale_w * residual_w, scale_b * residual_b  # preconditioned residual
    direction_w, direction_b = scaled_w, scaled_b
    size = (residual_w * scaled_w).sum(axis=0) + residual_b * scaled_b
    enough = 0.01 * size
    for _ in range(_GRADIENTS):
        moved = np.where(active, _product(X, direction_w) + direction_b, 0.0)
        H_w, H_b = direction_w + twice * _transposed(X, moved), twice * moved.sum(axis=0)  # H times the direction
        bend = (direction_w * H_w).sum(axis=0) + direction_b * H_b
        a = np.where((size > enough) & (bend > 0), size / np.where(bend > 0, bend, 1), 0.0)
        step_w, step_b = step_w + a * direction_w, step_b + a * direction_b
        residual_w, residual_b = residual_w - a * H_w, residual_b - a * H_b
        scaled_w, scaled_b = scale_w * residual_w, scale_b * residual_b
        before, size = size, (residual_w * scaled_w).sum(axis=0) + residual_b * scaled_b
        if (size <= enough).all():
            break
        ratio = np.where(before > 0, size / np.where(before > 0, before, 1), 0.0)
        direction_w, direction_b = scaled_w + ratio * direction_w, scaled_b + ratio * direction_b
    return step_w, step_b


def _line_search(problem: PrimalProblem, w: tuple[np.ndarray, np.ndarray], f: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return the step length of each SVM, float64 (q,): the objective along a step is convex, its slope piecewise linear."""
    start, step = w
    linear, square, twice = (start * step).sum(axis=0), (step**2).sum(axis=0), 2 * problem.penalties
    low, high, t = np.zeros(len(twice)), np.full(len(twice), np.inf), np.ones(len(twice))
    for _ in range(_LINE):
        loss = problem.losses(f + t * change)
        slope = linear + t * square - twice * (loss * change).sum(axis=0)
        bend = square + twice * (np.where(loss != 0, change, 0.0) ** 2).sum(axis=0)
        low, high = np.where(slope < 0, t, low), np.where(slope < 0, high, t)
        new = t - slope / np.where(bend > 0, bend, 1)
        t, before = np.where((new > low) & (new < high), new, np.where(np.isinf(high), 2 * t, 0.5 * (low + high))), t
        if (np.abs(t - before) <= 1e-3 * t).all():
            break
    return t


def _product(X: np.ndarray | sp.csr_array, w: np.ndarray) -> np.ndarray:
    return np.asarray(X @ w.astype(np.float32)).astype(np.float64)


def _transposed(X: np.ndarray | sp.csr_array, values: np.ndarray) -> np.ndarray:
    return np.asarray(X.T @ values.astype(np.float32)).astype(np.float64)


def _mean_squares(X: np.ndarray | sp.csr_array) -> np.ndarray:
    if not isinstance(X, np.ndarray):
        return np.asarray(X.multiply(X).mean(axis=0), dtype=np.float64).ravel()
    return np.einsum("ij,ij->j", X, X, dtype=np.float64) / len(X)
