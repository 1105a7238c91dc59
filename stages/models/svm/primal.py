"""Linear machines in the primal, many at once: for data too large for matrices of all pairs of rows.

Each machine minimises ½|w|² + C Σ loss² over its own training rows, with an intercept that costs nothing. Classes and labels: the squared
hinge, loss = max(0, 1 − y f). Numbers: the squared tube, loss = max(0, |y − f| − tube). These are smooth, so that Newton's method with
conjugate gradients and an exact line search finds the one optimum (Keerthi, DeCoste: A modified finite Newton method for fast solution of
large scale linear SVMs, JMLR 6, 2005; liblinear's L2-loss machines). The hinge itself, as of the exact machines, is another loss.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from stages.foundation.parallel import each

TOLERANCE = 1e-4  # length of a gradient against the one at w = 0
_AT_ONCE = 32  # machines that share each product with the features; fixed, so that sums do not depend on the number of cores
_NEWTON, _GRADIENTS, _LINE = 60, 60, 12  # steps at most: Newton, conjugate gradients in each, line search


@dataclass(frozen=True)
class Examples:
    """What q machines learn.

    features: float32 (n, p), dense or CSR. target: float64 (n, q), ±1 or numbers. used: bool (n, q), the rows that a machine learns from.
    penalties: float64 (q,), C. tube: None for classes and labels.
    """

    features: np.ndarray | sp.csr_array
    target: np.ndarray
    used: np.ndarray
    penalties: np.ndarray
    tube: float | None

    def part(self, columns: np.ndarray) -> "Examples":
        return Examples(self.features, self.target[:, columns], self.used[:, columns], self.penalties[columns], self.tube)

    def losses(self, f: np.ndarray) -> np.ndarray:
        """Return what is left of the error, with the sign that f should move in: float64 (n, q), 0 where it costs nothing."""
        if self.tube is None:
            return np.where(self.used, self.target * np.maximum(1 - self.target * f, 0), 0.0)
        error = self.target - f
        return np.where(self.used, np.sign(error) * np.maximum(np.abs(error) - self.tube, 0), 0.0)


def train_primal(examples: Examples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weights float64 (p, q), intercepts float64 (q,), and decisions of all rows, used or not: float64 (n, q)."""
    q = len(examples.penalties)
    groups = [np.arange(start, min(q, start + _AT_ONCE)) for start in range(0, q, _AT_ONCE)]
    found = each(lambda columns: _train(examples.part(columns)), groups)
    weights, intercepts, decisions = zip(*found, strict=True)
    return np.hstack(weights), np.concatenate(intercepts), np.hstack(decisions)


def _train(examples: Examples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X, C = examples.features, examples.penalties
    (n, p), q = X.shape, len(C)
    curvature = _mean_squares(X)[:, None]  # of each feature; the same for all, as a cheap guess
    w, b, f = np.zeros((p, q)), np.zeros(q), np.zeros((n, q))
    at_zero = None
    live = np.arange(q)
    for _ in range(_NEWTON):
        part = examples.part(live)
        left = part.losses(f[:, live])
        slope_w = w[:, live] - 2 * C[live] * _transposed(X, left)
        slope_b = -2 * C[live] * left.sum(axis=0)
        size = np.sqrt((slope_w**2).sum(axis=0) + slope_b**2)
        at_zero = size if at_zero is None else at_zero
        going = size > TOLERANCE * at_zero[live]
        if not going.any():
            break
        live, part, active = live[going], part.part(np.flatnonzero(going)), left[:, going] != 0
        step_w, step_b = _newton_step(X, active, 2 * C[live], (slope_w[:, going], slope_b[going]), curvature)
        change = _product(X, step_w) + step_b
        t = _line_search(part, (w[:, live], step_w), f[:, live], change)
        w[:, live] += t * step_w
        b[live] += t * step_b
        f[:, live] += t * change
    return w, b, _product(X, w) + b


def _newton_step(
    X: np.ndarray | sp.csr_array, active: np.ndarray, twice: np.ndarray, slope: tuple[np.ndarray, np.ndarray], curvature: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return an approximate solution of H step = −slope by preconditioned conjugate gradients, for each machine.

    Args:
        active: bool (n, q), rows with a loss. twice: float64 (q,), 2C. curvature: float64 (p, 1), mean square of each feature.
    """
    count = active.sum(axis=0)
    scale_w, scale_b = 1 / (1 + twice * count * curvature), 1 / np.maximum(twice * count, 1e-12)
    step_w, step_b = np.zeros_like(slope[0]), np.zeros_like(slope[1])
    rest_w, rest_b = -slope[0], -slope[1]
    near_w, near_b = scale_w * rest_w, scale_b * rest_b
    way_w, way_b = near_w, near_b
    size = (rest_w * near_w).sum(axis=0) + rest_b * near_b
    enough = 0.01 * size
    for _ in range(_GRADIENTS):
        moved = np.where(active, _product(X, way_w) + way_b, 0.0)
        bent_w, bent_b = way_w + twice * _transposed(X, moved), twice * moved.sum(axis=0)
        bend = (way_w * bent_w).sum(axis=0) + way_b * bent_b
        a = np.where((size > enough) & (bend > 0), size / np.where(bend > 0, bend, 1), 0.0)
        step_w, step_b = step_w + a * way_w, step_b + a * way_b
        rest_w, rest_b = rest_w - a * bent_w, rest_b - a * bent_b
        near_w, near_b = scale_w * rest_w, scale_b * rest_b
        before, size = size, (rest_w * near_w).sum(axis=0) + rest_b * near_b
        if (size <= enough).all():
            break
        ratio = np.where(before > 0, size / np.where(before > 0, before, 1), 0.0)
        way_w, way_b = near_w + ratio * way_w, near_b + ratio * way_b
    return step_w, step_b


def _line_search(examples: Examples, w: tuple[np.ndarray, np.ndarray], f: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return how far to go along each machine's step: float64 (q,); the loss along it is convex, its slope piecewise linear."""
    start, step = w
    linear, square, twice = (start * step).sum(axis=0), (step**2).sum(axis=0), 2 * examples.penalties
    low, high, t = np.zeros(len(twice)), np.full(len(twice), np.inf), np.ones(len(twice))
    for _ in range(_LINE):
        left = examples.losses(f + t * change)
        slope = linear + t * square - twice * (left * change).sum(axis=0)
        bend = square + twice * (np.where(left != 0, change, 0.0) ** 2).sum(axis=0)
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
