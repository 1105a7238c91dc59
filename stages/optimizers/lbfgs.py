"""L-BFGS: θ ← θ + t·p, where p = −B·g is computed from the last m steps s and changes y of the gradient, and B is never built.

B is BFGS's estimate (stages/optimizers/bfgs) after its updates with these m pairs, begun at (yᵀs / yᵀy)·I of the last pair; before there is
one p = −g. t fulfills the strong Wolfe conditions (10⁻⁴ and 0.9); it is 1 where that does, and at the first step the smaller of 1 and
1 / ‖g‖₁. A pair with yᵀs ≤ 10⁻¹⁰ is left out. The learning rate is not used.

`torch.optim.LBFGS`, one iteration per step.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from stages.contracts.optimizer import Optimizer
from stages.contracts.settings import Settings

if TYPE_CHECKING:
    import torch

EVALUATIONS = 25  # most of the loss per step


class LbfgsSettings(Settings):
    history_size: int = Field(10, ge=1, description="number m of steps that are remembered")


def make(parameters: Sequence["torch.Tensor"], settings: LbfgsSettings, learning_rate: float) -> "torch.optim.Optimizer":
    """Return L-BFGS; the learning rate is not used."""
    from torch.optim import LBFGS

    return LBFGS(
        parameters, lr=1, max_iter=1, max_eval=EVALUATIONS, tolerance_grad=0, tolerance_change=0, history_size=settings.history_size,
        line_search_fn="strong_wolfe",
    )  # fmt: skip


OPTIMIZER = Optimizer(
    name="lbfgs",
    title="L-BFGS",
    settings=LbfgsSettings,
    make=make,
    full_batch=True,
    source="the lecture, How to follow the gradient, which names it; formula: Nocedal & Wright 2006, Numerical Optimization, algorithm 7.5",
    searches_step=True,
)
