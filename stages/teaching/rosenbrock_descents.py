"""Rosenbrock's function, whose minimum is known, and the ways down of optimizers and of a method without gradients.

Source: Rosenbrock 1960, doi:10.1093/comjnl/3.3.175; of more variables: Moré, Garbow & Hillstrom 1981, doi:10.1145/355934.355936.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from stages.teaching.counted_losses import CountedLoss
from stages.teaching.small_networks import Recipe, train

START, SPREAD = (-1.2, 1.0), 0.2  # Rosenbrock's start, and the standard deviation of drawn ones around it


def rosenbrock(points: Any, steepness: float) -> Any:
    """Return Σ (1 − θ_j)² + s·(θ_{j+1} − θ_j²)² over the pairs of points (…, d): 0 at the only minimum, where all are 1."""
    pairs = points.reshape(*points.shape[:-1], -1, 2)
    rest, bend = 1 - pairs[..., 0], pairs[..., 1] - pairs[..., 0] ** 2
    return (rest * rest + steepness * bend * bend).sum(-1)


def drawn_start(n_dimensions: int, seed: int) -> np.ndarray:
    """Return a point next to Rosenbrock's start: float64 (n_dimensions,)."""
    rng = np.random.default_rng(seed)
    return np.tile(START, n_dimensions // 2) + SPREAD * rng.standard_normal(n_dimensions)


class WayDown(NamedTuple):
    """losses: of every evaluation. costs: of the evaluations up to each, as of `CountedLoss`. points: after each step, (n + 1, d)."""

    losses: np.ndarray
    costs: np.ndarray
    points: np.ndarray

    def cost_until(self, target: float, most: float) -> float:
        """Return the cost up to the first loss that is at most the target; `most` if that is less, or none is."""
        there = np.flatnonzero(self.losses <= target)
        return float(min(self.costs[there[0]], most)) if len(there) else most


def descent(optimizer: str, start: np.ndarray, steepness: float, *, learning_rate: float, most: int, exact: float) -> WayDown:
    """Return the way of a rule of stages/optimizers/, until a step ends at most `exact` above the minimum or costs reach `most`."""
    import torch

    point = torch.from_numpy(start.copy()).requires_grad_()
    counted = CountedLoss(lambda rows: rosenbrock(point, steepness), [point])
    points = [start]

    def is_over(loss: float) -> bool:
        points.append(point.detach().numpy().copy())
        return bool(rosenbrock(points[-1], steepness) <= exact) or counted.costs[-1] >= most

    train([point], counted, 1, Recipe(optimizer, learning_rate, most), seed=0, until=is_over)
    return WayDown(np.array(counted.losses), np.array(counted.costs), np.array(points))


def simplex_descent(start: np.ndarray, steepness: float, *, most: int, exact: float) -> WayDown:
    """Return the way of Nelder's and Mead's simplex, which evaluates the function alone."""
    from scipy.optimize import minimize

    losses: list[float] = []

    def evaluated(point: np.ndarray) -> float:
        losses.append(float(rosenbrock(point, steepness)))
        return losses[-1]

    options = {"maxfev": most, "maxiter": most, "xatol": exact, "fatol": exact, "return_all": True}
    found = minimize(evaluated, start, method="Nelder-Mead", options=options)
    return WayDown(np.array(losses), np.arange(1, len(losses) + 1), np.array(found.allvecs))


def descents_at(learning_rate: float, starts: Sequence[np.ndarray], steepness: float, *, most: int, exact: float) -> list[WayDown]:
    """Return the ways of gradient descent from several starts, each of its own dimension, at one learning rate.

    It works entry by entry: all starts are one training. Each way ends at the first point that is at most `exact` above the minimum.
    """
    import torch

    ends = np.cumsum([len(start) for start in starts])
    point = torch.from_numpy(np.concatenate(starts)).requires_grad_()
    pair_of = torch.from_numpy(np.repeat(np.arange(len(starts)), [len(start) // 2 for start in starts]))
    points = []

    def losses_of(rows: torch.Tensor) -> torch.Tensor:
        points.append(point.detach().numpy().copy())
        each = rosenbrock(point.reshape(-1, 2), steepness)
        return torch.zeros(len(starts), dtype=torch.float64).index_add(0, pair_of, each)

    counted = CountedLoss(losses_of, [point])
    train([point], counted, 1, Recipe("gradient_descent", learning_rate, most - 1), seed=0,
          until=lambda loss: not np.nan_to_num(counted.losses[-1], nan=0, posinf=0).max() > exact)
    losses, costs = np.array(counted.losses), np.array(counted.costs)
    ways = np.split(np.array(points), ends[:-1], axis=1)
    n_calls = np.minimum(counted.calls_until(exact), len(costs)).astype(int)
    return [WayDown(losses[:n, place], costs[:n], way[:n]) for place, (n, way) in enumerate(zip(n_calls, ways, strict=True))]
