"""Adam as the lecture writes it, without the correction of the running means for their start at 0.

m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², θ ← θ − ε·m / (√v + δ); by entry, m and v are 0 at first.

At the first step m = (1 − β₁)·g and √v = √(1 − β₂)·|g|: with β₁ = 0.9 and β₂ = 0.999 the step is 3.2 times as long as `adam`'s. Both rules
near each other as β₂ᵏ vanishes, after some thousand steps.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class AdamUncorrectedSettings(Settings):
    beta1: float = Field(0.9, ge=0, lt=1, description="share of the mean gradient that is kept at each step")
    beta2: float = Field(0.999, ge=0, lt=1, description="share of the mean squared gradient that is kept at each step")
    eps: float = Field(1e-8, gt=0, description="δ, added to the root of the mean squared gradient")


def make(parameters: Sequence["torch.Tensor"], settings: AdamUncorrectedSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return the lecture's Adam."""
    from stages.optimizers.adam_uncorrected.uncorrected_moments import UncorrectedAdam

    return UncorrectedAdam(parameters, learning_rate, (settings.beta1, settings.beta2), eps=settings.eps)


OPTIMIZER = Optimizer(
    name="adam_uncorrected",
    title="Adam without bias correction",
    settings=AdamUncorrectedSettings,
    make=make,
    full_batch=False,
    source="the lecture, Adaptive Learning Rate",
)
