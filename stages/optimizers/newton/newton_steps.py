"""Newton's step by conjugate gradients and halved step lengths, as a torch optimizer."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from stages.contracts.optimizer import LossClosure
from stages.curvature.landscape import Landscape, dot, flat
from stages.curvature.step_length import SUFFICIENT, rounding_of

HALVINGS = 30  # most of a step
Product = Callable[[torch.Tensor], torch.Tensor]


class DampedNewton(torch.optim.Optimizer):
    """The rule of stages/optimizers/newton."""

    def __init__(self, parameters: Sequence[torch.Tensor], *, damping: float, tol: float, max_iter: int) -> None:
        super().__init__(parameters, {"lr": 1.0, "damping": damping, "tol": tol, "max_iter": max_iter})

    def step(self, closure: LossClosure) -> Any:
        """Do one update and return the loss before it."""
        (group,) = self.param_groups
        parameters = group["params"]
        with torch.enable_grad():
            loss = closure(backward=False)
            gradient = flat(torch.autograd.grad(loss, parameters, create_graph=True, materialize_grads=True))

        def product(vector: torch.Tensor) -> torch.Tensor:
            """Return the damped Hessian times a vector (n,)."""
            if not gradient.requires_grad:  # of a linear loss
                return group["damping"] * vector
            found = torch.autograd.grad(gradient, parameters, vector, retain_graph=True, materialize_grads=True)
            return flat(found) + group["damping"] * vector

        direction = solved(product, -gradient.detach(), tol=group["tol"], max_iter=group["max_iter"])
        move(closure, parameters, direction, slope=dot(gradient.detach(), direction))
        return loss.detach()


def move(closure: LossClosure, parameters: Sequence[torch.Tensor], direction: torch.Tensor, *, slope: float) -> None:
    """Set the parameters to the end of the longest of the halved steps that lowers the loss enough, or leave them."""
    landscape = Landscape(closure, parameters)
    start = landscape.values()
    with torch.no_grad():
        loss = float(closure(backward=False))
        for halvings in range(HALVINGS + 1):
            length = 0.5**halvings
            landscape.write(start + length * direction)
            if float(closure(backward=False)) - loss <= SUFFICIENT * length * slope + rounding_of(landscape, loss):
                return
    landscape.write(start)


def solved(product: Product, right: torch.Tensor, *, tol: float, max_iter: int) -> torch.Tensor:
    """Return x (n,) with product(x) = right by conjugate gradients; see the module of the optimizer for when they end."""
    x, residual = torch.zeros_like(right), right.clone()
    direction, squared = residual.clone(), dot(residual, residual)
    enough = tol**2 * squared
    for _ in range(max_iter):
        if squared <= enough:
            break
        image = product(direction)
        curvature = dot(direction, image)
        if not curvature > 0:  # or not a number, where the loss has no second derivative
            return x if bool(x.any()) else right
        x = x + squared / curvature * direction
        residual = residual - squared / curvature * image
        squared, before = dot(residual, residual), squared
        direction = residual + squared / before * direction
    return x
