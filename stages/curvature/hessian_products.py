"""A loss of torch parameters as a surface: its Hessian's products with vectors, by differentiating the gradient once more."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch

from stages.curvature.landscape import flat


class TorchSurface:
    """The surface of a loss (stages/curvature/point_verdict.py), for loss functions of every kind that torch differentiates twice.

    loss_of: returns the loss with its graph at the present values of the parameters, which must be float64 leaves. n_rows: over which
    it is a mean. scale: the loss of outputs that are all 0.
    """

    def __init__(self, loss_of: Callable[[], torch.Tensor], parameters: Sequence[torch.Tensor], *, n_rows: int, scale: float) -> None:
        self._loss_of, self._parameters, self.n_rows, self.scale = loss_of, list(parameters), n_rows, scale
        self.point = flat([parameter.detach() for parameter in self._parameters]).cpu().numpy().astype(np.float64)

    def loss(self, weights: np.ndarray) -> float:
        """Return the loss at other weights."""
        own = [parameter.data for parameter in self._parameters]
        parts = torch.from_numpy(weights).to(own[0].device).split([values.numel() for values in own])
        try:
            for parameter, part in zip(self._parameters, parts, strict=True):
                parameter.data = part.view_as(parameter)  # no change in place: the gradient's graph needs the values of the point
            with torch.no_grad():
                return float(self._loss_of())
        finally:
            for parameter, values in zip(self._parameters, own, strict=True):
                parameter.data = values

    def gradient(self) -> np.ndarray:
        """Return the gradient at the point: float64 (n,)."""
        return self._gradient.detach().cpu().numpy()

    def product(self, vector: np.ndarray) -> np.ndarray:
        """Return the Hessian at the point times a vector (n,)."""
        if not self._gradient.requires_grad:  # of a linear loss
            return np.zeros_like(vector)
        direction = torch.from_numpy(vector).to(self._gradient.device)
        found = torch.autograd.grad(self._gradient, self._parameters, direction, retain_graph=True, materialize_grads=True)
        return flat(found).cpu().numpy()

    @cached_property
    def _gradient(self) -> torch.Tensor:
        with torch.enable_grad():
            found = torch.autograd.grad(self._loss_of(), self._parameters, create_graph=True, materialize_grads=True)
            return flat(found)
