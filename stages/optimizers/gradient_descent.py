"""Gradient descent on the loss of all rows: θ ← θ − ε·g, where g is the gradient at θ and ε the learning rate.

`torch.optim.SGD` without momentum. On mini-batches the same rule is `sgd`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class GradientDescentSettings(Settings):
    """No settings."""


def make(parameters: Sequence["torch.Tensor"], settings: GradientDescentSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return plain gradient descent."""
    from torch.optim import SGD

    return SGD(parameters, lr=learning_rate)


OPTIMIZER = Optimizer(
    name="gradient_descent",
    title="gradient descent",
    settings=GradientDescentSettings,
    make=make,
    full_batch=True,
    source="the lecture, Parameter Update Strategies",
)
