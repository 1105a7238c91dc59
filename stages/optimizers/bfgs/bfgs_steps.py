"""BFGS's step with a line search by bisection, as a torch optimizer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from stages.contracts.optimizer import LossClosure

SUFFICIENT, CURVATURE = 1e-4, 0.9  # the constants of the Wolfe conditions
TRIALS = 40  # most lengths that are tried at a step
ROUNDINGS = 10  # of the loss, by which it may seem to rise: next to a minimum that is all that it changes by
LEAST_CURVATURE = 1e-10  # of yᵀs, as a share of ‖y‖·‖s‖: less is rounding, and B is kept


class Bfgs(torch.optim.Optimizer):
    """The rule of stages/optimizers/bfgs; computed in float64 on the processor, whatever the parameters are."""

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        super().__init__(parameters, {"lr": 1.0})
        self.inverse: np.ndarray | None = None  # B, float64 (n, n); None before the first update

    def step(self, closure: LossClosure) -> Any:  # type: ignore[override]
        """Do one update and return the loss before it."""
        landscape = Landscape(closure, self.param_groups[0]["params"])
        start = landscape.values()
        loss, gradient = landscape.at(start)
        direction = -gradient if self.inverse is None else -self.inverse @ gradient
        first = min(1.0, 1 / max(1e-300, float(np.linalg.norm(gradient)))) if self.inverse is None else 1.0
        length = wolfe_step(landscape, start, direction, first)
        if length is None:
            self.inverse = None
            landscape.write(start)
        else:
            end = start + length * direction
            self.inverse = updated(self.inverse, end - start, landscape.at(end)[1] - gradient)
        return torch.tensor(loss)


class Landscape:
    """Loss and gradient as functions of the parameters' values, float64 (n,); the last point is remembered."""

    def __init__(self, closure: LossClosure, parameters: list[torch.Tensor]) -> None:
        self._closure, self._parameters = closure, parameters
        self.precision = torch.finfo(parameters[0].dtype).eps
        self._last: tuple[np.ndarray, float, np.ndarray] | None = None

    def values(self) -> np.ndarray:
        """Return the parameters as a vector."""
        return np.concatenate([as_numpy(parameter) for parameter in self._parameters])

    def write(self, vector: np.ndarray) -> None:
        """Set the parameters, in place."""
        at = np.cumsum([parameter.numel() for parameter in self._parameters])[:-1]
        with torch.no_grad():
            for parameter, values in zip(self._parameters, np.split(vector, at), strict=True):
                parameter.copy_(torch.from_numpy(values).view_as(parameter))

    def at(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        """Return loss and gradient (n,) at a vector, where the parameters are left."""
        if self._last is None or not np.array_equal(self._last[0], vector):
            self.write(vector)
            with torch.enable_grad():
                loss = float(self._closure())
            slopes = [np.zeros(p.numel()) if p.grad is None else as_numpy(p.grad) for p in self._parameters]
            self._last = (vector.copy(), loss, np.concatenate(slopes))
        return self._last[1:]


def as_numpy(values: torch.Tensor) -> np.ndarray:
    """Return a tensor as a vector, float64."""
    return values.detach().cpu().to(torch.float64).numpy().ravel()


def wolfe_step(landscape: Landscape, start: np.ndarray, direction: np.ndarray, first: float) -> float | None:
    """Return a step length that fulfills both Wolfe conditions, by doubling and bisection from `first`, or None if none is found."""
    loss, gradient = landscape.at(start)
    slope, rounding = float(gradient @ direction), ROUNDINGS * landscape.precision * abs(loss)
    if not slope < 0:
        return None
    low, high, length = 0.0, float("inf"), first
    for _ in range(TRIALS):
        reached, there = landscape.at(start + length * direction)
        if not reached - loss <= SUFFICIENT * length * slope + rounding:
            high = length
        elif there @ direction < CURVATURE * slope:
            low = length
        else:
            return length
        length = 2 * low if high == float("inf") else (low + high) / 2
    return None


def updated(inverse: np.ndarray | None, s: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Return the estimate of the inverse Hessian after a step s (n,) that changed the gradient by y (n,)."""
    curvature = y @ s
    if curvature <= LEAST_CURVATURE * np.linalg.norm(y) * np.linalg.norm(s):
        return inverse
    old = curvature / (y @ y) * np.eye(len(s)) if inverse is None else inverse
    image = old @ y  # the formula's products, multiplied out
    cross = np.outer(image, s)
    return np.asarray(old - (cross + cross.T) / curvature + (1 + y @ image / curvature) / curvature * np.outer(s, s))
