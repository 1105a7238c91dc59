"""Adam: running means of the gradient and of its square, both corrected for their start at 0.

m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², θ ← θ − ε·m̂ / (√v̂ + δ) with m̂ = m / (1 − β₁ᵏ) and v̂ = v / (1 − β₂ᵏ) at step k = 1, 2, …

`torch.optim.Adam`. The lecture's rule has no correction: `adam_uncorrected`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class AdamSettings(Settings):
    beta1: float = Field(0.9, ge=0, lt=1, description="share of the mean gradient that is kept at each step")
    beta2: float = Field(0.999, ge=0, lt=1, description="share of the mean squared gradient that is kept at each step")
    eps: float = Field(1e-8, gt=0, description="δ, added to the root of the mean squared gradient")


def make(parameters: Sequence["torch.Tensor"], settings: AdamSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return Adam."""
    from torch.optim import Adam

    # fused: one pass over each parameter instead of ten
    return Adam(parameters, lr=learning_rate, betas=(settings.beta1, settings.beta2), eps=settings.eps, fused=True)


OPTIMIZER = Optimizer(
    name="adam",
    title="Adam",
    settings=AdamSettings,
    make=make,
    full_batch=False,
    source="Kingma & Ba 2015, ICLR, arXiv:1412.6980, algorithm 1",
)
