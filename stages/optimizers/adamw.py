"""AdamW: Adam whose weight decay does not pass through the running means.

θ ← (1 − ε·λ)·θ, then Adam's step (stages/optimizers/adam.py) from there, with the gradient g at the θ before both.

`torch.optim.AdamW`. λ decays every parameter that is passed, biases included.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class AdamwSettings(Settings):
    beta1: float = Field(0.9, ge=0, lt=1, description="share of the mean gradient that is kept at each step")
    beta2: float = Field(0.999, ge=0, lt=1, description="share of the mean squared gradient that is kept at each step")
    eps: float = Field(1e-8, gt=0, description="δ, added to the root of the mean squared gradient")
    weight_decay: float = Field(0.01, ge=0, description="λ, the share of a parameter that a step of learning rate 1 takes off")


def make(parameters: Sequence["torch.Tensor"], settings: AdamwSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return AdamW."""
    from torch.optim import AdamW

    return AdamW(
        parameters, lr=learning_rate, betas=(settings.beta1, settings.beta2), eps=settings.eps, weight_decay=settings.weight_decay
    )


OPTIMIZER = Optimizer(
    name="adamw",
    title="AdamW",
    settings=AdamwSettings,
    make=make,
    full_batch=False,
    source="Loshchilov & Hutter 2019, ICLR, arXiv:1711.05101, algorithm 2 with a schedule of 1 and λ times the learning rate",
)
