"""L-BFGS's step, as a torch optimizer."""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from stages.contracts.optimizer import LossClosure
from stages.curvature.landscape import Landscape, dot, norm
from stages.curvature.step_length import first_length, wolfe_length

LEAST_CURVATURE = 1e-10  # of yᵀs, as a share of ‖y‖·‖s‖: less is rounding, and the pair is left out
Pair = tuple[torch.Tensor, torch.Tensor]  # a step s (n,) and the change y (n,) of the gradient


class LimitedBfgs(torch.optim.Optimizer):
    """The rule of stages/optimizers/lbfgs."""

    def __init__(self, parameters: Sequence[torch.Tensor], *, history_size: int) -> None:
        super().__init__(parameters, {"lr": 1.0})
        self.pairs: deque[Pair] = deque(maxlen=history_size)

    def step(self, closure: LossClosure) -> Any:
        """Do one update and return the loss before it."""
        landscape = Landscape(closure, self.param_groups[0]["params"])
        start = landscape.values()
        loss, gradient = landscape.at(start)
        direction = -inverse_times(self.pairs, gradient)
        length = wolfe_length(landscape, start, direction, first=1.0 if self.pairs else first_length(gradient))
        if length is None:
            self.pairs.clear()
            landscape.write(start)
        else:
            end = start + length * direction
            s, y = end - start, landscape.at(end)[1] - gradient
            if dot(y, s) > LEAST_CURVATURE * norm(y) * norm(s):
                self.pairs.append((s, y))
        return torch.tensor(loss, dtype=torch.float64)


def inverse_times(pairs: Iterable[Pair], gradient: torch.Tensor) -> torch.Tensor:
    """Return the estimated inverse Hessian times the gradient (n,), by two loops over the pairs, oldest first."""
    known, result = list(pairs), gradient.clone()
    if not known:
        return result
    shares = []
    for s, y in reversed(known):
        shares.append(dot(s, result) / dot(y, s))
        result = result - shares[-1] * y
    s, y = known[-1]
    result = dot(y, s) / dot(y, y) * result
    for (s, y), share in zip(known, reversed(shares), strict=True):
        result = result + (share - dot(y, result) / dot(y, s)) * s
    return result
