"""Training on a budget of rows, whatever the rule: what a method reaches with so many gradients of single rows."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stages.teaching.counted_losses import CountedLoss
from stages.teaching.small_networks import Recipe, train

if TYPE_CHECKING:
    import torch


class BudgetedCurve(NamedTuple):
    """steps: int (k,). passes: over all rows, of what was evaluated up to these steps (k,). losses: of all rows, (k, n_problems)."""

    steps: np.ndarray
    passes: np.ndarray
    losses: np.ndarray


def budgeted_curve(parameters: "Sequence[torch.Tensor]", losses_of: "Callable[[torch.Tensor], torch.Tensor]", n_rows: int, recipe: Recipe,
                   *, n_passes: float, seed: int, every: int = 1) -> BudgetedCurve:
    """Train parameters in place, and return the losses of all rows, which the budget does not count, at its start and after steps.

    Args:
        losses_of: returns the loss of each problem (n_problems,), of row numbers. n_passes: the budget, in multiples of all rows; costs are
            those of `CountedLoss`. every: steps between two looks at the losses of all rows; the last step is one.
    """
    import torch

    steps, passes, losses = [0], [0.0], []
    counted, n_done = CountedLoss(losses_of, parameters), 0

    def look() -> None:
        with torch.no_grad():
            losses.append(losses_of(torch.arange(n_rows)).numpy())

    def is_over(loss: float) -> bool:
        nonlocal n_done
        n_done += 1
        spent = counted.costs[-1] / n_rows
        if spent <= n_passes and (n_done % every == 0 or n_done == recipe.n_steps):
            steps.append(n_done)
            passes.append(spent)
            look()
        return spent >= n_passes

    look()
    train(parameters, counted, n_rows, recipe, seed=seed, until=is_over)
    return BudgetedCurve(np.array(steps), np.array(passes), np.array(losses))
