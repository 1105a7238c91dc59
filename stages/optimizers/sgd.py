"""Stochastic gradient descent with momentum: v ← μ·v + g, θ ← θ − ε·v; v is 0 at first.

`torch.optim.SGD`. With momentum μ = 0 it is the lecture's rule on mini-batches; with `nesterov` θ ← θ − ε·(g + μ·v) instead.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class SgdSettings(Settings):
    momentum: float = Field(0.9, ge=0, lt=1, description="share μ of the last update that is kept; 0: none")
    nesterov: bool = Field(False, description="whether the gradient is followed from where the momentum leads; needs momentum above 0")

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return self


def make(parameters: Sequence["torch.Tensor"], settings: SgdSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return stochastic gradient descent."""
    from torch.optim import SGD

    return SGD(parameters, lr=learning_rate, momentum=settings.momentum, nesterov=settings.nesterov)


OPTIMIZER = Optimizer(
    name="sgd",
    title="SGD with momentum",
    settings=SgdSettings,
    make=make,
    full_batch=False,
    source="the lecture, Parameter Update Strategies; momentum: Sutskever et al. 2013, ICML, without their scaling of the gradient by ε",
)
