"""A loss that counts what an optimizer computes of it: values, gradients and products with the Hessian, and the rows of each."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

PRODUCT_COST = 2  # of a product with the Hessian, in gradients: it differentiates a gradient


class CountedLoss:
    """Loss of rows that records every call.

    losses: the values of each call, float64 (…). costs: rows of all calls up to each, plus `PRODUCT_COST` times those of all products with
    the Hessian before it. A value counts as much as a gradient with its value. n_gradients, n_products: so far.
    """

    def __init__(self, loss_of: "Callable[[torch.Tensor], torch.Tensor]", parameters: "Sequence[torch.Tensor]") -> None:
        """Count a loss.

        Args:
            loss_of: returns the mean loss of rows, a scalar; or one loss of each of several independent problems (s,), which are
                optimized as one by their sum. One that is not finite is left out of it.
            parameters: leaves; the first one's derivatives are counted.
        """
        self._loss_of, self._rows, self._n_differentiations = loss_of, 0, 0
        self.losses: list[np.ndarray] = []
        self.costs: list[int] = []
        self.n_gradients = 0
        parameters[0].register_hook(self._differentiated)

    def __call__(self, rows: "torch.Tensor") -> "torch.Tensor":
        """Return the loss, or the sum of the losses."""
        each = self._loss_of(rows)
        total = each if each.ndim == 0 else each[each.detach().isfinite()].sum()
        if total.requires_grad:
            total.register_hook(self._gradient_computed)
        self._rows += len(rows)
        self.losses.append(each.detach().numpy().copy())
        self.costs.append(self._rows + PRODUCT_COST * self.n_products * len(rows))
        return total

    @property
    def n_products(self) -> int:
        return self._n_differentiations - self.n_gradients

    def calls_until(self, target: float) -> np.ndarray:
        """Return the number of the first call, from 1, whose loss is at most the target; inf of none: float64 (…)."""
        there = np.array(self.losses) <= target
        return np.where(there.any(axis=0), there.argmax(axis=0) + 1.0, np.inf)

    def cost_until(self, target: float) -> float:
        """Return the cost of the calls up to the first whose loss, a single one, is at most the target; inf if none is."""
        call = float(self.calls_until(target))
        return float(self.costs[int(call) - 1]) if np.isfinite(call) else np.inf

    def _gradient_computed(self, gradient: "torch.Tensor") -> None:
        self.n_gradients += 1

    def _differentiated(self, gradient: "torch.Tensor") -> None:
        self._n_differentiations += 1
