"""Newton's step by conjugate gradients and halved step lengths, as a torch optimizer."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from stages.contracts.optimizer import LossClosure

SUFFICIENT, HALVINGS = 1e-4, 30  # share of the slope by which the loss must fall; most halvings of a step
ROUNDINGS = 10  # of the loss, by which it may seem to rise: next to a minimum that is all that it changes by
Product = Callable[[torch.Tensor], torch.Tensor]


class DampedNewton(torch.optim.Optimizer):
    """The rule of stages/optimizers/newton."""

    def __init__(self, parameters: Sequence[torch.Tensor], *, damping: float, tol: float, max_iter: int) -> None:
        super().__init__(parameters, {"lr": 1.0, "damping": damping, "tol": tol, "max_iter": max_iter})

    def step(self, closure: LossClosure) -> Any:  # type: ignore[override]
        """Do one update and return the loss before it."""
        (group,) = self.param_groups
        parameters = group["params"]
        with torch.enable_grad():
            loss = closure(backward=False)
            slopes = torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True)
            gradient = flat(slopes)

        def product(vector: torch.Tensor) -> torch.Tensor:
            """Return the damped Hessian times a vector (n,)."""
            if not gradient.requires_grad:  # a linear loss
                return group["damping"] * vector
            found = torch.autograd.grad(gradient, parameters, vector, retain_graph=True, materialize_grads=True)
            return flat(found) + group["damping"] * vector

        direction = solved(product, -gradient.detach(), tol=group["tol"], max_iter=group["max_iter"])
        self._move(closure, parameters, direction, loss.detach(), gradient.detach())
        return loss.detach()

    def _move(
        self, closure: LossClosure, parameters: list[torch.Tensor], direction: torch.Tensor, loss: torch.Tensor, gradient: torch.Tensor
    ) -> None:
        """Set the parameters to the end of the first step that lowers the loss enough, or leave them."""
        start, slope = flat(parameters).detach(), float(gradient @ direction)
        rounding = ROUNDINGS * torch.finfo(start.dtype).eps * abs(float(loss))
        for halvings in range(HALVINGS + 1):
            length = 0.5**halvings
            write(start + length * direction, parameters)
            with torch.no_grad():
                if float(closure(backward=False) - loss) <= SUFFICIENT * length * slope + rounding:
                    return
        write(start, parameters)


def flat(values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return tensors as one vector (n,)."""
    return torch.cat([value.reshape(-1) for value in values])


def write(vector: torch.Tensor, parameters: list[torch.Tensor]) -> None:
    """Set the parameters to the values of a vector (n,), in place."""
    with torch.no_grad():
        for parameter, values in zip(parameters, vector.split([parameter.numel() for parameter in parameters]), strict=True):
            parameter.copy_(values.view_as(parameter))


def solved(product: Product, right: torch.Tensor, *, tol: float, max_iter: int) -> torch.Tensor:
    """Return x (n,) with product(x) = right by conjugate gradients; see the module of the optimizer for when they end."""
    x, residual = torch.zeros_like(right), right.clone()
    direction, squared = residual.clone(), float(residual @ residual)
    enough = tol**2 * squared
    for _ in range(max_iter):
        if squared <= enough:
            break
        image = product(direction)
        curvature = float(direction @ image)
        if curvature <= 0:
            return x if x.any() else right
        x = x + squared / curvature * direction
        residual = residual - squared / curvature * image
        squared, before = float(residual @ residual), squared
        direction = residual + squared / before * direction
    return x
