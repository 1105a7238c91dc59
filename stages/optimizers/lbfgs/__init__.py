"""L-BFGS: θ ← θ + t·p with p = −B·g, where B·g is computed from the last m steps s and changes y of the gradient; B is never built.

B is BFGS's estimate (stages/optimizers/bfgs) after its updates with these m pairs, begun at (yᵀs / yᵀy)·I of the last pair; before there is
one p = −g. t is found as of BFGS. Where there is none, θ stays and the pairs are forgotten. The learning rate is not used.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch


class LbfgsSettings(Settings):
    history_size: int = Field(10, ge=1, description="number m of steps that are remembered")


def make(parameters: Sequence["torch.Tensor"], settings: LbfgsSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return L-BFGS; the learning rate is not used."""
    from stages.optimizers.lbfgs.limited_memory import LimitedBfgs

    return LimitedBfgs(parameters, history_size=settings.history_size)


OPTIMIZER = Optimizer(
    name="lbfgs",
    title="L-BFGS",
    settings=LbfgsSettings,
    make=make,
    full_batch=True,
    source="the lecture, How to follow the gradient, which names it; formula: Nocedal & Wright 2006, Numerical Optimization, algorithm 7.5",
    searches_step=True,
)
