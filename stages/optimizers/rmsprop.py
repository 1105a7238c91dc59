"""RMSProp: c ← ρ·c + (1 − ρ)·g², θ ← θ − ε·g / (√c + δ); squares and roots by entry, c is 0 at first.

`torch.optim.RMSprop`, whose rule is the lecture's: its `cache` is c, its `decay_rate` is ρ and its `eps` is δ.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class RmspropSettings(Settings):
    decay_rate: float = Field(0.99, ge=0, lt=1, description="share ρ of the mean squared gradient that is kept at each step")
    eps: float = Field(1e-8, gt=0, description="δ, added to the root of the mean squared gradient")


def make(parameters: Sequence["torch.Tensor"], settings: RmspropSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return RMSProp."""
    from torch.optim import RMSprop

    return RMSprop(parameters, lr=learning_rate, alpha=settings.decay_rate, eps=settings.eps)


OPTIMIZER = Optimizer(
    name="rmsprop", title="RMSProp", settings=RmspropSettings, make=make, full_batch=False, source="the lecture, Adaptive Learning Rate"
)
