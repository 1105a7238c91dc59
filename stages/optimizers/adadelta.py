"""Adadelta: steps whose unit is the parameters' own, from running means of squared gradients and of squared steps.

c ← ρ·c + (1 − ρ)·g², u ← √(d + δ) / √(c + δ) · g, d ← ρ·d + (1 − ρ)·u², θ ← θ − ε·u; by entry, c and d are 0 at first.

`torch.optim.Adadelta`. The paper has no learning rate: that is ε = 1.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class AdadeltaSettings(Settings):
    decay_rate: float = Field(0.9, ge=0, lt=1, description="share ρ of both running means that is kept at each step")
    eps: float = Field(1e-6, gt=0, description="δ, added below both roots; the first steps are of the size √δ")


def make(parameters: Sequence["torch.Tensor"], settings: AdadeltaSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return Adadelta."""
    from torch.optim import Adadelta

    return Adadelta(parameters, lr=learning_rate, rho=settings.decay_rate, eps=settings.eps)


OPTIMIZER = Optimizer(
    name="adadelta",
    title="Adadelta",
    settings=AdadeltaSettings,
    make=make,
    full_batch=False,
    source="the lecture, Adaptive Learning Rate, which names it; formula: Zeiler 2012, arXiv:1212.5701, algorithm 1",
)
