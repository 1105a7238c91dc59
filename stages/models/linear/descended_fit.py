"""The weights of a linear model by an optimizer of stages/optimizers/: the objective of stages/models/linear/penalized_fit.py, in torch."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning

from stages.contracts.optimizer import LossClosure, Optimizer
from stages.contracts.schedule import Schedule
from stages.foundation.registry import component
from stages.models.linear.penalized_fit import ELASTIC, Limits, Regularizer, Solution

TorchLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # mean loss of scores (m, k) and targets (m,)


@dataclass(frozen=True)
class Descent:
    """How an optimizer is used.

    batch_size: rows per step; None: all, as full-batch optimizers need. seed: of the order of the rows.
    """

    optimizer: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 0.1
    schedule: str = "constant"
    batch_size: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class TorchObjective:
    """Mean loss + penalty of rows X (n, d), dense or CSR, and their targets (n,)."""

    X: Any
    target: np.ndarray
    loss: TorchLoss
    regularizer: Regularizer

    def taken(self, rows: np.ndarray) -> "TorchObjective":
        """Return the objective of some rows."""
        return replace(self, X=self.X[rows], target=self.target[rows])

    def closure(self, parameters: list[torch.Tensor]) -> LossClosure:
        """Return it as a function of weights (k, d) and offsets (k,), as optimizers call it."""
        rows, values = _as_tensor(self.X), torch.from_numpy(self.target)

        def closure(*, backward: bool = True) -> torch.Tensor:
            weights, offsets = parameters
            total = self.loss(torch.mm(rows, weights.T) + offsets, values) + _penalty(weights, self.regularizer)
            if backward:
                for parameter in parameters:
                    parameter.grad = None
                total.backward()
            return total

        return closure


def descended(objective: TorchObjective, start: tuple[np.ndarray, np.ndarray], limits: Limits, descent: Descent) -> Solution:
    """Return where the optimizer arrives from `start` after `max_iter` passes over the rows.

    With all rows per step it stops where no entry of the gradient is above `tol`. |w| has the slope 0 at 0, and weights are not exactly 0.
    Where it diverges, weights are those of the start, which predict as if there were no features.
    """
    n = objective.X.shape[0]
    one: Optimizer = component("optimizers", descent.optimizer)
    size = None if one.full_batch else descent.batch_size
    parameters = [torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in start]
    rates = _rates(descent, limits.max_iter * (1 if size is None else -(-n // size)))
    stepper = one.make(parameters, one.settings(**descent.settings), descent.learning_rate)
    whole = objective.closure(parameters)
    for n_passed in range(limits.max_iter):
        if size is None and _steepest(whole, parameters) <= limits.tol:
            return _finite(_found(parameters, n_passed, converged=True), start, descent)
        for rows in _batches(n, size, descent.seed, n_passed):
            for group in stepper.param_groups:
                group["lr"] = next(rates)
            stepper.step(whole if rows is None else objective.taken(rows).closure(parameters))
    converged = size is not None or _steepest(whole, parameters) <= limits.tol
    return _finite(_found(parameters, limits.max_iter, converged=converged), start, descent)


def _found(parameters: list[torch.Tensor], n_passed: int, *, converged: bool) -> Solution:
    weights, offsets = (parameter.detach().numpy().copy() for parameter in parameters)
    return Solution(weights, offsets, n_passed, converged)


def _finite(found: Solution, start: tuple[np.ndarray, np.ndarray], descent: Descent) -> Solution:
    """Return a solution, or the start with a warning if it diverged."""
    if np.isfinite(found.weights).all() and np.isfinite(found.offsets).all():
        return found
    warnings.warn(f"{descent.optimizer} diverged, so that the weights are those it began with; a learning_rate below "
                  f"{descent.learning_rate:g} may help", ConvergenceWarning, stacklevel=4)  # fmt: skip
    weights, offsets = start
    return Solution(weights.copy(), offsets.copy(), found.n_iter, converged=True)


def _rates(descent: Descent, n_steps: int) -> Iterator[float]:
    schedule: Schedule = component("schedules", descent.schedule)
    settings = schedule.settings()
    return (schedule.rate(step, n_steps, descent.learning_rate, settings) for step in range(n_steps))


def _batches(n: int, size: int | None, seed: int, n_passed: int) -> Iterator[np.ndarray | None]:
    """Yield the rows of each step of a pass, in a random order; None: all rows."""
    if size is None:
        yield None
        return
    order = np.random.default_rng([seed, n_passed]).permutation(n)
    yield from (order[at : at + size] for at in range(0, n, size))


def _as_tensor(X: Any) -> torch.Tensor:
    if not issparse(X):
        return torch.from_numpy(np.ascontiguousarray(X))
    rows = X.tocoo()
    return torch.sparse_coo_tensor(np.stack([rows.row, rows.col]), rows.data, rows.shape, check_invariants=True).coalesce()


def _penalty(weights: torch.Tensor, regularizer: Regularizer) -> torch.Tensor:
    if regularizer.penalty == ELASTIC:
        return regularizer.l1 * weights.abs().sum() + (regularizer.share - regularizer.l1) / 2 * (weights**2).sum()
    power = float(regularizer.penalty)
    return regularizer.share / power * (weights.abs().sum() if power == 1 else (weights.abs() ** power).sum())


def _steepest(closure: LossClosure, parameters: list[torch.Tensor]) -> float:
    """Return the largest entry of the gradient."""
    closure()
    return max(float(parameter.grad.abs().max()) for parameter in parameters if parameter.grad is not None)


# ---------------------------------------------------------------- losses of stages/models/linear/score_losses.py
def torch_loss(name: str, margin: float, width: float) -> TorchLoss:
    """Return a loss by its name, of classes' codes or of a continuous target; of two classes the scores are one column g = f₁ − f₀."""
    if name == "squared":
        return lambda scores, target: 0.5 * ((scores[:, 0] - target) ** 2).mean()
    if name == "log":
        return lambda scores, target: torch.nn.functional.cross_entropy(_of_all(scores), target)

    def hinge(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        whole, right = _of_all(scores), target[:, None]
        gaps = (whole - whole.gather(1, right) + margin).scatter(1, right, 0.0)
        weights = _in_capped_simplex(gaps / width) if name == "hinge_max" else (gaps / width).clamp(0, 1)
        return (weights * (gaps - width / 2 * weights)).sum() / len(target)

    return hinge


def _of_all(scores: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros_like(scores), scores], dim=1) if scores.shape[1] == 1 else scores


def _in_capped_simplex(values: torch.Tensor) -> torch.Tensor:
    """Return the nearest rows with entries of at least 0 and a sum of at most 1; see score_losses.py."""
    descending = values.sort(dim=1, descending=True).values
    excess = (descending.cumsum(dim=1) - 1) / torch.arange(1, values.shape[1] + 1)
    n_kept = (descending > excess).sum(dim=1, keepdim=True)
    inside = values.clamp(min=0)
    return torch.where(inside.sum(dim=1, keepdim=True) > 1, (values - excess.gather(1, n_kept - 1)).clamp(min=0), inside)
