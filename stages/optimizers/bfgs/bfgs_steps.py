"""BFGS's step, as a torch optimizer."""

from collections.abc import Sequence
from typing import Any

import torch

from stages.contracts.optimizer import LossClosure
from stages.curvature.landscape import Landscape, dot, norm
from stages.curvature.step_length import first_length, wolfe_length

LEAST_CURVATURE = 1e-10  # of yᵀs, as a share of ‖y‖·‖s‖: less is rounding, and B is kept


class Bfgs(torch.optim.Optimizer):
    """The rule of stages/optimizers/bfgs."""

    def __init__(self, parameters: Sequence[torch.Tensor]) -> None:
        super().__init__(parameters, {"lr": 1.0})
        self.inverse: torch.Tensor | None = None  # B, (n, n); None before the first update

    def step(self, closure: LossClosure) -> Any:
        """Do one update and return the loss before it."""
        landscape = Landscape(closure, self.param_groups[0]["params"])
        start = landscape.values()
        loss, gradient = landscape.at(start)
        known = self.inverse is not None
        direction = -product(self.inverse, gradient) if self.inverse is not None else -gradient
        length = wolfe_length(landscape, start, direction, first=1.0 if known else first_length(gradient))
        if length is None:
            self.inverse = None
            landscape.write(start)
        else:
            end = start + length * direction
            self.inverse = updated(self.inverse, end - start, landscape.at(end)[1] - gradient)
        return torch.tensor(loss, dtype=torch.float64)


def updated(inverse: torch.Tensor | None, s: torch.Tensor, y: torch.Tensor) -> torch.Tensor | None:
    """Return the estimate of the inverse Hessian after a step s (n,) that changed the gradient by y (n,)."""
    curvature = dot(y, s)
    if curvature <= LEAST_CURVATURE * norm(y) * norm(s):
        return inverse
    old = curvature / dot(y, y) * torch.eye(len(s), dtype=s.dtype, device=s.device) if inverse is None else inverse
    image = product(old, y)
    cross = torch.outer(image, s)
    # the formula's products, multiplied out
    return old - (cross + cross.T) / curvature + (1 + dot(y, image) / curvature) / curvature * torch.outer(s, s)


def product(matrix: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
    """Return matrix (n, n) times vector (n,), the same whatever the number of threads."""
    return (matrix * vector).sum(dim=1)
