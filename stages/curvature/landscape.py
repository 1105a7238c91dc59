"""A loss as a function of one vector, which all parameters are written into."""

from collections.abc import Sequence

import torch

from stages.contracts.optimizer import LossClosure

CHUNK = 4096  # values that are added one after the other


class Landscape:
    """Loss and gradient at vectors (n,) of the parameters' type and device; the last point is remembered."""

    def __init__(self, closure: LossClosure, parameters: Sequence[torch.Tensor]) -> None:
        self._closure, self._parameters = closure, parameters
        self._last: tuple[torch.Tensor, float, torch.Tensor] | None = None
        self.precision = torch.finfo(parameters[0].dtype).eps

    def values(self) -> torch.Tensor:
        """Return the parameters as a vector of its own."""
        return flat([parameter.detach() for parameter in self._parameters]).clone()

    def write(self, vector: torch.Tensor) -> None:
        """Set the parameters, in place."""
        with torch.no_grad():
            for parameter, values in zip(self._parameters, vector.split([p.numel() for p in self._parameters]), strict=True):
                parameter.copy_(values.view_as(parameter))

    def at(self, vector: torch.Tensor) -> tuple[float, torch.Tensor]:
        """Return loss and gradient at a vector, where the parameters are left; a parameter without a gradient has 0."""
        if self._last is None or not torch.equal(self._last[0], vector):
            self.write(vector)
            with torch.enable_grad():
                loss = float(self._closure().detach())
            slopes = [torch.zeros_like(p) if p.grad is None else p.grad.detach() for p in self._parameters]
            self._last = (vector.clone(), loss, flat(slopes).clone())
        return self._last[1:]


def flat(values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return tensors as one vector (n,)."""
    return torch.cat([value.reshape(-1) for value in values])


def dot(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the inner product of two vectors (n,), the same whatever the number of threads: BLAS shares one sum among them."""
    products = a * b
    whole = len(products) // CHUNK * CHUNK
    return float(products[:whole].reshape(-1, CHUNK).sum(dim=1).sum() + products[whole:].sum())


def norm(a: torch.Tensor) -> float:
    """Return the Euclidean length of a vector (n,)."""
    return dot(a, a) ** 0.5
